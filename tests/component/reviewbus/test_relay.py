"""The outbox and its relay: in order, nothing lost, nothing deleted that was not acknowledged."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import psycopg
import pytest
import sqlalchemy as sa

from component.reviewbus import toy
from reviewbus import dead_letters
from reviewbus.broker import Failure
from reviewbus.catalogue import ContractBroken
from reviewbus.db import libpq_url
from reviewbus.envelope import SHARDS, Event
from reviewbus.outbox import Notifier
from reviewbus.relay import Relay
from reviewbus.tables import audit, outbox, outbox_dead

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from reviewbus.broker import Outgoing
    from reviewbus.db import Database
    from reviewbus.settings import BusSettings
    from reviewbus.testing.memory_broker import MemoryBroker


@dataclass
class Wire:
    """A producer that a test tells what to refuse; keeps what it acknowledged."""

    refuse: dict[str, Failure] = field(default_factory=dict)
    sent: list[Outgoing] = field(default_factory=list)
    meanwhile: Callable[[], None] = lambda: None

    def publish(self, records: Sequence[Outgoing]) -> list[Failure | None]:
        self.meanwhile()
        results = [self.refuse.get(f"{one.key.decode()}:{number_of(one)}") for one in records]
        self.sent += [one for one, failure in zip(records, results, strict=True) if failure is None]
        return results

    def close(self) -> None:
        """Nothing is held."""

    def numbers(self) -> dict[str, list[int]]:
        by_key: dict[str, list[int]] = defaultdict(list)
        for one in self.sent:
            by_key[one.key.decode()].append(number_of(one))
        return dict(by_key)


def number_of(record: Outgoing) -> int:
    return int(dict(record.headers)["ce_sequence"])


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def relay(bus: BusSettings, wire: Wire) -> Iterator[Relay]:
    one = Relay(bus, wire)
    yield one
    one.close()


def keys(count: int) -> list[str]:
    return [f"k{n}" for n in range(count)]


def turn_until_shared(*relays: Relay) -> None:
    """Turn the relays, without waiting for their next look at each other, until all shards have one owner."""
    for _ in range(500):  # the server frees a closed connection's locks soon, not at once
        for one in relays:
            one._balanced_at = -100.0
            one.run_once()
        held = [set(one._shards) for one in relays]
        if set().union(*held) == set(range(SHARDS)) and max(map(len, held)) == SHARDS // len(relays):
            break
    assert sorted(shard for one in relays for shard in one._shards) == list(range(SHARDS))


def test_records_of_a_key_are_sent_in_the_order_of_their_commits(db: Database, relay: Relay, wire: Wire) -> None:
    for n in range(1, 6):
        toy.emit(db, *(toy.event(key, n) for key in keys(7)))
    assert relay.run_once() == 35
    assert wire.numbers() == {key: [1, 2, 3, 4, 5] for key in keys(7)}
    assert toy.rows(db, "outbox") == 0
    assert relay.measure() == (0, 0.0)


def test_a_round_takes_no_more_than_its_batch(db: Database, bus: BusSettings, wire: Wire) -> None:
    toy.emit(db, *(toy.event("k", n) for n in range(1, 6)))
    relay = Relay(replace(bus, relay_batch=2), wire)
    assert [relay.run_once() for _ in range(4)] == [2, 2, 1, 0]
    assert wire.numbers() == {"k": [1, 2, 3, 4, 5]}
    relay.close()


def test_a_row_that_commits_late_with_a_lower_id_is_still_sent(db: Database, relay: Relay, wire: Wire) -> None:
    with db.begin() as slow:
        slow.emit(toy.event("slow"))
        slow.flush()
        toy.emit(db, toy.event("fast"))
        assert relay.run_once() == 1
        assert wire.numbers() == {"fast": [1]}
    assert relay.run_once() == 1
    assert wire.numbers() == {"fast": [1], "slow": [1]}


def test_nothing_is_deleted_without_an_acknowledgement(db: Database, relay: Relay, wire: Wire) -> None:
    toy.emit(db, toy.event("k", 1), toy.event("k", 2))
    wire.refuse = {"k:1": Failure("away", permanent=False), "k:2": Failure("away", permanent=False)}
    assert relay.run_once() == 0
    assert toy.rows(db, "outbox") == 2
    wire.refuse = {}
    assert relay.run_once() == 2
    assert wire.numbers() == {"k": [1, 2]}


def test_a_failure_keeps_the_later_rows_of_its_key_and_lets_other_keys_flow(
    db: Database, relay: Relay, wire: Wire
) -> None:
    toy.emit(db, toy.event("a", 1), toy.event("b", 1), toy.event("a", 2), toy.event("b", 2), toy.event("a", 3))
    wire.refuse = {"a:2": Failure("away", permanent=False)}
    assert relay.run_once() == 3
    with db.begin() as tx:
        left = tx.execute(sa.select(outbox.c.key, outbox.c.headers).order_by(outbox.c.id)).all()
    assert [(row.key, int(row.headers["ce_sequence"])) for row in left] == [("a", 2), ("a", 3)]
    wire.refuse = {}
    relay.run_once()
    assert wire.numbers()["a"] == [1, 3, 2, 3]  # what this broker took too early comes again, at its place


def refuse_for_good(db: Database, relay: Relay, wire: Wire) -> int:
    """Bury the first record of key `a`, with two behind it and another key beside; return its id."""
    toy.emit(db, toy.event("a", 1), toy.event("b", 1))
    wire.refuse = {"a:1": Failure("MessageSizeTooLargeError", permanent=True)}
    relay.run_once()
    toy.emit(db, toy.event("a", 2), toy.event("b", 2), toy.event("a", 3))
    relay.run_once()
    wire.refuse = {}
    with db.begin() as tx:
        return int(tx.execute(sa.select(outbox_dead.c.id)).scalar_one())


def test_a_record_refused_for_good_is_put_aside_and_its_key_waits(db: Database, relay: Relay, wire: Wire) -> None:
    refuse_for_good(db, relay, wire)
    assert relay.run_once() == 0
    assert wire.numbers() == {"b": [1, 2]}
    assert (toy.rows(db, "outbox"), toy.rows(db, "outbox_dead")) == (2, 1)


def test_a_replayed_outgoing_record_goes_before_those_that_waited(db: Database, relay: Relay, wire: Wire) -> None:
    dead = refuse_for_good(db, relay, wire)
    with db.begin() as tx:
        dead_letters.replay_outgoing(tx, dead, actor="olga")
    relay.run_once()
    assert wire.numbers() == {"b": [1, 2], "a": [1, 2, 3]}
    with db.begin() as tx:
        assert tuple(tx.execute(sa.select(audit.c.actor, audit.c.action)).one()) == ("olga", "dlq-replay-out")


def test_a_discarded_outgoing_record_frees_its_key(db: Database, relay: Relay, wire: Wire) -> None:
    dead = refuse_for_good(db, relay, wire)
    with db.begin() as tx:
        dead_letters.discard_outgoing(tx, dead, actor="olga")
    relay.run_once()
    assert wire.numbers() == {"b": [1, 2], "a": [2, 3]}
    with db.begin() as tx, pytest.raises(dead_letters.NoSuchLetter):
        dead_letters.discard_outgoing(tx, dead, actor="olga")


def test_two_relays_share_the_shards_evenly_and_a_lone_one_takes_all_again(bus: BusSettings) -> None:
    one, other = Relay(bus, Wire()), Relay(bus, Wire())
    turn_until_shared(one)
    turn_until_shared(one, other)
    assert (len(one._shards), len(other._shards)) == (SHARDS // 2, SHARDS // 2)
    one.close()
    turn_until_shared(other)
    other.close()


def test_two_relays_never_both_send_a_key_and_leave_nothing(db: Database, bus: BusSettings) -> None:
    wires = Wire(), Wire()
    relays = [Relay(bus, wire) for wire in wires]
    turn_until_shared(*relays)
    for n in range(1, 4):
        toy.emit(db, *(toy.event(key, n) for key in keys(40)))
    for one in relays:
        one.run_once()
    by_key = [wire.numbers() for wire in wires]
    assert not set(by_key[0]) & set(by_key[1])
    assert by_key[0] | by_key[1] == {key: [1, 2, 3] for key in keys(40)}
    assert all(by_key)
    for one in relays:
        one.close()


def test_a_relay_that_loses_its_connection_stops_and_begins_anew(
    db: Database, bus: BusSettings, relay: Relay, wire: Wire
) -> None:
    relay.run_once()
    toy.emit(db, toy.event("k", 1))
    toy.end_connections(bus)
    db.engine.dispose()
    with pytest.raises(psycopg.OperationalError):
        relay.run_once()
    assert wire.sent == []
    other = Relay(bus, Wire())
    turn_until_shared(other)  # the shards are free
    other.close()
    toy.emit(db, toy.event("k", 2))
    assert relay.run_once() == 1


def test_rows_acknowledged_after_the_connection_was_lost_are_sent_again(
    db: Database, bus: BusSettings, relay: Relay, wire: Wire
) -> None:
    toy.emit(db, toy.event("k", 1))
    wire.meanwhile = lambda: toy.end_connections(bus)
    with pytest.raises(psycopg.OperationalError):
        relay.run_once()
    wire.meanwhile = lambda: None
    db.engine.dispose()
    assert toy.rows(db, "outbox") == 1
    assert relay.run_once() == 1
    assert wire.numbers() == {"k": [1, 1]}


def test_a_relay_is_woken_after_a_commit(bus: BusSettings, db: Database, relay: Relay) -> None:
    relay.run_once()
    notifier = Notifier(bus)
    db.notify = notifier.wake
    toy.emit(db, toy.event("k"))
    relay.wait(30)  # pytest's time limit is longer than this test may take only if nobody wakes it
    assert relay.run_once() == 1
    notifier.close()


def test_a_notification_that_comes_during_a_round_is_not_lost(bus: BusSettings, db: Database, relay: Relay) -> None:
    relay.run_once()
    with psycopg.connect(libpq_url(bus.database_url), autocommit=True) as connection:
        connection.execute("NOTIFY outbox")
    relay.run_once()
    relay.wait(30)


def test_a_transaction_without_events_wakes_nobody(db: Database) -> None:
    woken = Counter[str]()
    db.notify = lambda: woken.update(["woken"])
    with db.begin() as tx:
        tx.execute(sa.insert(toy.applied).values(key="k", type="x", n=1))
    with pytest.raises(ContractBroken):
        toy.emit(db, toy.event("k"), toy.event("k", kind="never.heard-of.v1"))
    assert not woken
    toy.emit(db, toy.event("k"))
    assert woken == {"woken": 1}


@pytest.mark.parametrize(
    "broken",
    [
        Event(type=toy.HAPPENED, key="k", data={"thing_id": "k"}),
        Event(type=toy.HAPPENED, key="k", data={"thing_id": "k", "n": 1, "text": "more than was agreed"}),
        Event(type="never.heard-of.v1", key="k", data={}),
    ],
)
def test_an_event_that_breaks_its_contract_rolls_everything_back(db: Database, broken: Event) -> None:
    def command() -> None:
        with db.begin() as tx:
            tx.execute(sa.insert(toy.applied).values(key="k", type="x", n=1))
            tx.emit(toy.event("k"))
            tx.emit(broken)

    with pytest.raises(ContractBroken):
        command()
    assert (toy.rows(db, "applied"), toy.rows(db, "outbox")) == (0, 0)


def test_what_the_outbox_keeps_is_what_the_broker_gets(db: Database, relay: Relay, broker: MemoryBroker) -> None:
    toy.emit(db, toy.event("k", 7))
    relay._producer = broker.producer()
    assert relay.run_once() == 1
    (record,) = broker.records()
    assert (record.topic, record.key, record.value) == (toy.THINGS, b"k", b'{"thing_id": "k", "n": 7}')
    assert dict(record.headers)["ce_source"] == b"/toy"
