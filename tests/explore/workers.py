"""Processes that share the pieces of a run. They end with the process that started them, however that ends."""

from __future__ import annotations

import multiprocessing
import signal
import time
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
    with context.Pool(min(jobs, len(pieces)), _begin, (counter,)) as pool:
        workers = {each.pid for each in multiprocessing.active_children()}
        coming = pool.imap_unordered(done, pieces)
        due = began + PROGRESS_S
        for _ in pieces:
            while True:
                try:
                    yield coming.next(max(0.0, due - time.monotonic()))
                    break
                except multiprocessing.TimeoutError:
                    due = time.monotonic() + PROGRESS_S
                    if not workers <= {each.pid for each in multiprocessing.active_children()}:
                        raise WorkerLost from None
                    if counter.value:
                        rate = counter.value / (time.monotonic() - began)
                        print(f"{counter.value:9} schedules, {rate:7.0f}/s", flush=True)


def _begin(counter: Any) -> None:
    """Begin a process: it counts its schedules in what all share, and looks out for the end of its parent."""
    # Ctrl-C is sent to all; the parent ends the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()
    counted_by(counter)
