"""Operations over many packets, and their items: chosen, hidden and noted by few statements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from packets.domain.ids import CycleId, OperationId, PersonId, ReviewId
from packets.domain.operation import FINISHED, PLANS, WAITING, Command, Item, Operation, OperationState, Outcome, own
from packets.domain.packet import PacketState
from packets.domain.people import Actor
from packets.store.tables import operation_items, operations, packets
from reviewbus.db import insert_rows, one, rows_of, uuids
from reviewbus.directory import line_above
from reviewbus.tables import outbox

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime, timedelta

    from reviewbus.db import Tx

FILTERS = ("cycle_id", "state", "manager_id", "calibration")
# Beside the class of the relays' locks.
PLANS_LOCK = 7_302
_OPEN = (OperationState.PLANNING, OperationState.RUNNING, OperationState.CANCELLING)
_WAITING = sorted(each.value for each in WAITING)
# What the operation will take back, as `domain.operation.hides` says it, and the person may: hidden in one statement,
# locked in the order of the ids as everywhere.
_HIDE = sa.text(
    "with mine as (select p.review_id from packets p join operation_items i on i.review_id = p.review_id"
    " where i.operation_id = cast(:id as uuid) and i.outcome in ('chosen', 'allowed')"
    " and p.subject_id <> :actor and p.subject_id <> all(:line)"
    " and exists (select from directory d where d.person_id = :actor)"
    " and exists (select from directory d where d.person_id = p.subject_id)"
    " and (p.state in ('releasing', 'released') or p.state = 'with_manager' and p.release_mode <> 'manager_direct')"
    " and (p.state = 'with_manager' or :revoke or not p.holds @? 'strict $[*] ? (@[2] == true)')"
    " order by p.review_id for no key update of p)"
    " update packets p set hidden_by = cast(:id as uuid), row_version = p.row_version + 1, changed_at = :now"
    " from mine where mine.review_id = p.review_id returning p.review_id"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """When an operation was begun, when its plan was applied, when its run started and ended."""

    created_at: datetime
    applied_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None


def add_operation(tx: Tx, operation: Operation) -> None:
    """Write a new operation."""
    began = tx.now if operation.state is OperationState.RUNNING else None
    stamps = {"created_at": tx.now, "turned_at": tx.now, "started_at": began}
    tx.execute(sa.insert(operations).values(id=operation.id, **_values(operation), **stamps))


def save_operation(tx: Tx, old: Operation, new: Operation) -> None:
    """Write a locked operation after one step, and note when it had its turn."""
    values: dict[str, Any] = {**_values(new), "turned_at": tx.now}
    if old.state is OperationState.PLANNED and new.state not in {OperationState.PLANNED, *FINISHED}:
        values["applied_at"] = tx.now
    if new.state is OperationState.RUNNING and old.state is not OperationState.RUNNING:
        values["started_at"] = tx.now
    if new.state in FINISHED and old.state not in FINISHED:
        values["finished_at"] = tx.now
    tx.execute(sa.update(operations).where(operations.c.id == old.id).values(values))


def read_operation(tx: Tx, operation_id: str, *, lock: bool = False) -> tuple[Operation, Times] | None:
    """An operation and its times; with `lock`, nobody else changes it until the transaction ends."""
    statement = sa.select(operations).where(operations.c.id == operation_id)
    row = one(tx.execute(statement.with_for_update(key_share=True) if lock else statement))
    return None if row is None else (operation_of(row), times_of(row))


def claim_operation(tx: Tx, *, besides: Collection[str] = ()) -> Operation | None:
    """The open operation whose turn is longest ago, locked; those that other processes work on are passed over."""
    due = sa.and_(operations.c.state == OperationState.SCHEDULED.value, operations.c.fires_at <= tx.now)
    statement = (
        sa.select(operations)
        .where(sa.or_(operations.c.state.in_([each.value for each in _OPEN]), due), operations.c.id.not_in(besides))
        .order_by(operations.c.turned_at)
        .limit(1)
        .with_for_update(key_share=True, skip_locked=True)
    )
    row = one(tx.execute(statement))
    return None if row is None else operation_of(row)


def operations_run(tx: Tx) -> bool:
    """Say whether any operation is being carried out."""
    running = sa.select(operations.c.id).where(operations.c.state == OperationState.RUNNING.value)
    return bool(tx.execute(sa.select(running.exists())).scalar())


def drop_operation(tx: Tx, operation_id: str) -> None:
    """Delete an operation and what it holds."""
    tx.execute(sa.delete(operation_items).where(operation_items.c.operation_id == operation_id))
    tx.execute(sa.delete(operations).where(operations.c.id == operation_id))


def count_plans(tx: Tx, person_id: str) -> int:
    """How many plans of the person can be applied, or will be; nobody else counts until the transaction ends."""
    tx.execute(sa.select(sa.func.pg_advisory_xact_lock(PLANS_LOCK, sa.func.hashtext(person_id))))
    counted = sa.select(sa.func.count()).where(
        operations.c.begun_by == person_id,
        operations.c.state.in_([each.value for each in PLANS]),
        sa.or_(operations.c.expires_at.is_(None), operations.c.expires_at > tx.now),
    )
    return int(tx.execute(counted).scalar_one())


def choose_filtered(tx: Tx, operation: Operation, filters: Mapping[str, str], leave_out: Collection[str]) -> int:
    """Put the packets that a filter names under the operation; return how many. Never the person's own."""
    chosen = sa.select(
        sa.literal(operation.id, operations.c.id.type),
        packets.c.review_id,
        packets.c.subject_id,
        sa.literal(Outcome.CHOSEN.value),
        sa.literal([], operation_items.c.unmet.type),
    ).where(packets.c.subject_id != operation.actor.person_id)
    for name in FILTERS:
        if name in filters:
            chosen = chosen.where(packets.c[name] == filters[name])
    if leave_out:
        chosen = chosen.where(packets.c.review_id != sa.all_(uuids(leave_out)))
    columns = ["operation_id", "review_id", "subject_id", "outcome", "unmet"]
    added = insert(operation_items).from_select(columns, chosen).returning(sa.literal(1))
    return len(tx.execute(added).all())


def choose_named(tx: Tx, operation: Operation, items: Collection[Item]) -> int:
    """Put these packets under the operation, also those that do not exist; return how many.

    The person's own is decided on at once.
    """
    wanted = packets.c.review_id == sa.any_(uuids([each.review_id for each in items]))
    found = tx.execute(sa.select(packets.c.review_id, packets.c.subject_id).where(wanted))
    subjects = {row.review_id: row.subject_id for row in found}
    who = operation.actor.person_id
    named = {each.review_id: own(each) if subjects.get(each.review_id) == who else each for each in items}
    rows = [
        {
            "operation_id": operation.id,
            "review_id": each.review_id,
            "subject_id": subjects.get(each.review_id),
            "outcome": each.outcome.value,
            "tag": each.tag,
            "unmet": list(each.unmet),
            "decided_at": None if each.outcome in WAITING else tx.now,
        }
        for each in named.values()
    ]
    if rows:
        tx.execute(insert_rows(operation_items, rows))
    return len(rows)


def hide_chosen(tx: Tx, operation: Operation) -> int:
    """Hide at once what the operation will take back; return how many packets."""
    who = operation.actor.person_id
    line = list(line_above(tx, who))
    parameters = {"id": operation.id, "actor": who, "line": line, "revoke": operation.revoke_signatures, "now": tx.now}
    return len(tx.execute(_HIDE, parameters).all())


def has_items(tx: Tx, operation_id: str, *, besides: str | None = None) -> bool:
    """Whether anything is left of the operation, whatever became of it, without what is a person's own."""
    any_item = sa.select(sa.literal(1)).where(operation_items.c.operation_id == operation_id)
    if besides is not None:
        any_item = any_item.where(operation_items.c.subject_id.is_distinct_from(besides))
    return tx.execute(any_item.limit(1)).first() is not None


def next_items(tx: Tx, operation: Operation, limit: int) -> list[Item]:
    """The next packets in the operation's present pass, in the order of their ids."""
    statement = (
        sa.select(operation_items)
        .where(operation_items.c.operation_id == operation.id, operation_items.c.outcome.in_(_WAITING))
        .order_by(operation_items.c.review_id)
        .limit(limit)
    )
    if operation.position is not None:
        statement = statement.where(operation_items.c.review_id > operation.position)
    return [_item(row) for row in tx.execute(statement).mappings()]


def unsettled_items(tx: Tx, operation: Operation, limit: int) -> list[tuple[ReviewId, PacketState, str | None]]:
    """Packets that were asked for and are in flight no more: their states, and why a release failed."""
    settled = (
        sa.select(operation_items.c.review_id, packets.c.state, packets.c.last_refusal)
        .join(packets, packets.c.review_id == operation_items.c.review_id)
        .where(
            operation_items.c.operation_id == operation.id,
            operation_items.c.outcome == Outcome.ASKED.value,
            packets.c.waiting_since.is_(None),
        )
        .limit(limit)
    )
    return [(ReviewId(row.review_id), PacketState(row.state), row.last_refusal) for row in tx.execute(settled)]


def still_waiting(tx: Tx, operation: Operation, items: Sequence[Item]) -> list[Item]:
    """Those of the items that are to be carried out still; lock their packets first, which is what decides it."""
    found = sa.select(operation_items.c.review_id).where(
        operation_items.c.operation_id == operation.id,
        operation_items.c.review_id == sa.any_(uuids([each.review_id for each in items])),
        operation_items.c.outcome.in_(_WAITING),
    )
    left = set(tx.execute(found).scalars())
    return [each for each in items if each.review_id in left]


def has_asked_items(tx: Tx, operation: Operation) -> bool:
    """Whether something that was asked for is not answered yet."""
    asked = operation_items.c.outcome == Outcome.ASKED.value
    wanted = sa.select(sa.literal(1)).where(operation_items.c.operation_id == operation.id, asked).limit(1)
    return tx.execute(wanted).first() is not None


def note_items(tx: Tx, operation: Operation, items: Sequence[Item]) -> None:
    """Write down what became of these packets."""
    if not items:
        return
    named = [
        {"review_id": each.review_id, "outcome": each.outcome, "tag": each.tag, "unmet": each.unmet} for each in items
    ]
    given = rows_of(operation_items, named)
    tx.execute(
        sa.update(operation_items)
        .where(operation_items.c.operation_id == operation.id, operation_items.c.review_id == given.c.review_id)
        .values(outcome=given.c.outcome, tag=given.c.tag, unmet=given.c.unmet, decided_at=tx.now)
    )


def in_flight(tx: Tx, limit: int) -> int:
    """How much is under way, counted up to `limit`: packets that wait for assessment, or records that wait to leave."""
    waiting = sa.select(sa.literal(1)).select_from(packets).where(packets.c.waiting_since.is_not(None)).limit(limit)
    unsent = sa.select(sa.literal(1)).select_from(outbox).limit(limit)
    counts = [sa.select(sa.func.count()).select_from(each.subquery()).scalar_subquery() for each in (waiting, unsent)]
    return int(tx.execute(sa.select(sa.func.greatest(*counts))).scalar_one())


def count_outcomes(
    tx: Tx, operation_id: str, *, besides: str | None = None, since: datetime | None = None
) -> dict[str, int]:
    """How many packets of the operation have which outcome, without those of a person; or got it since an instant."""
    counted = (
        sa.select(operation_items.c.outcome, sa.func.count().label("items"))
        .where(operation_items.c.operation_id == operation_id)
        .group_by(operation_items.c.outcome)
    )
    if besides is not None:
        counted = counted.where(operation_items.c.subject_id.is_distinct_from(besides))
    if since is not None:
        counted = counted.where(operation_items.c.decided_at >= since)
    return {row.outcome: row.items for row in tx.execute(counted)}


def scheduled_for(tx: Tx, review_ids: Collection[str]) -> dict[str, list[Operation]]:
    """The operations that wait for their instant to release each of these packets, the earliest first."""
    if not review_ids:
        return {}
    statement = (
        sa.select(operation_items.c.review_id, operations)
        .join(operations, operations.c.id == operation_items.c.operation_id)
        .where(
            operation_items.c.review_id.in_(review_ids),
            operation_items.c.outcome.in_(_WAITING),
            operations.c.state == OperationState.SCHEDULED.value,
        )
        .order_by(operations.c.fires_at, operations.c.id)
    )
    found: dict[str, list[Operation]] = {}
    for row in tx.execute(statement).mappings():
        found.setdefault(row["review_id"], []).append(operation_of(row))
    return found


def cancel_all(tx: Tx, code: str) -> int:
    """Cancel every operation that is not over, for the reason of this code; return how many."""
    open_ = operations.c.state.not_in([each.value for each in FINISHED])
    ids = sa.select(operations.c.id).where(open_)
    unfinished = operation_items.c.outcome.in_([*_WAITING, Outcome.ASKED.value])
    tx.execute(
        sa.update(operation_items)
        .where(operation_items.c.operation_id.in_(ids), unfinished)
        .values(outcome=Outcome.CANCELLED.value, unmet=[code], decided_at=tx.now)
    )
    ended = {"state": OperationState.CANCELLED.value, "finished_at": tx.now}
    return len(tx.execute(sa.update(operations).where(open_).values(ended).returning(operations.c.id)).all())


def forget_operations(tx: Tx, *, finished_for: timedelta) -> int:
    """Delete what ended so long ago, and the plans that nobody applied in time; return how many."""
    gone = sa.or_(
        operations.c.finished_at < tx.now - finished_for,
        sa.and_(operations.c.state == OperationState.PLANNED.value, operations.c.expires_at <= tx.now),
    )
    ids = list(tx.execute(sa.select(operations.c.id).where(gone).with_for_update(skip_locked=True)).scalars())
    for each in ids:
        drop_operation(tx, each)
    return len(ids)


def operation_of(row: Mapping[Any, Any]) -> Operation:
    """The operation in a row."""
    return Operation(
        id=OperationId(row["id"]),
        command=Command(row["command"]),
        state=OperationState(row["state"]),
        begun_by=PersonId(row["begun_by"]),
        actor=Actor(person_id=PersonId(row["actor_id"]), roles=frozenset(row["actor_roles"])),
        cycle_id=CycleId(row["cycle_id"]) if row["cycle_id"] is not None else None,
        reason=row["reason"],
        revoke_signatures=row["revoke_signatures"],
        size=row["size"],
        position=row["position"],
        fires_at=row["fires_at"],
        expires_at=row["expires_at"],
    )


def times_of(row: Mapping[Any, Any]) -> Times:
    """The times in a row."""
    return Times(**{name: row[name] for name in ("created_at", "applied_at", "started_at", "finished_at")})


def _values(operation: Operation) -> dict[str, Any]:
    return {
        "command": operation.command.value,
        "state": operation.state.value,
        "begun_by": operation.begun_by,
        "actor_id": operation.actor.person_id,
        "actor_roles": sorted(operation.actor.roles),
        "cycle_id": operation.cycle_id,
        "reason": operation.reason,
        "revoke_signatures": operation.revoke_signatures,
        "size": operation.size,
        "position": operation.position,
        "fires_at": operation.fires_at,
        "expires_at": operation.expires_at,
    }


def _item(row: Mapping[Any, Any]) -> Item:
    return Item(
        review_id=ReviewId(row["review_id"]),
        outcome=Outcome(row["outcome"]),
        tag=row["tag"],
        unmet=tuple(row["unmet"] or ()),
    )
