"""Repairs: what is done when assessment's rows and our own disagree, and after packets was restored from a backup."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from packets.domain.facts import UnreleaseReason, Was
from packets.domain.holds import SIGNED_HOLDERS, lock_fence
from packets.domain.packet import Holder, KnownHold, Packet, PacketState
from packets.domain.projection import mark_stale
from packets.domain.readiness import recompute
from packets.domain.release import hide

if TYPE_CHECKING:
    from packets.domain.facts import Record
    from packets.domain.ids import ContentHash, PersonId, ReviewId, SnapshotHash
    from packets.domain.readiness import Sources

# More attempts, and more writes to one row, than can lie between a backup and what is still in flight.
EPOCH_JUMP = 1_000
ROW_VERSION_JUMP = 1_000_000


class Finding(StrEnum):
    """What a sweep found. All but a late projection is against the rules and raises an alarm."""

    PROJECTION_LATE = "projection-late"
    HOLDS_LATE = "holds-late"
    REGISTER_WITHOUT_RELEASE = "register-without-release"
    RELEASE_WITHOUT_REGISTER = "release-without-register"


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterRow:
    """One register as assessment has it; the hash is that of the hold, if it is held."""

    holder: Holder
    fence: int
    held: bool
    snapshot_hash: SnapshotHash | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AssessmentRow:
    """What assessment says of one review: row version, content version, manager of record, flags, registers."""

    review_id: ReviewId
    version: int
    manager_id: PersonId
    manager_version: int
    submitted: bool
    content_hash: ContentHash | None
    closed: bool
    cancelled: bool
    registers: tuple[RegisterRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """The packet as it has to be, the records of the way there, and what was found; nothing found, nothing changed."""

    packet: Packet
    records: tuple[Record, ...] = ()
    findings: tuple[Finding, ...] = ()


def sweep(read: Packet, now: Packet, row: AssessmentRow | None, sources: Sources) -> Repair:
    """Compare a packet with assessment's row. `read` was read before `row`, `now` is the locked row after it.

    Acts only if the packet was not written in between: then `row` is at least as new as all that the packet knows,
    and is taken as it is. A packet that waits for an answer is left to its reconciler. No epoch goes down.
    Where assessment has no row (None) there is no register either, and nothing to learn.
    """
    if read.row_version != now.row_version:
        return Repair(packet=now)
    if row is None:
        hidden, records, findings = _compare_register(now, _never_used(Holder.RELEASE))
        return Repair(packet=hidden, records=records, findings=findings)
    hidden, records, findings = _compare_register(now, _register(row, Holder.RELEASE))
    learnt, more, late = _compare_facts(hidden, row, sources)
    return Repair(packet=learnt, records=(*records, *more), findings=(*findings, *late))


def awaits_grant(packet: Packet) -> bool:
    """Whether a lock is asked for: what was granted before assessment was restored may still come in for it."""
    return packet.state is PacketState.RELEASING


def quarantine_jump(packet: Packet, *, register_fence: int) -> tuple[Packet, tuple[Record, ...]]:
    """A restored packet, before anything else touches it: hidden, at an epoch past everything that is in flight.

    Every row takes it, whatever it says; the row version goes past what was published before the restore.
    """
    jumped = replace(
        packet,
        epoch=max(packet.epoch, register_fence // 2) + EPOCH_JUMP,
        row_version=packet.row_version + ROW_VERSION_JUMP,
    )
    return hide(jumped, was=Was.UNKNOWN, reason=UnreleaseReason.RESTORED)


def _compare_register(packet: Packet, register: RegisterRow) -> tuple[Packet, tuple[Record, ...], tuple[Finding, ...]]:
    ahead = replace(packet, epoch=max(packet.epoch, register.fence // 2))
    match packet.state:
        case PacketState.RELEASING | PacketState.UNRELEASING:
            return packet, (), ()
        case PacketState.RELEASED:
            if _holds(register, packet):
                return packet, (), ()
            hidden, records = hide(ahead, was=Was.RELEASED, reason=UnreleaseReason.RELEASE_WITHOUT_REGISTER)
            return hidden, records, (Finding.RELEASE_WITHOUT_REGISTER,)
        case PacketState.NONE | PacketState.READY | PacketState.WITH_MANAGER:
            if not register.held:
                return packet, (), ()
            hidden, records = hide(ahead, was=Was.UNKNOWN, reason=UnreleaseReason.REGISTER_WITHOUT_RELEASE)
            return hidden, records, (Finding.REGISTER_WITHOUT_RELEASE,)


def _holds(register: RegisterRow, packet: Packet) -> bool:
    return (
        register.held
        and register.fence == lock_fence(packet.epoch)
        and packet.snapshot is not None
        and register.snapshot_hash == packet.snapshot.hash
    )


def _compare_facts(
    packet: Packet, row: AssessmentRow, sources: Sources
) -> tuple[Packet, tuple[Record, ...], tuple[Finding, ...]]:
    told = replace(packet, holds=_holds_of(packet, row))
    told, facts = _take_row(told, row)
    findings = (
        *([Finding.PROJECTION_LATE] if replace(told, holds=packet.holds) != packet else []),
        *([Finding.HOLDS_LATE] if told.holds != packet.holds else []),
    )
    if not findings:
        return packet, (), ()
    settled, more = recompute(told, sources)
    return settled, (*facts, *more), findings


def _take_row(packet: Packet, row: AssessmentRow) -> tuple[Packet, tuple[Record, ...]]:
    same = (packet.manager_version, packet.submitted, packet.manager_id, packet.closed, packet.cancelled) == (
        row.manager_version if row.submitted else packet.manager_version,
        row.submitted,
        row.manager_id,
        row.closed,
        row.cancelled,
    )
    same_content = not row.submitted or packet.content_hash == row.content_hash
    # A row that is older than what was told is of a restored assessment that has not moved its rows yet.
    if (same and same_content) or row.version < packet.assessment_version:
        return packet, ()
    taken = replace(
        packet,
        assessment_version=row.version,
        manager_id=row.manager_id,
        manager_version=row.manager_version if row.submitted else packet.manager_version,
        submitted=row.submitted,
        content_hash=row.content_hash if row.submitted else packet.content_hash,
        closed=row.closed,
        cancelled=row.cancelled,
    )
    if not row.submitted:
        return mark_stale(taken, "manager-assessment-reopened")
    return (taken, ()) if same_content else mark_stale(taken, "manager-assessment-revised")


def _holds_of(packet: Packet, row: AssessmentRow) -> tuple[KnownHold, ...]:
    # A register that no command ever reached, fence 0, is the same as one that packets never heard of.
    rows = {each.holder: each for each in row.registers if each.holder in SIGNED_HOLDERS and each.fence > 0}
    known = {each.holder: each for each in packet.holds} | {
        holder: KnownHold(holder=holder, fence=each.fence, held=each.held) for holder, each in rows.items()
    }
    return tuple(known[holder] for holder in Holder if holder in known)


def _register(row: AssessmentRow, holder: Holder) -> RegisterRow:
    rows = [each for each in row.registers if each.holder is holder]
    return rows[0] if rows else _never_used(holder)


def _never_used(holder: Holder) -> RegisterRow:
    return RegisterRow(holder=holder, fence=0, held=False)
