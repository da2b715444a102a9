"""Hunks fit exactly or not at all."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from mutants.catalogue import Machine, Mutant
from mutants.patching import PatchDoesNotApply, hunks, patched
from mutants.seeding import changed_files, seed

if TYPE_CHECKING:
    from pathlib import Path

DIFF = """--- a/shared/src/one.py
+++ b/shared/src/one.py
@@ -2,3 +2,3 @@
 second = 2
-third = 3
+third = 33
 fourth = 4
"""
LINES = ["first = 1", "second = 2", "third = 3", "fourth = 4"]
CHANGED = ["first = 1", "second = 2", "third = 33", "fourth = 4"]


def mutant(diff: str) -> Mutant:
    return Mutant(
        name="made-up",
        bug="Made up.",
        machine=Machine.EXPLORE,
        schedules=1,
        properties=frozenset({"S1"}),
        changes=hunks(diff),
    )


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "shared" / "src").mkdir(parents=True)
    write(tmp_path, LINES)
    return tmp_path


def write(tree: Path, lines: list[str]) -> None:
    (tree / "shared/src/one.py").write_text("\n".join(lines) + "\n", encoding="utf-8")


def changed(tree: Path) -> list[str]:
    return patched(tree, hunks(DIFF))["shared/src/one.py"].splitlines()


def test_a_hunk_changes_the_lines_that_it_names(tree: Path) -> None:
    assert changed(tree) == CHANGED


def test_a_hunk_is_found_where_its_lines_have_moved_to(tree: Path) -> None:
    write(tree, ["zero = 0", *LINES])
    assert changed(tree) == ["zero = 0", *CHANGED]


def test_a_hunk_whose_lines_have_moved_to_two_places_is_refused(tree: Path) -> None:
    write(tree, ["zero = 0", *LINES, *LINES])
    with pytest.raises(PatchDoesNotApply, match="found 2 times"):
        changed(tree)


def test_a_hunk_whose_lines_have_changed_is_refused(tree: Path) -> None:
    write(tree, ["first = 1", "second = 2", "third = 4", "fourth = 4"])
    with pytest.raises(PatchDoesNotApply, match="found 0 times"):
        changed(tree)


def test_a_hunk_of_a_file_that_is_gone_is_refused(tree: Path) -> None:
    (tree / "shared/src/one.py").unlink()
    with pytest.raises(PatchDoesNotApply, match=re.escape("shared/src/one.py does not exist")):
        changed(tree)


def test_several_hunks_of_one_file_do_not_disturb_each_other(tree: Path) -> None:
    more = DIFF.replace("@@ -2,3", "@@ -1,1 +1,2 @@\n first = 1\n+half = 1.5\n@@ -2,3")
    assert patched(tree, hunks(more))["shared/src/one.py"].splitlines() == ["first = 1", "half = 1.5", *CHANGED[1:]]


def test_a_change_that_is_no_python_is_refused(tree: Path) -> None:
    with pytest.raises(PatchDoesNotApply, match=re.escape("shared/src/one.py:3")):
        changed_files(mutant(DIFF.replace("third = 33", "third = = 33")), tree)


@pytest.mark.parametrize("diff", ["", "only words\n", DIFF.replace("third = 33", "third = 3")])
def test_what_changes_nothing_is_no_patch(diff: str) -> None:
    with pytest.raises(ValueError, match="hunks"):
        hunks(diff)


def test_a_bug_is_seeded_into_a_copy_and_the_tree_stays_as_it_was(tree: Path, tmp_path: Path) -> None:
    copy = seed(mutant(DIFF), tmp_path / "copy", tree)
    assert (copy / "shared/src/one.py").read_text(encoding="utf-8").splitlines() == CHANGED
    assert (tree / "shared/src/one.py").read_text(encoding="utf-8").splitlines() == LINES


def test_a_copy_is_made_in_place_of_an_older_one(tree: Path, tmp_path: Path) -> None:
    copy = seed(mutant(DIFF), tmp_path / "copy", tree)
    (copy / "shared/src/left.py").write_text("left = True\n", encoding="utf-8")
    seed(None, copy, tree)
    assert [file.name for file in (copy / "shared/src").iterdir()] == ["one.py"]
    assert (copy / "shared/src/one.py").read_text(encoding="utf-8").splitlines() == LINES
