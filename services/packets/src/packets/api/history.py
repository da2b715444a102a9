"""What became of a packet, what a release corrected, and that it was talked about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from packets import store
from packets.api.routes import actor, packet_answer, routes
from packets.commands import conversation, reading
from packets.commands.keeping import known
from packets.domain.packet import Part
from packets.domain.people import unmet_part
from packets.domain.refusals import refuse
from packets.domain.visibility import unmet_history
from packets.queries import history as queries
from packets.schemas import history as shapes
from packets.schemas.packets import PacketShape

if TYPE_CHECKING:
    from uuid import UUID

    from reviewbus.auth import Caller
    from reviewbus.db import Tx
    from reviewbus.idempotency import Answer

Words = dict[str, Any]


@routes.read("/v1/packets/<uuid:review_id>/history", answer=shapes.HistoryShape)
def history(tx: Tx, caller: Caller, review_id: UUID) -> Words:
    """Read how a packet was sent, released and taken back: who, when, why, and what was shown."""
    found = known(tx, str(review_id))
    refuse(unmet_history(store.standing(tx, found, actor(caller))))
    return queries.history(tx, found)


@routes.read("/v1/packets/<uuid:review_id>/corrections", answer=shapes.CorrectionsShape)
def corrections(tx: Tx, caller: Caller, review_id: UUID) -> Words:
    """Read what the newest released packet says otherwise than the one released before."""
    found = reading.authorise(tx, str(review_id), actor(caller))
    refuse(unmet_part(store.standing(tx, found, actor(caller)), Part.MANAGER, Part.HR_ADMIN))
    return queries.corrections(tx, found)


@routes.command("/v1/packets/<uuid:review_id>/conversation-held", answer=PacketShape)
def conversation_held(tx: Tx, caller: Caller, review_id: UUID) -> Answer:
    """Record that the conversation about a packet took place."""
    return packet_answer(conversation.record(tx, str(review_id), actor(caller)))
