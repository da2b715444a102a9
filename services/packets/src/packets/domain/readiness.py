"""When a packet is ready, and what follows when that changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from packets.domain.facts import PacketReady, PacketRebuilt, PacketReleasedToManager, PacketWithdrawn
from packets.domain.ids import ReviewId, SnapshotHash
from packets.domain.packet import (
    FROZEN,
    Packet,
    PacketState,
    ReleaseMode,
    Snapshot,
    SnapshotRef,
    calibration_is_ok,
    has_content,
    snapshot_ref,
)
from packets.domain.refusals import (
    CycleClosed,
    ManagerAssessmentNotSubmitted,
    NoSharedQuestions,
    NotCalibrated,
    NotReady,
    Refusal,
    ReviewCancelled,
)
from packets.domain.selection import bind

if TYPE_CHECKING:
    from packets.domain.facts import Record
    from packets.domain.ids import PersonId
    from packets.domain.selection import Selection

# The hash over what the reference names; None while something that it names has not been fetched.
HashOf = Callable[[ReviewId, SnapshotRef], SnapshotHash | None]
WITHDRAWAL_REASONS: dict[type[Refusal], str] = {
    ReviewCancelled: "cancelled",
    ManagerAssessmentNotSubmitted: "manager-assessment-reopened",
    NotCalibrated: "not-calibrated",
    NotReady: "content-not-fetched",
    NoSharedQuestions: "no-shared-questions",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What packets of one cycle are made of and do not store themselves: its newest selection, and the hashes."""

    selection: Selection
    hash_of: HashOf


def unmet_ready(packet: Packet) -> list[Refusal]:
    """Why the packet cannot be ready, in the order in which a release answers: nothing when it can."""
    reasons: list[Refusal] = [ReviewCancelled()] if packet.cancelled else []
    if not packet.submitted:
        reasons.append(ManagerAssessmentNotSubmitted())
    if not calibration_is_ok(packet):
        reasons.append(NotCalibrated())
    if packet.submitted and not has_content(packet):
        reasons.append(NotReady())
    if packet.shared_count == 0:
        reasons.append(NoSharedQuestions())
    return reasons


def unmet_open(packet: Packet) -> list[Refusal]:
    """Why nothing may be written for this review any more."""
    reasons: list[Refusal] = [ReviewCancelled()] if packet.cancelled else []
    return [*reasons, CycleClosed()] if packet.closed else reasons


def recompute(packet: Packet, sources: Sources) -> tuple[Packet, tuple[Record, ...]]:
    """The packet after anything that it depends on has changed: bound to the newest selection, ready or not, hashed.

    Frozen while it is releasing, released or unreleasing. A packet that is ready or with its manager keeps its place
    while a newer content is being fetched: until then it cannot be released, then it is rebuilt.
    """
    if packet.state in FROZEN:
        return packet, ()
    bound = bind(packet, sources.selection)
    unmet = unmet_ready(bound)
    if packet.state is not PacketState.NONE and any(not isinstance(reason, NotReady) for reason in unmet):
        return _withdraw(bound, unmet)
    snapshot = None if unmet else take_snapshot(bound, sources)
    if snapshot is None:
        return bound, ()
    if packet.state is PacketState.NONE:
        return become_ready(bound, snapshot, was=PacketState.NONE)
    rebuilt, facts = _rebuild(bound, snapshot)
    if rebuilt.state is PacketState.READY and _goes_to_manager(rebuilt):
        sent, sending = sent_to_manager(rebuilt, snapshot)
        return sent, (*facts, sending)
    return rebuilt, facts


def come_back(packet: Packet, sources: Sources) -> tuple[Packet, tuple[Record, ...]]:
    """An unreleasing packet whose review is unlocked: ready or none, judged anew; the manager no longer has it."""
    free = replace(packet, state=PacketState.NONE, snapshot=None, was_sent=False, send_when_ready=False)
    free = replace(free, conversation_held=False)
    free = bind(free, sources.selection)
    unmet = unmet_ready(free)
    snapshot = None if unmet else take_snapshot(free, sources)
    if snapshot is not None:
        return become_ready(free, snapshot, was=packet.state)
    return free, (withdrawn(free, was=packet.state, reasons=unmet),)


def become_ready(packet: Packet, snapshot: Snapshot, *, was: PacketState) -> tuple[Packet, tuple[Record, ...]]:
    """The packet as it arrives at READY, or at once at WITH_MANAGER where the cycle says so: one step, one fact."""
    if _goes_to_manager(packet):
        sent, sending = sent_to_manager(packet, snapshot)
        return sent, (sending,)
    ready = replace(packet, state=PacketState.READY, snapshot=snapshot, was_sent=False)
    fact = PacketReady(
        review_id=packet.review_id,
        epoch=packet.epoch,
        was=was,
        snapshot_hash=snapshot.hash,
        manager_version=snapshot.ref.manager_version,
        selection_version=snapshot.ref.selection_version,
    )
    return ready, (fact,)


def sent_to_manager(
    packet: Packet, snapshot: Snapshot, *, by: PersonId | None = None
) -> tuple[Packet, PacketReleasedToManager]:
    """The packet in its manager's hands; `by` is None where a setting of the cycle sent it."""
    sent = replace(packet, state=PacketState.WITH_MANAGER, snapshot=snapshot, was_sent=False, send_when_ready=False)
    fact = PacketReleasedToManager(
        review_id=packet.review_id,
        epoch=packet.epoch,
        snapshot_hash=snapshot.hash,
        manager_version=snapshot.ref.manager_version,
        selection_version=snapshot.ref.selection_version,
        by=by,
    )
    return sent, fact


def take_snapshot(packet: Packet, sources: Sources) -> Snapshot | None:
    """What the packet shows now, with its hash; None while it cannot be hashed."""
    ref = snapshot_ref(packet)
    if packet.snapshot is not None and packet.snapshot.ref == ref:
        return packet.snapshot
    digest = sources.hash_of(packet.review_id, ref)
    return None if digest is None else Snapshot(ref=ref, hash=digest)


def withdrawn(packet: Packet, *, was: PacketState, reasons: list[Refusal]) -> PacketWithdrawn:
    """The fact of a packet's fall, with the first reason."""
    first = type(reasons[0]) if reasons else NotReady
    return PacketWithdrawn(
        review_id=packet.review_id,
        epoch=packet.epoch,
        was=was,
        state=packet.state,
        reason=WITHDRAWAL_REASONS[first],
    )


def _goes_to_manager(packet: Packet) -> bool:
    return packet.release_mode is ReleaseMode.MANAGER_DIRECT or packet.send_when_ready


def _withdraw(packet: Packet, unmet: list[Refusal]) -> tuple[Packet, tuple[Record, ...]]:
    fallen = replace(packet, state=PacketState.NONE, snapshot=None, was_sent=False, conversation_held=False)
    return fallen, (withdrawn(fallen, was=packet.state, reasons=unmet),)


def _rebuild(packet: Packet, snapshot: Snapshot) -> tuple[Packet, tuple[Record, ...]]:
    rebuilt = replace(packet, snapshot=snapshot)
    before = packet.snapshot
    if before is not None and before.hash == snapshot.hash:
        return rebuilt, ()
    fact = PacketRebuilt(
        review_id=packet.review_id,
        epoch=packet.epoch,
        state=packet.state,
        snapshot_hash=snapshot.hash,
        manager_version=snapshot.ref.manager_version,
        selection_version=snapshot.ref.selection_version,
        reason=_what_changed(before.ref if before else None, snapshot.ref),
    )
    return rebuilt, (fact,)


def _what_changed(before: SnapshotRef | None, after: SnapshotRef) -> str:
    if before is None or (before.manager_version, before.content_hash) != (after.manager_version, after.content_hash):
        return "content-changed"
    return "selection-changed" if before.selection_version != after.selection_version else "rating-changed"
