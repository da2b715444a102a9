"""A run begins with what it will look at and ends with one sentence that says what came of it."""

from __future__ import annotations

import pytest

from explore.__main__ import main
from explore.mistakes import MISTAKES
from explore.verdict import COVERING, verdict


@pytest.mark.parametrize(
    ("schedules", "missing", "good", "words"),
    [
        (COVERING, 0, True, "; every cell of the state tables was met."),
        (COVERING, 3, False, "BUT 3 outcomes in the state tables above were NOT MET"),
        (COVERING - 1, 3, True, "which so few schedules need not do"),
    ],
    ids=["all met", "something not met", "too few to say"],
)
def test_a_whole_run_is_good_where_enough_was_looked_at(
    schedules: int, missing: int, words: str, *, good: bool
) -> None:
    found, said = verdict(states=7, schedules=schedules, missing=missing)
    assert found is good
    assert words in said


def test_a_run_of_schedules_alone_says_so_first_and_what_came_of_it_last(capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["--only", "two-managers", "--schedules", "20", "--schedules-only", "--jobs", "1"])
    said = capsys.readouterr().out.splitlines()
    assert status == 0
    assert said[0] == "exploring 20 schedules at random with seed 1; processes: 1"
    assert said[-1] == "No rule was broken in any of 20 schedules at random."


def test_a_broken_rule_is_the_last_word(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    mistake = next(one for one in MISTAKES if one.schedules)
    mistake.make(monkeypatch.setattr)
    many = str(mistake.schedules)
    status = main(["--only", mistake.where, "--schedules", many, "--schedules-only", "--jobs", "1"])
    *_, counted, last = capsys.readouterr().out.splitlines()
    assert status == 1
    assert counted.startswith("VIOLATION ")
    assert last == f"The rule {counted.split()[1]} is broken: the story above says how."


def test_a_number_that_is_none_is_refused_by_the_name_that_make_knows(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--schedules", "abc"])
    assert ended.value.code == 2
    assert capsys.readouterr().err == "SCHEDULES is to be a whole number, 1 or more, not 'abc'\n"
