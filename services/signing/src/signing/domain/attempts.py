"""The two moves that command a register: asking for its hold, and freeing it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from signing.domain.facts import (
    CompletionLifted,
    CompletionRequested,
    HoldRequested,
    SignatureRequested,
    SignatureRevoked,
    Want,
)
from signing.domain.record import (
    ROLE_OF,
    Holder,
    HoldState,
    Register,
    SigningRecord,
    covered_self_version,
    present,
    signer_of,
)

if TYPE_CHECKING:
    from signing.domain.facts import Fact, Step
    from signing.domain.ids import CommentHash, PersonId

REVOKED = "revoked"
UNRELEASED = "unreleased"
RESTORED = "restored"

REVOCABLE = frozenset({HoldState.PENDING, HoldState.SIGNED, HoldState.LOST})


class NothingAsked(Exception):
    """A command was to be sent for a register that waits for none: only a bug does that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Why something is revoked. `by`: the HR Admin; None when the system acts."""

    reason: str
    by: PersonId | None = None


def next_hold(register: Register) -> int:
    """The fence of the next attempt: even, above every fence used."""
    return 2 * (max(register.fence // 2, register.floor) + 1)


def next_free(register: Register) -> int:
    """The fence that frees: the next odd one above every fence used."""
    return next_odd_above(max(register.fence, 2 * register.floor))


def next_odd_above(fence: int) -> int:
    """The smallest odd number above `fence`."""
    return fence + 1 + fence % 2


def ask(
    record: SigningRecord,
    holder: Holder,
    *,
    person_id: PersonId | None,
    statement_version: int | None = None,
    comment_hash: CommentHash | None = None,
) -> Step:
    """A new attempt over what is released now: PENDING, with the command and the fact that tells of it."""
    old = record.register(holder)
    register = Register(
        state=HoldState.PENDING,
        fence=next_hold(old),
        floor=old.floor,
        epoch=record.packet_epoch,
        snapshot_hash=record.snapshot_hash,
        manager_version=record.manager_version,
        self_version=covered_self_version(record),
        person_id=person_id,
        statement_version=statement_version,
        comment_hash=comment_hash,
    )
    asked = record.having(holder, register)
    if holder is Holder.COMPLETION:
        asked = replace(asked, tried_epoch=record.packet_epoch)
    return asked, (_requested(asked, holder), command(asked, holder))


def command(record: SigningRecord, holder: Holder) -> HoldRequested:
    """The command that a waiting register has sent: the same each time, so that it can be sent again.

    Raises:
        NothingAsked: the register waits for no answer.
    """
    register = record.register(holder)
    if register.state is HoldState.REVOKING:
        return HoldRequested(
            review_id=record.review_id, holder=holder, fence=register.fence, want=Want.FREE, epoch=register.epoch
        )
    if register.state is not HoldState.PENDING:
        raise NothingAsked(record.review_id, holder, register.state)
    return HoldRequested(
        review_id=record.review_id,
        holder=holder,
        fence=register.fence,
        want=Want.HELD,
        epoch=register.epoch,
        snapshot_hash=register.snapshot_hash,
        manager_version=register.manager_version,
        self_version=register.self_version,
        manager_id=register.person_id if holder is Holder.SIGNATURE_MANAGER else None,
    )


def revoke_register(record: SigningRecord, holder: Holder, cause: Cause) -> Step:
    """REVOKING, if there is anything to revoke; revoking a signature lifts the completion as well."""
    revoked, facts = _free(record, holder, cause)
    if revoked is record or holder is Holder.COMPLETION:
        return revoked, facts
    lifted, more = _free(revoked, Holder.COMPLETION, cause)
    return lifted, facts + more


def _free(record: SigningRecord, holder: Holder, cause: Cause) -> Step:
    old = record.register(holder)
    if old.state not in REVOCABLE:
        return record, ()
    register = replace(old, state=HoldState.REVOKING, fence=next_free(old), stale=False)
    revoking = record.having(holder, register)
    return revoking, (_revoked(revoking, holder, old.state, cause), command(revoking, holder))


def _requested(record: SigningRecord, holder: Holder) -> Fact:
    register = record.register(holder)
    if holder is Holder.COMPLETION:
        return CompletionRequested(
            review_id=record.review_id,
            fence=register.fence,
            epoch=register.epoch,
            snapshot_hash=present(register.snapshot_hash),
            by=register.person_id,
        )
    return SignatureRequested(
        review_id=record.review_id,
        signer_role=ROLE_OF[holder],
        signer_id=present(register.person_id),
        fence=register.fence,
        epoch=register.epoch,
        snapshot_hash=present(register.snapshot_hash),
        manager_version=present(register.manager_version),
        self_version=register.self_version,
    )


def _revoked(record: SigningRecord, holder: Holder, was: HoldState, cause: Cause) -> Fact:
    register = record.register(holder)
    if holder is Holder.COMPLETION:
        return CompletionLifted(
            review_id=record.review_id,
            fence=register.fence,
            epoch=register.epoch,
            snapshot_hash=register.snapshot_hash,
            was={HoldState.PENDING: "completing", HoldState.SIGNED: "completed"}.get(was, was.value),
            reason=cause.reason,
            by=cause.by,
        )
    return SignatureRevoked(
        review_id=record.review_id,
        signer_role=ROLE_OF[holder],
        signer_id=register.person_id or signer_of(record, ROLE_OF[holder]),
        fence=register.fence,
        epoch=register.epoch,
        snapshot_hash=register.snapshot_hash,
        manager_version=register.manager_version,
        self_version=register.self_version,
        was=was.value,
        reason=cause.reason,
        by=cause.by,
    )
