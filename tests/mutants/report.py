"""The table of what was found by whom, and its place in docs/mutants.md."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mutants.judging import Outcome
from mutants.seeding import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from mutants.judging import Verdict

DOCUMENT = ROOT / "docs" / "mutants.md"
BEGIN, END = "<!-- table: written by `python -m mutants --write` -->", "<!-- end of the table -->"
_HEAD = (
    "| Bug | What it is | Found by | Check | After schedules | Allowed | Seconds |",
    "|---|---|---|---|---|---|---|",
)


def line(verdict: Verdict) -> str:
    """Say in one line for a terminal what became of a bug."""
    found = "" if verdict.violated is None else f": {verdict.violated} after {verdict.schedules} schedules"
    return f"{verdict.outcome.value}{found} ({verdict.mutant.machine.value}, {verdict.seconds:.0f} s)"


def table(verdicts: Iterable[Verdict]) -> str:
    """The verdicts as a Markdown table."""
    return "\n".join([*_HEAD, *(_row(verdict) for verdict in verdicts)])


def names_in(document: Path = DOCUMENT) -> list[str]:
    """The bugs that the document's table lists."""
    rows = _split(document.read_text(encoding="utf-8"))[1].splitlines()
    return [row.split("`")[1] for row in rows if row.startswith("| `")]


def write(verdicts: Sequence[Verdict], document: Path = DOCUMENT) -> None:
    """Put the table into the document, in place of the one that is there."""
    before, _, after = _split(document.read_text(encoding="utf-8"))
    document.write_text(f"{before}{BEGIN}\n{table(verdicts)}\n{END}{after}", encoding="utf-8")


def _split(text: str) -> tuple[str, str, str]:
    before, begin, rest = text.partition(BEGIN)
    between, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError("the document has no place for the table")
    return before, between, after


def _row(verdict: Verdict) -> str:
    mutant = verdict.mutant
    check = verdict.violated or "none"
    after = "none" if verdict.schedules is None else f"{verdict.schedules:,}"
    who = mutant.machine.value if verdict.outcome is Outcome.FOUND else f"**{verdict.outcome.value}**"
    cells = (f"`{mutant.name}`", mutant.bug, who, check, after, f"{mutant.schedules:,}", f"{verdict.seconds:.0f}")
    return f"| {' | '.join(cells)} |"
