"""Processes that are ours: they write their output to a file and never outlive us, however we end."""

from __future__ import annotations

import atexit
import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_LAUNCH = Path(__file__).with_name("launch.py")
_KILL_WAIT_S_MAX = 10.0
_LOG_TAIL_LINES = 20
_OWNER = os.getpid()
_alive: set[Child] = set()
_starts: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()


@dataclass(frozen=True, slots=True)
class User:
    """A user of the operating system."""

    uid: int
    gid: int


class Child:
    """A process that we started, the leader of its own process group: a Ctrl-C in the terminal reaches only us."""

    def __init__(self, name: str, popen: subprocess.Popen[bytes], log: Path) -> None:
        self.name = name
        self.log = log
        self._popen = popen
        _alive.add(self)

    @property
    def pid(self) -> int:
        """The process id."""
        return self._popen.pid

    @property
    def exit_code(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        return self._popen.poll()

    def check(self) -> bool:
        """Return True while it runs.

        Raises:
            RuntimeError: it has ended; the message ends with the last lines of its log.
        """
        if self.exit_code is None:
            return True
        raise RuntimeError(f"{self.name} ended with {self.exit_code}; the end of {self.log}:\n{self.log_tail()}")

    def log_tail(self) -> str:
        """Return the last lines of its output."""
        with contextlib.suppress(OSError):
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-_LOG_TAIL_LINES:])
        return ""

    def wait(self, timeout_s: float) -> int:
        """Wait for its end and return the exit code.

        Raises:
            TimeoutError: it still runs.
        """
        try:
            code = self._popen.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise TimeoutError(f"{self.name} still runs after {timeout_s:.0f} s") from None
        _alive.discard(self)
        return code

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the process alone; nothing happens if it has ended."""
        with contextlib.suppress(ProcessLookupError):
            self._popen.send_signal(number)

    def stop(self, *, by: signal.Signals = signal.SIGTERM, timeout_s: float = 20.0) -> None:
        """Ask it to end, and kill it and what it started if it does not."""
        self.send(by)
        try:
            self.wait(timeout_s)
        except TimeoutError:
            self.kill()

    def kill(self) -> None:
        """End it and everything that it started at once, as a power cut would, and wait until they are gone."""
        tree: list[psutil.Process] = []
        with contextlib.suppress(psutil.NoSuchProcess):
            root = psutil.Process(self.pid)
            # Stopped first, so that it starts nothing while we look.
            root.suspend()
            tree = [*root.children(recursive=True), root]
        for one in tree:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()
        self._popen.wait(_KILL_WAIT_S_MAX)
        deadline = time.monotonic() + _KILL_WAIT_S_MAX
        while any(map(_runs, tree)) and time.monotonic() < deadline:
            time.sleep(0.01)
        _alive.discard(self)


def spawn(
    name: str,
    command: Sequence[str],
    *,
    log: Path,
    user: User | None = None,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    at_our_death: signal.Signals = signal.SIGKILL,
) -> Child:
    """Start a program.

    Args:
        name: what it is called in messages.
        command: the program's absolute path and its arguments.
        log: the file to which its output is added.
        user: as whom it runs; only root may name another.
        cwd: where it runs; that user must be allowed to be there.
        env: variables added to ours.
        at_our_death: what it is sent when this process ends in whatever way, kill -9 included (on Linux).
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    who = (str(user.uid), str(user.gid)) if user else ("-", "-")
    launch = [sys.executable, "-I", "-S", str(_LAUNCH), str(os.getpid()), str(int(at_our_death)), *who, *command]
    with log.open("ab") as output:

        def start() -> subprocess.Popen[bytes]:
            return subprocess.Popen(
                launch,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=cwd,
                env=os.environ | dict(env or {}),
                process_group=0,
            )

        return Child(name, _in_lasting_thread(start), log)


def stop_all() -> None:
    """End every child that still runs; called at exit."""
    if os.getpid() != _OWNER:
        return  # a fork of ours: they are not its children
    for child in list(_alive):
        if child.exit_code is None:
            child.send(signal.SIGTERM)
    deadline = time.monotonic() + _KILL_WAIT_S_MAX
    for child in list(_alive):
        with contextlib.suppress(TimeoutError):
            child.wait(max(0.1, deadline - time.monotonic()))
            continue
        child.kill()


def end_on_signals() -> None:
    """Let SIGTERM and SIGHUP end this process as an exception does, so that everything is stopped and put away."""
    if threading.current_thread() is not threading.main_thread():
        return
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _end)


def _end(number: int, _: object) -> None:
    sys.exit(128 + number)


def _runs(one: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return bool(one.status() != psutil.STATUS_ZOMBIE)
    return False


def _in_lasting_thread(start: Callable[[], subprocess.Popen[bytes]]) -> subprocess.Popen[bytes]:
    # Linux takes the death of the thread that forked for the death of the parent, so one thread that never ends forks.
    if not any(thread.name == _FORKER for thread in threading.enumerate()):
        threading.Thread(target=_fork_forever, name=_FORKER, daemon=True).start()
    answer: queue.SimpleQueue[subprocess.Popen[bytes] | BaseException] = queue.SimpleQueue()

    def task() -> None:
        try:
            answer.put(start())
        except OSError as error:
            answer.put(error)

    _starts.put(task)
    outcome = answer.get()
    if isinstance(outcome, BaseException):
        raise outcome
    return outcome


_FORKER = "forks children"


def _fork_forever() -> None:
    while True:
        _starts.get()()


atexit.register(stop_all)
