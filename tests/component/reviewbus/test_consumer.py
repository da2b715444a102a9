"""The consumer: each record's effect once and in order, and nothing skipped when something fails."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from component.reviewbus import toy
from reviewbus import clock as real_clock
from reviewbus import quarantine
from reviewbus.broker import BrokerDown
from reviewbus.consumer import DEAD_IN_A_ROW_MAX, TRIES_MAX, Applier, Consumer, TooManyDeadLetters
from reviewbus.tables import dead_letter, inbox, outbox

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reviewbus.broker import Place, Record
    from reviewbus.db import Database, Tx
    from reviewbus.envelope import Received
    from reviewbus.settings import BusSettings


@dataclass
class Feed:
    """A subscription whose records a test hands over; notes commits and whether it is paused."""

    waiting: list[list[Record]] = field(default_factory=list)
    committed: dict[Place, int] = field(default_factory=dict)
    taken: set[Place] = field(default_factory=set)
    paused: bool = False

    def poll(self, timeout_s: float, limit: int) -> list[Record]:  # noqa: ARG002 -- nothing here waits
        return self.waiting.pop(0) if self.waiting and not self.paused else []

    def commit(self, offsets: Mapping[Place, int]) -> None:
        self.committed |= offsets

    def pause(self) -> None:
        self.paused = True

    def resume(self) -> None:
        self.paused = False

    def lost(self) -> set[Place]:
        taken, self.taken = self.taken, set()
        return taken

    def close(self) -> None:
        """Nothing is held."""


@dataclass
class Bench:
    """A consumer of the toy, the feed before it and a clock that goes on by a minute each round."""

    db: Database
    feed: Feed
    consumer: Consumer

    def take(self, *records: Record, rounds: int = 1) -> int:
        """Feed one batch and turn; return how many records were settled."""
        if records:
            self.feed.waiting.append(list(records))
        return sum(self.consumer.run_once(0) for _ in range(rounds))


def bench_of(db: Database, handlers: Mapping[str, Any] = toy.SINGLE) -> Bench:
    minutes = iter(range(0, 1_000_000, 60))
    feed = Feed()
    applier = Applier(handlers, toy.catalogue())
    return Bench(db, feed, Consumer(db, feed, applier, monotonic=lambda: float(next(minutes))))


@pytest.fixture
def bench(db: Database) -> Bench:
    return bench_of(db)


def is_paused(bench: Bench) -> bool:
    return bench.feed.paused


def statuses(db: Database) -> list[tuple[str, int, str, str]]:
    """Return key, offset, status and reason of everything put aside, in order."""
    names = (dead_letter.c.key, dead_letter.c.position, dead_letter.c.status, dead_letter.c.reason)
    with db.begin() as tx:
        return [tuple(row) for row in tx.execute(sa.select(*names).order_by(dead_letter.c.id))]


def in_order(*keys_and_numbers: tuple[str, int], kind: str = toy.HAPPENED) -> list[Record]:
    """Return records with rising offsets in one partition."""
    return [toy.record(key, n, kind, offset=offset, partition=0) for offset, (key, n) in enumerate(keys_and_numbers)]


def test_a_record_is_applied_once_however_often_it_comes(bench: Bench) -> None:
    record = toy.record("k", 1)
    again = replace(record, offset=5)
    assert bench.take(record, record, again) == 3
    assert bench.take(replace(record, offset=6)) == 1
    assert toy.noted(bench.db) == [("k", 1)]
    assert bench.feed.committed == {record.place: 7}


@pytest.mark.parametrize("handlers", [toy.SINGLE, toy.IN_BATCHES], ids=["single", "batched"])
def test_both_forms_of_a_handler_apply_a_mixed_batch_alike_and_in_order(
    db: Database, handlers: Mapping[str, Any]
) -> None:
    bench = bench_of(db, handlers)
    records = [
        toy.record(key, n, toy.RENAMED if (n + index) % 3 == 0 else toy.HAPPENED, offset=n * 10 + index, partition=0)
        for n in range(1, 8)
        for index, key in enumerate(["a", "b", "c"])
    ]
    assert bench.take(*records) == len(records)
    assert {key: toy.numbers(db, key) for key in "abc"} == {key: [1, 2, 3, 4, 5, 6, 7] for key in "abc"}
    with db.begin() as tx:
        by_type = tx.execute(sa.select(toy.applied.c.key, toy.applied.c.n, toy.applied.c.type)).all()
    assert {(row.key, row.n): row.type for row in by_type} == {
        (r.key.decode(), (r.offset - index) // 10): kind_of(r)  # type: ignore[union-attr]
        for r in records
        for index in ["abc".index(r.key.decode())]  # type: ignore[union-attr]
    }


def kind_of(record: Record) -> str:
    return dict(record.headers)["ce_type"].decode()


def test_types_that_nobody_here_reads_are_passed_over_without_a_trace(bench: Bench) -> None:
    assert bench.take(toy.record("k", 1, toy.OTHER, offset=3)) == 1
    assert bench.take(toy.record("k", 1, offset=4, headers=((b"ce_type".decode(), b"never.heard-of.v1"),))) == 1
    assert toy.noted(bench.db) == []
    assert toy.rows(bench.db, "inbox") == 0
    assert sorted(bench.feed.committed.values()) == [4, 5]


def test_unknown_fields_of_a_newer_producer_are_accepted(bench: Bench) -> None:
    bench.take(toy.record("k", 4, value=b'{"thing_id": "k", "n": 4, "added_later": [1]}'))
    assert toy.noted(bench.db) == [("k", 4)]


@pytest.mark.parametrize("handlers", [toy.SINGLE, toy.IN_BATCHES], ids=["single", "batched"])
def test_one_poisonous_record_parks_its_key_and_harms_no_other(db: Database, handlers: Mapping[str, Any]) -> None:
    bench = bench_of(db, handlers)
    settled = bench.take(*in_order(("a", 1), ("bad", toy.POISON), ("b", 1), ("bad", 2), ("a", 2)))
    assert settled == 3
    assert bench.feed.paused
    assert bench.feed.committed == {(toy.THINGS, 0): 1}
    assert toy.noted(db) == [("a", 1), ("b", 1), ("a", 2)]
    assert bench.take(rounds=TRIES_MAX - 1) == 2
    assert statuses(db) == [("bad", 1, "dead", "KeyError"), ("bad", 3, "waiting", "key-parked")]
    assert not is_paused(bench)
    assert bench.feed.committed == {(toy.THINGS, 0): 5}
    bench.take(toy.record("bad", 3, offset=5, partition=0), toy.record("a", 3, offset=6, partition=0))
    assert toy.numbers(db, "a") == [1, 2, 3]
    assert toy.numbers(db, "bad") == []
    assert statuses(db)[-1] == ("bad", 5, "waiting", "key-parked")
    assert bench.feed.committed == {(toy.THINGS, 0): 7}


def test_several_failing_keys_are_waited_for_no_longer_than_one(bench: Bench) -> None:
    bench.take(*in_order(*((f"bad{n}", toy.POISON) for n in range(12))))
    assert bench.consumer._failures == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"value": b"no json"},
        {"value": b"[1]"},
        {"value": None},
        {"value": b'{"thing_id": "bad"}'},
        {"value": b"[" * 100_000},
        {"headers": ()},
        {"headers": (("ce_type", b"thing.happened.v1"), ("ce_id", b"no uuid"))},
        {"key": b"\x00\xff", "value": b"\x00"},
        {"headers": (("\x00", b"\x00"),), "key": b"\x00\xff"},
    ],
)
def test_what_cannot_be_read_is_put_aside_at_once_and_the_rest_goes_on(bench: Bench, changes: dict[str, Any]) -> None:
    unreadable = toy.record("bad", 1, offset=0, partition=0, **{"topic": toy.THINGS, **changes})
    assert bench.take(unreadable, toy.record("good", 1, offset=1, partition=0)) == 2
    assert toy.noted(bench.db) == [("good", 1)]
    assert [row[1:] for row in statuses(bench.db)] == [(0, "dead", "contract-broken")]
    assert bench.feed.committed == {(toy.THINGS, 0): 2}


def test_a_database_that_is_away_holds_everything_and_skips_nothing(db: Database, bus: BusSettings) -> None:
    bench = bench_of(toy.open_database(toy.with_unreachable_database(bus)))
    records = in_order(("a", 1), ("b", 1), ("a", 2))
    assert bench.take(*records, rounds=3) == 0
    assert bench.feed.paused
    assert bench.feed.committed.get((toy.THINGS, 0), 0) == 0
    bench.consumer._db = db
    assert bench.take() == 3
    assert toy.noted(db) == [("a", 1), ("b", 1), ("a", 2)]
    assert bench.feed.committed == {(toy.THINGS, 0): 3}
    assert not bench.feed.paused


def test_a_connection_that_breaks_within_a_batch_repeats_the_batch(db: Database, bus: BusSettings) -> None:
    broken: list[int] = []

    def handle(tx: Tx, received: Received) -> None:
        toy.note(tx, received)
        if not broken:
            broken.append(1)
            toy.end_connections(bus)

    bench = bench_of(db, {toy.HAPPENED: handle})
    assert bench.take(*in_order(("a", 1), ("b", 1))) == 0
    assert statuses(db) == []
    assert bench.take() == 2
    assert toy.noted(db) == [("a", 1), ("b", 1)]


def test_a_database_that_goes_away_while_a_record_is_put_aside_loses_none(db: Database, bus: BusSettings) -> None:
    bench = bench_of(db)
    unreadable = toy.record("bad", 1, offset=0, partition=0, value=b"no json")
    original = bench.consumer._refuse_many

    def break_first(tx: Tx, place: Place) -> None:
        bench.consumer._refuse_many = original  # type: ignore[method-assign]
        toy.end_connections(bus)
        original(tx, place)

    bench.consumer._refuse_many = break_first  # type: ignore[method-assign]
    assert bench.take(unreadable, toy.record("good", 1, offset=1, partition=0)) == 0
    assert bench.feed.committed.get((toy.THINGS, 0), 0) == 0
    assert bench.take() == 2
    assert statuses(db) == [("bad", 0, "dead", "contract-broken")]
    assert toy.noted(db) == [("good", 1)]


def test_quarantine_holds_every_record_until_it_is_lifted(bench: Bench) -> None:
    with bench.db.begin() as tx:
        quarantine.begin(tx)
    assert bench.take(toy.record("k", 1), rounds=3) == 0
    assert statuses(bench.db) == []
    with bench.db.begin() as tx:
        quarantine.lift(tx)
    assert bench.take() == 1
    assert toy.noted(bench.db) == [("k", 1)]


def test_many_dead_letters_in_a_row_stop_the_consumer_and_its_successors(bench: Bench) -> None:
    bad = [toy.record(f"bad{n}", 1, offset=n, partition=0, value=b"no json") for n in range(DEAD_IN_A_ROW_MAX + 5)]
    with pytest.raises(TooManyDeadLetters):
        bench.take(*bad)
    assert len(statuses(bench.db)) == DEAD_IN_A_ROW_MAX
    assert bench.feed.committed == {}
    successor = bench_of(bench.db)
    with pytest.raises(TooManyDeadLetters):
        successor.take(*bad)
    assert len(statuses(bench.db)) == DEAD_IN_A_ROW_MAX


def test_dead_letters_with_good_records_between_them_stop_nobody(bench: Bench) -> None:
    for n in range(DEAD_IN_A_ROW_MAX + 5):
        bench.take(toy.record(f"bad{n}", 1, offset=2 * n, partition=0, value=b"no json"))
        bench.take(toy.record("good", n + 100, offset=2 * n + 1, partition=0))
    assert len(statuses(bench.db)) == DEAD_IN_A_ROW_MAX + 5


def test_what_is_held_of_a_partition_that_was_taken_away_is_dropped(bench: Bench) -> None:
    with bench.db.begin() as tx:
        quarantine.begin(tx)
    kept, lost = toy.record("kept", 1, partition=1), toy.record("lost", 1, partition=2)
    bench.take(kept, lost)
    bench.feed.taken = {lost.place}
    with bench.db.begin() as tx:
        quarantine.lift(tx)
    assert bench.take() == 1
    assert toy.noted(bench.db) == [("kept", 1)]
    assert lost.place not in bench.feed.committed or bench.feed.committed[lost.place] == 0


def test_a_consumer_that_lost_all_that_it_held_reads_on(bench: Bench) -> None:
    with bench.db.begin() as tx:
        quarantine.begin(tx)
    lost = toy.record("lost", 1, partition=2)
    bench.take(lost)
    bench.feed.taken = {lost.place}
    with bench.db.begin() as tx:
        quarantine.lift(tx)
    assert bench.take(toy.record("next", 1, partition=1)) == 1


def test_offsets_are_committed_after_the_database(db: Database) -> None:
    seen: list[int] = []

    class Watching(Feed):
        def commit(self, offsets: Mapping[Place, int]) -> None:
            seen.append(toy.rows(db, "applied"))
            super().commit(offsets)

    feed = Watching(waiting=[[toy.record("k", 1)]])
    Consumer(db, feed, Applier(toy.SINGLE, toy.catalogue())).run_once(0)
    assert seen == [1]


def test_an_offset_that_the_broker_did_not_take_is_committed_once_it_is_back(db: Database) -> None:
    class Away(Feed):
        away = True

        def commit(self, offsets: Mapping[Place, int]) -> None:
            if self.away:
                raise BrokerDown
            super().commit(offsets)

    record = toy.record("k", 1, offset=4)
    feed = Away(waiting=[[record]])
    consumer = Consumer(db, feed, Applier(toy.SINGLE, toy.catalogue()))
    assert [consumer.run_once(0), consumer.run_once(0)] == [1, 0]
    feed.away = False
    consumer.run_once(0)
    assert feed.committed == {record.place: 5}


def test_what_is_owed_for_a_place_that_was_taken_away_is_its_new_owners(db: Database) -> None:
    record = toy.record("k", 1, offset=4)

    class Away(Feed):
        away = True

        def poll(self, timeout_s: float, limit: int) -> list[Record]:
            if not self.waiting:
                self.taken = {record.place}
            return super().poll(timeout_s, limit)

        def commit(self, offsets: Mapping[Place, int]) -> None:
            if self.away:
                raise BrokerDown
            super().commit(offsets)

    feed = Away(waiting=[[record]])
    consumer = Consumer(db, feed, Applier(toy.SINGLE, toy.catalogue()))
    consumer.run_once(0)
    feed.away = False
    consumer.run_once(0)
    assert feed.committed == {}


def test_after_the_broker_has_forgotten_its_records_offsets_begin_anew(db: Database) -> None:
    before, after = toy.record("k", 1, offset=1_000), toy.record("k", 2, offset=0)
    feed = Feed(waiting=[[before], [after]])
    consumer = Consumer(db, feed, Applier(toy.SINGLE, toy.catalogue()))
    assert [consumer.run_once(0), consumer.run_once(0)] == [1, 1]
    assert feed.committed == {after.place: 1}


def test_what_a_handler_emits_is_stored_with_its_effect_and_names_its_cause(db: Database) -> None:
    def answer(tx: Tx, received: Received) -> None:
        tx.emit(toy.event(received.key, 2, toy.OTHER))

    cause = toy.record("k", 1)
    bench_of(db, {toy.HAPPENED: answer}).take(cause)
    with db.begin() as tx:
        headers = tx.execute(sa.select(outbox.c.headers)).scalar_one()
    before = dict(cause.headers)
    assert headers["ce_causationid"] == before["ce_id"].decode()
    assert headers["ce_correlationid"] == before["ce_correlationid"].decode()
    assert headers["traceparent"][:35] == before["traceparent"].decode()[:35]


def test_the_inbox_remembers_by_the_week(bench: Bench) -> None:
    bench.take(toy.record("k", 1))
    with bench.db.begin() as tx:
        where = tx.execute(sa.select(sa.literal_column("tableoid::regclass::text")).select_from(inbox)).scalar_one()
    now = real_clock.utc_now()
    assert where == f"inbox_{now - timedelta(days=now.weekday()):%Y%m%d}"


def test_records_of_many_batches_keep_their_order(bench: Bench) -> None:
    batches: Sequence[Sequence[Record]] = [
        in_order(*((key, batch * 10 + n) for n in range(3) for key in "ab")) for batch in range(2, 6)
    ]
    for batch in batches:
        bench.take(*batch)
    assert toy.numbers(bench.db, "a") == [batch * 10 + n for batch in range(2, 6) for n in range(3)]
