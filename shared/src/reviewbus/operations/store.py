"""Operations over many objects, and their items: chosen, noted, counted and forgotten by few statements.

States and outcomes are words here; a service may have more of them than those that are named.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from reviewbus.db import insert_rows, one, rows_of, uuids

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from reviewbus.db import Tx

# Beside the class of the relays' locks.
PLANS_LOCK = 7_302
PLAN_KEPT = timedelta(hours=24)
FINISHED = ("cancelled", "completed")
# A plan that nobody has applied.
PLANS = ("planned", "planning")
# Items whose turn is to come; and those that have not ended, some being asked for of another service.
WAITING = ("allowed", "chosen")
LEFT = ("allowed", "asked", "chosen")
# How items can end.
ENDS = ("cancelled", "done", "failed", "skipped")


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationTables:
    """Where a service keeps operations (by one key), their items, and the objects that they are over.

    Objects have `subject_id`, `cycle_id`, what a filter names, and their id in the column `object_id`, as items have.
    """

    operations: sa.Table
    items: sa.Table
    objects: sa.Table
    object_id: str

    @property
    def key(self) -> sa.Column[Any]:
        """The operations' key."""
        return next(iter(self.operations.primary_key))

    @property
    def item(self) -> sa.Column[Any]:
        """The id of an item's object."""
        return self.items.c[self.object_id]

    @property
    def object(self) -> sa.Column[Any]:
        """The id of an object."""
        return self.objects.c[self.object_id]

    @property
    def subject(self) -> sa.ColumnElement[Any]:
        """Whose an item's object is: as it was known when it was chosen, else as it is by now."""
        learnt = self.objects.alias("learnt")
        now = sa.select(learnt.c.subject_id).where(learnt.c[self.object_id] == self.item)
        return sa.func.coalesce(self.items.c.subject_id, now.correlate(self.items).scalar_subquery())


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The objects that were chosen: named, or all that `filters` (columns and their values) leave but `leave_out`."""

    named: Collection[str] = ()
    filters: Mapping[str, str] | None = None
    leave_out: Collection[str] = ()


def add(tx: Tx, kept: OperationTables, values: Mapping[str, Any]) -> None:
    """Write a new operation."""
    began = tx.now if values["state"] == "running" else None
    tx.execute(sa.insert(kept.operations).values(**values, created_at=tx.now, started_at=began))


def save(tx: Tx, kept: OperationTables, operation_id: str, values: Mapping[str, Any], *, before: str) -> None:
    """Write a locked operation after one step, and when it left the state `before`."""
    after, stamps = values["state"], dict[str, Any]()
    if before == "planned" and after not in {"planned", *FINISHED}:
        stamps["applied_at"] = tx.now
    if after == "running" and before != "running":
        stamps["started_at"] = tx.now
    if after in FINISHED and before not in FINISHED:
        stamps["finished_at"] = tx.now
    tx.execute(sa.update(kept.operations).where(kept.key == operation_id).values({**values, **stamps}))


def read(tx: Tx, kept: OperationTables, operation_id: str, *, lock: bool = False) -> Mapping[str, Any] | None:
    """Return an operation's row; with `lock`, nobody else changes it until the transaction ends."""
    query = sa.select(kept.operations).where(kept.key == operation_id)
    return one(tx.execute(query.with_for_update(key_share=True) if lock else query))


def drop(tx: Tx, kept: OperationTables, operation_id: str) -> None:
    """Delete an operation and its items."""
    tx.execute(sa.delete(kept.items).where(kept.items.c.operation_id == operation_id))
    tx.execute(sa.delete(kept.operations).where(kept.key == operation_id))


def count_plans(tx: Tx, kept: OperationTables, person_id: str) -> int:
    """Count the person's plans that can be applied, or will be; nobody else counts until the transaction ends."""
    tx.execute(sa.select(sa.func.pg_advisory_xact_lock(PLANS_LOCK, sa.func.hashtext(person_id))))
    operations = kept.operations.c
    counted = sa.select(sa.func.count()).where(
        operations.begun_by == person_id,
        operations.state.in_(PLANS),
        sa.or_(operations.expires_at.is_(None), operations.expires_at > tx.now),
    )
    return int(tx.execute(counted).scalar_one())


def choose_filtered(tx: Tx, kept: OperationTables, operation_id: str, chosen: Chosen, *, but_of: str) -> int:
    """Put the objects that a filter names under the operation, except those of a person; return how many."""
    objects, items = kept.objects.c, kept.items
    query = sa.select(
        sa.literal(operation_id, items.c.operation_id.type),
        kept.object,
        objects.subject_id,
        sa.literal("chosen"),
        sa.literal([], items.c.unmet.type),
    ).where(objects.subject_id != but_of)
    for name, value in sorted((chosen.filters or {}).items()):
        query = query.where(objects[name] == value)
    if chosen.leave_out:
        query = query.where(kept.object != sa.all_(uuids(chosen.leave_out)))
    columns = ["operation_id", kept.object_id, "subject_id", "outcome", "unmet"]
    return len(tx.execute(insert(items).from_select(columns, query).returning(sa.literal(1))).all())


def subjects(tx: Tx, kept: OperationTables, object_ids: Collection[str]) -> dict[str, str]:
    """Return whose these objects are, as far as they are known."""
    found = sa.select(kept.object, kept.objects.c.subject_id).where(kept.object == sa.any_(uuids(object_ids)))
    return {row[kept.object_id]: row["subject_id"] for row in tx.execute(found).mappings()}


def add_items(tx: Tx, kept: OperationTables, operation_id: str, rows: Sequence[Mapping[str, Any]]) -> int:
    """Put items under the operation, one for each object that was named; return how many."""
    if rows:
        tx.execute(insert_rows(kept.items, [{"operation_id": operation_id, **row} for row in rows]))
    return len(rows)


def has_items(tx: Tx, kept: OperationTables, operation_id: str, *, besides: str | None = None) -> bool:
    """Whether anything is left of the operation, whatever became of it, without what is a person's own."""
    item = sa.select(sa.literal(1)).where(*_of(kept, operation_id, besides)).limit(1)
    return tx.execute(item).first() is not None


def next_items(
    tx: Tx, kept: OperationTables, operation_id: str, *, after: str | None, limit: int
) -> list[Mapping[Any, Any]]:
    """Return the rows of the next items in the operation's present pass, in the order of their objects' ids."""
    items = kept.items
    query = (
        sa.select(items)
        .where(items.c.operation_id == operation_id, items.c.outcome.in_(WAITING))
        .order_by(kept.item)
        .limit(limit)
    )
    if after is not None:
        query = query.where(kept.item > after)
    return list(tx.execute(query).mappings())


def note(tx: Tx, kept: OperationTables, operation_id: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write down what became of these objects: by their ids, the columns that change."""
    if not rows:
        return
    items, given = kept.items, rows_of(kept.items, rows)
    changed = {name: given.c[name] for name in rows[0] if name != kept.object_id}
    tx.execute(
        sa.update(items)
        .where(items.c.operation_id == operation_id, kept.item == given.c[kept.object_id])
        .values(**changed, decided_at=tx.now)
    )


def count_outcomes(
    tx: Tx, kept: OperationTables, operation_id: str, *, besides: str | None = None, since: datetime | None = None
) -> dict[str, int]:
    """Count the operation's items by outcome, without those of a person; or those that got it since an instant."""
    outcome = kept.items.c.outcome
    counted = (
        sa.select(outcome, sa.func.count().label("items")).where(*_of(kept, operation_id, besides)).group_by(outcome)
    )
    if since is not None:
        counted = counted.where(kept.items.c.decided_at >= since)
    return {row.outcome: row.items for row in tx.execute(counted)}


def cancel_all(tx: Tx, kept: OperationTables, code: str) -> int:
    """Cancel every operation that is not over, for the reason of this code; return how many."""
    ended = {"state": "cancelled", "finished_at": tx.now}
    unfinished = kept.operations.c.state.not_in(FINISHED)
    ids = list(tx.execute(sa.update(kept.operations).where(unfinished).values(ended).returning(kept.key)).scalars())
    left = kept.items.c.operation_id == sa.any_(uuids(ids)), kept.items.c.outcome.in_(LEFT)
    tx.execute(sa.update(kept.items).where(*left).values(outcome="cancelled", unmet=[code], decided_at=tx.now))
    return len(ids)


def forget(tx: Tx, kept: OperationTables, *, finished_for: timedelta) -> int:
    """Delete what ended so long ago, and the plans that nobody applied in time; return how many."""
    operations = kept.operations.c
    gone = sa.or_(
        operations.finished_at < tx.now - finished_for,
        sa.and_(operations.state == "planned", operations.expires_at <= tx.now),
    )
    ids = list(tx.execute(sa.select(kept.key).where(gone).with_for_update(skip_locked=True)).scalars())
    for each in ids:
        drop(tx, kept, each)
    return len(ids)


def _of(kept: OperationTables, operation_id: str, besides: str | None) -> list[sa.ColumnElement[bool]]:
    others = [] if besides is None else [kept.subject.is_distinct_from(besides)]
    return [kept.items.c.operation_id == operation_id, *others]
