"""The seeds of every defect that was found, with a sentence each; every run plays them first."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

_FILE = Path(__file__).with_name("seeds.toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A seed, and what it found."""

    seed: int
    found: str


def kept_seeds() -> list[Kept]:
    """Return them in the order in which they were found."""
    rows = tomllib.loads(_FILE.read_text(encoding="utf-8")).get("seed", [])
    return [Kept(seed=row["number"], found=row["found"]) for row in rows]
