"""Packets: read, rate, send, release, take back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from flask import Response, jsonify

from packets import store
from packets.api.routes import acknowledge, actor, packet_answer, review_id_of, routes
from packets.commands import operations, rating, reading, release
from packets.domain.holds import awaited_fence
from packets.domain.packet import Part, preview_tag
from packets.domain.people import unmet_part
from packets.domain.refusals import refuse
from packets.domain.visibility import counts_shown, is_draft, unmet_see_state
from packets.pdf import TEMPLATE_VERSION
from packets.queries import packets as queries
from packets.queries.history import told_beside
from packets.queries.packets import Filters
from packets.schemas import packets as shapes
from packets.schemas.parts import WithReason
from reviewbus import http
from reviewbus.http import Reply
from reviewbus.idempotency import Answer
from reviewbus.problems import Problem, describe
from reviewbus.schema import decode_cursor, encode_cursor

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from packets.domain.packet import Packet
    from reviewbus.auth import Caller
    from reviewbus.db import Tx
    from reviewbus.problems import RefusalLike

Words = dict[str, Any]
CHUNK_BYTES = 64 * 1024
RETRY_AFTER_S = 1
PDF_TYPE = "application/pdf"


@routes.read("/v1/packets", query=shapes.PacketsQuery, answer=shapes.PacketsShape)
def packets(tx: Tx, caller: Caller, query: Words) -> Words:
    """List packets: HR all, managers their team's, employees their own released ones."""
    after = decode_cursor(query["cursor"], str)
    named = {
        "cycle_id": query["cycle_id"] and str(query["cycle_id"]),
        "state": query["state"],
        "manager_id": query["manager_id"],
        "subject_id": query["person_id"],
    }
    filters = Filters(columns={name: value for name, value in named.items() if value is not None})
    items, last = queries.listing(
        tx, actor(caller), filters, after=review_id_of(after[0]) if after else None, limit=query["limit"]
    )
    return {"items": items, "next_cursor": encode_cursor(last) if last else None}


@routes.read("/v1/packets/<uuid:review_id>", answer=shapes.ViewShape)
def packet(tx: Tx, caller: Caller, review_id: UUID) -> Reply:
    """Read a packet. The employee's first read of a release is noted."""
    found, part = reading.read(tx, str(review_id), actor(caller))
    return _seen(tx, found, part)


@routes.read("/v1/packets/<uuid:review_id>/preview", answer=shapes.ViewShape)
def preview(tx: Tx, caller: Caller, review_id: UUID) -> Reply:
    """Read a packet as the employee will see it."""
    found = reading.authorise(tx, str(review_id), actor(caller))
    refuse(unmet_part(store.standing(tx, found, actor(caller)), Part.HR_ADMIN))
    return _seen(tx, found, Part.HR_ADMIN)


@routes.read("/v1/packets/<uuid:review_id>/pdf")
@routes.alt_response(200, schema={"type": "string", "format": "binary"}, content_type=PDF_TYPE, description="The PDF")
@routes.alt_response(202, schema=shapes.RenderingShape, description="Not rendered yet: ask again")
def pdf(tx: Tx, caller: Caller, review_id: UUID) -> Response:
    """Download a packet. Answers 202 while it is being rendered."""
    found = reading.authorise(tx, str(review_id), actor(caller))
    company = http.edge().services["settings"].company_name
    names = store.names(tx, found)
    key = queries.pdf_key(store.Library(tx), found, names, company=company, template=TEMPLATE_VERSION)
    file = store.pdf_file(tx, key) if names.subject is not None else None
    if file is not None and file.failure is not None:
        raise Problem(503, "pdf-not-renderable", "No PDF can be made of this packet; people have been told.")
    # The bytes are here; what follows is the last look at the rights, with the row locked.
    if file is None or file.body is None or reading.download(tx, found, actor(caller)) is None:
        reading.want_pdf(tx, str(review_id))
        return _rendering()
    return _file(file.body, found)


@routes.read("/v1/packets/<uuid:review_id>/actions", answer=shapes.ActionsShape)
def actions(tx: Tx, caller: Caller, review_id: UUID) -> Words:
    """What the caller could do with a packet now, and what is unmet."""
    found, answers = queries.actions(tx, str(review_id), actor(caller))
    standing = store.standing(tx, found, actor(caller))
    return {
        "review_id": found.review_id,
        "state": None if unmet_see_state(found, standing) else found.state.value,
        "row_version": found.row_version if counts_shown(standing) else None,
        "rating_version": found.rating_version if Part.HR_ADMIN in standing.parts else None,
        "actions": [
            {
                "name": each.action.value,
                "allowed": each.allowed,
                "unmet": [describe(cast("RefusalLike", reason)) for reason in each.unmet],
            }
            for each in answers
        ],
    }


@routes.save("/v1/packets/<uuid:review_id>/rating", body=shapes.RatingChanged, answer=shapes.RatedPacketShape)
def change_rating(tx: Tx, caller: Caller, body: Words, review_id: UUID) -> Reply:
    """Change the rating of a calibrated review, with a reason.

    `If-Match` names its `rating_version`, as the board and, to HR, the packet and its actions tell it; the answer's
    `ETag` is the next one.
    """
    saved = rating.change_rating(
        tx,
        str(review_id),
        actor(caller),
        value=body["rating"],
        reason=body["reason"],
        expected_version=http.if_match_version(),
    )
    words = {**acknowledge(saved), "rating_version": saved.rating_version}
    return Reply(body=words, etag=str(saved.rating_version))


@routes.command("/v1/packets/<uuid:review_id>/override-calibration", body=WithReason, answer=shapes.PacketShape)
def override_calibration(tx: Tx, caller: Caller, body: Words, review_id: UUID) -> Answer:
    """Open the calibration gate for one review, with a reason."""
    saved = rating.override_calibration(tx, str(review_id), actor(caller), reason=body["reason"])
    return packet_answer(saved)


@routes.command("/v1/packets/<uuid:review_id>/release-to-manager", answer=shapes.PacketShape)
def release_to_manager(tx: Tx, caller: Caller, review_id: UUID) -> Answer:
    """Send a ready packet to its manager."""
    return packet_answer(release.send_to_manager(tx, str(review_id), actor(caller)))


@routes.command(
    "/v1/packets/<uuid:review_id>/release",
    body=shapes.Release,
    answer=shapes.ReleasedShape,
    status=202,
    if_match=True,
)
@routes.alt_response(200, schema=shapes.ReleasedShape, description="Done already, or at once")
def release_packet(tx: Tx, caller: Caller, body: Words, review_id: UUID) -> Answer:
    """Release a packet to the employee, as it was previewed: at once, or at an instant if it still can be then.

    A manager's release waits for the cycle's recall window. What waits is answered with its operation's address.
    """
    saved, operation = operations.release(
        tx,
        str(review_id),
        actor(caller),
        previewed=http.if_match(),
        reason=body["reason"],
        not_before=body["not_before"],
    )
    if operation is None:
        now = packet_answer(saved, waits=awaited_fence(saved) is not None)
        return replace(now, acknowledgement={**now.acknowledgement, "scheduled": None})
    location = f"/v1/packets/operations/{operation.id}"
    words = {**acknowledge(saved), "scheduled": queries.waiting(operation)}
    return Answer(status=202, acknowledgement=words, location=location)


@routes.command("/v1/packets/<uuid:review_id>/unrelease", body=shapes.Unrelease, answer=shapes.PacketShape, status=202)
@routes.alt_response(200, schema=shapes.PacketShape, description="Done already, or at once")
def unrelease(tx: Tx, caller: Caller, body: Words, review_id: UUID) -> Answer:
    """Take a packet back, with a reason: hidden at once, unlocked soon after."""
    saved = release.unrelease(
        tx,
        str(review_id),
        actor(caller),
        reason=body["reason"],
        revoke_signatures=body["revoke_signatures"],
    )
    return packet_answer(saved, waits=awaited_fence(saved) is not None)


def _seen(tx: Tx, packet: Packet, part: Part) -> Reply:
    """What somebody sees of a packet: what it shows, and what is told beside it."""
    words = {**queries.view(tx, packet, part), "scheduled": queries.scheduled(tx, packet, part)}
    return Reply(body=words | told_beside(tx, packet, part), etag=preview_tag(packet))


def _rendering() -> Response:
    response = jsonify({"state": "rendering"})
    response.status_code = 202
    response.headers["Retry-After"] = str(RETRY_AFTER_S)
    return response


def _file(body: bytes, packet: Packet) -> Response:
    def chunks() -> Iterator[bytes]:
        for start in range(0, len(body), CHUNK_BYTES):
            yield body[start : start + CHUNK_BYTES]

    response = Response(chunks(), mimetype=PDF_TYPE)
    response.content_length = len(body)
    name = f"packet-{packet.review_id}{'-draft' if is_draft(packet) else ''}.pdf"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    tag = preview_tag(packet)
    if tag is not None:
        response.set_etag(tag)
    return response
