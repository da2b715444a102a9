"""The operations: parse, call a command or a query, shape."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from reviewbus.http import Routes
from reviewbus.idempotency import Answer
from reviewbus.schema import Page
from signing import commands, queries, schemas
from signing.domain.ids import PersonId, ReviewId, SnapshotHash
from signing.domain.people import Actor
from signing.domain.record import HOLDER_OF, Holder, HoldState, Role, word_of

if TYPE_CHECKING:
    from uuid import UUID

    from reviewbus.auth import Caller
    from reviewbus.db import Tx
    from signing.domain.record import SigningRecord

routes = Routes("signing", __name__)


@routes.read("/v1/signatures", answer=schemas.RecordPage, query=schemas.SignaturesQuery)
def list_signatures(tx: Tx, caller: Caller, query: dict[str, Any]) -> Any:
    """List the reviews whose signatures the caller may read, newest first."""
    return queries.signatures(tx, _actor(caller), **query)


@routes.read("/v1/signatures/<uuid:review_id>", answer=schemas.RecordShape)
def show_signature(tx: Tx, caller: Caller, review_id: UUID) -> Any:
    """Show both signers, their comments and the completion of one review."""
    return queries.signature(tx, _review(review_id), _actor(caller))


@routes.read("/v1/signatures/<uuid:review_id>/statement", answer=schemas.StatementShape)
def show_statement(tx: Tx, caller: Caller, review_id: UUID) -> Any:
    """Show the exact words that the caller is to agree to, their version and what they cover."""
    return queries.shown_statement(tx, _review(review_id), _actor(caller))


@routes.read("/v1/signatures/<uuid:review_id>/actions", answer=schemas.ActionsShape)
def list_actions(tx: Tx, caller: Caller, review_id: UUID) -> Any:
    """List what the caller may do with these signatures now, and what stands against the rest."""
    return queries.possible_actions(tx, _review(review_id), _actor(caller))


@routes.command("/v1/signatures/<uuid:review_id>/sign", answer=schemas.SignedShape, body=schemas.SignBody, status=202)
@routes.alt_response(200, schema=schemas.SignedShape, description="Done already, or at once")
def sign(tx: Tx, caller: Caller, body: dict[str, Any], review_id: UUID) -> Answer:
    """Sign the released packet as its employee or manager."""
    named = {**body, "snapshot_hash": SnapshotHash(body["snapshot_hash"])}
    record, role = commands.sign(tx, commands.Sign(review_id=_review(review_id), actor=_actor(caller), **named))
    register = record.register(HOLDER_OF[role])
    return _answer(
        record,
        HOLDER_OF[role],
        {
            "review_id": record.review_id,
            "role": role.value,
            "state": word_of(record, HOLDER_OF[role]),
            "fence": register.fence,
            "statement_version": register.statement_version,
        },
    )


@routes.command(
    "/v1/signatures/<uuid:review_id>/revoke", answer=schemas.SettledShape, body=schemas.RevokeBody, status=202
)
@routes.alt_response(200, schema=schemas.SettledShape, description="Done already, or at once")
def revoke(tx: Tx, caller: Caller, body: dict[str, Any], review_id: UUID) -> Answer:
    """Revoke one signature or all, as HR; the completion is lifted as well."""
    role = None if body["signer"] == "all" else Role(body["signer"])
    cmd = commands.Revoke(review_id=_review(review_id), actor=_actor(caller), role=role, reason=body["reason"])
    record = commands.revoke(tx, cmd)
    return _answer(record, None, _settled(record))


@routes.command(
    "/v1/signatures/<uuid:review_id>/complete", answer=schemas.SettledShape, body=schemas.CompleteBody, status=202
)
@routes.alt_response(200, schema=schemas.SettledShape, description="Done already, or at once")
def complete(tx: Tx, caller: Caller, body: dict[str, Any], review_id: UUID) -> Answer:
    """Complete a review without all signatures, as HR."""
    cmd = commands.Complete(review_id=_review(review_id), actor=_actor(caller), reason=body["reason"])
    record = commands.complete(tx, cmd)
    return _answer(record, Holder.COMPLETION, _settled(record))


@routes.internal("/internal/states", answer=schemas.StatesPage, query=Page)
def list_states(tx: Tx, _caller: Caller, query: dict[str, Any]) -> Any:
    """List every row's registers, in the order of review ids."""
    return queries.states(tx, **query)


@routes.internal("/internal/visibility", answer=schemas.VisibilityShape, body=schemas.VisibilityBody)
def tell_visibility(tx: Tx, _caller: Caller, body: dict[str, Any]) -> Any:
    """Say of each item whether that person may open that signature now, and it is still current."""
    return {"items": queries.visibility(tx, body["items"])}


def _answer(record: SigningRecord, awaited: Holder | None, acknowledgement: dict[str, Any]) -> Answer:
    """Answer 202 while something is on its way, 200 where what was asked for stands already."""
    stands = awaited is not None and record.register(awaited).state is HoldState.SIGNED
    return Answer(
        status=HTTPStatus.OK if stands else HTTPStatus.ACCEPTED,
        acknowledgement=acknowledgement,
        location=f"/v1/signatures/{record.review_id}",
    )


def _settled(record: SigningRecord) -> dict[str, Any]:
    return {
        "review_id": record.review_id,
        "signers": [
            {
                "role": role.value,
                "state": word_of(record, HOLDER_OF[role]),
                "fence": record.register(HOLDER_OF[role]).fence,
            }
            for role in Role
        ],
        "completion": {"state": word_of(record, Holder.COMPLETION), "fence": record.completion.fence},
    }


def _actor(caller: Caller) -> Actor:
    return Actor(person_id=PersonId(caller.id), roles=caller.roles)


def _review(review_id: UUID) -> ReviewId:
    return ReviewId(str(review_id))
