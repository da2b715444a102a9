"""Unified diffs, applied to a tree without any tool; what does not fit exactly is refused.

A hunk is searched for where it says it is and, since code moves, elsewhere, if it occurs there only once.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

_TARGET = re.compile(r"^\+\+\+ b/(\S+)$")
_HUNK = re.compile(r"^@@ -(\d+)(?:,\d+)? \+\d+(?:,\d+)? @@")


class PatchDoesNotApply(Exception):
    """The tree is not the one that the patch was made for: the patch must be made anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hunk:
    """`old` lines of `path`, from line `start` (counted from 1), become `new` ones."""

    path: str
    start: int
    old: tuple[str, ...]
    new: tuple[str, ...]

    def reversed(self) -> Hunk:
        """The hunk that takes this one back."""
        return Hunk(path=self.path, start=self.start, old=self.new, new=self.old)


def hunks(diff: str) -> tuple[Hunk, ...]:
    """Read the hunks of a unified diff with `a/` and `b/` before its paths; lines before the first file are skipped.

    Raises:
        ValueError: there is no hunk, or one that changes nothing.
    """
    found: list[tuple[str, int, list[str], list[str]]] = []
    path = ""
    for line in diff.splitlines():
        if target := _TARGET.match(line):
            path = target[1]
        elif begin := _HUNK.match(line):
            found.append((path, int(begin[1]), [], []))
        elif found and path and line[:1] in {" ", "-", "+"} and not line.startswith("--- a/"):
            _, _, old, new = found[-1]
            if line[0] != "+":
                old.append(line[1:])
            if line[0] != "-":
                new.append(line[1:])
    read = tuple(Hunk(path=path, start=start, old=tuple(old), new=tuple(new)) for path, start, old, new in found)
    if not read or any(each.old == each.new or not each.path for each in read):
        raise ValueError("a patch has hunks, and each of them changes a file")
    return read


def patched(root: Path, changes: Iterable[Hunk]) -> dict[str, str]:
    """Return what the files under `root` would be after these changes, by path; nothing is written.

    Raises:
        PatchDoesNotApply: a file is missing, or a hunk fits nowhere, or in several places other than its own.
    """
    by_path: dict[str, list[Hunk]] = defaultdict(list)
    for hunk in changes:
        by_path[hunk.path].append(hunk)
    return {path: _file(root, path, found) for path, found in by_path.items()}


def _file(root: Path, path: str, found: Sequence[Hunk]) -> str:
    file = root / path
    if not file.is_file():
        raise PatchDoesNotApply(f"{path} does not exist")
    lines = file.read_text(encoding="utf-8").splitlines()
    # From the last to the first, so that each stands where its number says.
    for hunk in sorted(found, key=lambda one: one.start, reverse=True):
        at = _place(lines, hunk)
        lines[at : at + len(hunk.old)] = hunk.new
    return "".join(f"{line}\n" for line in lines)


def _place(lines: Sequence[str], hunk: Hunk) -> int:
    size = len(hunk.old)
    places = [at for at in range(len(lines) - size + 1) if tuple(lines[at : at + size]) == hunk.old]
    if hunk.start - 1 in places:
        return hunk.start - 1
    if len(places) != 1:
        raise PatchDoesNotApply(f"{hunk.path}:{hunk.start}: the lines are found {len(places)} times elsewhere")
    return places[0]
