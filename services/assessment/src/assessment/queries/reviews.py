"""Reviews as lists, one by one, and what a reader can do with one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import sqlalchemy as sa

from assessment.domain import actions, manager_assessment, self_assessment
from assessment.domain.people import HR_ADMIN, HR_ASSISTANT, Actor, HrRight, Relation, relation, unmet_role
from assessment.domain.questionnaire import Audience, missing_answers
from assessment.domain.refusals import NotFound, refuse
from assessment.domain.review import state_seen_by
from assessment.queries import shapes
from assessment.store import contents, people, questionnaires, reviews
from assessment.store.tables import content, cycle, former_reviewer, person, review
from reviewbus.problems import describe

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from assessment.domain.ids import QuestionId
    from assessment.domain.review import Review
    from reviewbus.db import Tx
    from reviewbus.problems import RefusalLike

Item = dict[str, Any]
# A filter by state looks at this many rows a request at most; the page then ends early and the cursor goes on.
SCANNED_ROWS_MAX = 2_000
SCANNED_AT_ONCE = 200
_SUBJECT, _MANAGER = person.alias("subject"), person.alias("manager")


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What a list of reviews is narrowed to. `role`: `reviewee`, `reviewer`, `hr` or None for all that one has."""

    role: str | None = None
    cycle_id: str | None = None
    state: str | None = None
    person_id: str | None = None
    year: int | None = None


def page(tx: Tx, actor: Actor, wanted: Filters, *, after: str | None, limit: int) -> tuple[list[Item], str | None]:
    """Return reviews that the actor may list, newest first, and where the page ended."""
    if wanted.role == "hr":
        refuse(unmet_role(actor, HR_ADMIN, HR_ASSISTANT))
    items: list[Item] = []
    scanned, cursor = 0, after
    # A state is computed from the row; few of those that are read may have it, whatever the page's length.
    at_once = limit + 1 if wanted.state is None else max(limit + 1, SCANNED_AT_ONCE)
    while scanned < SCANNED_ROWS_MAX:
        rows = tx.execute(_select(actor, wanted, cursor, at_once)).mappings().all()
        scanned += len(rows)
        for row in rows:
            if len(items) == limit:
                return items, cursor
            cursor = row["review_id"]
            item = _summary(row, actor)
            if wanted.state in {None, item["state"]}:
                items.append(item)
        if len(rows) < at_once:
            return items, None
    return items, cursor


def one(tx: Tx, actor: Actor, review_id: str) -> Item:
    """Return a review with what its form's head needs; raises `NotFound`."""
    query = _joined().where(review.c.review_id == review_id)
    row = tx.execute(query).mappings().one_or_none()
    if row is None:
        refuse([NotFound()])
    assert row is not None  # refused above
    found = reviews.stored(row)
    rel = people.relation_to(tx, actor, found.review)
    refuse([NotFound()] if rel.outsider else [])
    settings = found.review.settings
    return {
        **_head(row, found.review),
        **shapes.states(found.review, rel),
        **shapes.row_version(found, rel),
        **_progress(tx, found.review, rel),
        "instructions": row["instructions"],
        "release_mode": settings.release_mode.value,
        "calibration_required": settings.calibration_required,
        "self_visibility": settings.self_visibility.value,
        "questionnaire_id": settings.questionnaire_id,
        "questionnaire_version": settings.questionnaire_version,
        "links": {
            "self_assessment": _link(found.review, "self", not self_assessment.unmet_read(found.review, rel)),
            "manager_assessment": _link(found.review, "manager", not manager_assessment.unmet_read(found.review, rel)),
        },
    }


def possible(tx: Tx, actor: Actor, review_id: str, *, now: datetime) -> Item:
    """Return every action on a review with what stands against it; raises `NotFound`."""
    found = reviews.read(tx, review_id)
    if found is None:
        refuse([NotFound()])
    assert found is not None  # refused above
    rel = people.relation_to(tx, actor, found.review)
    listed = actions.actions(
        found.review,
        rel,
        now=now,
        self_missing=_missing(tx, found.review, Audience.SELF),
        manager_missing=_missing(tx, found.review, Audience.MANAGER),
    )
    return {"review_id": review_id, "actions": [_action(each) for each in listed]}


def _action(each: actions.Action) -> Item:
    unmet = [
        {**describe(cast("RefusalLike", one)), "cleared_by": list(actions.CLEARED_BY.get(one.code, ()))}
        for one in each.unmet
    ]
    return {"name": each.name, "allowed": each.allowed, "unmet": unmet}


def _missing(tx: Tx, found: Review, audience: Audience) -> tuple[QuestionId, ...]:
    asked = questionnaires.of_review(tx, found)
    if asked is None:
        return ()
    version = found.self_version if audience is Audience.SELF else found.manager_version
    current = contents.read(tx, found.review_id, audience.value, version)
    return missing_answers(asked.asked, audience, {} if current is None else current.content.values)


def _joined() -> sa.Select[Any]:
    return (
        sa.select(
            review,
            cycle.c.name.label("cycle_name"),
            cycle.c.instructions,
            _SUBJECT.c.name.label("subject_name"),
            _MANAGER.c.name.label("manager_name"),
        )
        .join(cycle, cycle.c.cycle_id == review.c.cycle_id)
        .outerjoin(_SUBJECT, _SUBJECT.c.person_id == review.c.subject_id)
        .outerjoin(_MANAGER, _MANAGER.c.person_id == review.c.manager_id)
    )


def _select(actor: Actor, wanted: Filters, after: str | None, rows: int) -> sa.Select[Any]:
    query = _joined().order_by(review.c.review_id.desc()).limit(rows)
    if after is not None:
        query = query.where(review.c.review_id < after)
    everything = not unmet_role(actor, HR_ADMIN, HR_ASSISTANT) and wanted.role in {None, "hr"}
    if not everything:
        query = query.where(review.c.review_id.in_(_mine(actor, wanted.role)))
    if wanted.cycle_id is not None:
        query = query.where(review.c.cycle_id == wanted.cycle_id)
    if wanted.year is not None:
        query = query.where(review.c.year == wanted.year)
    if wanted.person_id is not None:
        query = query.where(sa.or_(review.c.subject_id == wanted.person_id, review.c.manager_id == wanted.person_id))
    return query


def _mine(actor: Actor, role: str | None) -> Any:
    """Return the ids of the actor's own reviews and of those that the actor writes or once wrote."""
    own = sa.select(review.c.review_id).where(review.c.subject_id == actor.person_id)
    team = sa.select(review.c.review_id).where(review.c.manager_id == actor.person_id)
    once = sa.select(former_reviewer.c.review_id).where(former_reviewer.c.person_id == actor.person_id)
    if role == "reviewee":
        return own
    return sa.union(team, once) if role == "reviewer" else sa.union(own, team, once)


def _summary(row: Mapping[Any, Any], actor: Actor) -> Item:
    found = reviews.stored(row).review
    rel = _listing_relation(actor, found)
    seen = shapes.states(found, rel)
    former = rel.outsider
    return {
        **_head(row, found),
        "role": "former_reviewer" if former else _role(rel),
        # A former manager keeps the row, and no more than its plain state.
        "state": state_seen_by(found, Relation(actor_id=rel.actor_id, employee=True)).value
        if former
        else seen["state"],
        "self_state": None if former else seen["self_state"],
        "manager_state": None if former else seen["manager_state"],
        "cancelled": found.cancelled,
    }


def _listing_relation(actor: Actor, found: Review) -> Relation:
    """Return the relation for metadata only: whether HR may act is not asked for rows of a list."""
    rel = relation(
        Actor(person_id=actor.person_id, roles=actor.roles - {HR_ADMIN}),
        subject_id=found.subject_id,
        manager_id=found.manager_id,
        directory={},
    )
    if rel.employee or HR_ADMIN not in actor.roles:
        return rel
    return Relation(actor_id=rel.actor_id, manager=rel.manager, assistant=rel.assistant, hr=HrRight.UNKNOWN_PERSON)


def _role(rel: Relation) -> str:
    if rel.employee:
        return "reviewee"
    return "reviewer" if rel.manager else "hr"


def _head(row: Mapping[Any, Any], found: Review) -> Item:
    return {
        "review_id": found.review_id,
        "cycle_id": found.cycle_id,
        "cycle_name": row["cycle_name"],
        "year": row["year"],
        "subject_id": found.subject_id,
        "subject_name": row["subject_name"],
        "manager_id": found.manager_id,
        "manager_name": row["manager_name"],
        "self_deadline": shapes.deadline(found.self_deadline),
        "manager_deadline": shapes.deadline(found.manager_deadline),
        "started": found.started,
        "closed": found.cycle_closed,
    }


def _progress(tx: Tx, found: Review, rel: Relation) -> Item:
    """Return when each side was saved last and how much it holds: to its author and to HR, never the text."""
    hr = rel.hr is not HrRight.NONE
    shown = {"self": rel.employee or hr, "manager": rel.manager or hr}
    versions = {"self": found.self_version, "manager": found.manager_version}
    wanted = [(content.c.side == side) & (content.c.version == versions[side]) for side, seen in shown.items() if seen]
    query = sa.select(content.c.side, content.c.saved_at, content.c.chars).where(
        content.c.review_id == found.review_id, sa.or_(sa.false(), *wanted)
    )
    written = {row.side: row for row in tx.execute(query)}
    progress: Item = {}
    for side in shown:
        progress[f"{side}_saved_at"] = shapes.instant(written[side].saved_at) if side in written else None
        progress[f"{side}_chars"] = written[side].chars if side in written else None
    return progress


def _link(found: Review, side: str, readable: bool) -> str | None:  # noqa: FBT001 -- an answer, not an option
    return f"/v1/reviews/{found.review_id}/{side}-assessment" if readable else None
