"""Many at once: acts that begin together, acts that go on meanwhile, and stretches of time that last."""

from __future__ import annotations

import contextlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from harness.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

T = TypeVar("T")
U = TypeVar("U")
END_S_MAX = 60.0


def together(acts: Sequence[Callable[[], T]]) -> list[T]:
    """Do all acts at once, each in a thread of its own that begins when all are there; return what they return.

    What one of them raises is raised when all have ended.
    """
    start = threading.Barrier(len(acts))

    def one(act: Callable[[], T]) -> T:
        start.wait(END_S_MAX)
        return act()

    with ThreadPoolExecutor(len(acts)) as pool:
        return [future.result() for future in [pool.submit(one, act) for act in acts]]


def side_by_side(act: Callable[[U], T], items: Sequence[U], *, hands: int = 8) -> list[T]:
    """Do the same to many, some at a time, in the order given; return what came of each."""
    with ThreadPoolExecutor(hands) as pool:
        return list(pool.map(act, items))


@contextlib.contextmanager
def meanwhile(*acts: Callable[[], object], pause_s: float = 0.02) -> Iterator[None]:
    """Within the block do each act over and over, each in a thread of its own, at least once.

    What one of them raises ends that thread and is raised at the end of the block.
    """
    ending = threading.Event()

    def repeat(act: Callable[[], object]) -> None:
        while True:
            act()
            if ending.wait(pause_s):
                return

    with ThreadPoolExecutor(len(acts)) as pool:
        running = [pool.submit(repeat, act) for act in acts]
        try:
            yield
        finally:
            ending.set()
        for future in running:
            future.result(END_S_MAX)


@contextlib.contextmanager
def lasting(seconds: float) -> Iterator[None]:
    """The block takes so long at least: at its end wait for what is left."""
    until = time.monotonic() + seconds
    yield
    eventually(lambda: time.monotonic() >= until, seconds + 1, what=f"the end of {seconds:.0f} s")
