from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assessment.domain.directory import ImportRow, import_people
from assessment.domain.facts import PersonChanged
from assessment.domain.ids import PersonId
from assessment.domain.people import Actor, HrRight, Person, relation, reports_to, superiors
from assessment.domain.refusals import ForbiddenRole, ReportingLineLoop
from unit.assessment.assessment_states import EVE, HANNA, MAX, TOM, a_directory, a_person

DIRECTORY = a_directory(boss=None, max="boss", eve="max", hanna="boss", tom="eve")
HR_ADMIN = Actor(person_id=HANNA, roles=frozenset({"hr_admin"}))


def test_the_line_above_somebody_is_nearest_first_and_ends_in_a_loop_too() -> None:
    assert superiors(DIRECTORY, TOM) == ("eve", "max", "boss")
    assert reports_to(DIRECTORY, TOM, MAX)
    assert not reports_to(DIRECTORY, MAX, TOM)
    assert superiors(a_directory(eve="max", max="tom", tom="max"), EVE) == ("max", "tom")
    assert superiors({}, EVE) == ()


@pytest.mark.parametrize(
    ("person", "roles", "expected"),
    [
        ("eve", {"hr_admin", "hr_assistant"}, (True, False, HrRight.NONE, False)),
        ("max", set(), (False, True, HrRight.NONE, False)),
        ("max", {"hr_admin"}, (False, True, HrRight.FULL, False)),
        ("hanna", {"hr_admin"}, (False, False, HrRight.FULL, False)),
        ("hanna", {"hr_assistant"}, (False, False, HrRight.NONE, True)),
        ("tom", {"hr_admin"}, (False, False, HrRight.SELF_DEALING, False)),
        ("stranger", {"hr_admin"}, (False, False, HrRight.UNKNOWN_PERSON, False)),
        ("hanna", {"service"}, (False, False, HrRight.NONE, False)),
    ],
)
def test_what_somebody_is_to_a_review(person: str, roles: set[str], expected: tuple[bool, bool, HrRight, bool]) -> None:
    actor = Actor(person_id=PersonId(person), roles=frozenset(roles))
    rel = relation(actor, subject_id=EVE, manager_id=MAX, directory=DIRECTORY)
    assert (rel.employee, rel.manager, rel.hr, rel.assistant) == expected
    assert rel.outsider == (expected == (False, False, HrRight.NONE, False))


def test_a_reviewee_whom_the_directory_lacks_is_unknown_to_hr() -> None:
    rel = relation(HR_ADMIN, subject_id=PersonId("ghost"), manager_id=MAX, directory=DIRECTORY)
    assert rel.hr is HrRight.UNKNOWN_PERSON


def row(name: str, manager: str | None = None, **changes: object) -> ImportRow:
    given_row = ImportRow(
        external_id=f"x-{name}",
        person_id=PersonId(name),
        display_name=name.title(),
        email=f"{name}@example.com",
        manager_external_id=None if manager is None else f"x-{manager}",
    )
    return replace(given_row, **changes)  # type: ignore[arg-type]


def stored(directory: dict[PersonId, Person], *rows: ImportRow) -> dict[PersonId, Person]:
    outcome, _ = import_people(directory, rows, actor=HR_ADMIN)
    return {**directory, **{person.person_id: person for person in outcome.changed}}


def test_new_people_are_taken_with_managers_named_later_in_the_call() -> None:
    outcome, told = import_people({}, (row("eve", "max"), row("max")), actor=HR_ADMIN)
    assert outcome.problems == ()
    assert outcome.changed == (a_person("eve", manager="max"), a_person("max"))
    assert told == (
        PersonChanged(person_id=EVE, manager_id=MAX, active=True, version=1),
        PersonChanged(person_id=MAX, manager_id=None, active=True, version=1),
    )


def test_the_same_rows_again_change_nothing() -> None:
    rows = (row("max"), row("eve", "max"))
    directory = stored({}, *rows)
    outcome, told = import_people(directory, rows, actor=HR_ADMIN)
    assert (outcome.changed, outcome.unchanged, told) == ((), 2, ())


@pytest.mark.parametrize(
    "changed", [row("eve", "boss"), row("eve", "max", active=False), row("eve", "max", email="e@example.com")]
)
def test_a_real_change_counts_the_version_up(changed: ImportRow) -> None:
    outcome, told = import_people(DIRECTORY, (changed, row("max", "boss")), actor=HR_ADMIN)
    assert [(person.person_id, person.version) for person in outcome.changed] == [("eve", 2)]
    assert [fact.version for fact in told] == [2]


def test_after_a_restore_somebody_new_begins_beyond_what_was_told_of_them_before() -> None:
    restored = {person_id: replace(one, version=one.version + 1_000) for person_id, one in DIRECTORY.items()}
    outcome, told = import_people(restored, (row("ann", "boss"), row("eve", "boss")), actor=HR_ADMIN)
    assert [(one.person_id, one.version) for one in outcome.changed] == [("ann", 1_001), ("eve", 1_002)]
    assert [fact.version for fact in told] == [1_001, 1_002]


def test_rows_that_do_not_fit_are_left_out_and_named_while_the_others_are_taken() -> None:
    rows = (
        row("ann", "boss"),
        row("twin"),
        row("twin"),
        row("bob", "nobody"),
        row("cid", "bob"),
        row("eve", "max", person_id=PersonId("eve-2")),
        row("dan", person_id=MAX),
        row("kim", person_id=PersonId("same")),
        row("lee", person_id=PersonId("same")),
    )
    outcome, told = import_people(DIRECTORY, rows, actor=HR_ADMIN)
    assert [person.person_id for person in outcome.changed] == ["ann"]
    assert len(told) == 1
    assert [(problem.index, problem.code) for problem in outcome.problems] == [
        (1, "duplicate-external-id"),
        (2, "duplicate-external-id"),
        (3, "unknown-manager"),
        (4, "unknown-manager"),
        (5, "person-id-changed"),
        (6, "person-id-taken"),
        (7, "duplicate-person-id"),
        (8, "duplicate-person-id"),
    ]


@pytest.mark.parametrize(
    ("rows", "looping"),
    [
        ((row("ann", "ann"),), ["ann"]),
        ((row("max", "tom"),), ["eve", "max", "tom"]),
        ((row("ann", "bob"), row("bob", "ann"), row("cid", "ann")), ["ann", "bob"]),
    ],
)
def test_a_loop_in_the_line_refuses_the_whole_call(rows: tuple[ImportRow, ...], looping: list[str]) -> None:
    with pytest.raises(ReportingLineLoop) as caught:
        import_people(DIRECTORY, (*rows, row("new")), actor=HR_ADMIN)
    assert caught.value.params == {"person_ids": looping}


def test_swapping_a_manager_and_a_report_in_one_call_is_no_loop() -> None:
    swapped = stored(dict(DIRECTORY), row("max", "eve"), row("eve", "boss"))
    assert superiors(swapped, MAX) == ("eve", "boss")


@pytest.mark.parametrize(
    ("roles", "scopes", "allowed"),
    [
        ({"hr_admin"}, set(), True),
        ({"service"}, {"directory:write"}, True),
        ({"service"}, set(), False),
        ({"hr_assistant"}, set(), False),
        (set(), {"directory:write"}, False),
    ],
)
def test_who_may_import(roles: set[str], scopes: set[str], *, allowed: bool) -> None:
    actor = Actor(person_id=TOM, roles=frozenset(roles), scopes=frozenset(scopes))
    if allowed:
        import_people({}, (), actor=actor)
    else:
        with pytest.raises(ForbiddenRole):
            import_people({}, (), actor=actor)


NAMES = ("a", "b", "c", "d")
CALLS = st.lists(
    st.lists(st.builds(row, st.sampled_from(NAMES), st.one_of(st.none(), st.sampled_from(NAMES))), max_size=4).map(
        tuple
    ),
    max_size=6,
)


@settings(max_examples=300, deadline=None)
@given(calls=CALLS)
def test_whatever_is_imported_the_line_has_no_loop_and_versions_only_grow(
    calls: list[tuple[ImportRow, ...]],
) -> None:
    directory: dict[PersonId, Person] = {}
    for rows in calls:
        before = directory
        try:
            directory = stored(before, *rows)
        except ReportingLineLoop:
            continue
        for person_id, person in directory.items():
            assert person_id not in superiors(directory, person_id)
            assert person.manager_id is None or person.manager_id in directory
            old = before.get(person_id)
            assert person.version == (1 if old is None else old.version + (person != old))
