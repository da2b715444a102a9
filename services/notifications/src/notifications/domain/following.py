"""What follows from one piece of news: the board, what to write of tasks, and the mails it calls for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from notifications.domain.board import Board, new_board, pinned
from notifications.domain.mails import MailIntent, mails
from notifications.domain.tasks import TaskChanges, task_changes

if TYPE_CHECKING:
    from datetime import datetime

    from notifications.domain.news import News


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """`board` is the very one given where nothing new was told; then there is nothing to write."""

    board: Board
    tasks: TaskChanges
    mails: tuple[MailIntent, ...]


def follow(board: Board | None, news: News, *, occurred_at: datetime) -> Followed:
    """Take one fact in; late and repeated ones change nothing. `board` is None for a review not heard of before.

    `occurred_at`: the fact's own time, kept with the mails.
    """
    known = board if board is not None else new_board(news.about)
    after = pinned(known, news)
    if after == board:
        return Followed(board=board, tasks=TaskChanges(), mails=())
    return Followed(
        board=after, tasks=task_changes(board, after), mails=mails(board, after, news, occurred_at=occurred_at)
    )
