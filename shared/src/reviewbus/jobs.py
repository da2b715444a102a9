"""Jobs: slow work as rows. Written in the transaction that wants it, done outside any, recorded with a guard.

A worker claims rows with a lease, does the work without a transaction, and records the result in a transaction that
first calls `finish`, which fails if the lease was lost meanwhile. So a job is done at least once and recorded once.
The lease is short, and prolonged while the work goes on: what a killed worker had is soon another's.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from reviewbus import quarantine, telemetry
from reviewbus.client import PeerRefused, PeerUnavailable
from reviewbus.db import insert_rows, is_transient
from reviewbus.quarantine import Quarantined
from reviewbus.tables import jobs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from reviewbus.db import Database, Tx

ATTEMPTS_MAX = 12
BACKOFF_S_MAX = 300
# What failed because something else is away counts no further, so that it is far from being given up.
PASSING_ATTEMPTS_MAX = 6
LEASE_S = 30.0
# So long the jobs of a batch that failed are tried apart in one turn: other kinds wait meanwhile.
APART_S_MAX = 30.0
_PASSING_STATUSES = frozenset({401, 403, 429})
# A job that ended every process that took it, without an answer, would do so for ever.
_BURY = sa.text(
    "update jobs set status = 'dead', lease = null, lease_until = null, last_error = 'worker-died' where kind = :kind"
    " and status = 'queued' and lease is not null and lease_until < :now and attempts >= :attempts"
)
_DUE = sa.text(
    "select kind from unnest(cast(:kinds as text[])) kind where exists"
    " (select from jobs j where j.kind = kind.kind and j.status = 'queued' and j.run_at <= :now)"
)
_log = telemetry.logger("jobs")


class NotYet(Exception):
    """Each of the jobs was looked at, and those that are not finished cannot be done now: try them again later."""


class LeaseLost(Exception):
    """Another worker has the job now, or it was asked for again; record nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A claimed job. `arguments` is what it was queued with; `lease` guards its result."""

    id: int
    kind: str
    key: str
    arguments: Mapping[str, Any]
    attempts: int
    lease: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class JobKind:
    """How a kind of job is done: `run` takes up to `batch` jobs at once and must be safe to repeat.

    Where it raises for several, what it has not finished is done in halves, down to each by itself, unless it raises
    `NotYet` or what may pass.
    While `held_back` says so, jobs of the kind wait: others are more urgent.
    """

    run: Callable[[Sequence[Job]], None]
    batch: int = 1
    held_back: Callable[[], bool] = lambda: False


def enqueue(tx: Tx, kind: str, key: str, arguments: Mapping[str, Any], *, run_at: datetime | None = None) -> None:
    """Queue a job. Of one kind and key there is one: asked for again it takes the new arguments and the earlier time.

    One that is running runs again afterwards; one that was given up starts anew.
    """
    enqueue_many(tx, kind, {key: arguments}, run_at=run_at)


def enqueue_many(tx: Tx, kind: str, wanted: Mapping[str, Mapping[str, Any]], *, run_at: datetime | None = None) -> None:
    """Queue many jobs of one kind, by key, as `enqueue` does one."""
    if not wanted:
        return
    when = run_at or tx.now
    rows = [{"kind": kind, "key": key, "arguments": dict(wanted[key]), "run_at": when} for key in sorted(wanted)]
    statement = insert_rows(jobs, rows)
    tx.execute(
        statement.on_conflict_do_update(
            constraint="jobs_kind_key",
            set_={
                "lease": None,
                "lease_until": None,
                "status": "queued",
                "attempts": sa.case((jobs.c.status == "dead", 0), else_=jobs.c.attempts),
                "arguments": statement.excluded.arguments,
                "run_at": sa.func.least(jobs.c.run_at, statement.excluded.run_at),
            },
        )
    )


def finish(tx: Tx, job: Job) -> None:
    """Record, in the transaction of the job's result, that it is done; raises `LeaseLost` if it is no longer ours."""
    gone = tx.execute(
        sa.delete(jobs).where(jobs.c.id == job.id, jobs.c.lease == job.lease).returning(jobs.c.id)
    ).first()
    if gone is None:
        raise LeaseLost(job.kind)


class Worker:
    """Claims and does jobs of one service. `lease_s`: how long after its death another does what it had."""

    def __init__(self, db: Database, kinds: Mapping[str, JobKind], lease_s: float = LEASE_S) -> None:
        self._db = db
        self._kinds = kinds
        self._lease_s = lease_s

    def run_once(self) -> int:
        """Do what is due, each kind up to its batch; return how many jobs were claimed."""
        claimed, due = 0, self._due()
        for kind, how in self._kinds.items():
            batch = self._claim(kind, how) if kind in due and not how.held_back() else []
            if batch:
                claimed += len(batch)
                self._do(how, batch)
        return claimed

    def _due(self) -> set[str]:
        """Return the kinds of which a job is due, or is somebody's already: mostly none, and there is no more to do."""
        with self._db.begin() as tx:
            return set(tx.execute(_DUE, {"kinds": list(self._kinds), "now": tx.now}).scalars())

    def _claim(self, kind: str, how: JobKind) -> list[Job]:
        with self._db.begin() as tx:
            if quarantine.active(tx):
                return []
            tx.execute(_BURY, {"kind": kind, "attempts": ATTEMPTS_MAX, "now": tx.now})
            due = (
                sa.select(jobs.c.id)
                .where(
                    jobs.c.kind == kind,
                    jobs.c.status == "queued",
                    jobs.c.run_at <= tx.now,
                    sa.or_(jobs.c.lease.is_(None), jobs.c.lease_until < tx.now),
                )
                .order_by(jobs.c.run_at, jobs.c.id)
                .limit(how.batch)
                .with_for_update(skip_locked=True)
                .cte("due")
            )
            rows = tx.execute(
                sa.update(jobs)
                .where(jobs.c.id.in_(sa.select(due.c.id)))
                .values(lease=tx.new_id(), lease_until=self._until(tx), attempts=jobs.c.attempts + 1)
                .returning(jobs.c.id, jobs.c.kind, jobs.c.key, jobs.c.arguments, jobs.c.attempts, jobs.c.lease)
            ).mappings()
            return sorted((Job(**row) for row in rows), key=lambda job: job.id)

    def _do(self, how: JobKind, batch: Sequence[Job]) -> None:
        """Do a batch; where one of several may stand in the way of the others, in halves, down to each by itself."""
        until = time.monotonic() + APART_S_MAX
        with self._prolonging(batch):
            parts: list[Sequence[Job]] = [batch]
            while parts:
                part = parts.pop()
                ended = self._tried(how, part)
                if ended is None:
                    left = self._left(part)
                    telemetry.JOBS.labels(kind=part[0].kind, outcome="done").inc(len(part) - len(left))
                    middle = len(left) // 2
                    parts += [half for half in (left[middle:], left[:middle]) if half]
                if ended is False or time.monotonic() > until:
                    self._give_back([job for rest in parts for job in rest])
                    return

    def _tried(self, how: JobKind, batch: Sequence[Job]) -> bool | None:
        """Do jobs, and record what came of it; say whether others may go on.

        None, and nothing is recorded, where several did not pass together.
        """
        outcome, goes_on = "done", True
        try:
            how.run(batch)
        except LeaseLost:
            if len(batch) > 1:
                return None
            outcome = "lease-lost"
        except Exception as error:  # noqa: BLE001 -- a job that failed is tried again later, a limited number of times
            outcome, goes_on = "failed", not _may_pass(error)
            if len(batch) > 1 and goes_on and not isinstance(error, NotYet):
                _log.info("batch_failed", kind=batch[0].kind, jobs=len(batch), error=error)
                return None
            _log.warning("job_failed", kind=batch[0].kind, jobs=len(batch), attempts=batch[0].attempts, error=error)
            self._postpone(batch, type(error).__name__, may_pass=not goes_on)
        else:
            self._remove(batch)
        telemetry.JOBS.labels(kind=batch[0].kind, outcome=outcome).inc(len(batch))
        return goes_on

    def _left(self, batch: Sequence[Job]) -> list[Job]:
        """Return those that are neither finished nor asked for again."""
        with self._db.begin() as tx:
            ours = jobs.c.id.in_([job.id for job in batch]), jobs.c.lease == batch[0].lease
            left = set(tx.execute(sa.select(jobs.c.id).where(*ours)).scalars())
        return [job for job in batch if job.id in left]

    def _give_back(self, batch: Sequence[Job]) -> None:
        """Leave to another turn what was claimed and not begun."""
        if not batch:
            return
        with self._db.begin() as tx:
            ours = jobs.c.id.in_([job.id for job in batch]), jobs.c.lease == batch[0].lease
            free = {"lease": None, "lease_until": None, "attempts": jobs.c.attempts - 1}
            tx.execute(sa.update(jobs).where(*ours).values(**free))

    @contextmanager
    def _prolonging(self, batch: Sequence[Job]) -> Iterator[None]:
        """Prolong the leases, three times in the length of one, until the block ends."""
        over = threading.Event()
        thread = threading.Thread(target=self._prolong, args=(batch, over), name="leases", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _prolong(self, batch: Sequence[Job], over: threading.Event) -> None:
        while not over.wait(self._lease_s / 3):
            try:
                with self._db.begin() as tx:
                    ours = jobs.c.id.in_([job.id for job in batch]), jobs.c.lease == batch[0].lease
                    # What somebody has locked is being asked for again, and needs no lease any more.
                    free = sa.select(jobs.c.id).where(*ours).with_for_update(skip_locked=True)
                    tx.execute(sa.update(jobs).where(jobs.c.id.in_(free)).values(lease_until=self._until(tx)))
            except Exception as error:  # noqa: BLE001 -- the next time may do better; else somebody else does the work
                _log.warning("lease_not_prolonged", kind=batch[0].kind, error=error)

    def _until(self, tx: Tx) -> datetime:
        return tx.now + timedelta(seconds=self._lease_s)

    def _remove(self, batch: Sequence[Job]) -> None:
        """Delete what the work did not finish itself."""
        with self._db.begin() as tx:
            tx.execute(sa.delete(jobs).where(jobs.c.id.in_([job.id for job in batch]), jobs.c.lease == batch[0].lease))

    def _postpone(self, batch: Sequence[Job], reason: str, *, may_pass: bool) -> None:
        """Try again later; what failed because something else is away is never given up."""
        by_attempts: dict[int, list[Job]] = defaultdict(list)
        for job in batch:
            by_attempts[job.attempts].append(job)
        with self._db.begin() as tx:
            for attempts, group in by_attempts.items():
                delay = timedelta(seconds=min(BACKOFF_S_MAX, 2 ** min(attempts, 10)))
                tx.execute(
                    sa.update(jobs)
                    .where(jobs.c.id.in_([job.id for job in group]), jobs.c.lease == group[0].lease)
                    .values(
                        lease=None,
                        lease_until=None,
                        run_at=tx.now + delay,
                        attempts=min(attempts, PASSING_ATTEMPTS_MAX) if may_pass else attempts,
                        status="dead" if attempts >= ATTEMPTS_MAX and not may_pass else "queued",
                        last_error=reason,
                    )
                )


def _may_pass(error: Exception) -> bool:
    if isinstance(error, PeerRefused):
        # A token that expired or lacks a right, or too many questions: others repair that, and the job goes on.
        return error.status in _PASSING_STATUSES
    return isinstance(error, PeerUnavailable | Quarantined | ConnectionError | TimeoutError) or is_transient(error)
