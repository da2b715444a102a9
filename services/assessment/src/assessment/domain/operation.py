"""One command for many reviews: what it may become, and what becomes of each review under it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from assessment.domain import reassignment, self_assessment
from assessment.domain.operation_refusals import (
    OperationFinished,
    OperationNotPlanned,
    PlanExpired,
    TooManyPlans,
)
from assessment.domain.people import HR_ADMIN, Actor, unmet_role
from assessment.domain.refusals import NotFound, Refusal, refuse

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from assessment.domain.ids import CycleId, OperationId, PersonId, ReviewId
    from assessment.domain.people import Relation
    from assessment.domain.review import Review


class Command(StrEnum):
    """The single command that an operation gives to each of its reviews."""

    WAIVE = "waive-self-assessment"
    UNWAIVE = "unwaive-self-assessment"
    CANCEL = "cancel"


class OperationState(StrEnum):
    """Planning looks at every review and changes none; running carries out."""

    PLANNING = "planning"
    PLANNED = "planned"
    RUNNING = "running"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class Outcome(StrEnum):
    """What became of one review. Allowed: a plan would carry it out."""

    CHOSEN = "chosen"
    ALLOWED = "allowed"
    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"
    CANCELLED = "cancelled"


# A plan that nobody has applied.
PLANS = frozenset({OperationState.PLANNING, OperationState.PLANNED})
# In these there is work to do.
OPEN = frozenset({OperationState.PLANNING, OperationState.RUNNING})
UNEXPECTED = "unexpected-error"

_SINGLE: Mapping[Command, Callable[[Review, Relation], tuple[Review, tuple[Any, ...]]]] = {
    Command.WAIVE: self_assessment.waive,
    Command.UNWAIVE: self_assessment.unwaive,
    Command.CANCEL: reassignment.cancel,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One row per operation. `actor` is who acts: who began it (`begun_by`), or applied its plan.

    `cycle_id` is the cycle that a filter named. `size` counts its reviews. `position` is how far the present pass is:
    reviews are taken in the order of their ids. `expires_at`: until when a plan can be applied.
    """

    id: OperationId
    command: Command
    state: OperationState
    begun_by: PersonId
    actor: Actor
    cycle_id: CycleId | None = None
    reason: str | None = None
    size: int = 0
    position: ReviewId | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One review under an operation; `unmet` are the codes of all reasons against it."""

    review_id: ReviewId
    outcome: Outcome
    unmet: tuple[str, ...] = ()


def may_begin(actor: Actor) -> None:
    """Refuse `forbidden-role` to whoever is not HR."""
    refuse(unmet_role(actor, HR_ADMIN))


def may_see(operation: Operation | None, actor: Actor) -> Operation:
    """The operation for HR. Refuses `not-found`: to others there is none."""
    if operation is None or unmet_role(actor, HR_ADMIN):
        raise NotFound
    return operation


def unmet_plan(open_plans: int, *, plans_max: int) -> list[Refusal]:
    """Why the person cannot make one more plan beside so many: each keeps a line for every review."""
    return [TooManyPlans(plans_max=plans_max)] if open_plans >= plans_max else []


def apply(operation: Operation, actor: Actor, *, now: datetime) -> Operation:
    """Carry a plan out, on behalf of whoever applies it; each review is judged again.

    Refuses `operation-not-planned`, `plan-expired`.
    """
    may_begin(actor)
    if operation.state is not OperationState.PLANNED:
        raise OperationNotPlanned(state=operation.state.value)
    if operation.expires_at is not None and operation.expires_at <= now:
        raise PlanExpired
    return replace(operation, state=OperationState.RUNNING, actor=actor, expires_at=None)


def cancel(operation: Operation) -> Operation:
    """Leave alone what was not begun; what was done stays. Refuses `operation-finished`."""
    if operation.state is OperationState.COMPLETED:
        raise OperationFinished
    return replace(operation, state=OperationState.CANCELLED)


def after_pass(operation: Operation, *, expires_at: datetime) -> Operation:
    """The operation when every review was looked at once; a plan is ready to begin anew."""
    if operation.state is OperationState.PLANNING:
        return replace(operation, state=OperationState.PLANNED, position=None, expires_at=expires_at)
    return replace(operation, state=OperationState.COMPLETED)


def missing(item: Item) -> Item:
    """The item of an id that no review has."""
    return replace(item, outcome=Outcome.SKIPPED, unmet=(NotFound.code,))


def carried_out(command: Command, item: Item, review: Review, rel: Relation) -> tuple[Item, Review, tuple[Any, ...]]:
    """The item with what becomes of its review under the command, the review after it, and the facts.

    One that the command refuses is skipped, for all the reasons.
    """
    try:
        after, told = _SINGLE[command](review, rel)
    except Refusal as refused:
        codes = tuple(reason.code for reason in refused.unmet)
        return replace(item, outcome=Outcome.SKIPPED, unmet=codes), review, ()
    return replace(item, outcome=Outcome.DONE, unmet=()), after, told


def planned(command: Command, item: Item, review: Review, rel: Relation) -> Item:
    """The item as a plan tells it: allowed, or skipped."""
    tried, _, _ = carried_out(command, item, review, rel)
    return replace(tried, outcome=Outcome.ALLOWED) if tried.outcome is Outcome.DONE else tried
