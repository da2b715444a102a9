"""What a benchmark gives: figures with their bars, and the raw baseline of the same run."""

from __future__ import annotations

import json
import statistics
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured figure. `bar` is what it must reach: at most, or at least where `at_least`."""

    name: str
    value: float
    unit: str
    raw: float | None = None
    bar: float | None = None
    at_least: bool = False

    @property
    def reached(self) -> bool | None:
        """Say whether the bar is reached; None where there is none."""
        if self.bar is None:
            return None
        return self.value >= self.bar if self.at_least else self.value <= self.bar


def percentile(values: Sequence[float], percent: float) -> float:
    """Return a percentile (0 … 100) by the nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def median(values: Sequence[float]) -> float:
    """Return the median."""
    return statistics.median(values)


def write(folder: Path, bench: str, figures: Sequence[Figure]) -> None:
    """Write a benchmark's figures to `<bench>.json`."""
    folder.mkdir(parents=True, exist_ok=True)
    content = {"bench": bench, "figures": [{**asdict(one), "reached": one.reached} for one in figures]}
    (folder / f"{bench}.json").write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def table(folder: Path) -> str:
    """Return all figures of the folder as a table in Markdown."""
    lines = ["| Figure | Here | Raw, same run | Bar | Reached |", "|---|---|---|---|---|"]
    for path in sorted(folder.glob("*.json")):
        for one in json.loads(path.read_text(encoding="utf-8"))["figures"]:
            sign = "≥" if one["at_least"] else "≤"
            bar = "" if one["bar"] is None else f"{sign} {_number(one['bar'])} {one['unit']}"
            raw = "" if one["raw"] is None else f"{_number(one['raw'])} {one['unit']}"
            reached = {True: "yes", False: "**no**", None: ""}[one["reached"]]
            lines.append(f"| {one['name']} | {_number(one['value'])} {one['unit']} | {raw} | {bar} | {reached} |")
    return "\n".join(lines) + "\n"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
