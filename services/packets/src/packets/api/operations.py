"""Operations over many packets: planned, applied, watched, cancelled; and releases at an instant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from packets.api.routes import acknowledge, actor, review_id_of, routes
from packets.commands import operations
from packets.commands.operations import Wanted
from packets.domain.operation import Command
from packets.queries import operations as queries
from packets.queries.packets import waiting
from packets.schemas import operations as shapes
from packets.schemas.packets import RecalledShape
from reviewbus import http
from reviewbus.idempotency import Answer
from reviewbus.operations import api as shared
from reviewbus.operations.views import Filters
from reviewbus.schema import decode_cursor, encode_cursor
from reviewbus.sheets import CSV_TYPE

if TYPE_CHECKING:
    from uuid import UUID

    from flask import Response

    from packets.domain.operation import Operation
    from reviewbus.auth import Caller
    from reviewbus.db import Tx
    from reviewbus.http import Reply

Words = dict[str, Any]
_COLUMNS = ("review_id", "subject_id", "outcome", "unmet", "why", "decided_at", "subject_name")


@routes.command("/v1/packets/bulk", body=shapes.NewOperation, answer=shapes.BegunShape, status=202)
def begin(tx: Tx, caller: Caller, body: Words) -> Answer:
    """Give one command to many packets, or plan to. What an unrelease takes back is hidden when this is answered."""
    wanted = Wanted(
        command=Command(body["action"]),
        reason=body["reason"],
        revoke_signatures=body["revoke_signatures"],
        fires_at=body["not_before"],
        dry_run=body["dry_run"],
    )
    plans_max = http.edge().services["settings"].operation_plans_max
    chosen = shared.chosen(body["selection"], "review_ids")
    return _begun(operations.begin(tx, actor(caller), wanted, chosen, plans_max=plans_max))


@routes.read("/v1/packets/bulk", query=shapes.OperationsQuery, answer=shapes.OperationsShape)
def begun_operations(tx: Tx, caller: Caller, query: Words) -> Words:
    """List the operations that HR began, the newest first; without those that concern the own review alone."""
    after = decode_cursor(query["cursor"], str)
    filters = Filters(
        state=query["state"], command=query["action"], cycle_id=query["cycle_id"] and str(query["cycle_id"])
    )
    start = review_id_of(after[0]) if after else None
    items, last = queries.listing(tx, actor(caller), filters, after=start, limit=query["limit"])
    return {"items": items, "next_cursor": encode_cursor(last) if last else None}


@routes.read("/v1/packets/operations/<uuid:operation_id>", answer=shapes.OperationShape)
def progress(tx: Tx, caller: Caller, operation_id: UUID) -> Words:
    """Watch an operation."""
    return queries.progress(tx, str(operation_id), actor(caller))


@routes.read("/v1/packets/operations/<uuid:operation_id>/items", query=shapes.ItemsQuery, answer=shapes.ItemsShape)
@routes.alt_response(200, schema={"type": "string"}, content_type=CSV_TYPE, description="All items, as CSV")
def items(tx: Tx, caller: Caller, query: Words, operation_id: UUID) -> Reply | Response:
    """What became of each packet of an operation, or would."""
    one, who = str(operation_id), actor(caller)
    columns = _COLUMNS if query["format"] == "csv" else None

    def page(tx: Tx, after: str | None, limit: int) -> tuple[list[Words], str | None]:
        found, last = queries.items(tx, one, who, outcome=query["outcome"], after=after, limit=limit)
        return queries.with_names(tx, found) if columns else found, last

    after = None if columns else decode_cursor(query["cursor"], str)
    start = review_id_of(after[0]) if after else None
    return shared.items(tx, one, page, columns=columns, after=start, limit=query["limit"])


@routes.command(
    "/v1/packets/operations/<uuid:operation_id>/apply", body=shapes.Applied, answer=shapes.BegunShape, status=202
)
def apply(tx: Tx, caller: Caller, body: Words, operation_id: UUID) -> Answer:
    """Carry a plan out; each packet is judged again."""
    return _begun(operations.apply(tx, str(operation_id), actor(caller), fires_at=body["not_before"]))


@routes.command("/v1/packets/operations/<uuid:operation_id>/cancel", answer=shapes.BegunShape)
def cancel(tx: Tx, caller: Caller, operation_id: UUID) -> Answer:
    """Leave alone what an operation has not begun; a plan is gone then."""
    return _begun(operations.cancel(tx, str(operation_id), actor(caller)), status=200)


@routes.command("/v1/packets/<uuid:review_id>/cancel-scheduled", answer=RecalledShape)
def cancel_scheduled(tx: Tx, caller: Caller, review_id: UUID) -> Answer:
    """Take back a release that has not fired yet: HR whoever scheduled it, a manager the own."""
    packet, recalled = operations.cancel_scheduled(tx, str(review_id), actor(caller))
    words = {**acknowledge(packet), "cancelled": [waiting(each) for each in recalled]}
    return Answer(status=200, acknowledgement=words)


def _begun(operation: Operation, *, status: int = 202) -> Answer:
    return shared.begun(
        "/v1/packets/operations",
        operation.id,
        action=operation.command,
        state=operation.state,
        review_count=operation.size,
        status=status,
    )
