"""Commands on a review's registers: each is the wanted state as of its fence, so repeats and disorder are harmless.

A lower fence than the register's changes nothing and is answered `superseded`; the same fence gets the stored answer
again; a higher one is decided, once, and its outcome is kept.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from assessment.domain.facts import HoldAnswer, HoldGranted, HoldRejected, HoldReleased, HoldSuperseded
from assessment.domain.registers import (
    SIGNATURE_HOLDERS,
    Holder,
    Outcome,
    OutcomeKind,
    Register,
    RejectReason,
    source_may_hold,
)
from assessment.domain.review import ManagerState, Review, SelfState, shared_self_version

if TYPE_CHECKING:
    from collections.abc import Iterator

    from assessment.domain.ids import PersonId, ReviewId


class Want(StrEnum):
    """The wanted state of a register."""

    HELD = "held"
    FREE = "free"


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldCommand:
    """The wanted state of one register as of `fence`: even fences hold, odd ones free.

    To hold, `epoch` and `snapshot_hash` are named always, `manager_version` except for the completion.
    `self_version` is null when the self stage is waived; `manager_id` is null when nobody acts as manager of record.
    """

    review_id: ReviewId
    source: str
    holder: Holder
    fence: int
    want: Want
    epoch: int | None = None
    manager_version: int | None = None
    self_version: int | None = None
    snapshot_hash: str | None = None
    manager_id: PersonId | None = None


class BrokenHoldCommandError(Exception):
    """A command that no service sends: another service's register, another review, a fence or field that cannot be."""


def apply_hold(review: Review, command: HoldCommand) -> tuple[Review, tuple[HoldAnswer]]:
    """Bring one register to the state wanted as of the command's fence, and answer; exactly one answer always.

    Raises:
        BrokenHoldCommandError: the command breaks its contract; nothing can be answered.
    """
    _check(review, command)
    register = review.registers.of(command.holder)
    if command.fence < register.fence:
        return review, (_superseded(register, command),)
    if register.outcome is not None and command.fence == register.fence:
        return review, (answer(review.review_id, command.holder, register.outcome),)
    outcome = _decide(review, command)
    registers = review.registers.having(command.holder, _register(outcome))
    return replace(review, registers=registers), (answer(review.review_id, command.holder, outcome),)


def answer(review_id: ReviewId, holder: Holder, outcome: Outcome) -> HoldGranted | HoldRejected | HoldReleased:
    """The answer that a stored outcome stands for, the same each time."""
    if outcome.kind is OutcomeKind.RELEASED:
        return HoldReleased(review_id=review_id, holder=holder, fence=outcome.fence)
    if outcome.kind is OutcomeKind.REJECTED:
        assert outcome.reason is not None
        return HoldRejected(review_id=review_id, holder=holder, fence=outcome.fence, reason=outcome.reason)
    # A grant names all of them: a hold without epoch or snapshot is not decided, and what is submitted has content.
    assert outcome.epoch is not None
    assert outcome.snapshot_hash is not None
    assert outcome.manager_version is not None
    assert outcome.manager_hash is not None
    return HoldGranted(
        review_id=review_id,
        holder=holder,
        fence=outcome.fence,
        epoch=outcome.epoch,
        snapshot_hash=outcome.snapshot_hash,
        manager_version=outcome.manager_version,
        manager_hash=outcome.manager_hash,
        self_version=outcome.self_version,
        self_hash=outcome.self_hash,
    )


def reject_reasons(review: Review, command: HoldCommand) -> tuple[RejectReason, ...]:
    """Every reason why this hold cannot be granted now, in the order in which they answer; empty: it is granted."""
    match command.holder:
        case Holder.RELEASE:
            return tuple(_against_release(review, command))
        case Holder.SIGNATURE_EMPLOYEE | Holder.SIGNATURE_MANAGER:
            return tuple(_against_signature(review, command))
        case Holder.COMPLETION:
            return tuple(_against_completion(review, command))


def _check(review: Review, command: HoldCommand) -> None:
    holds = command.want is Want.HELD
    if command.review_id != review.review_id:
        raise BrokenHoldCommandError("another review")
    if not source_may_hold(command.source, command.holder):
        raise BrokenHoldCommandError(f"{command.source} may not command {command.holder}")
    if command.fence < 1 or (command.fence % 2 == 0) != holds:
        raise BrokenHoldCommandError(f"fence {command.fence} cannot mean {command.want}")
    if not holds:
        return
    if command.epoch is None or command.snapshot_hash is None:
        raise BrokenHoldCommandError("a hold names its epoch and snapshot")
    if command.manager_version is None and command.holder is not Holder.COMPLETION:
        raise BrokenHoldCommandError("a hold names the manager version that it covers")
    if command.holder is Holder.RELEASE and command.fence != 2 * command.epoch:
        raise BrokenHoldCommandError(f"fence {command.fence} is not of epoch {command.epoch}")


def _superseded(register: Register, command: HoldCommand) -> HoldSuperseded:
    return HoldSuperseded(
        review_id=command.review_id,
        holder=command.holder,
        fence=command.fence,
        last_fence=register.fence,
        held=register.held,
    )


def _decide(review: Review, command: HoldCommand) -> Outcome:
    if command.want is Want.FREE:
        return Outcome(kind=OutcomeKind.RELEASED, fence=command.fence)
    reasons = reject_reasons(review, command)
    if reasons:
        return Outcome(kind=OutcomeKind.REJECTED, fence=command.fence, reason=reasons[0])
    self_version = shared_self_version(review)
    return Outcome(
        kind=OutcomeKind.GRANTED,
        fence=command.fence,
        epoch=command.epoch,
        snapshot_hash=command.snapshot_hash,
        manager_version=review.manager_version,
        manager_hash=review.manager_hash,
        self_version=self_version,
        # A draft stays unknown to everybody, its hash too.
        self_hash=None if self_version is None else review.self_hash,
    )


def _register(outcome: Outcome) -> Register:
    if outcome.kind is not OutcomeKind.GRANTED:
        return Register(fence=outcome.fence, outcome=outcome)
    return Register(
        fence=outcome.fence, held=True, epoch=outcome.epoch, snapshot_hash=outcome.snapshot_hash, outcome=outcome
    )


def _against_release(review: Review, command: HoldCommand) -> Iterator[RejectReason]:
    if command.manager_version != review.manager_version:
        yield RejectReason.CONTENT_CHANGED
    if review.manager_state is not ManagerState.SUBMITTED:
        yield RejectReason.NOT_SUBMITTED
    if _manager_changed(review, command):
        yield RejectReason.MANAGER_CHANGED
    if review.cancelled:
        yield RejectReason.CANCELLED
    if review.cycle_closed:
        yield RejectReason.CYCLE_CLOSED
    signatures = (review.registers.of(holder) for holder in SIGNATURE_HOLDERS)
    if any(each.held and each.snapshot_hash != command.snapshot_hash for each in signatures):
        yield RejectReason.SIGNED_OTHER_SNAPSHOT


def _against_signature(review: Review, command: HoldCommand) -> Iterator[RejectReason]:
    if not _released_as_named(review, command):
        yield RejectReason.NOT_RELEASED
    # Under a draft the named version can only be that of an earlier sharing; whether it is the current one is compared.
    covered = None if review.self_state is SelfState.WAIVED else review.self_version
    if command.manager_version != review.manager_version or command.self_version != covered:
        yield RejectReason.CONTENT_CHANGED
    if review.self_state not in {SelfState.SHARED, SelfState.WAIVED}:
        yield RejectReason.SELF_ASSESSMENT_NOT_SHARED
    if command.holder is Holder.SIGNATURE_MANAGER and _manager_changed(review, command):
        yield RejectReason.MANAGER_CHANGED
    if review.registers.completion.held:
        yield RejectReason.COMPLETED
    if review.cycle_closed:
        yield RejectReason.CYCLE_CLOSED


def _against_completion(review: Review, command: HoldCommand) -> Iterator[RejectReason]:
    if not _released_as_named(review, command):
        yield RejectReason.NOT_RELEASED
    if review.cycle_closed:
        yield RejectReason.CYCLE_CLOSED


def _released_as_named(review: Review, command: HoldCommand) -> bool:
    release = review.registers.release
    return release.held and release.epoch == command.epoch and release.snapshot_hash == command.snapshot_hash


def _manager_changed(review: Review, command: HoldCommand) -> bool:
    return command.manager_id is not None and command.manager_id != review.manager_id
