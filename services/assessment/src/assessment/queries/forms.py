"""The two forms, their versions and their backups, as their readers get them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from assessment.domain.questionnaire import Audience
from assessment.domain.reading import unmet_backups
from assessment.domain.refusals import NotFound, refuse
from assessment.queries import shapes
from assessment.store import contents, people, questionnaires, reviews
from assessment.store.tables import backup, cycle

if TYPE_CHECKING:
    from datetime import datetime

    from assessment.domain.people import Actor
    from assessment.domain.review import Review
    from assessment.store.contents import Content, Version
    from reviewbus.db import Tx

Item = dict[str, Any]


def form(tx: Tx, review: Review, audience: Audience, written: Version | None) -> Item:
    """Return one side's form: what is asked, by when, and what was answered; version 0 if nothing was ever saved."""
    own = audience is Audience.SELF
    asked = questionnaires.of_review(tx, review)
    head = tx.execute(sa.select(cycle.c.instructions).where(cycle.c.cycle_id == review.cycle_id)).scalar()
    return {
        "review_id": review.review_id,
        "side": f"{audience.value}-assessment",
        "state": (review.self_state if own else review.manager_state).value,
        "version": review.self_version if own else review.manager_version,
        "content_hash": None if written is None else written.content.content_hash,
        "answers": {} if written is None else written.content.values,
        "saved_at": None if written is None else written.saved_at,
        "questions": [] if asked is None else [one for one in asked.questions if one["audience"] == audience.value],
        "instructions": head,
        "deadline": shapes.deadline(review.self_deadline if own else review.manager_deadline),
    }


def version(review: Review, written: Version) -> Item:
    """Return one version of the self-assessment, and whether there is a newer one."""
    return {
        "review_id": review.review_id,
        "side": "self-assessment",
        "version": written.version,
        "content_hash": written.content.content_hash,
        "answers": written.content.values,
        "saved_at": written.saved_at,
        "superseded": written.version != review.self_version,
    }


def saved(review: Review, audience: Audience, content: Content, saved_at: datetime) -> Item:
    """Return what a save came to."""
    own = audience is Audience.SELF
    return {
        "review_id": review.review_id,
        "version": review.self_version if own else review.manager_version,
        "state": (review.self_state if own else review.manager_state).value,
        "content_hash": content.content_hash,
        "saved_at": saved_at,
        "answers": content.values,
    }


def backups(tx: Tx, actor: Actor, review_id: str, audience: Audience) -> list[Item]:
    """Return the actor's own backups, newest first, without their texts; raises `Refusal`."""
    _refuse_others(tx, actor, review_id, audience)
    query = (
        sa.select(backup.c.number, backup.c.kind, backup.c.saved_at, backup.c.chars)
        .where(backup.c.review_id == review_id, backup.c.side == audience.value, backup.c.author_id == actor.person_id)
        .order_by(backup.c.number.desc())
    )
    return [dict(row) for row in tx.execute(query).mappings()]


def one_backup(tx: Tx, actor: Actor, review_id: str, audience: Audience, number: int) -> Item:
    """Return one of the actor's own backups; raises `Refusal`."""
    _refuse_others(tx, actor, review_id, audience)
    found = contents.read_backup(tx, review_id, audience.value, actor.person_id, number)
    if found is None:
        refuse([NotFound()])
    assert found is not None  # refused above
    return {name: found[name] for name in ("number", "kind", "saved_at", "answers")}


def _refuse_others(tx: Tx, actor: Actor, review_id: str, audience: Audience) -> None:
    found = reviews.read(tx, review_id)
    if found is None:
        refuse([NotFound()])
    assert found is not None  # refused above
    refuse(unmet_backups(found.review, people.relation_to(tx, actor, found.review), audience))
