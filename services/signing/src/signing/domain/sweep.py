"""Staying alive: sending again, comparing with assessment's registers, and starting after a restore."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from signing.domain.attempts import RESTORED, Cause, command, next_free, next_hold, revoke_register
from signing.domain.facts import Alarm, AlarmCode
from signing.domain.record import ROLE_OF, Holder, HoldState, Register, present, signer_of
from signing.domain.settling import settle

if TYPE_CHECKING:
    from collections.abc import Iterable

    from signing.domain.facts import Fact, HoldRequested, Step
    from signing.domain.ids import SnapshotHash
    from signing.domain.record import SigningRecord

# More attempts, and more writes of one row, than can have happened since the newest backup.
RESTORE_JUMP = 1000

WAITING = frozenset({HoldState.PENDING, HoldState.REVOKING})


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenRegister:
    """A register as assessment's own row has it. `epoch` and `snapshot_hash` are None while it is free."""

    holder: Holder
    fence: int
    held: bool
    epoch: int | None = None
    snapshot_hash: SnapshotHash | None = None


def waiting(record: SigningRecord) -> tuple[Holder, ...]:
    """The registers whose command is not answered yet."""
    return tuple(holder for holder in Holder if record.register(holder).state in WAITING)


def reconcile(record: SigningRecord) -> tuple[HoldRequested, ...]:
    """The commands that wait for an answer, again, with the same fences: nothing changes by it."""
    return tuple(command(record, holder) for holder in waiting(record))


def compare(record: SigningRecord, seen: Iterable[SeenRegister], *, row_version_read: int) -> Step:
    """Compare this row with the registers that were read after its version `row_version_read` had been.

    Where the row has changed in between, nothing is said. A register held while signing knows nothing of it: LOST, with
    an alarm; it is never freed by itself. So is a signature whose register is held under another attempt. One whose
    register is free protects nothing and is revoked, with an alarm: what freed it was on its way when signing was
    restored.
    """
    if record.row_version != row_version_read:
        return record, ()
    after = record
    facts: tuple[Fact, ...] = ()
    for register in seen:
        after, more = _compared(after, register)
        facts += more
    freed = any(
        record.register(holder).state is HoldState.LOST and after.register(holder).state is HoldState.NONE
        for holder in Holder
    )
    return settle(record, after, facts, freed=freed)


def is_compared(record: SigningRecord, *, row_version_read: int) -> bool:
    """Say whether comparing tells all of this row: not where it has changed, nor while it asks for a hold.

    What was granted before assessment was restored may still come in for it.
    """
    asking = any(record.register(holder).state is HoldState.PENDING for holder in Holder)
    return record.row_version == row_version_read and not asking


def quarantine_jump(record: SigningRecord, seen: Iterable[SeenRegister]) -> Step:
    """A row restored from a backup, before anything else touches it; `seen` are the registers as they are now.

    Every attempt number jumps past what may still be in flight, and so does `row_version`. PENDING asks again; REVOKING
    frees again; what is signed stays so only where its register is held under that very fence, and is revoked where
    nothing is held; what is held otherwise is LOST. Facts are to be repaired from the other services' rows afterwards.
    """
    after = replace(record, row_version=record.row_version + RESTORE_JUMP)
    facts: tuple[Fact, ...] = ()
    registers = tuple(seen)
    for register in registers:
        old = after.register(register.holder)
        floor = max(old.fence // 2, old.floor, register.fence // 2) + RESTORE_JUMP
        after = after.having(register.holder, replace(old, floor=floor))
    for register in registers:
        after, more = _restored(after, register)
        facts += more
    return settle(record, after, facts, starts_completion=False)


def _compared(record: SigningRecord, seen: SeenRegister) -> Step:
    own = record.register(seen.holder)
    if own.state is HoldState.NONE and seen.held:
        return _lost(record, seen)
    if own.state is HoldState.SIGNED and not _holds(seen, own):
        alarm = Alarm(review_id=record.review_id, holder=seen.holder, code=AlarmCode.SIGNED_WITHOUT_HOLD)
        if seen.held:
            # Assessment was restored to another attempt, perhaps over other versions.
            lost, facts = _lost(record, seen)
            return lost, (alarm, *facts)
        revoked, facts = revoke_register(record, seen.holder, Cause(reason=RESTORED))
        return revoked, (alarm, *facts)
    if own.state is HoldState.LOST and not seen.held:
        # What was held without our knowing is free by itself: there is nothing left that HR could revoke.
        return record.having(seen.holder, Register(fence=max(own.fence, seen.fence), floor=own.floor)), ()
    return record, ()


def _restored(record: SigningRecord, seen: SeenRegister) -> Step:
    own = record.register(seen.holder)
    match own.state:
        case HoldState.PENDING:
            asking = record.having(seen.holder, replace(own, fence=next_hold(own)))
            return asking, (command(asking, seen.holder),)
        case HoldState.REVOKING if not (seen.held and seen.fence > own.fence):
            freeing = record.having(seen.holder, replace(own, fence=next_free(own)))
            return freeing, (command(freeing, seen.holder),)
        case HoldState.SIGNED if _holds(seen, own):
            return record, ()
        case HoldState.SIGNED | HoldState.LOST if not seen.held:
            return revoke_register(record, seen.holder, Cause(reason=RESTORED))
        case _:
            return _lost(record, seen) if seen.held else (record, ())


def _holds(seen: SeenRegister, own: Register) -> bool:
    named = (seen.fence, seen.epoch, seen.snapshot_hash)
    return seen.held and named == (own.fence, own.epoch, own.snapshot_hash)


def _lost(record: SigningRecord, seen: SeenRegister) -> Step:
    own = record.register(seen.holder)
    signer = None if seen.holder is Holder.COMPLETION else signer_of(record, ROLE_OF[seen.holder])
    register = Register(
        state=HoldState.LOST,
        fence=max(own.fence, seen.fence),
        floor=own.floor,
        epoch=present(seen.epoch),
        snapshot_hash=seen.snapshot_hash,
        person_id=signer,
    )
    alarm = Alarm(review_id=record.review_id, holder=seen.holder, code=AlarmCode.SIGNATURE_LOST)
    return record.having(seen.holder, register), (alarm,)
