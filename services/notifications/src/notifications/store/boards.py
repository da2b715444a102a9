"""Boards and tasks: read, locked, written with the version that was read."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from notifications.domain.board import Board, PacketPlace, SelfState
from notifications.domain.ids import ReviewId
from notifications.domain.news import Deadline, Role
from notifications.store.tables import board, task
from reviewbus.db import insert_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from notifications.domain.tasks import Task, TaskChanges
    from reviewbus.db import Tx

_DEADLINES = ("self_deadline", "manager_deadline")
_PLAIN = tuple(one.name for one in fields(Board) if one.name not in _DEADLINES)
_DEADLINE = ("day", "zone", "instant")


class LostUpdate(Exception):
    """A row was written that is not as it was read, though it was locked: only a bug does that."""


def load(tx: Tx, review_id: ReviewId) -> Board | None:
    """Return a review's board, locked until the end of the transaction, or None."""
    return load_many(tx, [review_id]).get(review_id)


def load_many(tx: Tx, review_ids: Sequence[ReviewId]) -> dict[ReviewId, Board]:
    """Return the boards of these reviews as far as there are any, locked in the order of their ids."""
    query = sa.select(board).where(board.c.review_id.in_(review_ids)).order_by(board.c.review_id)
    rows = tx.execute(query.with_for_update(key_share=True)).mappings()
    return {ReviewId(row["review_id"]): _board(row) for row in rows}


def load_or_create(tx: Tx, blank: Board) -> Board:
    """Return the board of the review that `blank` names, locked; `blank` itself is written where there was none."""
    found = load(tx, blank.review_id)
    if found is not None:
        return found
    tx.execute(insert(board).values({**_values(blank), "event_sequence": 0}).on_conflict_do_nothing())
    created = load(tx, blank.review_id)
    assert created is not None
    return created


def save(tx: Tx, old: Board, new: Board) -> None:
    """Write a board that was loaded as `old`.

    Raises:
        LostUpdate: the row is not as `old` says.
    """
    written = tx.execute(
        sa.update(board)
        .where(board.c.review_id == old.review_id, board.c.row_version == old.row_version)
        .values({**_values(new), "row_version": old.row_version + 1})
        .returning(board.c.row_version)
    ).first()
    if written is None:
        raise LostUpdate(old.review_id, old.row_version)


def number_events(tx: Tx, review_id: ReviewId, events: int) -> int:
    """Draw the numbers of so many events of a locked review; return the first."""
    row = tx.execute(
        sa.update(board)
        .where(board.c.review_id == review_id)
        .values(event_sequence=board.c.event_sequence + events)
        .returning(board.c.event_sequence)
    ).one()
    return int(row.event_sequence) - events + 1


def put_tasks(tx: Tx, changes: TaskChanges) -> None:
    """Write tasks that are new or have another deadline, and take away those that are done with."""
    if changes.drop:
        keys = [(key.person_id, key.kind.value, key.review_id) for key in changes.drop]
        tx.execute(sa.delete(task).where(sa.tuple_(task.c.person_id, task.c.kind, task.c.review_id).in_(keys)))
    if changes.put:
        statement = insert_rows(task, [_task_values(one) for one in changes.put])
        tx.execute(
            statement.on_conflict_do_update(
                index_elements=[task.c.person_id, task.c.kind, task.c.review_id],
                set_={f"deadline_{name}": statement.excluded[f"deadline_{name}"] for name in _DEADLINE},
            )
        )


def deadline(row: sa.RowMapping, prefix: str) -> Deadline | None:
    """Return a deadline from its three columns."""
    if row[f"{prefix}_instant"] is None:
        return None
    return Deadline(**{name: row[f"{prefix}_{name}"] for name in _DEADLINE})


def _task_values(one: Task) -> dict[str, Any]:
    key = {"person_id": one.key.person_id, "kind": one.key.kind.value, "review_id": one.key.review_id}
    return {**key, **_deadline_values("deadline", one.deadline)}


def _board(row: sa.RowMapping) -> Board:
    values: dict[str, Any] = {name: row[name] for name in _PLAIN}
    values |= {
        "self_state": SelfState(row["self_state"]),
        "place": PacketPlace(row["place"]),
        "open_signers": frozenset(Role(one) for one in row["open_signers"]),
    }
    values |= {name: deadline(row, name) for name in _DEADLINES}
    return Board(**values)


def _values(one: Board) -> dict[str, Any]:
    values = {name: getattr(one, name) for name in _PLAIN}
    values |= {
        "self_state": one.self_state.value,
        "place": one.place.value,
        "open_signers": sorted(role.value for role in one.open_signers),
    }
    for name in _DEADLINES:
        values |= _deadline_values(name, getattr(one, name))
    return values


def _deadline_values(prefix: str, one: Deadline | None) -> dict[str, Any]:
    return {f"{prefix}_{name}": None if one is None else getattr(one, name) for name in _DEADLINE}
