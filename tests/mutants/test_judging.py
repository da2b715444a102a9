"""What a machine says about a seeded bug, on which code it runs, and what is written down of it."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from mutants import report
from mutants.__main__ import main
from mutants.catalogue import Machine, Mutant, mutants
from mutants.judging import Outcome, Verdict, command, judge, launched
from mutants.launch import NOT_THE_COPY
from mutants.seeding import ROOT, seed

if TYPE_CHECKING:
    from pathlib import Path

DROPPED = "command.fence < register.fence"
# The standard library's `inspect`, run as a program, prints the source of a module as it imports it.
SHOW = ["inspect", "assessment.domain.holds"]


def bug(name: str = "fence-not-compared") -> Mutant:
    return next(one for one in mutants() if one.name == name)


def expecting(schedules: int, *properties: str) -> Mutant:
    return Mutant(
        name="made-up",
        bug="Made up.",
        machine=Machine.SIMULATION,
        schedules=schedules,
        properties=frozenset(properties),
        changes=(),
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return seed(bug(), tmp_path / "copy")


@pytest.mark.parametrize(
    ("status", "words", "outcome"),
    [
        (1, "VIOLATION S1 after 7 schedules (seed 8)", Outcome.FOUND),
        (1, "much\nVIOLATION S2 after 10 schedules\nmore", Outcome.FOUND),
        (1, "VIOLATION S2 after 1 schedule", Outcome.FOUND),
        (1, "VIOLATION S1 after 11 schedules", Outcome.LATE),
        (1, "VIOLATION S9 after 7 schedules", Outcome.OTHERWISE),
        (0, "VIOLATION S1 after 7 schedules", Outcome.BROKEN),
        (0, "10 schedules, nothing found", Outcome.MISSED),
        (1, "Traceback", Outcome.BROKEN),
    ],
)
def test_a_bug_counts_as_found_if_the_right_check_fails_soon_enough(status: int, words: str, outcome: Outcome) -> None:
    assert judge(expecting(10, "S1", "S2"), status, words).outcome is outcome


def test_what_a_machine_said_is_kept_unless_all_is_as_expected() -> None:
    assert judge(expecting(10, "S1"), 1, "VIOLATION S1 after 7 schedules").words == ""
    assert judge(expecting(10, "S1"), 1, "Traceback").words == "Traceback"


@pytest.mark.parametrize("machine", Machine)
def test_a_machine_is_run_for_as_many_schedules_as_the_bug_has(machine: Machine) -> None:
    words = command(machine, schedules=77, seed_number=5)
    assert words[0] == machine.value
    assert words[words.index("--schedules") + 1] == "77"


def test_a_machine_runs_on_the_copy_with_the_bug(copy: Path) -> None:
    shipped = (ROOT / "services/assessment/src/assessment/domain/holds.py").read_text(encoding="utf-8")
    shown = launched(copy, SHOW)
    assert shown.returncode == 0, shown.stdout
    assert DROPPED in shipped
    assert "def apply_hold" in shown.stdout
    assert DROPPED not in shown.stdout


def test_a_machine_that_does_not_end_is_ended_and_what_it_said_is_kept(copy: Path) -> None:
    with pytest.raises(subprocess.TimeoutExpired) as ended:
        launched(copy, ["http.server", "0", "--bind", "127.0.0.1"], timeout_s=3)
    assert "KeyboardInterrupt" in str(ended.value.output) or "Keyboard interrupt" in str(ended.value.output)


def test_a_machine_does_not_run_on_anything_but_the_copy(copy: Path) -> None:
    words = [sys.executable, "-m", "mutants.launch", str(copy), *SHOW]
    installed = {**os.environ, "PYTHONPATH": str(ROOT / "tests")}
    ended = subprocess.run(words, cwd=ROOT, env=installed, capture_output=True, text=True, check=False)
    assert ended.returncode == NOT_THE_COPY
    assert "assessment from" in ended.stderr
    assert ended.stdout == ""


def test_the_table_says_who_found_what_after_how_long(tmp_path: Path) -> None:
    document = tmp_path / "mutants.md"
    document.write_text(f"# Bugs\n\n{report.BEGIN}\nold\n{report.END}\n\nafter\n", encoding="utf-8")
    found = Verdict(mutant=bug(), outcome=Outcome.FOUND, violated="S6", schedules=1234, seconds=2.4)
    missed = Verdict(mutant=bug("no-inbox"), outcome=Outcome.MISSED)
    report.write([found, missed], document)
    text = document.read_text(encoding="utf-8")
    assert report.names_in(document) == ["fence-not-compared", "no-inbox"]
    assert "| explore | S6 | 1,234 |" in text
    assert "| **not found** | none | none |" in text
    assert text.startswith("# Bugs\n\n")
    assert text.endswith("\n\nafter\n")


def test_the_table_is_written_after_a_full_run_only(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--only", "no-inbox", "--write"]) == 2
    assert "full run" in capsys.readouterr().out


def test_a_bug_that_does_not_exist_is_not_looked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--only", "made-up"]) == 2
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "nothing is called 'made-up'; known are:"
    assert "  no-inbox" in said
