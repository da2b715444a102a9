"""Operations over many reviews, and their items: chosen and noted by few statements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from assessment.domain.ids import CycleId, OperationId, PersonId, ReviewId
from assessment.domain.operation import OPEN, Command, Item, Operation, OperationState, Outcome
from assessment.domain.people import Actor
from assessment.store.tables import operation, operation_item, review
from reviewbus import tables
from reviewbus.operations import store as kept
from reviewbus.operations.store import OperationTables

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from reviewbus.db import Tx

OPERATIONS = OperationTables(operations=operation, items=operation_item, objects=review, object_id="review_id")


def add(tx: Tx, new: Operation) -> None:
    """Insert an operation; its items come after it."""
    kept.add(tx, OPERATIONS, _values(new))


def save(tx: Tx, old: Operation, new: Operation) -> None:
    """Store an operation that was loaded, and when it went on to another state."""
    kept.save(tx, OPERATIONS, old.id, _values(new), before=old.state)


def load(tx: Tx, operation_id: str) -> Operation | None:
    """Return an operation and lock its row until the transaction ends."""
    row = kept.read(tx, OPERATIONS, operation_id, lock=True)
    return None if row is None else stored(row)


def choose_named(tx: Tx, chosen: Operation, review_ids: Collection[str]) -> int:
    """Put these reviews under the operation, also those that do not exist; return how many."""
    subjects = kept.subjects(tx, OPERATIONS, review_ids)
    blank = {"outcome": Outcome.CHOSEN, "unmet": []}
    rows = [{"review_id": one, "subject_id": subjects.get(one), **blank} for one in sorted(set(review_ids))]
    return kept.add_items(tx, OPERATIONS, chosen.id, rows)


def next_items(tx: Tx, at: Operation, limit: int) -> list[Item]:
    """Return the next reviews in the operation's present pass, in the order of their ids."""
    return [
        Item(review_id=ReviewId(row["review_id"]), outcome=Outcome(row["outcome"]), unmet=tuple(row["unmet"]))
        for row in kept.next_items(tx, OPERATIONS, at.id, after=at.position, limit=limit)
    ]


def note(tx: Tx, at: Operation, items: Collection[Item]) -> None:
    """Write down what became of these reviews."""
    rows = [{"review_id": each.review_id, "outcome": each.outcome, "unmet": each.unmet} for each in items]
    kept.note(tx, OPERATIONS, at.id, rows)


def leave_waiting(tx: Tx, operation_id: str) -> None:
    """Note of everything that was not begun that it was cancelled."""
    waiting = operation_item.c.operation_id == operation_id, operation_item.c.outcome.in_(kept.WAITING)
    values = {"outcome": Outcome.CANCELLED.value, "unmet": [], "decided_at": tx.now}
    tx.execute(sa.update(operation_item).where(*waiting).values(values))


def abandoned(tx: Tx, kind: str) -> list[OperationId]:
    """Return the operations that are under way and that no queued job of the kind is for."""
    at_work = (
        sa.select(sa.literal(1))
        .where(tables.jobs.c.kind == kind, tables.jobs.c.status == "queued")
        .where(tables.jobs.c.key == sa.cast(operation.c.operation_id, sa.Text))
        .exists()
    )
    open_ = operation.c.state.in_([each.value for each in OPEN])
    return list(tx.execute(sa.select(operation.c.operation_id).where(open_, ~at_work)).scalars())


def stored(row: Mapping[Any, Any]) -> Operation:
    """Translate a row of the table."""
    return Operation(
        id=OperationId(row["operation_id"]),
        command=Command(row["command"]),
        state=OperationState(row["state"]),
        begun_by=PersonId(row["begun_by"]),
        actor=Actor(person_id=PersonId(row["actor_id"]), roles=frozenset(row["actor_roles"])),
        cycle_id=None if row["cycle_id"] is None else CycleId(row["cycle_id"]),
        reason=row["reason"],
        size=row["size"],
        position=None if row["position"] is None else ReviewId(row["position"]),
        expires_at=row["expires_at"],
    )


def _values(at: Operation) -> dict[str, Any]:
    return {
        "operation_id": at.id,
        "command": at.command.value,
        "state": at.state.value,
        "begun_by": at.begun_by,
        "actor_id": at.actor.person_id,
        "actor_roles": sorted(at.actor.roles),
        "cycle_id": at.cycle_id,
        "reason": at.reason,
        "size": at.size,
        "position": at.position,
        "expires_at": at.expires_at,
    }
