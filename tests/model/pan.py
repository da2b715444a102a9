"""Spin's verifier: built from a model with gcc, run within limits, its output read."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

# A search that needs more has not been finished, which is a failure and never a pass.
MEMORY_MB_MAX = 3_000
DEPTH_MAX = 100_000
RUN_S_MAX = 900
BUILD_S_MAX = 120

NEEDED = {"spin": "spin", "gcc": "gcc libc6-dev"}
STORY_LINE = "- "

_STATES = re.compile(r"^\s*([\d.e+]+) states, stored", re.MULTILINE)
_ERRORS = re.compile(r"State-vector \d+ byte, depth reached (\d+), errors: (\d+)")
_SECONDS = re.compile(r"pan: elapsed time ([\d.e+]+) seconds")
_MEGABYTES = re.compile(r"([\d.]+)\s+total actual memory usage")
_UNREACHED = re.compile(r'^\t(\S+):(\d+), state (\d+), "(.*)"$', re.MULTILINE)
_STEP = re.compile(r"// STATE (\d+) - (\S+):(\d+) - \[\(1\)\]")
_VIOLATED = re.compile(r"pan:\d+: assertion violated (.*) \(at depth \d+\)")
_PROPERTY = re.compile(r"\|\|\s*!\((\d+)\)\)\s*$")
_NAMED = re.compile(r"^\s*mtype\s+(\w+):\s*(\d+)\s*$", re.MULTILINE)
_LIST = re.compile(r"mtype:property\s*=\s*\{(.*?)\}", re.DOTALL)
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)


class ToolMissingError(Exception):
    """A program that is needed is not installed; says which package has it."""


class ModelBrokenError(Exception):
    """The model could not be translated or compiled; says what the tool said."""


class SearchIncompleteError(Exception):
    """The search did not come to its end, so nothing is proven; says which limit it met."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a search found. `violated`: the property's name, None if all states were seen and all is well.

    `story`: the steps that lead to the violation, in words. `unreached`: lines of the model that were never executed.
    """

    states: int
    depth: int
    seconds: float
    megabytes: float
    unreached: tuple[str, ...] = ()
    violated: str | None = None
    story: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """One search: which model, with which definitions; shortest counterexample first, or fast and deep."""

    model: Path
    defines: tuple[str, ...] = ()
    shortest: bool = False
    cycles: bool = False
    memory_mb: int = MEMORY_MB_MAX
    depth: int = DEPTH_MAX


def require_tools() -> None:
    """See that everything is installed.

    Raises:
        ToolMissingError: something is not.
    """
    missing = [package for tool, package in NEEDED.items() if shutil.which(tool) is None]
    if missing:
        raise ToolMissingError(
            f"The model needs {' and '.join(NEEDED)}. On Debian: apt-get install {' '.join(missing)}"
        )


def run(search: Search, folder: Path) -> Outcome:
    """Build the search in `folder`, which is nobody else's, and run it to its end or its first error.

    Raises:
        ModelBrokenError: it could not be built.
        SearchIncompleteError: a limit of depth, memory or time was met first.
    """
    _build(search, folder)
    # The table of states grows by itself; it starts at 2^22 entries.
    limits = ["-w22", f"-m{search.depth}", *(["-l"] if search.cycles else [])]
    try:
        said = _call(["./pan", *limits], folder, RUN_S_MAX)
    except subprocess.TimeoutExpired:
        raise SearchIncompleteError(f"not finished after {RUN_S_MAX} s") from None
    outcome = read(said)
    if outcome.violated is None:
        return replace(outcome, unreached=unreached(said, (folder / "pan.m").read_text()))
    trail = f"{search.model.name}.trail"
    return told(outcome, _call(["./pan", "-r", trail], folder, RUN_S_MAX), names(search.model))


def read(said: str) -> Outcome:
    """Read what a search printed; `violated` is still the number by which Spin knows the property.

    Raises:
        SearchIncompleteError: it met a limit, or printed no result at all.
    """
    found = _ERRORS.search(said)
    for limit in ("max search depth too small", "MEMLIM bound", "out of memory", "VECTORSZ", "hashtable is full"):
        if limit in said:
            raise SearchIncompleteError(limit)
    if found is None:
        raise SearchIncompleteError(" ".join(said.split())[-300:] or "no result")
    errors = int(found[2])
    violated = _violation(said) if errors else None
    if errors == 0 and "Search not completed" in said:
        raise SearchIncompleteError("the search was not completed")
    return Outcome(
        states=int(_number(_STATES, said)),
        depth=int(found[1]),
        seconds=_number(_SECONDS, said),
        megabytes=_number(_MEGABYTES, said),
        violated=violated,
    )


def told(outcome: Outcome, replayed: str, properties: Sequence[str]) -> Outcome:
    """Give the outcome the property's name and the story, from the replay of its counterexample."""
    numbers = {number: name for name, number in _NAMED.findall(replayed) if name in properties}
    story = tuple(
        line.removeprefix(STORY_LINE) for line in map(str.strip, replayed.splitlines()) if line.startswith(STORY_LINE)
    )
    assert outcome.violated is not None
    return replace(outcome, violated=numbers.get(outcome.violated, outcome.violated), story=story)


def unreached(said: str, transitions: str) -> tuple[str, ...]:
    """The lines of the model that were never executed.

    Spin does not count what is inside of a d_step, so each step of the model is followed by a skip, which it does. Of a
    line that lists a step several times, for each message that may come, one is enough. `transitions`: pan.m.
    """
    never = {(path, line, state) for path, line, state, _ in _UNREACHED.findall(said)}
    lines = {(path, line) for path, line, _ in never}
    lines -= {(path, line) for state, path, line in _STEP.findall(transitions) if (path, line, state) not in never}
    return tuple(f"{Path(path).name}:{line} {_line(path, line)}" for path, line in sorted(lines))


def names(model: Path) -> tuple[str, ...]:
    """The properties that the model, or a file beside it, declares as `mtype:property`."""
    for path in sorted(model.parent.glob("*.pml")):
        declared = _LIST.search(_COMMENT.sub("", path.read_text()))
        if declared:
            return tuple(re.findall(r"\w+", declared[1]))
    return ()


def _build(search: Search, folder: Path) -> None:
    defines = [f"-D{each}" for each in search.defines]
    translated = _call(["spin", *defines, "-a", str(search.model.resolve())], folder, BUILD_S_MAX)
    if not (folder / "pan.c").exists() or "Error" in translated:
        raise ModelBrokenError(translated.strip())
    kind = ["-DNP"] if search.cycles else ["-DSAFETY"]
    order = ["-DBFS"] if search.shortest else []
    options = ["-O1", "-w", "-DNOFAIR", f"-DMEMLIM={search.memory_mb}", *kind, *order]
    compiled = _call(["gcc", *options, "-o", "pan", "pan.c"], folder, BUILD_S_MAX)
    if not (folder / "pan").exists():
        raise ModelBrokenError(compiled.strip()[:2_000])


def _line(path: str, line: str) -> str:
    return Path(path).read_text().splitlines()[int(line) - 1].strip()


def _violation(said: str) -> str:
    violated = _VIOLATED.search(said)
    if violated is None:
        first = re.search(r"^pan:\d+: (.*)$", said, re.MULTILINE)
        return first[1] if first else "an error that was not named"
    number = _PROPERTY.search(violated[1])
    return number[1] if number else violated[1]


def _number(pattern: re.Pattern[str], said: str) -> float:
    found = pattern.search(said)
    return float(found[1]) if found else 0.0


def _call(command: Sequence[str], folder: Path, seconds: int) -> str:
    done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True, timeout=seconds)
    return done.stdout + done.stderr
