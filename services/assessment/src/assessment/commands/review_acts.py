"""HR's acts on a whole review."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assessment.commands import standing
from assessment.domain import reassignment
from assessment.domain.ids import PersonId
from assessment.store import people, reviews

if TYPE_CHECKING:
    from assessment.domain.people import Actor, Relation
    from assessment.store.reviews import Stored
    from reviewbus.db import Tx


def reassign(tx: Tx, actor: Actor, review_id: str, *, manager_id: str, reason: str | None) -> tuple[Stored, Relation]:
    """Name another manager of record; raises `Refusal`."""
    at = standing.editing(tx, actor, review_id)
    after, told = reassignment.reassign(
        at.review,
        at.rel,
        manager_id=PersonId(manager_id),
        reason_given=reason is not None,
        directory=people.with_lines(tx, (manager_id, at.review.subject_id)),
    )
    saved = standing.conclude(tx, at, after, told, action="review.reassign" if told else None, reason=reason)
    if told:
        reviews.remember_former(tx, review_id, at.review.manager_id)
    return saved, at.rel


def cancel(tx: Tx, actor: Actor, review_id: str, *, reason: str | None) -> tuple[Stored, Relation]:
    """End a review for good; raises `Refusal`."""
    at = standing.editing(tx, actor, review_id)
    after, told = reassignment.cancel(at.review, at.rel)
    return standing.conclude(tx, at, after, told, action="review.cancel", reason=reason), at.rel
