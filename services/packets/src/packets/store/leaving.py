"""Items that wait for their turn and will not have it: cancelled, decided anew, taken back in between."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from packets.domain.operation import CANCELLED, Command, Operation, OperationState, Outcome
from packets.store.tables import operation_items, operations
from reviewbus.db import uuids
from reviewbus.operations.store import WAITING

if TYPE_CHECKING:
    from collections.abc import Collection

    from reviewbus.db import Tx


def leave_waiting(tx: Tx, operation: Operation) -> None:
    """Note of everything that was not begun that it was cancelled."""
    _cancel_items(tx, operation_items.c.operation_id == operation.id)


def leave_scheduled(tx: Tx, review_ids: Collection[str], code: str, *, by: str | None = None) -> None:
    """Note that what is scheduled leaves these locked packets alone: all of it, or what `by` asked for.

    Of a release of one alone that was cancelled nothing is left; what ended otherwise is kept, and says why.
    """
    if not review_ids:
        return
    waiting = operation_items.c.outcome.in_(WAITING)
    scheduled = (
        sa.select(operations.c.id, operations.c.size)
        .join(operation_items, operation_items.c.operation_id == operations.c.id)
        .where(operation_items.c.review_id == sa.any_(uuids(review_ids)), waiting)
        .where(operations.c.state == OperationState.SCHEDULED.value)
        .where(*([operations.c.actor_id == by] if by else []))
        .distinct()
    )
    found = tx.execute(scheduled).all()
    without_trace = {each.id for each in found if each.size == 1 and code == CANCELLED}
    if without_trace:
        tx.execute(sa.delete(operation_items).where(*_of(without_trace, review_ids), waiting))
    _leave(tx, [each.id for each in found if each.id not in without_trace], review_ids, code)


def leave_running(tx: Tx, review_ids: Collection[str], code: str, *, until: str | None) -> None:
    """Note that what is being released leaves these locked packets alone, whose turn has not come yet.

    What was begun after the operation `until` was decided after it, and goes on.
    """
    if not review_ids:
        return
    running = sa.select(operations.c.id).where(
        operations.c.state == OperationState.RUNNING.value,
        operations.c.command != Command.UNRELEASE.value,
        *([operations.c.started_at < _started_at(until)] if until else []),
    )
    _leave(tx, list(tx.execute(running).scalars()), review_ids, code)


def _leave(tx: Tx, operation_ids: Collection[str], review_ids: Collection[str], code: str) -> None:
    if operation_ids:
        _cancel_items(tx, *_of(operation_ids, review_ids), unmet=[code])


def _cancel_items(tx: Tx, *which: sa.ColumnElement[bool], **values: Any) -> None:
    """Cancel items that wait, locked in the order of their reviews: two who do so never wait for each other."""
    keys = (operation_items.c.review_id, operation_items.c.operation_id)
    waiting = sa.select(*keys).where(*which, operation_items.c.outcome.in_(WAITING)).order_by(*keys)
    mine = waiting.with_for_update().cte("mine")
    tx.execute(
        sa.update(operation_items)
        .where(operation_items.c.review_id == mine.c.review_id, operation_items.c.operation_id == mine.c.operation_id)
        .values(outcome=Outcome.CANCELLED.value, decided_at=tx.now, **values)
    )


def _of(operation_ids: Collection[str], review_ids: Collection[str]) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        operation_items.c.operation_id == sa.any_(uuids(operation_ids)),
        operation_items.c.review_id == sa.any_(uuids(review_ids)),
    )


def _started_at(operation_id: str) -> sa.ScalarSelect[Any]:
    return sa.select(operations.c.started_at).where(operations.c.id == operation_id).scalar_subquery()
