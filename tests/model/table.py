"""The tables in docs/model/README.md: of configurations, and of mistakes with what was measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from model.configurations import Configuration
    from model.mistakes import Mistake
    from model.pan import Outcome

CONFIGURATIONS = "configurations"
MISTAKES = "mistakes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A mistake and what its search came to."""

    mistake: Mistake
    outcome: Outcome

    @property
    def as_expected(self) -> bool:
        """A mistake is caught by a property of the protocol; an equivalent one is not."""
        if self.mistake.equivalent is not None:
            return self.outcome.violated is None
        return self.outcome.violated not in {None, "wide_enough"} and bool(self.outcome.story)


class TableMissingError(Exception):
    """The document has no place for the table."""


def configurations(each: Iterable[Configuration]) -> str:
    """The table of configurations."""
    lines = ["| Configuration | What it looks at | Bounds | Runs |", "|---|---|---|---|"]
    lines += [
        f"| `{one.name}` | {one.about} | {' '.join(one.defines)} | {'always' if one.always else '`ALL=1`'} |"
        for one in each
    ]
    return "\n".join(lines)


def mistakes(findings: Iterable[Finding]) -> str:
    """The table of mistakes, and after it why some are none."""
    found = list(findings)
    lines = ["| Mistake | What is done instead | Breaks | After |", "|---|---|---|---|"]
    lines += [
        f"| `{one.mistake.title}` | {one.mistake.about} | {one.outcome.violated} | {len(one.outcome.story)} steps |"
        for one in found
        if one.mistake.equivalent is None
    ]
    lines += ["", "No mistakes after all: nothing breaks in any state that these can reach.", ""]
    lines += [
        f"- `{one.mistake.title}`, {one.mistake.about}: {one.mistake.equivalent}."
        for one in found
        if one.mistake.equivalent is not None
    ]
    return "\n".join(lines)


def written(document: str, name: str, table: str) -> str:
    """The document with this table in the place of its name.

    Raises:
        TableMissingError: it has no such place.
    """
    begin, end = f"<!-- {name}: written by `python -m model --write` -->", f"<!-- /{name} -->"
    if begin not in document or end not in document:
        raise TableMissingError(f"the document has no place for its {name}")
    before, rest = document.split(begin, 1)
    return f"{before}{begin}\n\n{table}\n\n{end}{rest.split(end, 1)[1]}"
