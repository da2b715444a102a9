"""The blueprint that all operations are declared on, and what several of them need."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from packets.domain.ids import PersonId
from packets.domain.packet import preview_tag
from packets.domain.people import Actor
from reviewbus.http import Routes
from reviewbus.idempotency import Answer
from reviewbus.problems import Problem

if TYPE_CHECKING:
    from packets.domain.packet import Packet
    from packets.domain.session import Session
    from reviewbus.auth import Caller

routes = Routes("packets", __name__)


def actor(caller: Caller) -> Actor:
    """Return who is asking, as the domain knows people."""
    return Actor(person_id=PersonId(caller.id), roles=caller.roles)


def acknowledge(packet: Packet) -> dict[str, Any]:
    """Return what a command may say of a packet: no content."""
    return {
        "review_id": packet.review_id,
        "state": packet.state.value,
        "epoch": packet.epoch,
    }


def packet_answer(packet: Packet, *, waits: bool = False) -> Answer:
    """Answer a command: 202 with the packet's address while an answer of another service is awaited, else 200."""
    location = f"/v1/packets/{packet.review_id}" if waits else None
    return Answer(
        status=202 if waits else 200,
        acknowledgement=acknowledge(packet),
        location=location,
        etag=preview_tag(packet),
    )


def session_words(session: Session) -> dict[str, Any]:
    """Return how far a session is."""
    return {"session_id": session.id, "state": session.state.value, "row_version": session.row_version}


def review_id_of(word: str) -> str:
    """Return the id in a cursor; raises `Problem` 422 for a cursor that is not ours."""
    try:
        return str(UUID(word))
    except ValueError:
        raise Problem(422, "invalid-request", "The cursor is not one of this list's.") from None
