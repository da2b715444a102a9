"""The manager records that the conversation about a packet took place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packets import store
from packets.commands.keeping import keep, locked
from packets.domain.conversation import record_conversation
from packets.domain.history import Act
from packets.domain.packet import Part
from reviewbus.db import AuditEntry

if TYPE_CHECKING:
    from packets.domain.packet import Packet
    from packets.domain.people import Actor
    from reviewbus.db import Tx


def record(tx: Tx, review_id: str, actor: Actor) -> Packet:
    """The conversation took place; said twice, nothing happens."""
    packet = locked(tx, review_id)
    after, records = record_conversation(packet, store.standing(tx, packet, actor))
    saved = keep(tx, packet, after, records, act=Act(by=actor.person_id))
    if records:
        part, action = Part.MANAGER.value, "packet.conversation-held"
        tx.audit(AuditEntry(actor=actor.person_id, role=part, action=action, object_id=review_id))
    return saved
