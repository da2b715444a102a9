"""In the midst of a transaction: before one of its statements, or before its commit, somebody else takes a whole step.

The other step has a connection of its own. What the outer transaction has locked makes it give up after a moment, as a
real one would after seconds; what it has not locked changes under its hands.
"""

from __future__ import annotations

import contextlib
import contextvars
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from reviewbus.db import Database

_WRITES = ("insert", "update", "delete")
_EMITS = "insert into outbox "


@dataclass(slots=True)
class Between:
    """Where others go on, once, if anywhere: in the transactions of one service."""

    service: str = ""
    others: Callable[[], None] | None = None
    # Before which statement; of those that write, if only they count.
    statements_left: int = 0
    writes_only: bool = False
    emitted: bool = False

    def watch(self, service: str, db: Database) -> None:
        """Have a service's transactions pass here."""

        def statement(_connection: Any, _cursor: Any, words: str, *_: Any) -> None:
            if self.others is not None and self.service == service:
                self._statement(words.lstrip().lower())

        def commit(_connection: Any) -> None:
            if self.others is not None and self.service == service and not self.statements_left and self.emitted:
                self._happen()

        sa.event.listen(db.engine, "before_cursor_execute", statement)
        sa.event.listen(db.engine, "commit", commit)

    @contextlib.contextmanager
    def statements(self, service: str, number: int, others: Callable[[], None], *, writes_only: bool) -> Iterator[None]:
        """Within the block others go on before the `number`-th statement."""
        self.service, self.others, self.statements_left, self.writes_only = service, others, number, writes_only
        try:
            yield
        finally:
            self.disarm()

    @contextlib.contextmanager
    def commit(self, service: str, others: Callable[[], None]) -> Iterator[None]:
        """Within the block others go on before the first commit of a transaction that tells something."""
        self.service, self.others, self.statements_left, self.emitted = service, others, 0, False
        try:
            yield
        finally:
            self.disarm()

    def disarm(self) -> None:
        """Let every transaction be alone."""
        self.others = None

    def _statement(self, words: str) -> None:
        if not self.statements_left:
            self.emitted = self.emitted or words.startswith(_EMITS)
            return
        if self.writes_only and not words.startswith(_WRITES):
            return
        self.statements_left -= 1
        if not self.statements_left:
            self._happen()

    def _happen(self) -> None:
        others, self.others = self.others, None
        assert others is not None
        # In a context of their own, as in a thread of their own: within one, Flask's requests share who is calling.
        contextvars.Context().run(others)
