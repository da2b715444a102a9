"""Ports on the loopback interface that a server can take and, after a restart, take again."""

from __future__ import annotations

import contextlib
import random
import socket
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

LOOPBACK = "127.0.0.1"
# Below the range from which operating systems choose the ports of outgoing connections: nobody takes a server's port
# while the server is down.
_RANGE = range(20_000, 32_000)
_TRIES_MAX = 200
_given: set[int] = set()


def free_port() -> int:
    """Return a port on which nothing listens now, and another one at every call of a process."""
    for port in random.SystemRandom().sample(_RANGE, _TRIES_MAX):
        if port in _given:
            continue
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((LOOPBACK, port))
            _given.add(port)
            return port
    raise RuntimeError(f"none of {_TRIES_MAX} ports of {_RANGE} is free")


def answers(port: int, *, host: str = LOOPBACK, timeout_s: float = 0.5) -> bool:
    """Say whether something accepts connections there."""
    try:
        with socket.create_connection((host, port), timeout=timeout_s):
            return True
    except OSError:
        return False


def wait_for(condition: Callable[[], bool], *, what: str, timeout_s: float, pause_s: float = 0.05) -> None:
    """Call `condition` until it is true.

    Raises:
        TimeoutError: it was still false after `timeout_s` seconds; the message names `what`.
    """
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not happen within {timeout_s:.0f} s")
        time.sleep(pause_s)
