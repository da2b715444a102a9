"""What keeps ratings and calibration from changing: a release, asked for or made, and signatures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packets.domain.packet import Packet, PacketState, signed_holders
from packets.domain.refusals import LockedReleased, LockedSigned, Refusal, ReleaseInProgress, UnreleaseInProgress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

STATE_LOCKS: dict[PacketState, type[Refusal]] = {
    PacketState.RELEASING: ReleaseInProgress,
    PacketState.RELEASED: LockedReleased,
    PacketState.UNRELEASING: UnreleaseInProgress,
}


def unmet_unlocked(packet: Packet) -> list[Refusal]:
    """Why what the packet shows cannot be changed. Signatures count as far as packets knows; the LOCK decides."""
    reasons: list[Refusal] = []
    if packet.state in STATE_LOCKS:
        reasons.append(STATE_LOCKS[packet.state]())
    holders = signed_holders(packet)
    return [*reasons, LockedSigned(holders=[holder.value for holder in holders])] if holders else reasons


def of_reviews(packets: Iterable[Packet], unmet: Callable[[Packet], Iterable[Refusal]]) -> list[Refusal]:
    """The refusals of several reviews, one of each kind, naming its `review_ids`."""
    found: dict[type[Refusal], list[str]] = {}
    for packet in packets:
        for reason in unmet(packet):
            found.setdefault(type(reason), []).append(packet.review_id)
    return [kind(review_ids=review_ids) for kind, review_ids in found.items()]
