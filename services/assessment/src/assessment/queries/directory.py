"""People, questionnaires and cycles, as lists and one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from assessment.domain.cycle import CycleState
from assessment.domain.people import HR_ADMIN, HR_ASSISTANT, Actor, unmet_role
from assessment.domain.refusals import NotFound, refuse
from assessment.store import cycles, questionnaires
from assessment.store.tables import cycle, person, questionnaire, questionnaire_version, review

if TYPE_CHECKING:
    from collections.abc import Mapping

    from assessment.store.cycles import StoredCycle
    from assessment.store.questionnaires import StoredQuestionnaire
    from reviewbus.db import Tx

Item = dict[str, Any]
_PERSON = tuple(
    person.c[name] for name in ("person_id", "name", "email", "manager_id", "active", "language", "version")
)


def people(
    tx: Tx, actor: Actor, *, after: str | None, limit: int, manager_id: str | None, active: bool | None
) -> tuple[list[Item], str | None]:
    """Return a page of the people whom the actor may see, by id, and where it ended."""
    query = sa.select(*_PERSON).where(_visible(actor)).order_by(person.c.person_id).limit(limit + 1)
    if after is not None:
        query = query.where(person.c.person_id > after)
    if manager_id is not None:
        query = query.where(person.c.manager_id == manager_id)
    if active is not None:
        query = query.where(person.c.active.is_(active))
    return _page(tx, query, limit, "person_id")


def one_person(tx: Tx, actor: Actor, person_id: str) -> Item:
    """Return one of the people whom the actor may see; raises `NotFound`."""
    query = sa.select(*_PERSON).where(person.c.person_id == person_id, _visible(actor))
    row = tx.execute(query).mappings().one_or_none()
    if row is None:
        refuse([NotFound()])
    return dict(row or {})


def list_questionnaires(tx: Tx, actor: Actor, *, after: str | None, limit: int) -> tuple[list[Item], str | None]:
    """Return a page of questionnaires, newest first."""
    refuse(unmet_role(actor, HR_ADMIN, HR_ASSISTANT))
    newest = (questionnaire_version.c.questionnaire_id == questionnaire.c.questionnaire_id) & (
        questionnaire_version.c.version == questionnaire.c.version
    )
    query = (
        sa.select(
            questionnaire.c.questionnaire_id,
            questionnaire_version.c.title,
            questionnaire.c.version,
            questionnaires.in_use().label("in_use"),
        )
        .join(questionnaire_version, newest)
        .order_by(questionnaire.c.questionnaire_id.desc())
        .limit(limit + 1)
    )
    if after is not None:
        query = query.where(questionnaire.c.questionnaire_id < after)
    return _page(tx, query, limit, "questionnaire_id")


def one_questionnaire(tx: Tx, actor: Actor, questionnaire_id: str) -> Item:
    """Return the newest version of a questionnaire; raises `Refusal`."""
    refuse(unmet_role(actor, HR_ADMIN, HR_ASSISTANT))
    found = questionnaires.read(tx, questionnaire_id)
    if found is None:
        refuse([NotFound()])
    assert found is not None  # refused above
    return questionnaire_item(found)


def questionnaire_item(found: StoredQuestionnaire) -> Item:
    """Return a questionnaire with its questions."""
    return {
        "questionnaire_id": found.asked.questionnaire_id,
        "title": found.title,
        "version": found.asked.version,
        "in_use": found.in_use,
        "content_hash": found.content_hash,
        "questions": found.questions,
    }


def list_cycles(tx: Tx, actor: Actor, *, after: str | None, limit: int) -> tuple[list[Item], str | None]:
    """Return a page of cycles, newest first."""
    refuse(unmet_role(actor, HR_ADMIN, HR_ASSISTANT))
    query = sa.select(cycle, _settled().label("settled")).order_by(cycle.c.cycle_id.desc()).limit(limit + 1)
    if after is not None:
        query = query.where(cycle.c.cycle_id < after)
    rows = tx.execute(query).mappings().all()
    items = [cycle_item(cycles.stored(row), settled=row["settled"]) for row in rows[:limit]]
    return items, items[-1]["cycle_id"] if len(rows) > limit else None


def one_cycle(tx: Tx, actor: Actor, cycle_id: str) -> Item:
    """Return a cycle; raises `Refusal`."""
    refuse(unmet_role(actor, HR_ADMIN, HR_ASSISTANT))
    query = sa.select(cycle, _settled().label("settled")).where(cycle.c.cycle_id == cycle_id)
    row = tx.execute(query).mappings().one_or_none()
    if row is None:
        refuse([NotFound()])
    assert row is not None  # refused above
    return cycle_item(cycles.stored(row), settled=row["settled"])


def cycle_item(found: StoredCycle, *, settled: bool) -> Item:
    """Return a cycle with its settings."""
    return {
        "cycle_id": found.cycle.cycle_id,
        **cycle_form(found),
        "questionnaire_version": found.cycle.settings.questionnaire_version,
        "state": found.cycle.state.value,
        "row_version": found.row_version,
        "settled": settled,
    }


def cycle_form(found: StoredCycle) -> Item:
    """Return what people write of a cycle, as they write it."""
    one, chosen = found.cycle, found.cycle.settings
    return {
        "name": found.name,
        "zone": one.zone,
        "self_deadline": one.self_until,
        "manager_deadline": one.manager_until,
        "questionnaire_id": chosen.questionnaire_id,
        "release_mode": chosen.release_mode.value,
        "calibration_required": chosen.calibration_required,
        "release_after_calibration": chosen.release_after_calibration,
        "recall_window_minutes": chosen.recall_window_minutes,
        "self_visibility": chosen.self_visibility.value,
        "instructions": found.instructions,
    }


def may_list_participants(tx: Tx, actor: Actor, cycle_id: str) -> None:
    """Raise `Refusal` to whoever may not see who takes part in the cycle, and where there is none."""
    refuse(unmet_role(actor, HR_ADMIN, HR_ASSISTANT))
    refuse([] if cycles.read(tx, cycle_id) else [NotFound()])


def participants(
    tx: Tx,
    actor: Actor,
    cycle_id: str,
    *,
    after: str | None,
    limit: int,
    manager_id: str | None,
    without_manager: bool,
) -> tuple[list[Item], str | None]:
    """Return a page of who takes part in a cycle, by the ids of their reviews; raises `Refusal`."""
    may_list_participants(tx, actor, cycle_id)
    subject, manager = person.alias("subject"), person.alias("manager")
    query = (
        sa.select(
            *(review.c[name] for name in ("review_id", "subject_id", "manager_id", "cancelled")),
            subject.c.name.label("subject_name"),
            manager.c.name.label("manager_name"),
            manager.c.active.label("manager_active"),
        )
        .outerjoin(subject, subject.c.person_id == review.c.subject_id)
        .outerjoin(manager, manager.c.person_id == review.c.manager_id)
        .where(review.c.cycle_id == cycle_id)
        .order_by(review.c.review_id)
        .limit(limit + 1)
    )
    if after is not None:
        query = query.where(review.c.review_id > after)
    if manager_id is not None:
        query = query.where(review.c.manager_id == manager_id)
    if without_manager:
        query = query.where(sa.or_(review.c.manager_id.is_(None), ~manager.c.active))
    return _page(tx, query, limit, "review_id")


def _settled() -> sa.ColumnElement[bool]:
    """Say whether no review of the cycle still waits to be opened or flagged."""
    mine = sa.exists().where(review.c.cycle_id == cycle.c.cycle_id)
    return sa.case(
        (cycle.c.state == CycleState.STARTED.value, ~mine.where(~review.c.started)),
        (cycle.c.state == CycleState.CLOSED.value, ~mine.where(review.c.started, ~review.c.cycle_closed)),
        else_=sa.true(),
    )


def _visible(actor: Actor) -> sa.ColumnElement[bool]:
    if not unmet_role(actor, HR_ADMIN, HR_ASSISTANT):
        return sa.true()
    return sa.or_(person.c.person_id == actor.person_id, person.c.manager_id == actor.person_id)


def _page(tx: Tx, query: sa.Select[Any], limit: int, key: str) -> tuple[list[Item], str | None]:
    rows: list[Mapping[Any, Any]] = list(tx.execute(query).mappings())
    items = [dict(row) for row in rows[:limit]]
    return items, items[-1][key] if len(rows) > limit else None
