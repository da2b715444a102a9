"""Boards and tasks: read, locked, written with the version that was read."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from notifications.domain.board import Board, PacketPlace, SelfState
from notifications.domain.ids import ReviewId
from notifications.domain.news import Deadline, Role
from notifications.store.tables import board, task
from reviewbus.db import as_json, insert_rows, rows_of, uuids

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from notifications.domain.tasks import Task, TaskChanges, TaskKey
    from reviewbus.db import Tx

_DEADLINES = ("self_deadline", "manager_deadline")
_PLAIN = tuple(one.name for one in fields(Board) if one.name not in _DEADLINES)
_DEADLINE = ("day", "zone", "instant")
_WRITTEN = tuple(column.name for column in board.c if column.name not in {"review_id", "row_version", "event_sequence"})
# One statement for any number of rows, which is parsed once.
_SAVE = sa.text(
    f"update board b set {', '.join(f'{name} = v.{name}' for name in _WRITTEN)},"  # noqa: S608 -- our own columns
    " row_version = v.row_version + 1 from jsonb_populate_recordset(null::board, cast(:rows as jsonb)) v"
    " where b.review_id = v.review_id and b.row_version = v.row_version returning b.review_id"
)


class LostUpdate(Exception):
    """A row was written that is not as it was read, though it was locked: only a bug does that."""


def load(tx: Tx, review_id: ReviewId) -> Board | None:
    """Return a review's board, locked until the end of the transaction, or None."""
    return load_many(tx, [review_id]).get(review_id)


def load_many(tx: Tx, review_ids: Collection[ReviewId]) -> dict[ReviewId, Board]:
    """Return the boards of these reviews as far as there are any, locked in the order of their ids."""
    wanted = board.c.review_id == sa.any_(uuids(review_ids))
    query = sa.select(board).where(wanted).order_by(board.c.review_id)
    rows = tx.execute(query.with_for_update(key_share=True)).mappings()
    return {ReviewId(row["review_id"]): _board(row) for row in rows}


def load_or_create(tx: Tx, blanks: Sequence[Board]) -> dict[ReviewId, Board]:
    """Return the boards of the reviews that these name, locked; the blank one is written where there was none."""
    found = load_many(tx, [blank.review_id for blank in blanks])
    missing = sorted((one for one in blanks if one.review_id not in found), key=lambda one: one.review_id)
    if missing:
        rows = [{**_values(blank), "event_sequence": 0} for blank in missing]
        tx.execute(insert_rows(board, rows).on_conflict_do_nothing())
        found |= load_many(tx, [blank.review_id for blank in missing])
    return found


def save(tx: Tx, changes: Sequence[tuple[Board, Board]]) -> None:
    """Write boards, each given as it was loaded and as it has to be, by one statement.

    Raises:
        LostUpdate: a row is not as it was loaded.
    """
    if not changes:
        return
    rows = [{**_values(new), "row_version": old.row_version} for old, new in changes]
    written = {str(one) for one in tx.execute(_SAVE, {"rows": as_json(rows)}).scalars()}
    missed = {old.review_id for old, _ in changes} - written
    if missed:
        raise LostUpdate(*sorted(missed))


def number_events(tx: Tx, review_id: ReviewId, events: int) -> int:
    """Draw the numbers of so many events of a locked review; return the first."""
    row = tx.execute(
        sa.update(board)
        .where(board.c.review_id == review_id)
        .values(event_sequence=board.c.event_sequence + events)
        .returning(board.c.event_sequence)
    ).one()
    return int(row.event_sequence) - events + 1


def put_tasks(tx: Tx, changes: Sequence[TaskChanges]) -> None:
    """Write tasks that are new or have another deadline, and take away those that are done with."""
    dropped = [_key_values(key) for each in changes for key in each.drop]
    if dropped:
        given = rows_of(task, dropped)
        tx.execute(sa.delete(task).where(*(task.c[name] == given.c[name] for name in dropped[0])))
    put = [_task_values(one) for each in changes for one in each.put]
    if put:
        statement = insert_rows(task, put)
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
    return {**_key_values(one.key), **_deadline_values("deadline", one.deadline)}


def _key_values(key: TaskKey) -> dict[str, Any]:
    return {"person_id": key.person_id, "kind": key.kind.value, "review_id": key.review_id}


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
