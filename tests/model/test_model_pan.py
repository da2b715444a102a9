"""The runner reads Spin's output properly: an error is an error, and what was not finished proves nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from model import pan

if TYPE_CHECKING:
    from pathlib import Path

COUNTING = """
mtype:property = { never_three, even_at_rest };
mtype = { READY };
byte count;
#define MUST(name, condition) assert((condition) || !name)
init {
  do
  :: atomic { d_step { count < LIMIT -> count = count + STEP; printf("- somebody counts to %d\\n", count) };
              MUST(never_three, count != 3) }
  :: timeout -> break
  od;
  MUST(even_at_rest, count % 2 == 0)
}
"""
LARGE = "int n; init { do :: n < 3000000 -> n++ od }"
ENDLESS = "bit b; init { do :: b = 1 - b od }"
PARTLY_REACHED = """
#define STEP(step) :: d_step { step } ; skip
byte n;
init {
  do
  :: atomic {
     if
     STEP(n < 2 -> n++) STEP(n > 8 -> n = 9)
     STEP(n > 7 -> n = 7)
     fi;
     d_step { assert(n < 3) }
  }
  :: timeout -> break
  od
}
"""


def search(folder: Path, model: str, *defines: str, **limits: int | bool) -> pan.Outcome:
    path = folder / "tiny.pml"
    path.write_text(model)
    return pan.run(
        pan.Search(
            model=path,
            defines=defines,
            shortest=bool(limits.get("shortest", False)),
            cycles=bool(limits.get("cycles", False)),
            memory_mb=int(limits.get("memory_mb", 200)),
            depth=int(limits.get("depth", 1000)),
        ),
        folder,
    )


def test_a_model_that_keeps_its_promises_has_no_violation_and_all_its_states_are_counted(tmp_path: Path) -> None:
    outcome = search(tmp_path, COUNTING, "LIMIT=20", "STEP=2")
    assert outcome.violated is None
    assert outcome.states >= 10
    assert outcome.unreached == ()


@pytest.mark.parametrize("shortest", [False, True])
def test_a_violation_is_named_and_its_story_told(tmp_path: Path, *, shortest: bool) -> None:
    outcome = search(tmp_path, COUNTING, "LIMIT=20", "STEP=1", shortest=shortest)
    assert outcome.violated == "never_three"
    assert outcome.story == ("somebody counts to 1", "somebody counts to 2", "somebody counts to 3")


def test_what_did_not_come_about_at_rest_is_a_violation(tmp_path: Path) -> None:
    assert search(tmp_path, COUNTING, "LIMIT=1", "STEP=1").violated == "even_at_rest"


def test_a_search_that_is_cut_off_at_its_depth_is_no_pass(tmp_path: Path) -> None:
    with pytest.raises(pan.SearchIncompleteError, match="depth"):
        search(tmp_path, COUNTING, "LIMIT=200", "STEP=2", depth=50)


@pytest.mark.parametrize("shortest", [False, True])
def test_a_search_that_runs_out_of_memory_is_no_pass(tmp_path: Path, *, shortest: bool) -> None:
    with pytest.raises(pan.SearchIncompleteError, match="MEMLIM"):
        search(tmp_path, LARGE, memory_mb=100, depth=4_000_000, shortest=shortest)


def test_a_search_that_says_nothing_is_no_pass() -> None:
    with pytest.raises(pan.SearchIncompleteError):
        pan.read("Killed")


def test_a_search_that_was_stopped_without_an_error_is_no_pass() -> None:
    said = "Warning: Search not completed\nState-vector 12 byte, depth reached 11, errors: 0\n 5 states, stored"
    with pytest.raises(pan.SearchIncompleteError):
        pan.read(said)


def test_a_run_that_never_ends_is_a_violation(tmp_path: Path) -> None:
    violated = search(tmp_path, ENDLESS, cycles=True).violated
    assert violated is not None
    assert violated.startswith("non-progress cycle")


def test_a_step_that_is_never_taken_is_told_unless_another_of_its_line_is(tmp_path: Path) -> None:
    outcome = search(tmp_path, PARTLY_REACHED)
    assert outcome.violated is None
    assert outcome.unreached == ("tiny.pml:9 STEP(n > 7 -> n = 7)",)


def test_a_model_that_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(pan.ModelBrokenError, match="Error"):
        search(tmp_path, "init { oh dear }")


def test_a_missing_tool_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(pan.ToolMissingError, match=r"apt-get install spin gcc libc6-dev"):
        pan.require_tools()
