"""Importing people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from assessment import events
from assessment.commands.standing import audit_role
from assessment.domain import directory
from assessment.domain.ids import PersonId
from assessment.domain.refusals import refuse
from assessment.store import people
from reviewbus.db import AuditEntry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from assessment.domain.people import Actor
    from reviewbus.db import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonRow:
    """One person as the personnel system sends it."""

    person_id: str
    name: str
    email: str
    manager_id: str | None
    active: bool
    language: str


def import_people(tx: Tx, actor: Actor, rows: Sequence[PersonRow]) -> directory.Import:
    """Take the rows that fit; only those who really changed are told of. Raises `Refusal`."""
    refuse(directory.unmet_import(actor))
    known = people.everybody(tx)
    wanted = tuple(
        directory.ImportRow(
            external_id=row.person_id,
            person_id=PersonId(row.person_id),
            display_name=row.name,
            email=row.email,
            manager_external_id=row.manager_id,
            active=row.active,
        )
        for row in rows
    )
    outcome, told = directory.import_people(known, wanted, actor=actor)
    left_out = {problem.index for problem in outcome.problems}
    language_of = {row.person_id: row.language for index, row in enumerate(rows) if index not in left_out}
    people.put(tx, outcome.changed, language_of)
    changed = {one.person_id for one in outcome.changed}
    before = people.languages(tx, [one for one in language_of if one not in changed])
    # The language concerns nobody but who writes to that person, so it is no change to be told.
    people.set_languages(tx, {one: language_of[one] for one in before if before[one] != language_of[one]})
    for fact in told:
        tx.emit(events.of_person(fact))
    tx.audit(AuditEntry(actor=actor.person_id, role=audit_role(actor), action="people.import", object_id="directory"))
    return outcome
