"""The runner fails when a promise is broken, a mistake is missed, or the document is out of date."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

import pytest

from model import __main__ as runner
from model import pan, table
from model.configurations import BARE, CONFIGURATIONS, Configuration
from model.mistakes import MISTAKES, Mistake
from model.table import Finding

if TYPE_CHECKING:
    from pathlib import Path

SMALL = Configuration(name="small", about="two attempts to release, two versions", bounds=BARE)
BROKEN = Configuration(name="broken", about="edits under a release", bounds=BARE, flags=("EDIT_IGNORES_RELEASE",))
NARROW = Configuration(name="narrow", about="nothing can be rejected", bounds={**BARE, "VERSIONS": 1})
HARMLESS = Mistake(name="NO_MISTAKE_AT_ALL", about="nothing")
CAUGHT = pan.Outcome(states=9, depth=9, seconds=0.1, megabytes=32, violated="S1_held", story=("one", "two"))
MISSED = pan.Outcome(states=9, depth=9, seconds=0.1, megabytes=32)
UNSHOWN = re.compile(r"^#\s*(?:if|ifdef|ifndef|elif)\b(.*)$", re.MULTILINE)


@pytest.fixture(autouse=True)
def own_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(runner, "WORK", tmp_path)


def test_a_configuration_that_holds_is_success(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(runner, "CONFIGURATIONS", (SMALL,))
    assert runner.main(["--only", "small"]) == 0
    assert "holds" in capsys.readouterr().out


def test_a_violated_configuration_fails_and_tells_its_story(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(runner, "CONFIGURATIONS", (BROKEN,))
    assert runner.main(["--only", "broken"]) == 1
    said = capsys.readouterr().out
    assert "VIOLATED: S4_edit" in said
    assert "the manager edits: version 2" in said


def test_a_configuration_with_parts_that_are_never_reached_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(runner, "CONFIGURATIONS", (NARROW,))
    assert runner.main(["--only", "narrow"]) == 1
    assert "NEVER REACHED" in capsys.readouterr().out


def test_a_mistake_that_is_caught_is_success(capsys: pytest.CaptureFixture[str]) -> None:
    assert runner.main(["--only", "PACKETS_IGNORES_REJECTED"]) == 0
    assert "L1_releasing" in capsys.readouterr().out


def test_a_mistake_that_is_not_caught_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(runner, "MISTAKES", (HARMLESS,))
    assert runner.main(["--only", "NO_MISTAKE_AT_ALL"]) == 1
    assert "NOT AS IT SHOULD BE" in capsys.readouterr().out


def test_a_limit_that_was_met_is_neither_success_nor_violation(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(runner, "CONFIGURATIONS", (SMALL,))
    monkeypatch.setattr(pan, "Search", partial(pan.Search, depth=20))
    assert runner.main(["--only", "small"]) == 2
    assert "NOT SEARCHED: max search depth too small" in capsys.readouterr().err


def test_an_unknown_name_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert runner.main(["--only", "nonsense"]) == 2
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "nothing is called 'nonsense'; known are:"
    assert {"  base", f"  {MISTAKES[0].name}"} <= set(said)


def test_an_empty_name_is_not_taken_for_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert runner.main(["--only", ""]) == 2
    assert "nothing is called ''" in capsys.readouterr().err


def test_a_missing_tool_is_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert runner.main([]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    ("equivalent", "outcome", "expected"),
    [(None, CAUGHT, True), (None, MISSED, False), ("the same", MISSED, True), ("the same", CAUGHT, False)],
)
def test_a_mistake_is_to_be_caught_and_an_equivalent_one_not(
    equivalent: str | None, outcome: pan.Outcome, *, expected: bool
) -> None:
    mistake = Mistake(name="X", about="x", equivalent=equivalent)
    assert Finding(mistake=mistake, outcome=outcome).as_expected is expected


def test_a_table_is_written_into_its_place_and_nowhere_else() -> None:
    begin, end = "<!-- mistakes: written by `python -m model --write` -->", "<!-- /mistakes -->"
    document = f"before\n{begin}\nold\n{end}\nafter\n"
    written = table.written(document, table.MISTAKES, table.mistakes([Finding(mistake=HARMLESS, outcome=CAUGHT)]))
    assert "| `NO_MISTAKE_AT_ALL` | nothing | S1_held | 2 steps |" in written
    assert written.startswith("before\n")
    assert written.endswith("\nafter\n")
    assert "old" not in written


def test_a_document_without_a_place_for_the_table_is_told() -> None:
    with pytest.raises(table.TableMissingError):
        table.written("nothing here", table.MISTAKES, "")


def test_a_document_that_says_something_else_fails_until_it_is_written_anew(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = tmp_path / "README.md"
    document.write_text(runner.DOCUMENT.read_text())
    monkeypatch.setattr(runner, "DOCUMENT", document)
    monkeypatch.setattr(runner, "CONFIGURATIONS", ())
    monkeypatch.setattr(runner, "MISTAKES", MISTAKES[:1])
    assert runner.main([]) == 1
    assert "--write" in capsys.readouterr().err
    assert runner.main(["--write"]) == 0
    assert runner.main(["--check"]) == 0


def test_the_document_has_every_configuration_with_its_bounds() -> None:
    assert table.configurations(CONFIGURATIONS) in runner.DOCUMENT.read_text()


def test_every_mistake_stands_in_the_document_in_its_own_words() -> None:
    said = runner.DOCUMENT.read_text()
    lines = {
        one.title: f"| `{one.title}` | {one.about} |"
        if one.equivalent is None
        else f"- `{one.title}`, {one.about}: {one.equivalent}."
        for one in MISTAKES
    }
    assert [title for title, line in lines.items() if line not in said] == []


def test_every_switch_of_the_model_is_a_bound_a_feature_or_a_mistake_that_is_searched() -> None:
    bounds = set(re.findall(r"^#ifndef (\w+)", (runner.MODEL.parent / "bounds.pml").read_text(), re.MULTILINE))
    derived = {"COMPLETES", "KEEP_ALL", "UNWATCHED_S6", "ONLY_SHOWN", "ONLY_REST", "defined"}
    switches: set[str] = set()
    for path in runner.MODEL.parent.glob("*.pml"):
        for condition in UNSHOWN.findall(path.read_text()):
            switches |= set(re.findall(r"[A-Za-z_]\w*", condition.split("/*")[0]))
    assert switches - bounds - derived == {one.name for one in MISTAKES}


def test_every_bound_that_a_configuration_sets_is_one_of_the_model() -> None:
    bounds = set(re.findall(r"^#ifndef (\w+)", (runner.MODEL.parent / "bounds.pml").read_text(), re.MULTILINE))
    named = {bound for one in (*CONFIGURATIONS, *MISTAKES) for bound in one.bounds}
    assert named - bounds == set()


def test_every_property_is_checked_somewhere() -> None:
    text = "\n".join(path.read_text() for path in sorted(runner.MODEL.parent.glob("*.pml")))
    assert [name for name in pan.names(runner.MODEL) if not re.search(rf"MUST\({name},", text)] == []


def test_every_promise_is_broken_by_some_mistake() -> None:
    broken = set(re.findall(r"^\| `[^`]+` \|.*\| (\w+) \| \d+ steps \|$", runner.DOCUMENT.read_text(), re.MULTILINE))
    # A search that breaks this one shows a model that is too small, not a protocol that is wrong.
    assert set(pan.names(runner.MODEL)) - broken == {"wide_enough"}
