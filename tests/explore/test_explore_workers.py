"""However a run is ended, none of its processes goes on."""

from __future__ import annotations

import multiprocessing
import os
import select
import signal
from typing import TYPE_CHECKING

import pytest

from explore.runs import Piece
from explore.workers import working

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

ENDED_S_MAX = 60
WORKERS = 2


def run_for_ever(told: Connection) -> None:
    """Explore with several processes, and tell their ids once the first piece is done."""
    # Whoever is started in the background may be told to ignore it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    endless = [Piece(configuration="two-managers", seed=1, schedules=10**9)] * WORKERS
    for _ in working([Piece(configuration="two-managers", seed=1, schedules=1), *endless], WORKERS):
        told.send([each.pid for each in multiprocessing.active_children()])


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=lambda each: each.name)
def test_no_worker_goes_on_when_its_parent_is_ended(how: signal.Signals) -> None:
    context = multiprocessing.get_context("spawn")
    heard, told = context.Pipe(duplex=False)
    parent = context.Process(target=run_for_ever, args=(told,))
    parent.start()
    told.close()
    workers = heard.recv()
    watched = [os.pidfd_open(each) for each in workers]
    assert parent.pid is not None

    os.kill(parent.pid, how)

    parent.join(ENDED_S_MAX)
    assert len(workers) == WORKERS
    assert [each for each in watched if not select.select([each], [], [], ENDED_S_MAX)[0]] == []
    for each in watched:
        os.close(each)
