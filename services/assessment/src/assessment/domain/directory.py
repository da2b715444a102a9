"""Importing people: which rows are taken, what really changes, and that the reporting line stays a tree."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from assessment.domain.facts import PersonChanged
from assessment.domain.people import DIRECTORY_WRITE, HR_ADMIN, HR_ADMINS, SERVICE, Actor, Person, only
from assessment.domain.refusals import Refusal, ReportingLineLoop, refuse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from assessment.domain.ids import PersonId

# By how much a restore moves everybody's version on.
RESTORED_VERSIONS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRow:
    """One person as the personnel system knows it; the manager is named by external id, earlier or later or known."""

    external_id: str
    person_id: PersonId
    display_name: str
    email: str
    manager_external_id: str | None = None
    active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class RowProblem:
    """Why the row at `index` (from 0) was left out.

    Codes: `duplicate-external-id`, `duplicate-person-id`, `person-id-changed`, `person-id-taken`, `unknown-manager`.
    """

    index: int
    external_id: str
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """The people who are new or changed, to be stored, and the rows that were left out, in the order of the call."""

    changed: tuple[Person, ...]
    problems: tuple[RowProblem, ...]
    unchanged: int


def unmet_import(actor: Actor) -> list[Refusal]:
    """HR Admins import, and services with the scope `directory:write`."""
    allowed = HR_ADMIN in actor.roles or (SERVICE in actor.roles and DIRECTORY_WRITE in actor.scopes)
    return [] if allowed else [only(HR_ADMINS, f"services with the scope {DIRECTORY_WRITE}")]


def import_people(
    directory: Mapping[PersonId, Person], rows: tuple[ImportRow, ...], *, actor: Actor
) -> tuple[Import, tuple[PersonChanged, ...]]:
    """Take the rows that fit the whole directory given; the same rows again change nothing.

    Raises:
        ForbiddenRole: the actor may not import.
        ReportingLineLoop: with the rows taken, the line would close on itself; nothing is taken.
    """
    refuse(unmet_import(actor))
    known = {person.external_id: person for person in directory.values()}
    problems = _own_problems(directory, known, rows)
    taken = _with_known_managers(known, rows, problems)
    people = {row.external_id: row.person_id for row in taken.values()}
    before = [known.get(row.external_id) for row in taken.values()]
    first = _first_version(directory)
    after = [_person(row, known.get(row.external_id), _manager_id(row, known, people), first) for row in taken.values()]
    changed = tuple(person for old, person in zip(before, after, strict=True) if person != old)
    refuse(_loops({**directory, **{person.person_id: person for person in changed}}, changed))
    outcome = Import(
        changed=changed,
        problems=tuple(problems[index] for index in sorted(problems)),
        unchanged=len(after) - len(changed),
    )
    return outcome, tuple(
        PersonChanged(person_id=p.person_id, manager_id=p.manager_id, active=p.active, version=p.version)
        for p in changed
    )


def _own_problems(
    directory: Mapping[PersonId, Person], known: Mapping[str, Person], rows: tuple[ImportRow, ...]
) -> dict[int, RowProblem]:
    external_ids = Counter(row.external_id for row in rows)
    person_ids = Counter(row.person_id for row in rows)
    problems: dict[int, RowProblem] = {}
    for index, row in enumerate(rows):
        person, namesake = known.get(row.external_id), directory.get(row.person_id)
        code = None
        if external_ids[row.external_id] > 1:
            code = "duplicate-external-id"
        elif person_ids[row.person_id] > 1:
            code = "duplicate-person-id"
        elif person is not None and person.person_id != row.person_id:
            code = "person-id-changed"
        elif namesake is not None and namesake.external_id != row.external_id:
            code = "person-id-taken"
        if code is not None:
            problems[index] = RowProblem(index=index, external_id=row.external_id, code=code)
    return problems


def _with_known_managers(
    known: Mapping[str, Person], rows: tuple[ImportRow, ...], problems: dict[int, RowProblem]
) -> dict[int, ImportRow]:
    """The rows whose manager is known or among them; the others are added to `problems`."""
    taken = {index: row for index, row in enumerate(rows) if index not in problems}
    reports: dict[str, list[int]] = {}
    for index, row in taken.items():
        if row.manager_external_id is not None and row.manager_external_id not in known:
            reports.setdefault(row.manager_external_id, []).append(index)
    present = {row.external_id for row in taken.values()}
    absent = [external_id for external_id in reports if external_id not in present]
    # A row that is left out may have been the manager of another new one, hence its own reports after it.
    while absent:
        for index in reports.get(absent.pop(), ()):
            row = taken.pop(index)
            problems[index] = RowProblem(index=index, external_id=row.external_id, code="unknown-manager")
            if row.external_id not in known:
                absent.append(row.external_id)
    return taken


def _manager_id(row: ImportRow, known: Mapping[str, Person], new: Mapping[str, PersonId]) -> PersonId | None:
    if row.manager_external_id is None:
        return None
    person = known.get(row.manager_external_id)
    return person.person_id if person is not None else new[row.manager_external_id]


def _first_version(directory: Mapping[PersonId, Person]) -> int:
    """Return where somebody new begins: beyond what others may have been told of them before a restore."""
    newest = max((person.version for person in directory.values()), default=0)
    return newest // RESTORED_VERSIONS * RESTORED_VERSIONS + 1


def _person(row: ImportRow, old: Person | None, manager_id: PersonId | None, first: int) -> Person:
    person = Person(
        person_id=row.person_id,
        external_id=row.external_id,
        display_name=row.display_name,
        email=row.email,
        manager_id=manager_id,
        active=row.active,
        version=first if old is None else old.version,
    )
    return person if old in {None, person} else replace(person, version=person.version + 1)


def _loops(directory: Mapping[PersonId, Person], changed: tuple[Person, ...]) -> list[Refusal]:
    """A loop that was not there before runs through somebody who changed."""
    looping: set[PersonId] = set()
    cleared: set[PersonId] = set()
    for person in changed:
        path: dict[PersonId, None] = {}
        at: PersonId | None = person.person_id
        while at is not None and at in directory and at not in cleared and at not in path:
            path[at] = None
            at = directory[at].manager_id
        if at is not None and at in path:
            walked = list(path)
            looping.update(walked[walked.index(at) :])
        cleared.update(path)
    return [ReportingLineLoop(person_ids=sorted(looping))] if looping else []
