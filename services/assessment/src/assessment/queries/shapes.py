"""Small pieces of answers that several reads share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from assessment.domain import reading
from assessment.domain.review import manager_state_seen_by, state_seen_by
from reviewbus.clock import rfc3339

if TYPE_CHECKING:
    from datetime import datetime

    from assessment.domain.deadline import Deadline
    from assessment.domain.people import Relation
    from assessment.domain.review import Review
    from assessment.store.reviews import Stored


def deadline(one: Deadline | None) -> dict[str, str] | None:
    """Return a deadline as day, zone and instant."""
    if one is None:
        return None
    return {"date": one.local_date.isoformat(), "zone": one.zone, "instant": rfc3339(one.instant)}


def instant(at: datetime | None) -> str | None:
    """Return an instant as RFC 3339."""
    return None if at is None else rfc3339(at)


def row_version(stored: Stored, rel: Relation) -> dict[str, int]:
    """Return the row's version for HR's eyes; nothing for employee and manager.

    It counts what the other side drafts, and holds that come and go, of which they are to see nothing.
    """
    return {} if rel.employee or rel.manager else {"row_version": stored.row_version}


def states(review: Review, rel: Relation) -> dict[str, Any]:
    """Return the states and versions of a review in the words that this reader may know."""
    manager_state = manager_state_seen_by(review, rel)
    return {
        "state": state_seen_by(review, rel).value,
        "self_state": reading.self_state_seen_by(review, rel).value,
        "self_version": reading.self_version_seen_by(review, rel),
        "manager_state": None if manager_state is None else manager_state.value,
        "manager_version": None if manager_state is None else review.manager_version,
        "manager_id": review.manager_id,
        "cancelled": review.cancelled,
    }
