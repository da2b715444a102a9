"""What the views share: who asks, in the domain's words, and what a command on a review answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from assessment.domain.ids import PersonId
from assessment.domain.people import Actor
from assessment.queries import shapes
from reviewbus import http
from reviewbus.idempotency import Answer

if TYPE_CHECKING:
    from assessment.domain.people import Relation
    from assessment.settings import Settings
    from assessment.store.reviews import Stored
    from reviewbus.auth import Caller

SETTINGS = "settings"


def actor(caller: Caller) -> Actor:
    """Return the caller as the domain knows people."""
    return Actor(person_id=PersonId(caller.id), roles=caller.roles, scopes=caller.scopes)


def settings() -> Settings:
    """Return the service's settings."""
    return cast("Settings", http.edge().services[SETTINGS])


def acknowledged(saved: Stored, rel: Relation, *, etag: int | None = None, **more: Any) -> Answer:
    """Answer a command on a review: ids, states and versions, as this caller may know them."""
    body = {"review_id": saved.review.review_id, "row_version": saved.row_version, **shapes.states(saved.review, rel)}
    return Answer(status=200, acknowledgement={**body, **more}, etag=None if etag is None else str(etag))
