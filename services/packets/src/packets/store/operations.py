"""Operations over many packets, and their items: chosen, hidden and noted by few statements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from packets.domain.ids import CycleId, OperationId, PersonId, ReviewId
from packets.domain.operation import Command, Item, Operation, OperationState, Outcome, own
from packets.domain.packet import PacketState
from packets.domain.people import Actor
from packets.store.tables import operation_items, operations, packets
from reviewbus.db import one, uuids
from reviewbus.directory import line_above
from reviewbus.operations import store as kept
from reviewbus.operations.store import OperationTables
from reviewbus.tables import outbox

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from reviewbus.db import Tx

OPERATIONS = OperationTables(operations=operations, items=operation_items, objects=packets, object_id="review_id")
_OPEN = (OperationState.PLANNING, OperationState.RUNNING, OperationState.CANCELLING)
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


def add_operation(tx: Tx, operation: Operation) -> None:
    """Write a new operation."""
    kept.add(tx, OPERATIONS, {"id": operation.id, **_values(tx, operation)})


def save_operation(tx: Tx, old: Operation, new: Operation) -> None:
    """Write a locked operation after one step, and note when it had its turn."""
    kept.save(tx, OPERATIONS, old.id, _values(tx, new), before=old.state)


def read_operation(tx: Tx, operation_id: str, *, lock: bool = False) -> Operation | None:
    """An operation; with `lock`, nobody else changes it until the transaction ends."""
    row = kept.read(tx, OPERATIONS, operation_id, lock=lock)
    return None if row is None else operation_of(row)


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


def choose_named(tx: Tx, operation: Operation, items: Collection[Item]) -> int:
    """Put these packets under the operation, also those that do not exist; return how many.

    The person's own is decided on at once.
    """
    subjects = kept.subjects(tx, OPERATIONS, [each.review_id for each in items])
    who = operation.actor.person_id
    named = {each.review_id: own(each) if subjects.get(each.review_id) == who else each for each in items}
    rows = [
        {
            **_noted(each),
            "subject_id": subjects.get(each.review_id),
            "decided_at": None if each.outcome in kept.WAITING else tx.now,
        }
        for each in named.values()
    ]
    return kept.add_items(tx, OPERATIONS, operation.id, rows)


def hide_chosen(tx: Tx, operation: Operation) -> int:
    """Hide at once what the operation will take back; return how many packets."""
    who = operation.actor.person_id
    line = list(line_above(tx, who))
    parameters = {"id": operation.id, "actor": who, "line": line, "revoke": operation.revoke_signatures, "now": tx.now}
    return len(tx.execute(_HIDE, parameters).all())


def next_items(tx: Tx, operation: Operation, limit: int) -> list[Item]:
    """The next packets in the operation's present pass, in the order of their ids."""
    return [
        Item(
            review_id=ReviewId(row["review_id"]),
            outcome=Outcome(row["outcome"]),
            tag=row["tag"],
            unmet=tuple(row["unmet"] or ()),
        )
        for row in kept.next_items(tx, OPERATIONS, operation.id, after=operation.position, limit=limit)
    ]


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
        operation_items.c.outcome.in_(kept.WAITING),
    )
    left = set(tx.execute(found).scalars())
    return [each for each in items if each.review_id in left]


def has_asked_items(tx: Tx, operation: Operation) -> bool:
    """Whether something that was asked for is not answered yet."""
    asked = operation_items.c.outcome == Outcome.ASKED.value
    wanted = sa.select(sa.literal(1)).where(operation_items.c.operation_id == operation.id, asked).limit(1)
    return tx.execute(wanted).first() is not None


def note_items(tx: Tx, operation: Operation, items: Collection[Item]) -> None:
    """Write down what became of these packets."""
    kept.note(tx, OPERATIONS, operation.id, [_noted(each) for each in items])


def in_flight(tx: Tx, limit: int) -> int:
    """How much is under way, counted up to `limit`: packets that wait for assessment, or records that wait to leave."""
    waiting = sa.select(sa.literal(1)).select_from(packets).where(packets.c.waiting_since.is_not(None)).limit(limit)
    unsent = sa.select(sa.literal(1)).select_from(outbox).limit(limit)
    counts = [sa.select(sa.func.count()).select_from(each.subquery()).scalar_subquery() for each in (waiting, unsent)]
    return int(tx.execute(sa.select(sa.func.greatest(*counts))).scalar_one())


def scheduled_for(tx: Tx, review_ids: Collection[str]) -> dict[str, list[Operation]]:
    """The operations that wait for their instant to release each of these packets, the earliest first."""
    if not review_ids:
        return {}
    statement = (
        sa.select(operation_items.c.review_id, operations)
        .join(operations, operations.c.id == operation_items.c.operation_id)
        .where(
            operation_items.c.review_id.in_(review_ids),
            operation_items.c.outcome.in_(kept.WAITING),
            operations.c.state == OperationState.SCHEDULED.value,
        )
        .order_by(operations.c.fires_at, operations.c.id)
    )
    found: dict[str, list[Operation]] = {}
    for row in tx.execute(statement).mappings():
        found.setdefault(row["review_id"], []).append(operation_of(row))
    return found


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


def _values(tx: Tx, operation: Operation) -> dict[str, Any]:
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
        "turned_at": tx.now,
    }


def _noted(item: Item) -> dict[str, Any]:
    return {"review_id": item.review_id, "outcome": item.outcome, "tag": item.tag, "unmet": item.unmet}
