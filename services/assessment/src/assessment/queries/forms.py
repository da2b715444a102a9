"""The two forms, their versions and their backups, as their readers get them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from assessment.domain.questionnaire import Audience
from assessment.queries import shapes
from assessment.store import questionnaires
from assessment.store.tables import backup, cycle

if TYPE_CHECKING:
    from assessment.domain.review import Review
    from assessment.store.contents import Version
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


def backups(tx: Tx, review_id: str, audience: Audience, author_id: str) -> list[Item]:
    """Return an author's backups, newest first, without their texts."""
    query = (
        sa.select(backup.c.number, backup.c.kind, backup.c.saved_at, backup.c.chars)
        .where(backup.c.review_id == review_id, backup.c.side == audience.value, backup.c.author_id == author_id)
        .order_by(backup.c.number.desc())
    )
    return [dict(row) for row in tx.execute(query).mappings()]
