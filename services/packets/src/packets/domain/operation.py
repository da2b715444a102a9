"""One command for many packets: what it may become, and what becomes of each packet under it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from packets.domain import release as single
from packets.domain.facts import OperationCompleted, OperationStarted
from packets.domain.packet import FROZEN, Packet, PacketState, Part, ReleaseMode, preview_tag, signed_holders
from packets.domain.people import HR_ADMIN, Actor, only
from packets.domain.refusals import (
    ForbiddenRole,
    InstantPassed,
    NotCancellable,
    NotFound,
    OnlyReleasesWait,
    OperationFinished,
    OperationNotPlanned,
    PlanExpired,
    Refusal,
    TooManyPlans,
    refuse,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from packets.domain.facts import Record
    from packets.domain.ids import CycleId, OperationId, PersonId, ReviewId
    from packets.domain.people import Standing


class Command(StrEnum):
    """The single command that an operation gives to each of its packets."""

    RELEASE_TO_MANAGER = "release-to-manager"
    RELEASE = "release"
    UNRELEASE = "unrelease"


class OperationState(StrEnum):
    """Planning looks at every item and changes none; running carries out; cancelling waits for what was asked for."""

    PLANNING = "planning"
    PLANNED = "planned"
    SCHEDULED = "scheduled"
    RUNNING = "running"
    CANCELLING = "cancelling"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class Outcome(StrEnum):
    """What became of one packet. Asked: another service has to agree; allowed: a plan would carry it out."""

    CHOSEN = "chosen"
    ALLOWED = "allowed"
    ASKED = "asked"
    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"
    CANCELLED = "cancelled"


# A plan that nobody has applied.
PLANS = frozenset({OperationState.PLANNING, OperationState.PLANNED})
# How packets can end under an operation.
ENDS = (Outcome.DONE, Outcome.SKIPPED, Outcome.FAILED, Outcome.CANCELLED)
_IN_FLIGHT = frozenset({PacketState.RELEASING, PacketState.UNRELEASING})
UNEXPECTED = "unexpected-error"
TAKEN_BACK = "taken-back"
DECIDED_ANEW = "decided-anew"
RESTORED = "restored"
CANCELLED = "cancelled"
NOTHING_TO_DO = "nothing-to-do"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One row per operation. `actor` is who acts: who began it (`begun_by`), or applied its plan.

    `cycle_id` is the cycle that a filter named. `size` counts its packets. `position` is how far the present pass is:
    packets are taken in the order of their ids. `fires_at`: not before then; `expires_at`: until when a plan can be
    applied.
    """

    id: OperationId
    command: Command
    state: OperationState
    begun_by: PersonId
    actor: Actor
    cycle_id: CycleId | None = None
    reason: str | None = None
    revoke_signatures: bool = False
    size: int = 0
    position: ReviewId | None = None
    fires_at: datetime | None = None
    expires_at: datetime | None = None

    @property
    def scheduled(self) -> single.Scheduled:
        """It as those who look at one of its packets see it, while it waits for its instant."""
        return single.Scheduled(by=self.actor.person_id, not_before=self.fires_at, operation_id=self.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One packet under an operation. `tag`: the preview that the plan was made of, or that the person has seen."""

    review_id: ReviewId
    outcome: Outcome
    tag: str | None = None
    unmet: tuple[str, ...] = ()


def may_begin(actor: Actor) -> None:
    """Refuse `forbidden-role` to whoever is not HR."""
    refuse([] if HR_ADMIN in actor.roles else [only(Part.HR_ADMIN)])


def may_see(operation: Operation | None, actor: Actor) -> Operation:
    """The operation for HR and for who began it. Refuses `not-found`."""
    if operation is None or not (HR_ADMIN in actor.roles or actor.person_id == operation.actor.person_id):
        raise NotFound
    return operation


def unmet_plan(open_plans: int, *, plans_max: int) -> list[Refusal]:
    """Why the person cannot make one more plan beside so many: each keeps a line for every packet."""
    return [TooManyPlans(plans_max=plans_max)] if open_plans >= plans_max else []


def unmet_instant(fires_at: datetime | None, *, now: datetime) -> list[Refusal]:
    """Why nothing can be carried out at the instant: a mistyped year must not release at once."""
    return [InstantPassed()] if fires_at is not None and fires_at <= now else []


def begun(operation: Operation, *, dry_run: bool) -> Operation:
    """The operation as it starts: a plan, a wait for its instant, or a run."""
    if dry_run:
        return replace(operation, state=OperationState.PLANNING)
    return _started(operation)


def apply(operation: Operation, actor: Actor, *, now: datetime, fires_at: datetime | None) -> Operation:
    """Carry a plan out, on behalf of whoever applies it; each packet is judged again.

    Refuses `operation-not-planned`, `plan-expired`, `only-releases-wait`.
    """
    may_begin(actor)
    if operation.state is not OperationState.PLANNED:
        raise OperationNotPlanned(state=operation.state.value)
    if operation.expires_at is not None and operation.expires_at <= now:
        raise PlanExpired
    if fires_at is not None and operation.command is not Command.RELEASE:
        raise OnlyReleasesWait
    refuse(unmet_instant(fires_at, now=now))
    return _started(replace(operation, actor=actor, fires_at=fires_at, expires_at=None, position=None))


def cancel(operation: Operation) -> Operation:
    """Leave alone what was not begun; what was asked for is still answered. Refuses `not-cancellable`.

    What was taken back was hidden at once, so that an unrelease goes on to its end.
    """
    match operation.state:
        case OperationState.CANCELLING | OperationState.CANCELLED:
            return operation
        case OperationState.COMPLETED:
            raise OperationFinished
        case OperationState.RUNNING if operation.command is Command.UNRELEASE:
            raise NotCancellable
        case OperationState.RUNNING:
            return replace(operation, state=OperationState.CANCELLING)
        case _:
            return replace(operation, state=OperationState.CANCELLED)


def after_pass(operation: Operation, *, expires_at: datetime) -> Operation:
    """The operation when every packet was looked at once and none is awaited any more."""
    match operation.state:
        case OperationState.PLANNING:
            return replace(operation, state=OperationState.PLANNED, position=None, expires_at=expires_at)
        case OperationState.CANCELLING:
            return replace(operation, state=OperationState.CANCELLED)
        case _:
            return replace(operation, state=OperationState.COMPLETED)


def fires(operation: Operation) -> Operation:
    """A scheduled operation at its instant."""
    return replace(operation, state=OperationState.RUNNING)


def started(operation: Operation) -> OperationStarted:
    """The fact that the operation runs."""
    return OperationStarted(
        operation_id=operation.id,
        command=operation.command.value,
        review_count=operation.size,
        by=operation.actor.person_id,
    )


def completed(operation: Operation, counts: Mapping[str, int]) -> OperationCompleted:
    """The fact that every packet of an operation that is over has its outcome; `counts` by outcome."""
    return OperationCompleted(
        operation_id=operation.id,
        command=operation.command.value,
        counts={each.value: counts.get(each.value, 0) for each in ENDS},
        was_cancelled=operation.state is OperationState.CANCELLED,
    )


def shows_own(operation: Operation, reader: PersonId) -> bool:
    """Whether a person is told of the own review among the operation's packets: of what they chose themselves.

    That is skipped from the beginning, so that it tells nothing of the review. What others do to it is not told.
    """
    return operation.begun_by == reader


def own(item: Item) -> Item:
    """The item of the review of whoever chose it, on which nobody acts for HR: as the single command refuses it."""
    return replace(item, outcome=Outcome.SKIPPED, unmet=(ForbiddenRole.code,))


def missing(item: Item) -> Item:
    """The item of an id that no packet has."""
    return replace(item, outcome=Outcome.SKIPPED, unmet=(NotFound.code,))


def carried_out(
    operation: Operation, item: Item, packet: Packet, standing: Standing
) -> tuple[Item, Packet, tuple[Record, ...]]:
    """The item with what becomes of its packet under the operation's command, the packet after it, and the records.

    One that the command refuses is skipped, for all the reasons, and one that it leaves as it is for `nothing-to-do`;
    if it was hidden for its turn, it is shown again.
    """
    try:
        after, records = _commanded(operation, packet, standing, previewed=item.tag or preview_tag(packet))
    except Refusal as refused:
        codes = tuple(reason.code for reason in refused.unmet)
        return replace(item, outcome=Outcome.SKIPPED, unmet=codes), _shown_again(packet, operation), ()
    if not records:
        return replace(item, outcome=Outcome.SKIPPED, unmet=(NOTHING_TO_DO,)), _shown_again(packet, operation), ()
    outcome = Outcome.ASKED if after.state in _IN_FLIGHT else Outcome.DONE
    return replace(item, outcome=outcome, tag=item.tag or preview_tag(packet)), after, records


def planned(operation: Operation, item: Item, packet: Packet, standing: Standing) -> Item:
    """The item as a plan tells it: allowed, with what is shown now; or skipped, in the words of carrying it out."""
    tried, _, _ = carried_out(operation, item, packet, standing)
    return tried if tried.outcome is Outcome.SKIPPED else replace(tried, outcome=Outcome.ALLOWED)


def settled(command: Command, state: PacketState, last_refusal: str | None) -> tuple[Outcome, str | None]:
    """What became of a packet that was asked for, and the code of why it failed; asked, as long as it is in flight."""
    if command is Command.UNRELEASE:
        return (Outcome.ASKED, None) if state is PacketState.UNRELEASING else (Outcome.DONE, None)
    match state:
        case PacketState.RELEASING:
            return Outcome.ASKED, None
        case PacketState.RELEASED:
            return Outcome.DONE, None
        case _:
            return Outcome.FAILED, last_refusal or TAKEN_BACK


def hides(operation: Operation, packet: Packet, standing: Standing) -> bool:
    """Whether an unrelease of many hides the packet at once, before its turn comes: whatever it will take back."""
    if Part.HR_ADMIN not in standing.parts:
        return False
    if packet.state is PacketState.WITH_MANAGER:
        return packet.release_mode is not ReleaseMode.MANAGER_DIRECT
    return packet.state in FROZEN - {PacketState.UNRELEASING} and (
        operation.revoke_signatures or not signed_holders(packet)
    )


def _commanded(
    operation: Operation, packet: Packet, standing: Standing, *, previewed: str | None
) -> tuple[Packet, tuple[Record, ...]]:
    has_reason = bool(operation.reason)
    match operation.command:
        case Command.RELEASE_TO_MANAGER:
            return single.send_to_manager(packet, standing)
        case Command.RELEASE:
            return single.release(packet, standing, previewed=previewed, has_reason=has_reason)
        case Command.UNRELEASE:
            revoke = operation.revoke_signatures
            return single.unrelease(packet, standing, revoke_signatures=revoke, has_reason=has_reason)


def _shown_again(packet: Packet, operation: Operation) -> Packet:
    return replace(packet, hidden_by=None) if packet.hidden_by == operation.id else packet


def _started(operation: Operation) -> Operation:
    waits = operation.fires_at is not None
    return replace(operation, state=OperationState.SCHEDULED if waits else OperationState.RUNNING)
