"""How far a packet is, in a few words and in one number, and who may follow it.

The number stands in the packet's row, so that 50,000 of them are counted without a look at anything else.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from packets.domain.packet import (
    Holder,
    Packet,
    PacketState,
    Part,
    is_downloaded,
    is_overridden,
    is_viewed,
    signed_holders,
)
from packets.domain.people import HR_ADMIN, HR_ASSISTANT, barrier_between
from packets.domain.refusals import NotFound, Refusal

if TYPE_CHECKING:
    from packets.domain.ids import PersonId
    from packets.domain.people import Actor, Directory


class Mark(StrEnum):
    """What came about with a packet and still holds. Their order is that of their bits: add new ones at the end."""

    SENT = "sent"
    RELEASED_BY_MANAGER = "released_by_manager"
    RELEASED_BY_HR = "released_by_hr"
    VIEWED = "viewed"
    DOWNLOADED = "downloaded"
    CONVERSATION = "conversations"
    SIGNED_BY_EMPLOYEE = "signed_by_employee"
    SIGNED_BY_MANAGER = "signed_by_manager"
    COMPLETED = "completed"
    OVERRIDDEN = "overridden"


# The lowest bits are the state's place in this order: add new ones at the end.
STATES = tuple(PacketState)
_STATE_BITS = 3
_BIT = {mark: 1 << (_STATE_BITS + place) for place, mark in enumerate(Mark)}
_IN_HAND = frozenset({PacketState.WITH_MANAGER, PacketState.RELEASING, PacketState.RELEASED})


def marks(packet: Packet) -> frozenset[Mark]:
    """What came about with the packet and was not taken back; of signatures, as far as packets knows."""
    released, signed = packet.state is PacketState.RELEASED, signed_holders(packet)
    in_hand = packet.state in _IN_HAND
    holds = {
        Mark.SENT: packet.state is PacketState.WITH_MANAGER or (in_hand and packet.was_sent),
        Mark.RELEASED_BY_MANAGER: released and packet.requested_as is Part.MANAGER,
        Mark.RELEASED_BY_HR: released and packet.requested_as is Part.HR_ADMIN,
        Mark.VIEWED: is_viewed(packet),
        Mark.DOWNLOADED: is_downloaded(packet),
        Mark.CONVERSATION: in_hand and packet.conversation_held,
        Mark.SIGNED_BY_EMPLOYEE: Holder.SIGNATURE_EMPLOYEE in signed,
        Mark.SIGNED_BY_MANAGER: Holder.SIGNATURE_MANAGER in signed,
        Mark.COMPLETED: Holder.COMPLETION in signed,
        Mark.OVERRIDDEN: is_overridden(packet),
    }
    return frozenset(mark for mark, held in holds.items() if held)


def tracked(packet: Packet) -> int:
    """State and marks in one number."""
    return STATES.index(packet.state) | sum(_BIT[mark] for mark in marks(packet))


def told(number: int) -> tuple[PacketState, frozenset[Mark]]:
    """State and marks out of the number."""
    return STATES[number & (1 << _STATE_BITS) - 1], frozenset(mark for mark, bit in _BIT.items() if number & bit)


def follows_all(actor: Actor) -> bool:
    """Whether the person follows everybody's packets but the own; a manager follows those of the own team."""
    return bool(actor.roles & {HR_ADMIN, HR_ASSISTANT})


def unmet_follow(actor: Actor, *, exists: bool, has_team: bool) -> list[Refusal]:
    """Why the person cannot follow a cycle: to who has no team in it, it is as if it did not exist."""
    return [] if (exists and follows_all(actor)) or has_team else [NotFound()]


def is_told_why(actor: Actor, subject_id: PersonId, directory: Directory) -> bool:
    """Whether the person reads what HR typed about a review: HR does, but for a superior's."""
    return HR_ADMIN in actor.roles and barrier_between(actor.person_id, subject_id, directory) is None
