"""What was met of the state tables, drawn as those tables, and what was not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explore.cells import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from explore.cells import Met

# Cells that the rules themselves keep from being met; each with the rule that is asserted instead.
_NOBODY_WAITS = "nobody waits for a fence that its register has passed (asserted in every state as S6)"
ARGUED: Mapping[tuple[str, str, str], str] = {
    ("packets", "releasing", "superseded"): _NOBODY_WAITS,
    ("packets", "unreleasing", "superseded"): _NOBODY_WAITS,
    ("signature", "pending", "superseded"): _NOBODY_WAITS,
    ("signature", "revoking", "superseded"): _NOBODY_WAITS,
    ("completion", "pending", "superseded"): _NOBODY_WAITS,
    ("completion", "revoking", "superseded"): _NOBODY_WAITS,
}


def drawn(met: Mapping[Met, int]) -> str:
    """The tables: for each state and input, how often it led where; a row of the world counts once."""
    lines: list[str] = []
    for table, cells in TABLES.items():
        inputs = dict.fromkeys(asked for _, asked in cells)
        states = dict.fromkeys(state for state, _ in cells)
        lines += ["", table.upper()]
        for asked in inputs:
            lines.append(f"  {asked}")
            for state in states:
                if (state, asked) in cells:
                    lines.append(f"    {state:13} {_led(met, table, state, asked)}")
    return "\n".join(lines)


def missing(met: Mapping[Met, int]) -> list[str]:
    """The cells where something that they can lead to was never met."""
    return list(_missing(met))


def _missing(met: Mapping[Met, int]) -> Iterator[str]:
    for table, cells in TABLES.items():
        for (state, asked), cell in cells.items():
            if (table, state, asked) in ARGUED:
                continue
            for result in sorted(cell.must):
                if not met.get((table, state, asked, result)):
                    yield f"{table}: {asked} in {state} leads to {result}"


def _led(met: Mapping[Met, int], table: str, state: str, asked: str) -> str:
    found = {key[3]: count for key, count in met.items() if key[:3] == (table, state, asked)}
    words = [f"{result} {count}" for result, count in sorted(found.items(), key=lambda each: -each[1])]
    argued = ARGUED.get((table, state, asked))
    return " · ".join(words) if words else f"never: {argued}" if argued else "NEVER"
