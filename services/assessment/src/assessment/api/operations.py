"""Operations over many reviews: planned, applied, watched, cancelled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from assessment.api.edge import actor, after, settings
from assessment.commands import operations as commands
from assessment.commands.operations import Wanted
from assessment.domain.operation import Command
from assessment.queries import operations as queries
from assessment.schemas import operations as shapes
from reviewbus.http import Routes
from reviewbus.operations import api as shared
from reviewbus.operations.views import Filters
from reviewbus.schema import encode_cursor
from reviewbus.sheets import CSV_TYPE

if TYPE_CHECKING:
    from uuid import UUID

    from flask import Response

    from assessment.domain.operation import Operation
    from reviewbus.auth import Caller
    from reviewbus.db import Tx
    from reviewbus.http import Reply
    from reviewbus.idempotency import Answer

routes = Routes("operations", __name__, description="One command for many reviews")
ONE = "/v1/reviews/operations/<uuid:operation_id>"
_COLUMNS = ("review_id", "subject_id", "outcome", "unmet", "why", "decided_at")


@routes.command("/v1/reviews/bulk", body=shapes.NewOperation, answer=shapes.Begun, status=202)
def begin(tx: Tx, caller: Caller, body: dict[str, Any]) -> Answer:
    """Give one command to many reviews, or plan to."""
    wanted = Wanted(command=Command(body["action"]), reason=body["reason"], dry_run=body["dry_run"])
    chosen = shared.chosen(body["selection"], "review_ids")
    return _begun(commands.begin(tx, actor(caller), wanted, chosen, plans_max=settings().operation_plans_max), 202)


@routes.read("/v1/reviews/bulk", query=shapes.OperationsQuery, answer=shapes.OperationPage)
def list_operations(tx: Tx, caller: Caller, query: dict[str, Any]) -> Any:
    """List the operations that HR began, the newest first; without those that concern the own review alone."""
    wanted = Filters(state=query["state"], command=query["action"], cycle_id=query["cycle_id"])
    items, ended = queries.page(tx, actor(caller), wanted, after=after(query["cursor"]), limit=query["limit"])
    return {"items": items, "next_cursor": encode_cursor(ended) if ended else None}


@routes.read(ONE, answer=shapes.OperationProgress)
def progress(tx: Tx, caller: Caller, operation_id: UUID) -> Any:
    """Watch an operation."""
    return queries.progress(tx, actor(caller), str(operation_id))


@routes.read(f"{ONE}/items", query=shapes.ItemsQuery, answer=shapes.OperationItemPage)
@routes.alt_response(200, schema={"type": "string"}, content_type=CSV_TYPE, description="All items, as CSV")
def list_items(tx: Tx, caller: Caller, query: dict[str, Any], operation_id: UUID) -> Reply | Response:
    """Say what became of each review of an operation, or would."""
    one, who = str(operation_id), actor(caller)
    columns = _COLUMNS if query["format"] == "csv" else None

    def page(tx: Tx, after: str | None, limit: int) -> tuple[list[dict[str, Any]], str | None]:
        return queries.items(tx, who, one, outcome=query["outcome"], after=after, limit=limit)

    begin = None if columns else after(query["cursor"])
    return shared.items(tx, one, page, columns=columns, after=begin, limit=query["limit"])


@routes.command(f"{ONE}/apply", answer=shapes.Begun, status=202)
def apply(tx: Tx, caller: Caller, operation_id: UUID) -> Answer:
    """Carry a plan out; each review is judged again."""
    return _begun(commands.apply(tx, actor(caller), str(operation_id)), 202)


@routes.command(f"{ONE}/cancel", answer=shapes.Begun)
def cancel(tx: Tx, caller: Caller, operation_id: UUID) -> Answer:
    """Leave alone what an operation has not begun; a plan is gone then."""
    return _begun(commands.cancel(tx, actor(caller), str(operation_id)), 200)


def _begun(operation: Operation, status: int) -> Answer:
    return shared.begun(
        "/v1/reviews/operations",
        operation.id,
        action=operation.command,
        state=operation.state,
        review_count=operation.size,
        status=status,
    )
