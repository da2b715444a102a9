"""One command for many reviews: begun by a person, carried out in chunks; each is judged as by the single command."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from assessment.commands.standing import audit_role, keep_many, role_of
from assessment.domain import operation as domain
from assessment.domain.ids import CycleId, OperationId
from assessment.domain.operation import Command, Item, Operation, OperationState, Outcome
from assessment.domain.people import relation
from assessment.domain.refusals import NotFound, refuse
from assessment.store import cycles, operations, people, restored, reviews
from assessment.store.operations import OPERATIONS
from reviewbus import telemetry
from reviewbus.crash import crash_point
from reviewbus.db import AuditEntry
from reviewbus.jobs import enqueue
from reviewbus.operations import store as kept

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from assessment.domain.people import Actor, Relation
    from assessment.domain.review import Review
    from assessment.store.reviews import Stored
    from reviewbus.db import Tx
    from reviewbus.operations.store import Chosen

CARRY_OUT = "carry-out-operation"
_ACTIONS = {
    Command.WAIVE: "self-assessment.waive",
    Command.UNWAIVE: "self-assessment.unwaive",
    Command.CANCEL: "review.cancel",
}
_log = telemetry.logger("assessment")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be done to each."""

    command: Command
    reason: str | None = None
    dry_run: bool = False


def begin(tx: Tx, actor: Actor, wanted: Wanted, chosen: Chosen, *, plans_max: int) -> Operation:
    """Begin an operation over what is chosen now; raises `Refusal`.

    Nobody has more than `plans_max` plans that were not applied.
    """
    domain.may_begin(actor)
    if wanted.dry_run:
        refuse(domain.unmet_plan(kept.count_plans(tx, OPERATIONS, actor.person_id), plans_max=plans_max))
    cycle_id = None if chosen.filters is None else CycleId(chosen.filters["cycle_id"])
    if cycle_id is not None and cycles.read(tx, cycle_id) is None:
        raise NotFound
    fresh = Operation(
        id=OperationId(str(tx.new_id())),
        command=wanted.command,
        state=OperationState.PLANNING if wanted.dry_run else OperationState.RUNNING,
        begun_by=actor.person_id,
        actor=actor,
        cycle_id=cycle_id,
        reason=wanted.reason,
    )
    operations.add(tx, fresh)
    if chosen.filters is None:
        size = operations.choose_named(tx, fresh, chosen.named)
    else:
        size = kept.choose_filtered(tx, OPERATIONS, fresh.id, chosen, but_of=actor.person_id)
    begun = replace(fresh, size=size)
    operations.save(tx, fresh, begun)
    _audit(tx, actor, "operation.begin", begun)
    _enqueue(tx, begun)
    return begun


def apply(tx: Tx, actor: Actor, operation_id: str) -> Operation:
    """Carry a plan out; raises `Refusal`."""
    before = _locked(tx, actor, operation_id)
    after = domain.apply(before, actor, now=tx.now)
    operations.save(tx, before, after)
    _audit(tx, actor, "operation.apply", after)
    _enqueue(tx, after)
    return after


def cancel(tx: Tx, actor: Actor, operation_id: str) -> Operation:
    """Leave alone what was not begun. Of a plan nothing is left: it has changed no review. Raises `Refusal`."""
    before = _locked(tx, actor, operation_id)
    after = domain.cancel(before)
    if before.state in domain.PLANS:
        kept.drop(tx, OPERATIONS, operation_id)
    elif after != before:
        operations.leave_waiting(tx, operation_id)
        operations.save(tx, before, after)
    if after != before:
        _audit(tx, actor, "operation.cancel", after)
    return after


def carry_on(tx: Tx, operation_id: str, rows: int) -> bool:
    """Take the next reviews of an operation, in one transaction; return whether there is more to do."""
    at = operations.load(tx, operation_id)
    if at is None or at.state not in domain.OPEN:
        return False
    plans = at.state is OperationState.PLANNING
    items = operations.next_items(tx, at, rows)
    if not items:
        operations.save(tx, at, domain.after_pass(at, expires_at=tx.now + kept.PLAN_KEPT))
        return False
    if not plans:
        restored.refuse_edits(tx)
    operations.note(tx, at, _judge(tx, at, items) if plans else _carry_out(tx, at, items))
    operations.save(tx, at, replace(at, position=items[-1].review_id))
    crash_point("assessment-operation-chunk")
    return True


def go_on_with_abandoned(tx: Tx) -> int:
    """Queue what is under way and no job is for any more; return how many."""
    abandoned = operations.abandoned(tx, CARRY_OUT)
    for operation_id in abandoned:
        enqueue(tx, CARRY_OUT, operation_id, {"operation_id": operation_id})
        telemetry.RECONCILED.labels(kind="operation").inc()
    return len(abandoned)


def give_up_next(tx: Tx, operation_id: str) -> bool:
    """Leave out the review at which the operation fails again and again; return as `carry_on`."""
    at = operations.load(tx, operation_id)
    items = operations.next_items(tx, at, 1) if at is not None and at.state in domain.OPEN else []
    if at is None or not items:
        return False
    operations.note(tx, at, [replace(each, outcome=Outcome.FAILED, unmet=(domain.UNEXPECTED,)) for each in items])
    operations.save(tx, at, replace(at, position=items[-1].review_id))
    telemetry.INVARIANT_VIOLATIONS.labels(kind="operation-item-given-up").inc(len(items))
    _log.error("operation_item_failed", operation_id=at.id, review_ids=[each.review_id for each in items])
    return True


def _judge(tx: Tx, at: Operation, items: Sequence[Item]) -> list[Item]:
    """Say what would become of each review; none is changed."""
    found = reviews.read_many(tx, [each.review_id for each in items])
    relations = _relations(tx, at.actor, found.values())
    return [
        domain.planned(at.command, each, found[each.review_id], relations[each.review_id])
        if each.review_id in found
        else domain.missing(each)
        for each in items
    ]


def _carry_out(tx: Tx, at: Operation, items: Sequence[Item]) -> list[Item]:
    found = {one.review.review_id: one for one in reviews.load_many(tx, [each.review_id for each in items])}
    relations = _relations(tx, at.actor, [one.review for one in found.values()])
    noted: list[Item] = []
    steps: list[tuple[Stored, Review, tuple[Any, ...]]] = []
    for each in items:
        if each.review_id not in found:
            noted.append(domain.missing(each))
            continue
        stored, rel = found[each.review_id], relations[each.review_id]
        item, after, told = domain.carried_out(at.command, each, stored.review, rel)
        noted.append(item)
        if item.outcome is Outcome.DONE:
            steps.append((stored, after, told))
            _audit(tx, at.actor, _ACTIONS[at.command], at, object_id=each.review_id, role=role_of(rel))
    keep_many(tx, steps)
    return noted


def _relations(tx: Tx, actor: Actor, found: Collection[Review]) -> dict[str, Relation]:
    """What the actor is to each review now, whatever it was when the operation was begun."""
    directory = people.with_lines(tx, [actor.person_id, *(one.subject_id for one in found)])
    return {
        one.review_id: relation(actor, subject_id=one.subject_id, manager_id=one.manager_id, directory=directory)
        for one in found
    }


def _locked(tx: Tx, actor: Actor, operation_id: str) -> Operation:
    return domain.may_see(operations.load(tx, operation_id), actor)


def _enqueue(tx: Tx, at: Operation) -> None:
    enqueue(tx, CARRY_OUT, at.id, {"operation_id": at.id})


def _audit(
    tx: Tx, actor: Actor, action: str, at: Operation, *, object_id: str | None = None, role: str | None = None
) -> None:
    tx.audit(
        AuditEntry(
            actor=actor.person_id,
            role=role or audit_role(actor),
            action=action,
            object_id=object_id or at.id,
            reason=at.reason,
        )
    )
