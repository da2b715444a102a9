"""Seeds worth playing in every run: what they came to is rare, or was a defect once.

A seed tells its story only as long as the commands and faults are what they were. Whether a kept one still comes to
its fault is said by every run of `python -m simulation`; one that does not is to be replaced.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

_FILE = Path(__file__).with_name("seeds.toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A seed, the fault that it comes to, and its story in a sentence."""

    seed: int
    fault: str
    story: str


def kept_seeds() -> list[Kept]:
    """Return them in the order of the file."""
    rows = tomllib.loads(_FILE.read_text(encoding="utf-8")).get("seed", [])
    return [Kept(seed=row["number"], fault=row["fault"], story=row["story"]) for row in rows]
