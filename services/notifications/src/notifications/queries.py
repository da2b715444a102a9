"""Reads for the API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import sqlalchemy as sa

from notifications import store
from notifications.domain import people
from notifications.domain.ids import PersonId, ReviewId
from notifications.domain.refusals import refuse
from notifications.domain.tasks import Task, TaskKey, TaskKind, most_urgent_first, task_view
from reviewbus.schema import decode_cursor, encode_cursor

if TYPE_CHECKING:
    from notifications.domain.people import Actor
    from notifications.domain.tasks import TaskView
    from reviewbus.db import Tx

TASKS_MAX = 500
_SHOWN = (
    "delivery_id",
    "review_id",
    "recipient_id",
    "template",
    "occasion",
    "state",
    "reason",
    "created_at",
    "settled_at",
)


def tasks(tx: Tx, actor: Actor, *, public_url: str) -> dict[str, Any]:
    """Return what the actor is to do, most urgent first, at most `TASKS_MAX`."""
    row = store.task.c
    query = sa.select(store.task).where(row.person_id == actor.person_id)
    rows = tx.execute(query.order_by(row.deadline_instant.nulls_last(), row.review_id).limit(TASKS_MAX)).mappings()
    views = most_urgent_first(task_view(_task(one), now=tx.now) for one in rows)
    return {"items": [_shown(view, public_url) for view in views]}


def deliveries(
    tx: Tx,
    actor: Actor,
    *,
    cursor: str | None,
    limit: int,
    review_id: UUID | None,
    recipient_id: str | None,
    state: str | None,
) -> dict[str, Any]:
    """Return a page of what became of mails, newest first.

    Raises:
        Refusal: one of `people.unmet_list_deliveries`.
    """
    refuse(people.unmet_list_deliveries(actor))
    row, board = store.delivery.c, store.board.c
    query = (
        sa.select(store.delivery)
        .join(store.board, board.review_id == row.review_id)
        .where(board.subject_id != people.unseen_subject(actor))
        .order_by(row.delivery_id.desc())
        .limit(limit + 1)
    )
    wanted = {"review_id": review_id and str(review_id), "recipient_id": recipient_id, "state": state}
    for name, value in wanted.items():
        if value is not None:
            query = query.where(row[name] == value)
    if (after := decode_cursor(cursor, UUID)) is not None:
        query = query.where(row.delivery_id < str(after[0]))
    found = [
        {**{name: one[name] for name in _SHOWN}, "attempts": one["attempt"]} for one in tx.execute(query).mappings()
    ]
    page = found[:limit]
    return {"items": page, "next_cursor": encode_cursor(page[-1]["delivery_id"]) if len(found) > limit else None}


def states(tx: Tx, *, cursor: str | None, limit: int) -> dict[str, Any]:
    """Return a page of all boards' outstanding tasks, in the order of review ids."""
    board, row = store.board.c, store.task.c
    query = sa.select(board.review_id).order_by(board.review_id).limit(limit + 1)
    if (after := decode_cursor(cursor, UUID)) is not None:
        query = query.where(board.review_id > str(after[0]))
    found = list(tx.execute(query).scalars())
    page = found[:limit]
    outstanding = sa.select(store.task).where(row.review_id.in_(page)).order_by(row.review_id, row.kind, row.person_id)
    open_tasks: dict[str, list[dict[str, str]]] = {review_id: [] for review_id in page}
    for one in tx.execute(outstanding).mappings():
        open_tasks[one["review_id"]].append({"person_id": one["person_id"], "kind": one["kind"]})
    items = [{"review_id": review_id, "open_tasks": listed} for review_id, listed in open_tasks.items()]
    return {"items": items, "next_cursor": encode_cursor(page[-1]) if len(found) > limit else None}


def _task(row: sa.RowMapping) -> Task:
    key = TaskKey(
        person_id=PersonId(row["person_id"]), kind=TaskKind(row["kind"]), review_id=ReviewId(row["review_id"])
    )
    return Task(key=key, deadline=store.deadline(row, "deadline"))


def _shown(view: TaskView, public_url: str) -> dict[str, Any]:
    deadline = view.deadline
    return {
        "kind": view.kind.value,
        "review_id": view.review_id,
        "link": public_url.rstrip("/") + view.path,
        "deadline": deadline and {"date": deadline.day, "zone": deadline.zone, "instant": deadline.instant},
        "urgency": view.urgency.value,
    }
