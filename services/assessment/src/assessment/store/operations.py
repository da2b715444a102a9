"""Operations over many reviews, and their items: chosen and noted by few statements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from assessment.domain.ids import CycleId, OperationId, PersonId, ReviewId
from assessment.domain.operation import (
    FINISHED,
    OPEN,
    PLANS,
    WAITING,
    Command,
    Item,
    Operation,
    OperationState,
    Outcome,
)
from assessment.domain.people import Actor
from assessment.store.tables import operation, operation_item, review
from reviewbus import tables
from reviewbus.db import insert_rows, one, rows_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime, timedelta

    from reviewbus.db import Tx

# Beside the class of the imports' lock.
PLANS_LOCK = 7_302
FILTERS = ("cycle_id", "self_state", "manager_state", "manager_id")
_WAITING = sorted(each.value for each in WAITING)
_FINISHED = sorted(each.value for each in FINISHED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """When an operation was begun, when its plan was applied, when its run started and ended."""

    created_at: datetime
    applied_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None


def add(tx: Tx, new: Operation) -> None:
    """Insert an operation; its items come after it."""
    began = tx.now if new.state is OperationState.RUNNING else None
    tx.execute(sa.insert(operation).values(**_values(new), created_at=tx.now, started_at=began))


def save(tx: Tx, old: Operation, new: Operation) -> None:
    """Store an operation that was loaded, and when it went on to another state."""
    values = _values(new)
    if old.state is OperationState.PLANNED and new.state is OperationState.RUNNING:
        values |= {"applied_at": tx.now, "started_at": tx.now}
    if new.state in FINISHED and old.state not in FINISHED:
        values["finished_at"] = tx.now
    tx.execute(sa.update(operation).where(operation.c.operation_id == old.id).values(values))


def read(tx: Tx, operation_id: str) -> tuple[Operation, Times] | None:
    """Return an operation and its times, without locking it."""
    row = one(tx.execute(sa.select(operation).where(operation.c.operation_id == operation_id)))
    return None if row is None else (stored(row), times(row))


def load(tx: Tx, operation_id: str) -> Operation | None:
    """Return an operation and lock its row until the transaction ends."""
    query = sa.select(operation).where(operation.c.operation_id == operation_id).with_for_update(key_share=True)
    row = one(tx.execute(query))
    return None if row is None else stored(row)


def drop(tx: Tx, operation_id: str) -> None:
    """Delete an operation and what it holds."""
    for table in (operation_item, operation):
        tx.execute(sa.delete(table).where(table.c.operation_id == operation_id))


def count_plans(tx: Tx, person_id: str) -> int:
    """Count the person's plans that can be applied, or will be; nobody else counts until the transaction ends."""
    tx.execute(sa.select(sa.func.pg_advisory_xact_lock(PLANS_LOCK, sa.func.hashtext(person_id))))
    counted = sa.select(sa.func.count()).where(
        operation.c.begun_by == person_id,
        operation.c.state.in_(sorted(each.value for each in PLANS)),
        sa.or_(operation.c.expires_at.is_(None), operation.c.expires_at > tx.now),
    )
    return int(tx.execute(counted).scalar_one())


def choose_filtered(tx: Tx, chosen: Operation, filters: Mapping[str, str], leave_out: Sequence[str]) -> int:
    """Put the reviews that a filter names under the operation; return how many. Never the person's own."""
    query = sa.select(
        sa.literal(chosen.id, operation.c.operation_id.type),
        review.c.review_id,
        review.c.subject_id,
        sa.literal(Outcome.CHOSEN.value),
        sa.literal([], operation_item.c.unmet.type),
    ).where(review.c.subject_id != chosen.actor.person_id)
    for name in FILTERS:
        if name in filters:
            query = query.where(review.c[name] == filters[name])
    if leave_out:
        query = query.where(review.c.review_id.not_in(leave_out))
    columns = ["operation_id", "review_id", "subject_id", "outcome", "unmet"]
    added = insert(operation_item).from_select(columns, query).returning(sa.literal(1))
    return len(tx.execute(added).all())


def choose_named(tx: Tx, chosen: Operation, review_ids: Collection[str]) -> int:
    """Put these reviews under the operation, also those that do not exist; return how many."""
    named = sorted(set(review_ids))
    found = tx.execute(sa.select(review.c.review_id, review.c.subject_id).where(review.c.review_id.in_(named)))
    subjects = {row.review_id: row.subject_id for row in found}
    rows: list[dict[str, Any]] = [
        {
            "operation_id": chosen.id,
            "review_id": review_id,
            "subject_id": subjects.get(review_id),
            "outcome": Outcome.CHOSEN.value,
            "unmet": [],
        }
        for review_id in named
    ]
    tx.execute(insert_rows(operation_item, rows))
    return len(rows)


def next_items(tx: Tx, at: Operation, limit: int) -> list[Item]:
    """Return the next reviews in the operation's present pass, in the order of their ids."""
    query = (
        sa.select(operation_item)
        .where(operation_item.c.operation_id == at.id, operation_item.c.outcome.in_(_WAITING))
        .order_by(operation_item.c.review_id)
        .limit(limit)
    )
    if at.position is not None:
        query = query.where(operation_item.c.review_id > at.position)
    return [
        Item(review_id=ReviewId(row["review_id"]), outcome=Outcome(row["outcome"]), unmet=tuple(row["unmet"]))
        for row in tx.execute(query).mappings()
    ]


def note(tx: Tx, at: Operation, items: Sequence[Item]) -> None:
    """Write down what became of these reviews."""
    if not items:
        return
    rows = [{"review_id": each.review_id, "outcome": each.outcome, "unmet": each.unmet} for each in items]
    given = rows_of(operation_item, rows)
    tx.execute(
        sa.update(operation_item)
        .where(operation_item.c.operation_id == at.id, operation_item.c.review_id == given.c.review_id)
        .values(outcome=given.c.outcome, unmet=given.c.unmet, decided_at=tx.now)
    )


def leave_waiting(tx: Tx, operation_ids: Collection[str], code: str | None = None) -> None:
    """Note of everything that was not begun that it was cancelled."""
    waiting = operation_item.c.operation_id.in_(operation_ids), operation_item.c.outcome.in_(_WAITING)
    values = {"outcome": Outcome.CANCELLED.value, "unmet": [code] if code else [], "decided_at": tx.now}
    tx.execute(sa.update(operation_item).where(*waiting).values(values))


def cancel_all(tx: Tx, code: str) -> int:
    """Cancel every operation that is not over, for the reason of this code; return how many."""
    ended = {"state": OperationState.CANCELLED.value, "finished_at": tx.now}
    unfinished = operation.c.state.not_in(_FINISHED)
    ids = list(
        tx.execute(sa.update(operation).where(unfinished).values(ended).returning(operation.c.operation_id)).scalars()
    )
    leave_waiting(tx, ids, code)
    return len(ids)


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


def forget(tx: Tx, *, finished_for: timedelta) -> int:
    """Delete what ended so long ago, and the plans that nobody applied in time; return how many."""
    gone = sa.or_(
        operation.c.finished_at < tx.now - finished_for,
        sa.and_(operation.c.state == OperationState.PLANNED.value, operation.c.expires_at <= tx.now),
    )
    ids = list(tx.execute(sa.select(operation.c.operation_id).where(gone).with_for_update(skip_locked=True)).scalars())
    for each in ids:
        drop(tx, each)
    return len(ids)


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


def times(row: Mapping[Any, Any]) -> Times:
    """Translate the times of a row."""
    return Times(**{name: row[name] for name in ("created_at", "applied_at", "started_at", "finished_at")})


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
