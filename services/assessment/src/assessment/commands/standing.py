"""How every command on a review begins and ends: its row locked, who the actor is to it; saved, told, written down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assessment import events
from assessment.domain.people import HR_ADMIN, HR_ASSISTANT, SERVICE, Actor, HrRight, Relation
from assessment.domain.refusals import NotFound, refuse
from assessment.store import people, restored, reviews
from reviewbus.db import AuditEntry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from assessment.domain.review import Review
    from assessment.store.reviews import Stored
    from reviewbus.db import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A locked review and what the actor is to it."""

    stored: Stored
    rel: Relation
    actor: Actor

    @property
    def review(self) -> Review:
        """The review as it was loaded."""
        return self.stored.review


def locked(tx: Tx, actor: Actor, review_id: str) -> Standing:
    """Lock a review's row; raises `NotFound` where there is none."""
    found = reviews.load(tx, review_id)
    if found is None:
        refuse([NotFound()])
    assert found is not None  # refused above
    return Standing(stored=found, rel=people.relation_to(tx, actor, found.review), actor=actor)


def editing(tx: Tx, actor: Actor, review_id: str) -> Standing:
    """Lock a review's row for a change; raises `Quarantined` while, after a restore, others have yet to compare."""
    restored.refuse_edits(tx)
    return locked(tx, actor, review_id)


def conclude(
    tx: Tx, at: Standing, review: Review, told: Sequence[Any], *, action: str | None, reason: str | None = None
) -> Stored:
    """Save the review, emit its facts, and note the act unless `action` is None."""
    saved = reviews.save(tx, at.stored, review, facts=len(told))
    for event in events.of_review(told, review, version=saved.row_version, last_sequence=saved.event_sequence):
        tx.emit(event)
    if action is not None:
        entry = AuditEntry(
            actor=at.actor.person_id,
            role=role_of(at.rel),
            action=action,
            object_id=review.review_id,
            reason=reason,
        )
        tx.audit(entry)
    return saved


def keep_many(tx: Tx, changes: Sequence[tuple[Stored, Review, Sequence[Any]]]) -> int:
    """Save reviews that were loaded and emit their facts, each with its own; return how many."""
    saved = reviews.save_many(tx, [(old, new, len(told)) for old, new, told in changes])
    for one, (_, new, told) in zip(saved, changes, strict=True):
        for event in events.of_review(told, new, version=one.row_version, last_sequence=one.event_sequence):
            tx.emit(event)
    return len(saved)


def role_of(rel: Relation) -> str:
    """Return the word for what somebody acted as."""
    if rel.employee:
        return "employee"
    if rel.manager:
        return "manager"
    return HR_ADMIN if rel.hr is not HrRight.NONE else HR_ASSISTANT if rel.assistant else "none"


def audit_role(actor: Actor) -> str:
    """Return the token role in which somebody acts outside any review."""
    return next((role for role in (HR_ADMIN, HR_ASSISTANT, SERVICE) if role in actor.roles), "none")
