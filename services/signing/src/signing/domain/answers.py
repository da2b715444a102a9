"""What assessment answered to a command; an answer is used only if its fence is the one waited for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from signing.domain.attempts import command, next_odd_above
from signing.domain.facts import (
    Alarm,
    AlarmCode,
    CompletionRejected,
    ReviewCompleted,
    SignatureCompleted,
    SignatureRejected,
)
from signing.domain.record import ROLE_OF, Holder, HoldState, Register, SigningRecord, present
from signing.domain.settling import settle

if TYPE_CHECKING:
    from signing.domain.facts import Fact, Step
    from signing.domain.ids import ContentHash


def granted(
    record: SigningRecord,
    holder: Holder,
    *,
    fence: int,
    manager_hash: ContentHash | None = None,
    self_hash: ContentHash | None = None,
) -> Step:
    """The hold is granted: the signature stands, with the hashes of what it covers, or the review is completed."""
    register = record.register(holder)
    if not _waited_for(register, HoldState.PENDING, fence):
        return record, ()
    signed = replace(register, state=HoldState.SIGNED, manager_hash=manager_hash, self_hash=self_hash)
    after = record.having(holder, signed)
    if holder is not Holder.COMPLETION:
        # Whatever became of an earlier completion, it was without this signature.
        after = replace(after, tried_epoch=0)
    return settle(record, after, (_made(after, holder),))


def rejected(record: SigningRecord, holder: Holder, *, fence: int, reason: str) -> Step:
    """The hold is rejected: nothing was signed.

    The signer may try again; the completion does not by itself in this epoch.
    """
    register = record.register(holder)
    if not _waited_for(register, HoldState.PENDING, fence):
        return record, ()
    back = Register(fence=register.fence, floor=register.floor, rejection=reason)
    return settle(record, record.having(holder, back), (_rejected(record, holder, reason),))


def freed(record: SigningRecord, holder: Holder, *, fence: int) -> Step:
    """The register is free again; whether signing is open is told in any case."""
    register = record.register(holder)
    if not _waited_for(register, HoldState.REVOKING, fence):
        return record, ()
    return settle(record, record.having(holder, Register(fence=register.fence, floor=register.floor)), freed=True)


def superseded(record: SigningRecord, holder: Holder, *, fence: int, last_fence: int) -> Step:
    """The register knows a newer fence than the one waited for: ask again above it, and raise an alarm."""
    register = record.register(holder)
    if register.fence != fence or last_fence <= fence:
        return record, ()
    match register.state:
        case HoldState.PENDING:
            newer = replace(register, fence=2 * (last_fence // 2 + 1))
        case HoldState.REVOKING:
            newer = replace(register, fence=next_odd_above(last_fence))
        case _:
            return record, ()
    after = record.having(holder, newer)
    alarm = Alarm(review_id=record.review_id, holder=holder, code=AlarmCode.SUPERSEDED)
    return settle(record, after, (command(after, holder), alarm))


def _waited_for(register: Register, state: HoldState, fence: int) -> bool:
    return register.state is state and register.fence == fence


def _made(record: SigningRecord, holder: Holder) -> Fact:
    register = record.register(holder)
    if holder is Holder.COMPLETION:
        return ReviewCompleted(
            review_id=record.review_id,
            fence=register.fence,
            epoch=register.epoch,
            snapshot_hash=present(register.snapshot_hash),
            by=register.person_id,
        )
    return SignatureCompleted(
        review_id=record.review_id,
        signer_role=ROLE_OF[holder],
        signer_id=present(register.person_id),
        fence=register.fence,
        epoch=register.epoch,
        snapshot_hash=present(register.snapshot_hash),
        manager_version=present(register.manager_version),
        self_version=register.self_version,
    )


def _rejected(record: SigningRecord, holder: Holder, reason: str) -> Fact:
    register = record.register(holder)
    if holder is Holder.COMPLETION:
        return CompletionRejected(
            review_id=record.review_id,
            fence=register.fence,
            epoch=register.epoch,
            snapshot_hash=present(register.snapshot_hash),
            reason=reason,
        )
    return SignatureRejected(
        review_id=record.review_id,
        signer_role=ROLE_OF[holder],
        signer_id=present(register.person_id),
        fence=register.fence,
        epoch=register.epoch,
        snapshot_hash=present(register.snapshot_hash),
        manager_version=present(register.manager_version),
        self_version=register.self_version,
        reason=reason,
    )
