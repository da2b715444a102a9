"""What follows by itself from every input, whatever it was: the end of each operation."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from signing.domain.attempts import REVOCABLE, UNRELEASED, Cause, ask, revoke_register
from signing.domain.facts import Alarm, AlarmCode, SigningClosed, SigningOpened
from signing.domain.record import (
    SIGNATURES,
    Holder,
    HoldState,
    covered_self_version,
    open_signers,
    present,
    self_side_done,
    signing_open,
)

if TYPE_CHECKING:
    from signing.domain.facts import Fact, Step
    from signing.domain.ids import PersonId
    from signing.domain.record import SigningRecord


def settle(
    before: SigningRecord,
    after: SigningRecord,
    facts: tuple[Fact, ...] = (),
    *,
    wished_by: PersonId | None = None,
    freed: bool = False,
    starts_completion: bool = True,
) -> Step:
    """Bring `after` to where it stays until the next input, and tell what became of it since `before`.

    In this order: a revoke wish binds what its epoch covers; stale marks follow the released snapshot; the completion
    starts if its condition holds; signing opened or closed is told when it changed, and when a register was `freed`
    (it opens silently while everybody has signed: nobody could be named).
    `wished_by`: who unreleased with that wish, None if that is unknown. Nothing new: `before` itself.
    """
    after, wish_facts = _bind_wish(after, Cause(reason=UNRELEASED, by=wished_by))
    after, stale_facts = _mark_stale(after)
    after, completion_facts = _start_completion(after) if starts_completion else (after, ())
    if after == before:
        return before, facts
    return after, facts + wish_facts + stale_facts + completion_facts + _announce(before, after, freed=freed)


def completion_due(record: SigningRecord) -> bool:
    """Every signer has signed what is released, and the completion was not yet tried in this epoch."""
    return (
        record.released
        and not record.closed
        and not record.cancelled
        and record.completion.state is HoldState.NONE
        and record.tried_epoch < record.packet_epoch
        and all(_stands(record, holder) for holder in SIGNATURES)
    )


def _stands(record: SigningRecord, holder: Holder) -> bool:
    register = record.register(holder)
    return register.state is HoldState.SIGNED and not register.stale


def _bind_wish(record: SigningRecord, cause: Cause) -> Step:
    facts: tuple[Fact, ...] = ()
    for holder in Holder:
        register = record.register(holder)
        if register.state in REVOCABLE and register.epoch <= record.revoked_epoch:
            record, more = revoke_register(record, holder, cause)
            facts += more
    return record, facts


def _mark_stale(record: SigningRecord) -> Step:
    facts: tuple[Fact, ...] = ()
    for holder in Holder:
        register = record.register(holder)
        # While nothing is released there is nothing to compare with: the mark stays as it is.
        if register.state is not HoldState.SIGNED or not record.released:
            continue
        stale = register.snapshot_hash != record.snapshot_hash
        if stale and not register.stale:
            facts += (Alarm(review_id=record.review_id, holder=holder, code=AlarmCode.SIGNED_OTHER_SNAPSHOT),)
        if stale != register.stale:
            record = record.having(holder, replace(register, stale=stale))
    return record, facts


def _start_completion(record: SigningRecord) -> Step:
    return ask(record, Holder.COMPLETION, person_id=None) if completion_due(record) else (record, ())


def _announce(before: SigningRecord, after: SigningRecord, *, freed: bool) -> tuple[Fact, ...]:
    was_open = signing_open(before) and before.packet_epoch == after.packet_epoch
    signers = open_signers(after)
    if signers and (freed or not was_open):
        return (
            SigningOpened(
                review_id=after.review_id,
                epoch=after.packet_epoch,
                snapshot_hash=present(after.snapshot_hash),
                manager_version=present(after.manager_version),
                self_version=covered_self_version(after),
                open_signers=signers,
            ),
        )
    if freed or (signing_open(before) and not signing_open(after)):
        return (SigningClosed(review_id=after.review_id, epoch=after.packet_epoch, reason=_closing_reason(after)),)
    return ()


def _closing_reason(record: SigningRecord) -> str:
    if record.cancelled:
        return "cancelled"
    if record.closed:
        return "cycle-closed"
    if not record.released:
        return "unreleased"
    if not self_side_done(record):
        return "self-assessment-not-shared"
    return "completed" if record.completion.state is not HoldState.NONE else "all-signed"
