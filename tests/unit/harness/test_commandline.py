"""What is typed after `make` and cannot be taken is answered in one sentence that names the variable."""

from __future__ import annotations

import pytest

from harness.commandline import Parser, unknown


def read(word: str, *, least: int = 1) -> int:
    parser = Parser(prog="python -m machine")
    parser.add_argument("--schedules", type=parser.whole_number("SCHEDULES", least=least))
    return int(parser.parse_args([f"--schedules={word}"]).schedules)


@pytest.mark.parametrize("word", ["abc", "", "1.5", "0", "-3", "1_000", "²"])
def test_what_is_no_whole_number_is_refused_in_one_sentence(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        read(word)
    assert ended.value.code == 2
    assert capsys.readouterr().err == f"SCHEDULES is to be a whole number, 1 or more, not '{word}'\n"


@pytest.mark.parametrize(("word", "least", "number"), [("1", 1, 1), ("0", 0, 0), ("10000000", 1, 10_000_000)])
def test_a_whole_number_is_taken(word: str, least: int, number: int) -> None:
    assert read(word, least=least) == number


def test_a_name_that_nothing_has_is_answered_with_all_that_there_are_once_each() -> None:
    assert unknown("x", ["b", "a", "b"]) == "nothing is called 'x'; known are:\n  b\n  a"
