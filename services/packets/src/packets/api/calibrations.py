"""Shared questions and calibration sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from packets.api.routes import actor, review_id_of, routes, session_words
from packets.commands import calibration, selection
from packets.queries import calibrations as queries
from packets.schemas import calibrations as shapes
from reviewbus import http
from reviewbus.http import Reply
from reviewbus.idempotency import Answer
from reviewbus.schema import decode_cursor, encode_cursor

if TYPE_CHECKING:
    from uuid import UUID

    from reviewbus.auth import Caller
    from reviewbus.db import Tx

Words = dict[str, Any]


@routes.read("/v1/shared-questions/<uuid:cycle_id>", answer=shapes.SelectionShape)
def shared_questions(tx: Tx, caller: Caller, cycle_id: UUID) -> Reply:
    """Which questions a cycle's packets show."""
    words = queries.shared_questions(tx, str(cycle_id), actor(caller))
    return Reply(body=words, etag=str(words["version"]))


@routes.save("/v1/shared-questions/<uuid:cycle_id>", body=shapes.Selected, answer=shapes.SelectionShape)
def share_questions(tx: Tx, caller: Caller, body: Words, cycle_id: UUID) -> Reply:
    """Choose which questions a cycle's packets show; the packets follow."""
    selection.change(
        tx,
        str(cycle_id),
        actor(caller),
        expected_version=http.if_match_version(),
        question_ids=body["question_ids"],
        shares_rating=body["rating"],
    )
    words = queries.shared_questions(tx, str(cycle_id), actor(caller))
    return Reply(body=words, etag=str(words["version"]))


@routes.command("/v1/calibrations", body=shapes.NewSession, answer=shapes.SessionShape, status=201)
def create_session(tx: Tx, caller: Caller, body: Words) -> Answer:
    """Make a calibration session of some reviews."""
    session = calibration.create(
        tx,
        actor(caller),
        cycle_id=str(body["cycle_id"]),
        review_ids={str(each) for each in body["review_ids"]},
        members=set(body["members"]),
        guideline=tuple((each["rating"], each["percent"]) for each in body["guideline"]),
    )
    return Answer(status=201, acknowledgement=session_words(session), location=f"/v1/calibrations/{session.id}")


@routes.read("/v1/calibrations", query=shapes.SessionsQuery, answer=shapes.SessionsShape)
def sessions(tx: Tx, caller: Caller, query: Words) -> Words:
    """List sessions: HR all, calibrators their own."""
    after = decode_cursor(query["cursor"], str)
    items, last = queries.sessions_of(
        tx,
        actor(caller),
        cycle_id=query["cycle_id"] and str(query["cycle_id"]),
        after=review_id_of(after[0]) if after else None,
        limit=query["limit"],
    )
    return {"items": items, "next_cursor": encode_cursor(last) if last else None}


@routes.read("/v1/calibrations/<uuid:session_id>", answer=shapes.BoardShape)
def board(tx: Tx, caller: Caller, session_id: UUID) -> Words:
    """The board of a session: ratings and submitted answers, for its calibrators."""
    return queries.board(tx, str(session_id), actor(caller))


@routes.save("/v1/calibrations/<uuid:session_id>/members", body=shapes.Members, answer=shapes.MembersShape)
def set_members(tx: Tx, caller: Caller, body: Words, session_id: UUID) -> Reply:
    """Say who calibrates.

    `If-Match` names the session's `row_version`, as the list, the board and the answers of its commands tell it.
    """
    session = calibration.set_members(
        tx, str(session_id), actor(caller), members=set(body["members"]), expected_version=http.if_match_version()
    )
    words = {**session_words(session), "members": sorted(session.calibrators)}
    return Reply(body=words, etag=str(session.row_version))


@routes.command("/v1/calibrations/<uuid:session_id>/start", answer=shapes.SessionShape)
def start(tx: Tx, caller: Caller, session_id: UUID) -> Answer:
    """Start a session."""
    return _step(tx, caller, "start", session_id)


@routes.command("/v1/calibrations/<uuid:session_id>/cancel", answer=shapes.SessionShape)
def cancel(tx: Tx, caller: Caller, session_id: UUID) -> Answer:
    """Cancel a session; its reviews are free for another."""
    return _step(tx, caller, "cancel", session_id)


@routes.command("/v1/calibrations/<uuid:session_id>/complete", answer=shapes.SessionShape)
def complete(tx: Tx, caller: Caller, session_id: UUID) -> Answer:
    """Complete a session: its reviews are calibrated."""
    return _step(tx, caller, "complete", session_id)


@routes.command("/v1/calibrations/<uuid:session_id>/reopen", answer=shapes.SessionShape)
def reopen(tx: Tx, caller: Caller, session_id: UUID) -> Answer:
    """Calibrate the reviews of a completed session again."""
    return _step(tx, caller, "reopen", session_id)


@routes.command("/v1/calibrations/<uuid:session_id>/confirm", body=shapes.Confirmed, answer=shapes.SessionShape)
def confirm(tx: Tx, caller: Caller, body: Words, session_id: UUID) -> Answer:
    """Confirm the ratings of reviews whose answers changed after their calibration; calibrated ones stay as they are.

    In a session that was reopened nothing is confirmed: completing it calibrates its reviews.
    """
    review_ids = {str(each) for each in body["review_ids"]}
    session = calibration.confirm(tx, str(session_id), actor(caller), review_ids=review_ids)
    return Answer(status=200, acknowledgement=session_words(session))


@routes.save(
    "/v1/calibrations/<uuid:session_id>/ratings/<uuid:review_id>", body=shapes.Rated, answer=shapes.RatingShape
)
def rate(tx: Tx, caller: Caller, body: Words, session_id: UUID, review_id: UUID) -> Reply:
    """Rate a review in a session, with a justification.

    `If-Match` names its `rating_version`, as the board tells it: 0 at first; the answer's `ETag` is the next one.
    """
    packet = calibration.rate(
        tx,
        str(session_id),
        str(review_id),
        actor(caller),
        value=body["rating"],
        justification=body["justification"],
        expected_version=http.if_match_version(),
    )
    words = {"review_id": packet.review_id, "rating_version": packet.rating_version}
    return Reply(body=words, etag=str(packet.rating_version))


def _step(tx: Tx, caller: Caller, name: str, session_id: UUID) -> Answer:
    session = calibration.step(tx, name, str(session_id), actor(caller))
    return Answer(status=200, acknowledgement=session_words(session))
