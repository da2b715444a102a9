"""The directory: who there is, who reports to whom, and names and addresses, which never leave by an event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from assessment.domain.ids import PersonId
from assessment.domain.people import HR_ADMIN, Actor, Person, Relation, relation
from assessment.store.tables import person

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from assessment.domain.review import Review
    from reviewbus.db import Tx

IMPORT_LOCK = 7_301
_WITH_LINES = sa.text(
    "with recursive line (person_id, manager_id) as ("
    " select person_id, manager_id from person where person_id = any(:people)"
    " union select p.person_id, p.manager_id from person p join line l on p.person_id = l.manager_id)"
    " select p.* from person p join line on line.person_id = p.person_id"
)


def with_lines(tx: Tx, people: Iterable[str | None]) -> dict[PersonId, Person]:
    """Return those of `people` who are known, and everybody above them."""
    ids = sorted({one for one in people if one is not None})
    if not ids:
        return {}
    found = tx.execute(_WITH_LINES, {"people": ids}).mappings()
    return {PersonId(row["person_id"]): _person(row) for row in found}


def everybody(tx: Tx) -> dict[PersonId, Person]:
    """Return the whole directory, for an import, and keep other imports waiting until this one is over."""
    tx.execute(sa.select(sa.func.pg_advisory_xact_lock(IMPORT_LOCK)))
    return {PersonId(row["person_id"]): _person(row) for row in tx.execute(sa.select(person)).mappings()}


def languages(tx: Tx, people: Sequence[str]) -> dict[str, str]:
    """Return the language of each of `people` who is known."""
    found = tx.execute(sa.select(person.c.person_id, person.c.language).where(person.c.person_id.in_(people)))
    return {row.person_id: row.language for row in found}


def relation_to(tx: Tx, actor: Actor, review: Review) -> Relation:
    """Return what `actor` is to `review`. Only HR's rights depend on the directory."""
    people = (actor.person_id, review.subject_id) if HR_ADMIN in actor.roles else ()
    return relation(actor, subject_id=review.subject_id, manager_id=review.manager_id, directory=with_lines(tx, people))


def put(tx: Tx, people: Sequence[Person], language_of: Mapping[str, str]) -> None:
    """Store people as they are now; `language_of` holds the language of each of them."""
    if not people:
        return
    rows = [
        {
            "person_id": one.person_id,
            "name": one.display_name,
            "email": one.email,
            "manager_id": one.manager_id,
            "active": one.active,
            "version": one.version,
            "language": language_of[one.person_id],
        }
        for one in people
    ]
    statement = insert(person)
    changes = {name: statement.excluded[name] for name in rows[0] if name != "person_id"}
    tx.execute(statement.on_conflict_do_update(index_elements=[person.c.person_id], set_=changes), rows)


def set_languages(tx: Tx, language_of: Mapping[str, str]) -> None:
    """Change nothing but the language of people who are known."""
    if language_of:
        statement = sa.update(person).where(person.c.person_id == sa.bindparam("one"))
        rows = [{"one": one, "chosen": language} for one, language in sorted(language_of.items())]
        tx.execute(statement.values(language=sa.bindparam("chosen")), rows)


def _person(row: Mapping[Any, Any]) -> Person:
    return Person(
        person_id=PersonId(row["person_id"]),
        # The personnel system names people by the same id as the identity provider.
        external_id=row["person_id"],
        display_name=row["name"],
        email=row["email"],
        manager_id=None if row["manager_id"] is None else PersonId(row["manager_id"]),
        active=row["active"],
        version=row["version"],
    )
