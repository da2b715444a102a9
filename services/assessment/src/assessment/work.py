"""What is done beside requests: whole cycles in chunks, retention, and the repair after a restore."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from assessment.commands import cycles
from assessment.store import restored
from reviewbus import idempotency
from reviewbus.jobs import Job, JobKind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from reviewbus.db import Database, Tx

RESTORED_ROWS = 1_000


def jobs(db: Database, *, chunk_rows: int) -> Mapping[str, JobKind]:
    """Return the kinds of jobs of this service."""
    return {
        cycles.OPEN_REVIEWS: JobKind(run=lambda batch: _in_chunks(db, batch, cycles.open_chunk, chunk_rows)),
        cycles.CLOSE_REVIEWS: JobKind(run=lambda batch: _in_chunks(db, batch, cycles.close_chunk, chunk_rows)),
    }


def forget_answers(db: Database, *, days: int) -> int:
    """Delete stored answers to repeats that nobody will send any more; return how many."""
    with db.begin() as tx:
        return idempotency.forget(tx, timedelta(days=days))


def move_restored(db: Database) -> int:
    """Move a restored database past what is still in flight, and refuse edits until others have compared.

    Safe to repeat: moving on once more does no harm. Returns how many reviews were moved.
    """
    # Once before, so that an interruption leaves edits refused; once after, so that no sweep of unmoved rows counts.
    with db.begin() as tx:
        restored.await_sweeps(tx)
        restored.jump_told(tx)
    moved, after = 0, None
    while True:
        with db.begin() as tx:
            rows, after = restored.jump(tx, after, RESTORED_ROWS)
        if not rows:
            break
        moved += rows
    with db.begin() as tx:
        restored.await_sweeps(tx)
    return moved


def _in_chunks(db: Database, batch: Sequence[Job], chunk: Callable[[Tx, str, int], int], rows: int) -> None:
    """Each chunk is a transaction of its own; a job that dies in between goes on where it was."""
    for job in batch:
        while True:
            with db.begin() as tx:
                done = chunk(tx, job.arguments["cycle_id"], rows)
            if done < rows:
                break
