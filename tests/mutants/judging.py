"""Running a machine on one seeded bug, and what its words come to."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from mutants.catalogue import Machine, Mutant
from mutants.seeding import ROOT, seed, sources

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MACHINE_S_MAX = 3_600
ENDING_S_MAX = 60
OUTPUT_LINES = 40
_VIOLATION = re.compile(r"^VIOLATION (\S+) after (\d+) schedules?\b", re.MULTILINE)


class Outcome(StrEnum):
    """What became of a bug. Only `FOUND` is good."""

    FOUND = "found"
    OTHERWISE = "found by another check"
    LATE = "found late"
    MISSED = "not found"
    BROKEN = "machine broke"
    TIMEOUT = "no end"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a machine said about a mutant: which property was violated, after how many schedules, if any was."""

    mutant: Mutant
    outcome: Outcome
    violated: str | None = None
    schedules: int | None = None
    seconds: float = 0.0
    words: str = ""


def command(machine: Machine, *, schedules: int, seed_number: int) -> list[str]:
    """Return how a machine is run for so many schedules from this seed on; it ends at the first violation."""
    match machine:
        case Machine.EXPLORE:
            wanted = ["--seed", str(seed_number), "--schedules", str(schedules)]
            # In one process, so that the number of schedules is the same each time.
            return ["explore", "--quick", *wanted, "--jobs", "1"]
        case Machine.SIMULATION:
            wanted = ["--schedules", str(schedules), "--first-seed", str(seed_number)]
            return ["simulation", *wanted, "--stop-at-first", "--workers", "1"]


def examine(mutant: Mutant, copy: Path, *, seed_number: int) -> Verdict:
    """Make the copy with the bug, run its machine on it, and judge.

    Raises:
        PatchDoesNotApply: the shipped code is not what the patch was made for.
    """
    seed(mutant, copy)
    began = time.monotonic()
    wanted = command(mutant.machine, schedules=mutant.schedules, seed_number=seed_number)
    try:
        ended = launched(copy, wanted)
    except subprocess.TimeoutExpired as expired:
        took = time.monotonic() - began
        return Verdict(mutant=mutant, outcome=Outcome.TIMEOUT, seconds=took, words=_tail(str(expired.output)))
    return judge(mutant, ended.returncode, ended.stdout, seconds=time.monotonic() - began)


def launched(copy: Path, machine: list[str], timeout_s: float = MACHINE_S_MAX) -> subprocess.CompletedProcess[str]:
    """Run a machine on a copy, standard error among its output.

    Raises:
        subprocess.TimeoutExpired: it was ended, with what it had said.
    """
    words = [sys.executable, "-m", "mutants.launch", str(copy), *machine]
    given = environment(copy, os.environ)
    with subprocess.Popen(
        words, cwd=ROOT, env=given, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as running:
        try:
            said, _ = running.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired as expired:
            # As Ctrl-C does, so that it stops the servers that it has started.
            running.send_signal(signal.SIGINT)
            try:
                said, _ = running.communicate(timeout=ENDING_S_MAX)
            except subprocess.TimeoutExpired:
                running.kill()
                said, _ = running.communicate()
            raise subprocess.TimeoutExpired(words, timeout_s, said) from expired
        except BaseException:
            running.send_signal(signal.SIGINT)
            raise
    return subprocess.CompletedProcess(words, running.returncode, said)


def environment(copy: Path, inherited: Mapping[str, str]) -> dict[str, str]:
    """Return an environment in which the copy comes before everything that is installed."""
    paths = [str(path) for path in (*sources(copy), ROOT / "tests")]
    return {**inherited, "PYTHONPATH": os.pathsep.join(paths), "PYTHONDONTWRITEBYTECODE": "1"}


def judge(mutant: Mutant, status: int, words: str, *, seconds: float = 0.0) -> Verdict:
    """Hold what a machine said against what the bug's patch demands."""
    said = _VIOLATION.findall(words)
    if not said:
        outcome = Outcome.MISSED if status == 0 else Outcome.BROKEN
        return Verdict(mutant=mutant, outcome=outcome, seconds=seconds, words=_tail(words))
    violated, schedules = said[-1][0], int(said[-1][1])
    if status == 0:
        outcome = Outcome.BROKEN
    elif schedules > mutant.schedules:
        outcome = Outcome.LATE
    elif violated not in mutant.properties:
        outcome = Outcome.OTHERWISE
    else:
        outcome = Outcome.FOUND
    return Verdict(
        mutant=mutant,
        outcome=outcome,
        violated=violated,
        schedules=schedules,
        seconds=seconds,
        words="" if outcome is Outcome.FOUND else _tail(words),
    )


def _tail(words: str) -> str:
    return "\n".join(words.splitlines()[-OUTPUT_LINES:])
