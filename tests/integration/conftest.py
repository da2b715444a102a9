"""Integration: the four services as separate processes on real PostgreSQL, Kafka and a mail server.

One system serves the whole session. A test that ended a process has started it again when it is over; were it not so,
the next test would begin by doing it.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.crowd import gather
from harness.eventually import Polling
from harness.stack import Stack
from harness.system import APART, System

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness.crowd import Crowd

ADDRESSES = ("REVIEW_POSTGRES_URL", "REVIEW_KAFKA_BOOTSTRAP", "REVIEW_SMTP_URL")
# On two busy cores; what is waited for comes about in a fraction of it.
PATIENCE_S = 90.0


@pytest.fixture(scope="session")
def running(request: pytest.FixtureRequest) -> Iterator[System]:
    """Give the system of the session; tests take `system`, which is whole."""
    with _own_system(request) as system:
        yield system


@pytest.fixture
def system(running: System) -> System:
    """Give the system with every server and every process up and nothing left to do."""
    make_whole(running)
    return running


@pytest.fixture(scope="module")
def fresh_system(request: pytest.FixtureRequest) -> Iterator[System]:
    """Give a system to one module, which may leave it in ruins."""
    with _own_system(request) as system:
        yield system


@pytest.fixture(scope="session")
def wait() -> Polling:
    """Give the patience of all stories here."""
    return Polling(PATIENCE_S)


@pytest.fixture(scope="session")
def crowds(wait: Polling) -> Callable[..., Crowd]:
    """Give what arranges a cycle in a system, whose packets are with their managers; each has people of its own."""
    made: list[str] = []

    def arrange(system: System, *, employees: int) -> Crowd:
        made.append(f"c{len(made)}")
        return gather(system, wait, made[-1], employees=employees, managers=min(10, employees))

    return arrange


def make_whole(system: System) -> None:
    """Start again whatever does not run, and return when all is quiet."""
    for server in (system.stack.local_postgres, system.stack.local_kafka):
        if not server.answers():
            server.start()
    for place in system.ended():
        system.launch(*place)
    system.wait_until_ready()
    system.settle(PATIENCE_S)


def _own_system(request: pytest.FixtureRequest) -> _Started:
    return _Started(request)


class _Started:
    """A stack and a system on it, ended together; the folder stays where a test failed, for its logs."""

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self._session = request.session
        self._folder = Path(tempfile.mkdtemp(prefix="review-tests-system-"))
        self._folder.chmod(0o755)  # as root, PostgreSQL is another user and keeps its rows in here
        self._patch = pytest.MonkeyPatch()

    def __enter__(self) -> System:
        for name in ADDRESSES:
            self._patch.delenv(name, raising=False)  # these tests stop the servers: they must be ours
        self._stack = Stack.start(var_dir=self._folder, say=lambda _: None)
        try:
            self._system = System.on(self._stack, var_dir=self._folder, verbs=APART, say=lambda _: None)
        except BaseException:
            self._stack.stop()
            raise
        return self._system

    def __exit__(self, *_: object) -> None:
        self._system.stop()
        self._stack.stop()
        self._patch.undo()
        if not self._session.testsfailed:
            shutil.rmtree(self._folder, ignore_errors=True)
