"""Jobs: done at least once, recorded once, given up after a limited number of tries."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from component.reviewbus import toy
from harness.eventually import eventually
from reviewbus import jobs, quarantine
from reviewbus.client import PeerUnavailable
from reviewbus.jobs import ATTEMPTS_MAX, JobKind, LeaseLost, NotYet, Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from reviewbus.db import Database
    from reviewbus.jobs import Job
    from reviewbus.testing.fixed_clock import FixedClock


def enqueue(db: Database, key: str = "k", arguments: Mapping[str, object] | None = None, **options: object) -> None:
    with db.begin() as tx:
        jobs.enqueue(tx, "mail", key, arguments or {}, **options)  # type: ignore[arg-type]


def worker(db: Database, run: Callable[[Sequence[Job]], None], batch: int = 10) -> Worker:
    return Worker(db, {"mail": JobKind(run=run, batch=batch)})


def row(db: Database) -> sa.RowMapping:
    with db.begin() as tx:
        return tx.execute(sa.select(sa.text("*")).select_from(sa.text("jobs"))).mappings().one()


def attempts(db: Database) -> list[int]:
    with db.begin() as tx:
        found = tx.execute(sa.text("select attempts from jobs where lease is null order by key"))
        return [int(each) for each in found.scalars()]


def fail(_: Sequence[Job]) -> None:
    raise RuntimeError(toy.SECRET)


def test_a_job_is_done_once_and_removed(db: Database) -> None:
    done: list[tuple[str, object]] = []
    enqueue(db, "a", {"n": 1})
    enqueue(db, "b", {"n": 2})
    one = worker(db, lambda batch: done.extend((job.key, job.arguments["n"]) for job in batch))
    assert [one.run_once(), one.run_once()] == [2, 0]
    assert done == [("a", 1), ("b", 2)]
    assert toy.rows(db, "jobs") == 0


def test_jobs_of_a_kind_that_is_held_back_wait_while_others_are_done(db: Database) -> None:
    done: list[str] = []
    held_back = True
    kinds = {
        "mail": JobKind(run=lambda batch: done.extend(job.key for job in batch), held_back=lambda: held_back),
        "other": JobKind(run=lambda batch: done.extend(job.key for job in batch)),
    }
    one = Worker(db, kinds)
    enqueue(db, "a")
    with db.begin() as tx:
        jobs.enqueue(tx, "other", "b", {})
    one.run_once()
    assert done == ["b"]
    held_back = False
    one.run_once()
    assert done == ["b", "a"]


def test_a_job_asked_for_again_is_there_once_with_the_new_arguments_and_the_earlier_time(
    db: Database, clock: FixedClock
) -> None:
    enqueue(db, "a", {"n": 1}, run_at=clock.now + timedelta(hours=1))
    enqueue(db, "a", {"n": 2}, run_at=clock.now + timedelta(hours=2))
    assert (row(db)["arguments"], row(db)["run_at"]) == ({"n": 2}, clock.now + timedelta(hours=1))


def test_a_job_is_not_done_before_its_time(db: Database, clock: FixedClock) -> None:
    enqueue(db, run_at=clock.now + timedelta(hours=1))
    done: list[Job] = []
    one = worker(db, done.extend)
    assert one.run_once() == 0
    clock.forward(hours=1)
    assert one.run_once() == 1


def test_a_leased_job_is_nobody_elses_until_the_lease_ends(db: Database, clock: FixedClock) -> None:
    enqueue(db)
    first = worker(db, fail)._claim("mail", JobKind(run=fail))
    assert len(first) == 1
    done: list[Job] = []
    other = worker(db, done.extend)
    assert other.run_once() == 0
    clock.forward(seconds=61)
    assert other.run_once() == 1
    assert done[0].attempts == 2


def test_a_lease_is_prolonged_while_the_work_goes_on(db: Database, clock: FixedClock) -> None:
    enqueue(db)
    lasts: list[bool] = []

    def slow(_: Sequence[Job]) -> None:
        first = row(db)["lease_until"]
        clock.forward(seconds=50)
        eventually(lambda: row(db)["lease_until"] > first, what="the lease is prolonged")
        lasts.append(worker(db, fail).run_once() == 0)

    assert Worker(db, {"mail": JobKind(run=slow)}, lease_s=3).run_once() == 1
    assert lasts == [True]
    assert toy.rows(db, "jobs") == 0


def test_a_job_that_ends_every_process_is_given_up(db: Database, clock: FixedClock) -> None:
    enqueue(db)
    for _ in range(ATTEMPTS_MAX):
        # Claimed, and then nothing more is heard of that worker.
        assert len(worker(db, fail)._claim("mail", JobKind(run=fail))) == 1
        clock.forward(seconds=61)
    assert worker(db, fail).run_once() == 0
    assert (row(db)["status"], row(db)["last_error"]) == ("dead", "worker-died")


def test_a_job_that_waited_long_for_somebody_else_survives_a_worker_that_dies(db: Database, clock: FixedClock) -> None:
    def away(_: Sequence[Job]) -> None:
        raise PeerUnavailable("assessment")

    enqueue(db)
    for _ in range(2 * ATTEMPTS_MAX):
        worker(db, away).run_once()
        clock.forward(minutes=10)
    assert len(worker(db, fail)._claim("mail", JobKind(run=fail))) == 1
    clock.forward(seconds=61)
    done: list[Job] = []
    assert worker(db, done.extend).run_once() == 1


def test_who_lost_the_lease_leaves_no_result(db: Database, clock: FixedClock) -> None:
    enqueue(db)

    def slow(batch: Sequence[Job]) -> None:
        clock.forward(seconds=61)
        assert worker(db, lambda _: None).run_once() == 1
        with db.begin() as tx:
            tx.execute(sa.insert(toy.applied).values(key="k", type="x", n=1))
            jobs.finish(tx, batch[0])

    assert worker(db, slow).run_once() == 1
    assert toy.rows(db, "applied") == 0
    assert toy.rows(db, "jobs") == 0


def test_a_result_is_recorded_together_with_the_end_of_the_job(db: Database) -> None:
    enqueue(db)

    def record(batch: Sequence[Job]) -> None:
        with db.begin() as tx:
            tx.execute(sa.insert(toy.applied).values(key="k", type="x", n=1))
            jobs.finish(tx, batch[0])
        with pytest.raises(LeaseLost), db.begin() as tx:
            jobs.finish(tx, batch[0])

    worker(db, record).run_once()
    assert (toy.rows(db, "applied"), toy.rows(db, "jobs")) == (1, 0)


def test_a_job_asked_for_while_it_runs_runs_again(db: Database) -> None:
    enqueue(db, arguments={"n": 1})
    seen: list[object] = []

    def run(batch: Sequence[Job]) -> None:
        seen.append(batch[0].arguments["n"])
        if len(seen) == 1:
            enqueue(db, arguments={"n": 2})

    one = worker(db, run)
    assert [one.run_once(), one.run_once(), one.run_once()] == [1, 1, 0]
    assert seen == [1, 2]


def test_a_failed_job_is_tried_again_ever_later_and_then_given_up(db: Database, clock: FixedClock) -> None:
    enqueue(db)
    one = worker(db, fail)
    delays = []
    for _ in range(ATTEMPTS_MAX):
        assert one.run_once() == 1
        assert one.run_once() == 0
        delays.append((row(db)["run_at"] - clock.now).total_seconds())
        clock.forward(seconds=delays[-1])
    assert delays == [2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300, 300]
    assert (row(db)["status"], row(db)["last_error"]) == ("dead", "RuntimeError")
    assert one.run_once() == 0


def test_a_job_that_was_given_up_starts_anew_when_asked_for_again(db: Database, clock: FixedClock) -> None:
    enqueue(db)
    one = worker(db, fail)
    for _ in range(ATTEMPTS_MAX):
        one.run_once()
        clock.forward(hours=1)
    enqueue(db)
    one.run_once()
    assert (row(db)["status"], row(db)["attempts"]) == ("queued", 1)


@pytest.mark.parametrize("error", [PeerUnavailable("assessor"), ConnectionRefusedError(), TimeoutError()])
def test_a_job_that_fails_because_something_is_away_is_never_given_up(
    db: Database, clock: FixedClock, error: Exception
) -> None:
    enqueue(db)

    def away(_: Sequence[Job]) -> None:
        raise error

    one = worker(db, away)
    for _ in range(ATTEMPTS_MAX + 2):
        assert one.run_once() == 1
        clock.forward(hours=1)
    assert row(db)["status"] == "queued"


def test_one_of_several_that_fails_keeps_no_other_from_being_done(db: Database) -> None:
    calls: list[str] = []
    for key in "abc":
        enqueue(db, key)

    def all_but_b(batch: Sequence[Job]) -> None:
        calls.append("".join(job.key for job in batch))
        if "b" in calls[-1]:
            raise RuntimeError(toy.SECRET)

    assert worker(db, all_but_b).run_once() == 3
    assert calls == ["abc", "a", "bc", "b", "c"]
    assert (row(db)["key"], row(db)["attempts"], row(db)["lease"]) == ("b", 1, None)


def test_what_a_batch_has_finished_before_it_failed_is_not_done_again(db: Database) -> None:
    calls: list[str] = []
    for key in "abc":
        enqueue(db, key)

    def half(batch: Sequence[Job]) -> None:
        calls.append("".join(job.key for job in batch))
        if len(batch) > 1:
            with db.begin() as tx:
                jobs.finish(tx, batch[0])
            raise RuntimeError

    assert worker(db, half).run_once() == 3
    assert calls == ["abc", "b", "c"]
    assert toy.rows(db, "jobs") == 0


def test_one_of_several_that_is_asked_for_again_keeps_no_other_from_being_done(db: Database) -> None:
    for key in "abc":
        enqueue(db, key)
    done: list[str] = []

    def together(batch: Sequence[Job]) -> None:
        if len(batch) > 1:
            enqueue(db, "b", {"n": 2})
        with db.begin() as tx:
            for job in batch:
                tx.execute(sa.insert(toy.applied).values(key=job.key, type="x", n=1))
                jobs.finish(tx, job)
        done.extend(job.key for job in batch)

    assert worker(db, together).run_once() == 3
    assert done == ["a", "c"]
    assert toy.rows(db, "applied") == 2
    assert (row(db)["key"], row(db)["arguments"]) == ("b", {"n": 2})


@pytest.mark.parametrize("error", [PeerUnavailable, NotYet])
def test_several_that_cannot_be_done_now_wait_together(db: Database, error: type[Exception]) -> None:
    calls: list[int] = []
    for key in "abc":
        enqueue(db, key)

    def away(batch: Sequence[Job]) -> None:
        calls.append(len(batch))
        raise error

    assert worker(db, away).run_once() == 3
    assert calls == [3]
    assert attempts(db) == [1, 1, 1]


def test_an_outage_amid_a_batch_that_failed_leaves_the_others_to_another_turn(db: Database) -> None:
    calls: list[str] = []
    for key in "abcd":
        enqueue(db, key)

    def worse_and_worse(batch: Sequence[Job]) -> None:
        calls.append("".join(job.key for job in batch))
        raise RuntimeError if len(batch) > 2 else PeerUnavailable

    assert worker(db, worse_and_worse).run_once() == 4
    assert calls == ["abcd", "ab"]
    assert attempts(db) == [1, 1, 0, 0]


def test_one_poisoned_job_of_many_costs_few_calls(db: Database) -> None:
    calls: list[int] = []
    for number in range(64):
        enqueue(db, f"k{number:02}")

    def all_but_one(batch: Sequence[Job]) -> None:
        calls.append(len(batch))
        if "k40" in {job.key for job in batch}:
            raise RuntimeError

    assert worker(db, all_but_one, batch=64).run_once() == 64
    assert len(calls) == 1 + 2 * 6
    assert row(db)["key"] == "k40"


def test_two_workers_never_claim_the_same_job(db: Database) -> None:
    for n in range(20):
        enqueue(db, f"k{n}")
    kind = JobKind(run=fail, batch=5)
    with db.begin() as tx:  # as if another worker were in the middle of claiming
        tx.execute(sa.text("select id from jobs order by id limit 5 for update"))
        claimed = worker(db, fail)._claim("mail", kind)
    assert len(claimed) == 5
    assert {job.key for job in claimed}.isdisjoint({f"k{n}" for n in range(5)})


def test_a_quarantined_database_does_no_jobs(db: Database) -> None:
    enqueue(db)
    done: list[Job] = []
    one = worker(db, done.extend)
    with db.begin() as tx:
        quarantine.begin(tx)
    assert (one.run_once(), done) == (0, [])
    with db.begin() as tx:
        quarantine.lift(tx)
    assert one.run_once() == 1
