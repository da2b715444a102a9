"""What `make up` prints: who there is, what they can do, where everything listens and how to look after it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


def tell(line: str, end: str = "\n") -> None:
    """Print a line; whoever stops reading, such as `make up | head`, ends nothing but the printing."""
    try:
        print(line, end=end, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def lines(known: Mapping[str, Any], *, file: Path) -> Iterator[str]:
    """Return what is to be known of a running system: `known` is what its file `file` says."""
    yield from ("", "Who there is:", "")
    people = [(name, one["role"], one["story"], _short(one["token_file"])) for name, one in known["people"].items()]
    yield from _table(("name", "role", "in the story", "token"), people)
    yield from ("", "The reviews, as they were at the start:", "")
    reviews = [(one["employee"], one["manager"], one["story"], one["review_id"]) for one in known["reviews"]]
    yield from _table(("of", "by", "state", "review id"), reviews)
    yield from ("", "The services, their operations, and the figures of their loops (relay, consumer, jobs):", "")
    background = known["background"]
    services = [(name, url, f"{url}/docs", f"{background[name]}/metrics") for name, url in known["services"].items()]
    yield from _table(("service", "address", "operations", "figures of background"), services)
    yield ""
    yield f"  Kafka        {known['kafka']}   (docs/events.md says what is on it)"
    yield f"  PostgreSQL   {known['postgres']}   (one database each; {_short(known['environments'])}/* name the users)"
    yield f"  Mails        {_short(known['mails'])}"
    yield from ("", "Try:", "")
    review_id, urls = known["review_ids"][0], known["services"]
    for who, url in (
        ("anna", f"{urls['packets']}/v1/packets/{review_id}"),
        ("max", f"{urls['notifications']}/v1/tasks"),
        ("helen", f"{urls['packets']}/v1/packets"),
    ):
        yield f'  curl -s -H "Authorization: Bearer $(cat {known["people"][who]["token_file"]})" {url}'
    yield f"  (set -a; . {known['environments']}/packets; {Path(sys.executable).parent}/review-packets check)"
    yield ""
    yield f"All of this is in {file}; after sourcing {_short(known['environments'])}/<service>, as in the last line,"
    yield "every verb in shared/README.md (check, dlq, …) runs against this system. `make down` stops it."


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    for row in (head, *rows):
        yield "  " + "  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)).rstrip()


def _short(path: str) -> str:
    """Return the path as one would type it here."""
    here = Path.cwd()
    return str(Path(path).relative_to(here)) if Path(path).is_relative_to(here) else path
