"""Several processes that play side by side, each on a stage of its own."""

from __future__ import annotations

import atexit
import contextlib
import multiprocessing
import os
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from harness.databases import run_name
from harness.parents import end_with_parent
from harness.stack import Postgres
from simulation.theatre import Theatre, theatre

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from simulation.theatre import Outcome

_stage: list[Theatre] = []
_SERVER = "REVIEW_SIMULATION_POSTGRES"


def played(
    postgres: Postgres, folder: Path, seeds: Sequence[int], *, steps: int, workers: int
) -> Generator[Outcome, None, None]:
    """Play seeds and yield what came of them, in their order; who stops asking ends it."""
    if workers == 1:
        with theatre(postgres, folder) as stage:
            for seed in seeds:
                yield stage.play(seed, steps=steps)
        return
    # The workers find both in their environment: the server, and how the databases of this run are named.
    run_name()
    os.environ[_SERVER] = postgres.admin_url
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_open, initargs=(folder,)) as pool:
        waiting = [pool.submit(_play, seed, steps) for seed in seeds]
        try:
            for one in waiting:
                yield one.result()
        finally:
            for one in waiting:
                one.cancel()


def _open(folder: Path) -> None:
    """Open a stage in a worker; it is given back when the worker ends. None outlives the process that started it."""
    # Nobody would wait for what it plays, and the server goes with who started it.
    end_with_parent()
    stack = contextlib.ExitStack()
    own = Path(tempfile.mkdtemp(dir=folder))
    _stage.append(stack.enter_context(theatre(Postgres(os.environ[_SERVER]), own)))
    atexit.register(stack.close)


def _play(seed: int, steps: int) -> Outcome:
    return _stage[0].play(seed, steps=steps)
