"""The to-do tasks that follow from a board: derived, never kept by hand, so that they are true of the state."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from notifications.domain.board import PacketPlace, SelfState
from notifications.domain.news import Role

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from notifications.domain.board import Board
    from notifications.domain.ids import PersonId, ReviewId
    from notifications.domain.news import Deadline

DUE_SOON_H = 72


class TaskKind(StrEnum):
    """What somebody is to do."""

    SELF_ASSESSMENT = "self-assessment"
    MANAGER_ASSESSMENT = "manager-assessment"
    RELEASE = "release"
    SIGN = "sign"


class Urgency(StrEnum):
    """How soon a task is due; undated where nothing sets a date."""

    OVERDUE = "overdue"
    SOON = "soon"
    LATER = "later"
    UNDATED = "undated"


# Below the public address, as in mails.
PATHS = {
    TaskKind.SELF_ASSESSMENT: "/reviews/{review_id}/self-assessment",
    TaskKind.MANAGER_ASSESSMENT: "/reviews/{review_id}/manager-assessment",
    TaskKind.RELEASE: "/reviews/{review_id}/packet",
    TaskKind.SIGN: "/reviews/{review_id}/signature",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskKey:
    """One person has at most one task of a kind per review."""

    person_id: PersonId
    kind: TaskKind
    review_id: ReviewId


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Something outstanding."""

    key: TaskKey
    deadline: Deadline | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskChanges:
    """What to write: tasks that are new or have another deadline, and the keys of those that are done with."""

    put: tuple[Task, ...] = ()
    drop: tuple[TaskKey, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskView:
    """A task as its person sees it. `path` opens the form, relative to the public address."""

    kind: TaskKind
    review_id: ReviewId
    path: str
    deadline: Deadline | None
    urgency: Urgency


def tasks(board: Board | None) -> tuple[Task, ...]:
    """Everything outstanding in this review, nothing once it is closed or cancelled; none without a board."""
    if board is None or board.closed or board.cancelled:
        return ()
    return tuple(_outstanding(board))


def task_changes(before: Board | None, after: Board) -> TaskChanges:
    """What to write when a board has changed."""
    old = {task.key: task for task in tasks(before)}
    new = {task.key: task for task in tasks(after)}
    return TaskChanges(
        put=tuple(task for key, task in new.items() if old.get(key) != task),
        drop=tuple(key for key in old if key not in new),
    )


def task_view(task: Task, *, now: datetime) -> TaskView:
    """The task with its link and urgency at `now`."""
    return TaskView(
        kind=task.key.kind,
        review_id=task.key.review_id,
        path=PATHS[task.key.kind].format(review_id=task.key.review_id),
        deadline=task.deadline,
        urgency=urgency(task.deadline, now=now),
    )


def urgency(deadline: Deadline | None, *, now: datetime) -> Urgency:
    """Overdue from the instant itself on, soon within `DUE_SOON_H` hours before it."""
    if deadline is None:
        return Urgency.UNDATED
    if now >= deadline.instant:
        return Urgency.OVERDUE
    return Urgency.SOON if deadline.instant - now <= timedelta(hours=DUE_SOON_H) else Urgency.LATER


def most_urgent_first(views: Iterable[TaskView]) -> list[TaskView]:
    """By deadline, undated ones last; equal ones in the order of the review's life."""
    order = list(TaskKind)
    far = datetime.max.replace(tzinfo=UTC)
    return sorted(
        views,
        key=lambda each: (each.deadline.instant if each.deadline else far, order.index(each.kind), each.review_id),
    )


def _outstanding(board: Board) -> Iterator[Task]:
    if board.opened and board.self_state is SelfState.UNSHARED:
        yield _task(board, board.subject_id, TaskKind.SELF_ASSESSMENT, board.self_deadline)
    stage_reached = board.self_state is not SelfState.UNSHARED or board.manager_reopened
    if stage_reached and not board.manager_submitted:
        yield _task(board, board.manager_id, TaskKind.MANAGER_ASSESSMENT, board.manager_deadline)
    if board.place is PacketPlace.MANAGER:
        yield _task(board, board.manager_id, TaskKind.RELEASE, None)
    for role in Role:
        if role in board.open_signers:
            yield _task(board, board.person(role), TaskKind.SIGN, None)


def _task(board: Board, person_id: PersonId, kind: TaskKind, deadline: Deadline | None) -> Task:
    return Task(key=TaskKey(person_id=person_id, kind=kind, review_id=board.review_id), deadline=deadline)
