"""What people do with a packet: release it to the employee, send it to the manager, take it back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from packets.domain.facts import PacketUnreleased, PacketWithdrawn, UnreleaseReason, Was
from packets.domain.holds import lock, unlock
from packets.domain.packet import (
    Packet,
    PacketState,
    Part,
    ReleaseMode,
    pinned,
    preview_tag,
    signed_holders,
    snapshot_is_current,
)
from packets.domain.people import unmet_part
from packets.domain.readiness import sent_to_manager, unmet_open, unmet_ready
from packets.domain.refusals import (
    AlreadyScheduled,
    LockedReleased,
    ManagerDirect,
    NotFound,
    NotReady,
    NotReleased,
    NotScheduled,
    PacketChanged,
    ReasonMissing,
    Refusal,
    ReleaseInProgress,
    ReviewCancelled,
    ScheduledByAnother,
    SignaturesPresent,
    UnreleaseInProgress,
    VersionMissing,
    refuse,
)
from packets.domain.visibility import manager_sees

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from packets.domain.facts import Record
    from packets.domain.ids import OperationId, PersonId
    from packets.domain.people import Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduled:
    """A release of a packet that waits for its instant; where several are given, the earliest comes first."""

    by: PersonId
    not_before: datetime | None
    operation_id: OperationId


def unmet_release(packet: Packet, standing: Standing, *, previewed: str | None, has_reason: bool) -> list[Refusal]:
    """Why the person cannot release the packet to the employee.

    `previewed` is the `preview_tag` of what the person has seen; HR needs a reason to bypass the manager.
    """
    who = unmet_releaser(packet, standing)
    if who or (packet.state is PacketState.RELEASED and packet.hidden_by is None):
        return who
    reasons = unmet_open(packet)
    if packet.state is PacketState.RELEASING:
        return [*reasons, ReleaseInProgress()]
    if packet.state is PacketState.UNRELEASING or packet.hidden_by is not None:
        return [*reasons, UnreleaseInProgress()]
    reasons += _unmet_complete(packet)
    if packet.state is PacketState.NONE:
        return reasons
    if previewed is None:
        reasons.append(VersionMissing())
    elif previewed != preview_tag(packet):
        reasons.append(PacketChanged(current=preview_tag(packet)))
    if packet.state is PacketState.READY and not has_reason:
        reasons.append(ReasonMissing())
    return reasons


def release(
    packet: Packet, standing: Standing, *, previewed: str | None, has_reason: bool = False
) -> tuple[Packet, tuple[Record, ...]]:
    """Ask for the hold under which the employee may read: RELEASING, with a LOCK of the next epoch.

    A released packet stays as it is. Refuses as `unmet_release`.
    """
    refuse(unmet_release(packet, standing, previewed=previewed, has_reason=has_reason))
    if packet.state is PacketState.RELEASED:
        return packet, ()
    sent = packet.state is PacketState.WITH_MANAGER
    releasing = replace(
        packet,
        state=PacketState.RELEASING,
        epoch=packet.epoch + 1,
        was_sent=sent,
        send_when_ready=False,
        requested_by=standing.person_id,
        requested_as=Part.MANAGER if sent and Part.MANAGER in standing.parts else Part.HR_ADMIN,
        last_refusal=None,
    )
    return releasing, (lock(releasing),)


def fires_at(packet: Packet, standing: Standing, *, asked: datetime | None, now: datetime) -> datetime | None:
    """When a release that is asked for now is carried out: at the instant that was named, or at once (None).

    A manager's release waits at least for the cycle's recall window, in which it can be cancelled without a trace.
    """
    if not is_recallable(packet, standing):
        return asked
    earliest = now + timedelta(minutes=packet.recall_window_minutes)
    return earliest if asked is None else max(asked, earliest)


def is_recallable(packet: Packet, standing: Standing) -> bool:
    """Whether a release by this person waits for the cycle's recall window in any case."""
    recalled = packet.state is PacketState.WITH_MANAGER and Part.MANAGER in standing.parts
    return recalled and packet.recall_window_minutes > 0


def unmet_schedule(packet: Packet, waiting: Sequence[Scheduled]) -> list[Refusal]:
    """Why no release of the packet can wait for an instant: another one does, the earliest of which is named."""
    if not waiting or packet.state is PacketState.RELEASED:
        return []
    first = waiting[0]
    return [AlreadyScheduled(by=first.by, not_before=first.not_before, operation_id=first.operation_id)]


def unmet_cancel_scheduled(packet: Packet, standing: Standing, waiting: Sequence[Scheduled]) -> list[Refusal]:
    """Why the person cannot take back a release that waits for its instant: HR anybody's, managers the own."""
    who = unmet_releaser(packet, standing)
    if who:
        return who
    if not waiting:
        return [NotScheduled()]
    mine = Part.HR_ADMIN in standing.parts or standing.person_id in {each.by for each in waiting}
    return [] if mine else [ScheduledByAnother(by=waiting[0].by)]


def decided_anew(old: Packet, new: Packet) -> bool:
    """Whether somebody has released or taken back the packet, so that no release that was to fire later stands."""
    return taken_back(old, new) or (old.state is not new.state and new.state is PacketState.RELEASING)


def taken_back(old: Packet, new: Packet) -> bool:
    """Whether the packet was taken from the employee, from the manager, or on its way."""
    if old.state is new.state or new.state is PacketState.RELEASING:
        return False
    return old.state is PacketState.WITH_MANAGER or new.state is PacketState.UNRELEASING


def unmet_send_to_manager(packet: Packet, standing: Standing) -> list[Refusal]:
    """Why the person cannot send the packet to its manager."""
    who = unmet_part(standing, Part.HR_ADMIN)
    if who:
        return who
    direct: list[Refusal] = [ManagerDirect()] if packet.release_mode is ReleaseMode.MANAGER_DIRECT else []
    match PacketState.UNRELEASING if packet.hidden_by is not None else packet.state:
        case PacketState.NONE | PacketState.READY:
            return [*unmet_open(packet), *direct, *_unmet_complete(packet)]
        case PacketState.WITH_MANAGER:
            return direct
        case PacketState.RELEASING:
            return [*unmet_open(packet), *direct, ReleaseInProgress()]
        case PacketState.RELEASED:
            return [*unmet_open(packet), LockedReleased(), *direct]
        case PacketState.UNRELEASING:
            return [*unmet_open(packet), *direct, UnreleaseInProgress()]


def send_to_manager(packet: Packet, standing: Standing) -> tuple[Packet, tuple[Record, ...]]:
    """Give a ready packet to its manager; nothing if the manager has it. Refuses as `unmet_send_to_manager`."""
    refuse(unmet_send_to_manager(packet, standing))
    if packet.state is PacketState.WITH_MANAGER:
        return packet, ()
    sent, fact = sent_to_manager(packet, pinned(packet), by=standing.person_id)
    return sent, (fact,)


def unmet_unrelease(packet: Packet, standing: Standing, *, revoke_signatures: bool, has_reason: bool) -> list[Refusal]:
    """Why the person cannot take the packet back."""
    who = unmet_part(standing, Part.HR_ADMIN)
    if who or packet.state is PacketState.UNRELEASING:
        return who
    reasons: list[Refusal] = []
    if packet.state in {PacketState.NONE, PacketState.READY}:
        reasons.append(NotReleased())
    elif packet.state is PacketState.WITH_MANAGER:
        reasons += [ManagerDirect()] if packet.release_mode is ReleaseMode.MANAGER_DIRECT else []
    elif signed_holders(packet) and not revoke_signatures and packet.hidden_by is None:
        # What is hidden was decided on before: a signature that was granted since stands, as for a single unrelease.
        reasons.append(SignaturesPresent(holders=[holder.value for holder in signed_holders(packet)]))
    return reasons if has_reason else [*reasons, ReasonMissing()]


def unrelease(
    packet: Packet, standing: Standing, *, revoke_signatures: bool = False, has_reason: bool
) -> tuple[Packet, tuple[Record, ...]]:
    """Take the packet back: from the manager READY; from the employee, and in flight, hidden now and unlocked after.

    Refuses as `unmet_unrelease`.
    """
    refuse(unmet_unrelease(packet, standing, revoke_signatures=revoke_signatures, has_reason=has_reason))
    if packet.state is PacketState.UNRELEASING:
        return packet, ()
    if packet.state is PacketState.WITH_MANAGER:
        ready = replace(packet, state=PacketState.READY, was_sent=False, hidden_by=None, conversation_held=False)
        fact = PacketWithdrawn(
            review_id=packet.review_id,
            epoch=packet.epoch,
            was=packet.state,
            state=ready.state,
            reason="unreleased",
        )
        return ready, (fact,)
    was = Was.RELEASED if packet.state is PacketState.RELEASED else Was.RELEASING
    return hide(
        packet,
        was=was,
        reason=UnreleaseReason.CORRECTION,
        revoke_signatures=revoke_signatures,
        by=standing.person_id,
    )


def hide(
    packet: Packet,
    *,
    was: Was,
    reason: UnreleaseReason,
    revoke_signatures: bool = False,
    by: PersonId | None = None,
) -> tuple[Packet, tuple[Record, ...]]:
    """UNRELEASING at the packet's epoch, with the fact and the UNLOCK. Nobody below HR reads it from this commit on."""
    hidden = replace(
        packet,
        state=PacketState.UNRELEASING,
        was_sent=False,
        send_when_ready=False,
        revoked_epoch=packet.epoch if revoke_signatures else packet.revoked_epoch,
        hidden_by=None,
    )
    fact = PacketUnreleased(
        review_id=packet.review_id,
        epoch=packet.epoch,
        was=was,
        snapshot_hash=packet.snapshot.hash if packet.snapshot else None,
        revoke_signatures=revoke_signatures,
        reason=reason,
        by=by,
    )
    return hidden, (fact, unlock(hidden))


def unmet_releaser(packet: Packet, standing: Standing) -> list[Refusal]:
    """Why the person is not one who releases this packet, in whatever state: the manager that has it, and HR."""
    who = unmet_part(standing, Part.MANAGER, Part.HR_ADMIN)
    if who or Part.HR_ADMIN in standing.parts or manager_sees(packet):
        return who
    return [NotFound()]


def _unmet_complete(packet: Packet) -> list[Refusal]:
    # That the review is cancelled stands among what closes it; a snapshot of something older is as good as none.
    unmet = [reason for reason in unmet_ready(packet) if not isinstance(reason, ReviewCancelled)]
    if unmet or (packet.state is not PacketState.NONE and snapshot_is_current(packet)):
        return unmet
    return [NotReady()]
