"""Killing one process of many in one thread: at the places that the product names, and right before any commit.

What is killed raises `Killed` from the place where it dies. It is no `Exception`, so nothing in the product handles it;
whatever transaction was open rolls back, as PostgreSQL does when a client's connection is gone.
"""

from __future__ import annotations

import contextlib
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import sqlalchemy as sa

import reviewbus
from reviewbus import crash

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    from reviewbus.db import Database

BEFORE_COMMIT = "before-commit"
AFTER_SEND = "relay-after-send"
_NAMED = re.compile(r'crash_point\("([a-z-]+)"\)')


class Killed(BaseException):
    """The process is dead; the argument says where it died."""


class Broken(Exception):
    """A statement of a consumer failed for a reason that nobody foresaw."""


def named_points() -> frozenset[str]:
    """Return the crash points that stand in the code of the chassis and the services that are imported."""
    found: set[str] = set()
    for name in ("reviewbus", "assessment", "packets", "signing", "notifications"):
        folder = Path(__import__(name).__file__ or "").parent
        for file in folder.rglob("*.py"):
            found.update(_NAMED.findall(file.read_text(encoding="utf-8")))
    assert found, f"no crash point stands in {Path(reviewbus.__file__ or '').parent}"
    return frozenset(found)


@contextlib.contextmanager
def replaced(module: ModuleType, name: str, by: object) -> Iterator[None]:
    """Within the block a module finds this in place of a library that it has imported."""
    before = vars(module)[name]
    setattr(module, name, by)
    try:
        yield
    finally:
        setattr(module, name, before)


@dataclass(slots=True)
class KillSwitch:
    """Where the next death is to be, if anywhere. One at a time: between two steps nothing is armed."""

    point: str = ""
    commits_left: int = 0
    statements_left: int = 0
    deaths: list[str] = field(default_factory=list)

    def watch(self, db: Database) -> None:
        """Have a database's transactions pass here before they commit."""
        sa.event.listen(db.engine, "commit", self._commit)
        sa.event.listen(db.engine, "before_cursor_execute", self._execute)

    @contextlib.contextmanager
    def armed(self, point: str, *, commits: int = 1) -> Iterator[None]:
        """Within the block whoever passes the point dies; `commits`: before which commit, at `before-commit`."""
        self.point, self.commits_left = point, commits
        crash.arm("" if point == BEFORE_COMMIT else point)
        try:
            yield
        finally:
            self.disarm()

    @contextlib.contextmanager
    def failing(self, statement: int) -> Iterator[None]:
        """Within the block one statement fails, the `statement`-th from now on."""
        self.statements_left = statement
        try:
            yield
        finally:
            self.statements_left = 0

    def disarm(self) -> None:
        """Let everybody live."""
        self.point = ""
        crash.arm("")

    def die(self) -> None:
        """Die here, once."""
        where = self.point
        self.disarm()
        self.deaths.append(where)
        raise Killed(where)

    def passes(self, point: str) -> None:
        """Die here if this is where the next death is to be."""
        if self.point == point:
            self.die()

    @contextlib.contextmanager
    def installed(self) -> Iterator[None]:
        """Within the block a named crash point raises instead of ending this very process."""
        with replaced(crash, "os", SimpleNamespace(getpid=os.getpid, kill=lambda *_: self.die())):
            yield

    def _commit(self, connection: sa.Connection) -> None:
        if self.point == BEFORE_COMMIT:
            self.commits_left -= 1
            if self.commits_left <= 0:
                # As the server does when the connection is gone; the pool would take it back as it is.
                connection.connection.rollback()
                self.die()

    def _execute(self, *_: object) -> None:
        if self.statements_left:
            self.statements_left -= 1
            if not self.statements_left:
                raise Broken
