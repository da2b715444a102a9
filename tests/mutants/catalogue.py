"""The seeded bugs: one patch file each, headed by what it is and who has to find it how fast."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from mutants.patching import Hunk, hunks

PATCHES = Path(__file__).with_name("patches")
_HEADER = re.compile(r"^([a-z]+): (.+)$")
_NAME = re.compile(r"^[a-z0-9]+(-[a-z0-9]+)*$")
FIELDS = ("name", "bug", "machine", "schedules", "property")


class Machine(StrEnum):
    """Who has to find a bug: the exploration of the pure domain, or the simulation of whole services."""

    EXPLORE = "explore"
    SIMULATION = "simulation"


class BadHeader(ValueError):
    """A patch is not headed as it must be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One seeded bug. `schedules`: within how many it must be found; `properties`: one of these must be what fails."""

    name: str
    bug: str
    machine: Machine
    schedules: int
    properties: frozenset[str]
    changes: tuple[Hunk, ...]


def read(text: str) -> Mutant:
    """Read a patch: a line for each of `FIELDS` in this order, an empty line, the diff.

    Raises:
        BadHeader, ValueError: it is none.
    """
    header, _, diff = text.partition("\n\n")
    matches = [_HEADER.match(line) for line in header.splitlines()]
    said = {match[1]: match[2].strip() for match in matches if match}
    if tuple(said) != FIELDS or len(matches) != len(FIELDS):
        raise BadHeader(f"a patch begins with the lines {', '.join(FIELDS)}, not {header!r}")
    if not _NAME.match(said["name"]) or not said["bug"].endswith(".") or not said["schedules"].isdigit():
        raise BadHeader(f"{said['name']}: a kebab-case name, a whole sentence and a number of schedules are needed")
    return Mutant(
        name=said["name"],
        bug=said["bug"],
        machine=Machine(said["machine"]),
        schedules=int(said["schedules"]),
        properties=frozenset(said["property"].split()),
        changes=hunks(diff),
    )


def mutants(folder: Path = PATCHES) -> tuple[Mutant, ...]:
    """Every seeded bug, those for exploration first, each kind by name."""
    found = [(file, read(file.read_text(encoding="utf-8"))) for file in folder.glob("*.patch")]
    for file, mutant in found:
        if file.stem != mutant.name:
            raise BadHeader(f"{file.name} calls itself {mutant.name}")
    return tuple(sorted((mutant for _, mutant in found), key=lambda one: (one.machine, one.name)))
