"""What is done beside requests: whole cycles in chunks, retention, and the repair after a restore."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from assessment.commands import cycles
from assessment.commands import operations as commands
from assessment.store import restored
from assessment.store.operations import OPERATIONS
from reviewbus import idempotency, quarantine, telemetry
from reviewbus.db import is_transient
from reviewbus.jobs import Job, JobKind
from reviewbus.operations import store as kept
from reviewbus.quarantine import Quarantined

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from reviewbus.db import Database, Tx

RESTORED_ROWS = 1_000
RESTORED = "restored"
_log = telemetry.logger("assessment")


def jobs(db: Database, *, chunk_rows: int) -> Mapping[str, JobKind]:
    """Return the kinds of jobs of this service."""
    return {
        cycles.OPEN_REVIEWS: JobKind(run=lambda batch: _in_chunks(db, batch, cycles.open_chunk, chunk_rows)),
        cycles.CLOSE_REVIEWS: JobKind(run=lambda batch: _in_chunks(db, batch, cycles.close_chunk, chunk_rows)),
        commands.CARRY_OUT: JobKind(run=lambda batch: _carry_out(db, batch, chunk_rows)),
    }


def forget_answers(db: Database, *, days: int) -> int:
    """Delete stored answers to repeats that nobody will send any more; return how many."""
    with db.begin() as tx:
        return idempotency.forget(tx, timedelta(days=days))


def forget_operations(db: Database, *, days: int) -> int:
    """Delete operations that ended so long ago, and plans that are too old; return how many."""
    with db.begin() as tx:
        return kept.forget(tx, OPERATIONS, finished_for=timedelta(days=days))


def go_on_with_operations(db: Database) -> int:
    """Queue the operations that are under way and whose jobs were given up, each having seen its workers die.

    Returns how many.
    """
    with db.begin() as tx:
        quarantine.refuse(tx)
        return commands.go_on_with_abandoned(tx)


def move_restored(db: Database) -> int:
    """Move a restored database past what is still in flight, and refuse edits until others have compared.

    Safe to repeat: moving on once more does no harm. Returns how many reviews were moved.
    """
    # Once before, so that an interruption leaves edits refused; once after, so that no sweep of unmoved rows counts.
    with db.begin() as tx:
        restored.await_sweeps(tx)
        restored.jump_told(tx)
        # Whether they were cancelled since, or came to an end, nobody knows any more.
        kept.cancel_all(tx, OPERATIONS, RESTORED)
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


def _carry_out(db: Database, batch: Sequence[Job], rows: int) -> None:
    """Each chunk is a transaction of its own, in which its reviews are noted: whoever dies loses only that."""
    for job in batch:
        while _carry_on(db, job.arguments["operation_id"], rows):
            pass


def _carry_on(db: Database, operation_id: str, rows: int) -> bool:
    try:
        with db.begin() as tx:
            return commands.carry_on(tx, operation_id, rows)
    except Exception as error:
        if is_transient(error) or isinstance(error, Quarantined):
            raise
        _log.warning("operation_chunk_failed", operation_id=operation_id, rows=rows, error=error)
    try:
        # One of many may be at fault: it is found by taking the next alone.
        with db.begin() as tx:
            return commands.carry_on(tx, operation_id, 1)
    except Exception as error:
        if is_transient(error) or isinstance(error, Quarantined):
            raise
        with db.begin() as tx:
            if not commands.give_up_next(tx, operation_id):
                # No review is at fault, so that the operation waits for its next try.
                raise
        return True
