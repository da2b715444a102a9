"""The conversation that a manager holds with the employee about a packet: advised, recorded, never a condition."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from packets.domain.facts import ConversationRecorded
from packets.domain.packet import Packet, PacketState, Part, pinned
from packets.domain.people import unmet_part
from packets.domain.readiness import unmet_open
from packets.domain.refusals import NotFound, Refusal, ReleaseInProgress, refuse
from packets.domain.visibility import manager_sees

if TYPE_CHECKING:
    from packets.domain.facts import Record
    from packets.domain.people import Standing


def unmet_record_conversation(packet: Packet, standing: Standing) -> list[Refusal]:
    """Why the person cannot record the conversation: its manager does, while having the packet or once released."""
    who = unmet_part(standing, Part.MANAGER)
    if who or not manager_sees(packet):
        return who or [NotFound()]
    if packet.conversation_held:
        return []
    waiting: list[Refusal] = [ReleaseInProgress()] if packet.state is PacketState.RELEASING else []
    return [*unmet_open(packet), *waiting]


def record_conversation(packet: Packet, standing: Standing) -> tuple[Packet, tuple[Record, ...]]:
    """The conversation took place; said twice, nothing happens. Refuses as `unmet_record_conversation`.

    It belongs to this packet: once that is taken back, another conversation may be recorded.
    """
    refuse(unmet_record_conversation(packet, standing))
    if packet.conversation_held:
        return packet, ()
    fact = ConversationRecorded(
        review_id=packet.review_id,
        epoch=packet.epoch,
        state=packet.state,
        snapshot_hash=pinned(packet).hash,
        by=standing.person_id,
    )
    return replace(packet, conversation_held=True), (fact,)
