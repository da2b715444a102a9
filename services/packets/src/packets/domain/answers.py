"""What assessment's answers do to a packet. Only the answer to the fence that is waited for does anything.

The others are late, repeated, or meant for an attempt that is over: they return the same packet and no facts.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from packets.domain.facts import PacketReleased, PacketReleaseFailed, PacketWithdrawn
from packets.domain.holds import awaited_fence, lock, unlock
from packets.domain.packet import Packet, PacketState, pinned, requester
from packets.domain.readiness import come_back, recompute

if TYPE_CHECKING:
    from packets.domain.facts import Record
    from packets.domain.readiness import Sources


def granted(packet: Packet, *, fence: int, self_version: int | None) -> tuple[Packet, tuple[Record, ...]]:
    """The review is held: RELEASED. `self_version` is the shared one that the answer names."""
    if packet.state is not PacketState.RELEASING or fence != awaited_fence(packet):
        return packet, ()
    snapshot = pinned(packet)
    person, part = requester(packet)
    fact = PacketReleased(
        review_id=packet.review_id,
        epoch=packet.epoch,
        snapshot_hash=snapshot.hash,
        manager_version=snapshot.ref.manager_version,
        self_version=self_version,
        selection_version=snapshot.ref.selection_version,
        released_by=person,
        released_as=part,
    )
    return replace(packet, state=PacketState.RELEASED), (fact,)


def rejected(packet: Packet, *, fence: int, reason: str, sources: Sources) -> tuple[Packet, tuple[Record, ...]]:
    """The release failed: back with the manager if it had been sent, else READY; NONE if it is no longer ready.

    What the packet depends on may have changed while it waited, so it is judged anew; the fact names the new state,
    and a packet that shows something else now is rebuilt besides.
    """
    if packet.state is not PacketState.RELEASING or fence != awaited_fence(packet):
        return packet, ()
    snapshot = pinned(packet)
    person, part = requester(packet)
    home = PacketState.WITH_MANAGER if packet.was_sent else PacketState.READY
    back, facts = recompute(replace(packet, state=home, was_sent=False, last_refusal=reason), sources)
    failed = PacketReleaseFailed(
        review_id=packet.review_id,
        epoch=packet.epoch,
        state=back.state,
        snapshot_hash=snapshot.hash,
        manager_version=snapshot.ref.manager_version,
        reason=reason,
        requested_by=person,
        requested_as=part,
    )
    # The step to NONE has its record already: the failure, which names that state.
    return back, (failed, *(fact for fact in facts if not isinstance(fact, PacketWithdrawn)))


def released(packet: Packet, *, fence: int, sources: Sources) -> tuple[Packet, tuple[Record, ...]]:
    """The review is unlocked: the packet comes back, READY or NONE, as it is ready or not by now."""
    if packet.state is not PacketState.UNRELEASING or fence != awaited_fence(packet):
        return packet, ()
    return come_back(packet, sources)


def superseded(packet: Packet, *, fence: int, last_fence: int, sources: Sources) -> tuple[Packet, tuple[Record, ...]]:
    """The command that was waited for came too late: ask again above the register's fence.

    Nobody who waits is ever answered so while the rules of repair are kept: a changed packet is a reason for an alarm.
    """
    if fence != awaited_fence(packet) or last_fence <= fence:
        return packet, ()
    if packet.state is PacketState.UNRELEASING and _frees(last_fence):
        return come_back(packet, sources)
    ahead = replace(packet, epoch=last_fence // 2 + 1)
    return ahead, (lock(ahead) if ahead.state is PacketState.RELEASING else unlock(ahead),)


def _frees(fence: int) -> bool:
    return fence % 2 == 1
