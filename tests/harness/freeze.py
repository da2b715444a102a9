"""Standing still: a server that neither answers nor ends, and time that passes at once."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.system import System


@contextlib.contextmanager
def frozen(pid: int) -> Iterator[None]:
    """Within the block the process and all that it started stand still: connections are taken, and nobody answers."""
    root = psutil.Process(pid)
    root.suspend()
    tree = [root, *root.children(recursive=True)]
    for one in tree[1:]:
        one.suspend()
    try:
        yield
    finally:
        for one in reversed(tree):
            with contextlib.suppress(psutil.NoSuchProcess):
                one.resume()


@contextlib.contextmanager
def without_kafka(system: System) -> Iterator[None]:
    """Within the block there is no broker; at its end it answers again, with all its records."""
    # A client of ours that is connected meanwhile leaves refused sockets behind.
    system.disconnect()
    system.stack.local_kafka.stop()
    try:
        yield
    finally:
        system.stack.local_kafka.start()


def leased(system: System, service: str, kind: str) -> int:
    """Return how many jobs of a kind a worker has taken and not given back."""
    statement = "select count(*) from jobs where kind = %s and lease is not null and lease_until > now()"
    ((found,),) = system.rows(service, statement, [kind])
    return int(found)


def let_leases_end(system: System, service: str) -> None:
    """Do to the jobs what time does: whoever took one has had it long enough."""
    system.rows(service, "update jobs set lease_until = now() where lease is not null")
