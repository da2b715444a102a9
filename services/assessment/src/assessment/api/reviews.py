"""Reviews as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from assessment.api.edge import acknowledged, actor, after
from assessment.commands import manager_side, review_acts, self_side
from assessment.queries import reviews as queries
from assessment.schemas import reviews as shapes
from reviewbus.http import Reply, Routes
from reviewbus.schema import encode_cursor

if TYPE_CHECKING:
    from uuid import UUID

    from reviewbus.auth import Caller
    from reviewbus.db import Tx
    from reviewbus.idempotency import Answer

routes = Routes("reviews", __name__, description="Reviews")
ONE = "/v1/reviews/<uuid:review_id>"
SELF = f"{ONE}/self-assessment"
MANAGER = f"{ONE}/manager-assessment"


@routes.read("/v1/reviews", query=shapes.ReviewsQuery, answer=shapes.ReviewPage)
def list_reviews(tx: Tx, caller: Caller, query: dict[str, Any]) -> Any:
    """List the reviews that the caller takes part in, or all for HR, newest first."""
    begin = after(query["cursor"])
    wanted = queries.Filters(**{name: query[name] for name in ("role", "cycle_id", "state", "person_id", "year")})
    items, ended = queries.page(tx, actor(caller), wanted, after=begin, limit=query["limit"])
    return {"items": items, "next_cursor": encode_cursor(ended) if ended else None}


@routes.read(ONE, answer=shapes.Review)
def one_review(tx: Tx, caller: Caller, review_id: UUID) -> Reply:
    """Show a review: states, deadlines, people, and what the caller may open."""
    return Reply(body=queries.one(tx, actor(caller), str(review_id)))


@routes.read(f"{ONE}/actions", answer=shapes.Actions)
def actions(tx: Tx, caller: Caller, review_id: UUID) -> Any:
    """Say what the caller can do with a review, and what stands against the rest."""
    return queries.possible(tx, actor(caller), str(review_id), now=tx.now)


@routes.command(f"{ONE}/reassign", body=shapes.ReassignBody, answer=shapes.ReviewAck)
def reassign(tx: Tx, caller: Caller, body: dict[str, Any], review_id: UUID) -> Answer:
    """Name another manager of record."""
    return acknowledged(*review_acts.reassign(tx, actor(caller), str(review_id), **body))


@routes.command(f"{ONE}/cancel", body=shapes.OptionalReason, answer=shapes.ReviewAck)
def cancel(tx: Tx, caller: Caller, body: dict[str, Any], review_id: UUID) -> Answer:
    """Cancel a review for good."""
    return acknowledged(*review_acts.cancel(tx, actor(caller), str(review_id), **body))


@routes.command(f"{SELF}/share", answer=shapes.ReviewAck)
def share(tx: Tx, caller: Caller, review_id: UUID) -> Answer:
    """Share the self-assessment with the manager and HR."""
    saved, rel = self_side.share(tx, actor(caller), str(review_id))
    return acknowledged(saved, rel, etag=saved.review.self_version)


@routes.command(f"{SELF}/unshare", answer=shapes.ReviewAck)
def unshare(tx: Tx, caller: Caller, review_id: UUID) -> Answer:
    """Take the self-assessment back; it is hidden at once."""
    saved, rel = self_side.unshare(tx, actor(caller), str(review_id))
    return acknowledged(saved, rel, etag=saved.review.self_version)


@routes.command(f"{SELF}/waive", body=shapes.Reason, answer=shapes.ReviewAck)
def waive(tx: Tx, caller: Caller, body: dict[str, Any], review_id: UUID) -> Answer:
    """Go on without a self-assessment."""
    return acknowledged(*self_side.waive(tx, actor(caller), str(review_id), **body))


@routes.command(f"{SELF}/unwaive", body=shapes.OptionalReason, answer=shapes.ReviewAck)
def unwaive(tx: Tx, caller: Caller, body: dict[str, Any], review_id: UUID) -> Answer:
    """Withdraw the waiver of the self-assessment."""
    return acknowledged(*self_side.unwaive(tx, actor(caller), str(review_id), **body))


@routes.command(f"{MANAGER}/submit", answer=shapes.SubmitAck)
def submit(tx: Tx, caller: Caller, review_id: UUID) -> Answer:
    """Finish the manager-assessment."""
    saved, rel, warnings = manager_side.submit(tx, actor(caller), str(review_id))
    return acknowledged(saved, rel, etag=saved.review.manager_version, warnings=list(warnings))


@routes.command(f"{MANAGER}/reopen", body=shapes.Reason, answer=shapes.ReviewAck)
def reopen(tx: Tx, caller: Caller, body: dict[str, Any], review_id: UUID) -> Answer:
    """Give the manager-assessment back as a draft."""
    return acknowledged(*manager_side.reopen(tx, actor(caller), str(review_id), **body))
