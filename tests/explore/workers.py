"""Processes that share the pieces of a run. They end with the process that started them, however that ends."""

from __future__ import annotations

import multiprocessing
import signal
import time
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING, Any

from explore.runs import Outcome, Piece, counted_by, done
from harness.parents import end_with_parent

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PROGRESS_S = 15


class WorkerLost(Exception):
    """A process ended by itself, or was killed: its piece will never come."""


def working(pieces: Sequence[Piece], jobs: int) -> Iterator[Outcome]:
    """Do the pieces in so many processes; say from time to time how far they are.

    Raises:
        WorkerLost: one of the processes is gone.
    """
    context = multiprocessing.get_context("spawn")
    counter, began = context.Value("q"), time.monotonic()
    with ProcessPoolExecutor(
        min(jobs, len(pieces)), mp_context=context, initializer=_begin, initargs=(counter,)
    ) as pool:
        left = {pool.submit(done, each) for each in pieces}
        try:
            while left:
                ended, left = wait(left, PROGRESS_S, FIRST_COMPLETED)
                yield from [each.result() for each in ended]
                if not ended and counter.value:
                    rate = counter.value / (time.monotonic() - began)
                    print(f"{counter.value:9} schedules, {rate:7.0f}/s", flush=True)
        except BrokenProcessPool as broken:
            raise WorkerLost from broken
        finally:
            # Whoever stops in the middle waits for nobody.
            for each in multiprocessing.active_children() if left else ():
                each.kill()


def _begin(counter: Any) -> None:
    """Begin a process: it counts its schedules in what all share, and looks out for the end of its parent."""
    # Ctrl-C is sent to all; the parent ends the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()
    counted_by(counter)
