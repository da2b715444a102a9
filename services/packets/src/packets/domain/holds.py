"""The release register: fences, the two commands to it, and what packets is told about the other registers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from packets.domain.facts import HoldRequested, Want
from packets.domain.packet import Holder, KnownHold, Packet, PacketState, Part, pinned, requester
from packets.domain.readiness import recompute

if TYPE_CHECKING:
    from packets.domain.facts import Record
    from packets.domain.readiness import Sources

SIGNED_HOLDERS = frozenset({Holder.SIGNATURE_EMPLOYEE, Holder.SIGNATURE_MANAGER, Holder.COMPLETION})


def lock_fence(epoch: int) -> int:
    """The fence of the command that holds the review for this epoch."""
    return 2 * epoch


def unlock_fence(epoch: int) -> int:
    """The fence of the command that frees the review after this epoch."""
    return 2 * epoch + 1


def awaited_fence(packet: Packet) -> int | None:
    """The one fence whose answer this packet waits for; None when it waits for none."""
    if packet.state is PacketState.RELEASING:
        return lock_fence(packet.epoch)
    return unlock_fence(packet.epoch) if packet.state is PacketState.UNRELEASING else None


def lock(packet: Packet) -> HoldRequested:
    """The command of a releasing packet: the same for the whole epoch, whatever its row has learnt meanwhile."""
    snapshot = pinned(packet)
    person, part = requester(packet)
    return HoldRequested(
        review_id=packet.review_id,
        holder=Holder.RELEASE,
        fence=lock_fence(packet.epoch),
        want=Want.HELD,
        epoch=packet.epoch,
        manager_version=snapshot.ref.manager_version,
        snapshot_hash=snapshot.hash,
        manager_id=person if part is Part.MANAGER else None,
    )


def unlock(packet: Packet) -> HoldRequested:
    """The command of an unreleasing packet."""
    return HoldRequested(
        review_id=packet.review_id,
        holder=Holder.RELEASE,
        fence=unlock_fence(packet.epoch),
        want=Want.FREE,
        epoch=packet.epoch,
        manager_version=None,
        snapshot_hash=None,
        manager_id=None,
    )


def reconcile(packet: Packet) -> tuple[HoldRequested, ...]:
    """The command that a waiting packet sends again: same fence, same content. Nothing for one that does not wait."""
    if packet.state is PacketState.RELEASING:
        return (lock(packet),)
    return (unlock(packet),) if packet.state is PacketState.UNRELEASING else ()


def hold_known(
    packet: Packet, *, holder: Holder, fence: int, held: bool, sources: Sources
) -> tuple[Packet, tuple[Record, ...]]:
    """What a `hold.*` fact says about a signature or completion register; older fences change nothing.

    Of a superseded command pass `last_fence`. When the last of them is freed, a selection that waited takes effect.
    """
    known = {hold.holder: hold for hold in packet.holds}
    if holder not in SIGNED_HOLDERS or (holder in known and fence <= known[holder].fence):
        return packet, ()
    known[holder] = KnownHold(holder=holder, fence=fence, held=held)
    return recompute(replace(packet, holds=tuple(known[each] for each in Holder if each in known)), sources)
