"""The seeded bugs fit the code as it ships, which has none of them."""

from __future__ import annotations

import pytest

from mutants import report
from mutants.catalogue import FIELDS, BadHeader, Machine, Mutant, mutants, read
from mutants.patching import PatchDoesNotApply, patched
from mutants.seeding import ROOT, changed_files

KNOWN = mutants()
HEADER = {
    "name": "made-up",
    "bug": "What is made up is wrong.",
    "machine": "explore",
    "schedules": "10",
    "property": "S1 L2",
}
DIFF = "--- a/some/file.py\n+++ b/some/file.py\n@@ -1 +1 @@\n-old\n+new\n"
each_bug = pytest.mark.parametrize("mutant", KNOWN, ids=[one.name for one in KNOWN])


def headed(header: dict[str, str]) -> str:
    return "\n".join(f"{field}: {said}" for field, said in header.items()) + f"\n\n{DIFF}"


@each_bug
def test_a_seeded_bug_applies_to_the_shipped_code_and_compiles(mutant: Mutant) -> None:
    assert changed_files(mutant)


@each_bug
def test_the_shipped_code_has_no_part_of_a_seeded_bug(mutant: Mutant) -> None:
    for change in mutant.changes:
        with pytest.raises(PatchDoesNotApply):
            patched(ROOT, [change.reversed()])


def test_no_two_bugs_are_the_same() -> None:
    changed = {frozenset(changed_files(one).items()): one.name for one in KNOWN}
    assert sorted(changed.values()) == sorted(one.name for one in KNOWN)


def test_both_machines_have_bugs_to_find_and_there_are_thirty_at_least() -> None:
    assert len(KNOWN) >= 30
    assert {one.machine for one in KNOWN} == set(Machine)


def test_the_document_lists_the_bugs_that_there_are() -> None:
    assert report.names_in() == [one.name for one in KNOWN]


def test_a_patch_says_what_it_is_and_who_has_to_find_it() -> None:
    mutant = read(headed(HEADER))
    assert (mutant.name, mutant.machine, mutant.schedules) == ("made-up", Machine.EXPLORE, 10)
    assert mutant.properties == {"S1", "L2"}
    assert [(one.path, one.old, one.new) for one in mutant.changes] == [("some/file.py", ("old",), ("new",))]


@pytest.mark.parametrize("missing", FIELDS)
def test_a_patch_that_does_not_say_all_of_it_is_refused(missing: str) -> None:
    with pytest.raises(BadHeader):
        read(headed({field: said for field, said in HEADER.items() if field != missing}))


@pytest.mark.parametrize(
    ("field", "said", "words"),
    [
        ("name", "Made Up", "kebab-case"),
        ("bug", "no sentence", "whole sentence"),
        ("machine", "somebody", "somebody"),
        ("schedules", "few", "number of schedules"),
    ],
)
def test_a_patch_whose_head_makes_no_sense_is_refused(field: str, said: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read(headed({**HEADER, field: said}))
