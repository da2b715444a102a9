"""What the views share: who asks, in the domain's words, and what a command on a review answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from assessment.domain.ids import PersonId
from assessment.domain.people import Actor
from assessment.queries import shapes
from reviewbus import http
from reviewbus.idempotency import Answer
from reviewbus.schema import decode_cursor

if TYPE_CHECKING:
    from marshmallow import ValidationError

    from assessment.domain.people import Relation
    from assessment.settings import Settings
    from assessment.store.reviews import Stored
    from reviewbus.auth import Caller

SETTINGS = "settings"
# A number in a path: a version, or a backup's; beyond the columns' range there is nothing.
NUMBER = "int(max=2147483647)"


class _OurId(str):
    """An id of ours in a cursor; raises ValueError for anything else."""

    __slots__ = ()

    def __new__(cls, part: object) -> _OurId:  # noqa: PYI034 -- nobody derives from it
        return super().__new__(cls, UUID(str(part)))


def actor(caller: Caller) -> Actor:
    """Return the caller as the domain knows people."""
    return Actor(person_id=PersonId(caller.id), roles=caller.roles, scopes=caller.scopes)


def settings() -> Settings:
    """Return the service's settings."""
    return cast("Settings", http.edge().services[SETTINGS])


def after(cursor: str | None) -> str | None:
    """Return the id after which a page begins; raises `Problem` 422 for a cursor that is not ours."""
    parts = decode_cursor(cursor, _OurId)
    return str(parts[0]) if parts else None


def acknowledged(saved: Stored, rel: Relation, *, etag: int | None = None, **more: Any) -> Answer:
    """Answer a command on a review: ids, states and versions, as this caller may know them."""
    body = {"review_id": saved.review.review_id, **shapes.row_version(saved, rel), **shapes.states(saved.review, rel)}
    return Answer(status=200, acknowledgement={**body, **more}, etag=None if etag is None else str(etag))


def malformed(index: int, error: ValidationError, named: str) -> dict[str, Any]:
    """Say what is wrong with a row of a list, by field; `named`: the field with whom it is about."""
    sent = error.valid_data if isinstance(error.valid_data, dict) else {}
    errors = error.messages if isinstance(error.messages, dict) else {"_schema": error.messages}
    told = {"index": index, named: sent.get(named), "code": "malformed-row", "errors": errors}
    return {**told, "detail": "The row is not written as it must be."}
