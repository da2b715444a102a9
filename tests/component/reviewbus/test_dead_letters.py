"""What a person decides about records that could not be applied."""

from __future__ import annotations

import dataclasses
import threading
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from component.reviewbus import toy
from reviewbus import dead_letters
from reviewbus.consumer import Applier
from reviewbus.tables import audit, dead_letter

if TYPE_CHECKING:
    from reviewbus.broker import Record
    from reviewbus.db import Database, Tx


@pytest.fixture
def applier() -> Applier:
    return Applier(toy.SINGLE, toy.catalogue())


def park(db: Database, *records: Record) -> int:
    """Put the first record aside as dead, the others behind it; return the dead one's id."""
    with db.begin() as tx:
        dead_letters.put_aside(tx, records[0], status=dead_letters.DEAD, reason="KeyError")
        for record in records[1:]:
            assert dead_letters.put_behind(tx, record)
        return int(tx.execute(sa.select(sa.func.min(dead_letter.c.id))).scalar_one())


def three() -> list[Record]:
    return [toy.record("k", n, offset=n, partition=0) for n in (1, 2, 3)]


def test_a_replay_applies_the_dead_record_and_those_behind_it_in_order(db: Database, applier: Applier) -> None:
    dead = park(db, *three())
    with db.begin() as tx:
        assert dead_letters.replay(tx, dead, applier.apply_one, actor="olga") == 3
    assert toy.numbers(db, "k") == [1, 2, 3]
    with db.begin() as tx:
        assert dead_letters.listing(tx) == []
        entry = tx.execute(sa.select(audit)).one()
    assert (entry.actor, entry.role, entry.action, entry.object_id) == (
        "olga",
        "operator",
        "dlq-replay",
        "toys.things.v1/k",
    )


def test_a_discard_drops_the_dead_record_and_applies_those_behind_it(db: Database, applier: Applier) -> None:
    dead = park(db, *three())
    with db.begin() as tx:
        assert dead_letters.discard(tx, dead, applier.apply_one, actor="olga") == 2
    assert toy.numbers(db, "k") == [2, 3]
    with db.begin() as tx:
        assert tx.execute(sa.select(audit.c.action)).scalars().all() == ["dlq-discard"]


def test_a_discard_drops_the_repeats_of_the_dead_record_as_well(db: Database, applier: Applier) -> None:
    poison = toy.record("k", toy.POISON, offset=1, partition=0)
    good = toy.record("k", 2, offset=3, partition=0)
    dead = park(db, poison, dataclasses.replace(poison, offset=2), good)
    with db.begin() as tx:
        assert dead_letters.discard(tx, dead, applier.apply_one, actor="olga") == 1
    assert toy.numbers(db, "k") == [2]
    assert toy.rows(db, "dead_letter") == 0


def test_a_replay_that_fails_changes_nothing(db: Database, applier: Applier) -> None:
    dead = park(db, toy.record("k", toy.POISON, offset=1), toy.record("k", 2, offset=2))
    with pytest.raises(KeyError), db.begin() as tx:
        dead_letters.replay(tx, dead, applier.apply_one, actor="olga")
    assert toy.noted(db) == []
    assert (toy.rows(db, "dead_letter"), toy.rows(db, "audit"), toy.rows(db, "inbox")) == (2, 0, 0)


def test_a_waiting_record_that_cannot_be_applied_becomes_the_dead_one(db: Database, applier: Applier) -> None:
    first, poison, last = (
        toy.record("k", 1, offset=1),
        toy.record("k", toy.POISON, offset=2),
        toy.record("k", 3, offset=3),
    )
    dead = park(db, first, poison, last)
    with db.begin() as tx:
        assert dead_letters.replay(tx, dead, applier.apply_one, actor="olga") == 1
    assert toy.numbers(db, "k") == [1]
    with db.begin() as tx:
        left = dead_letters.listing(tx)
    assert [(one["status"], one["reason"]) for one in left] == [("dead", "KeyError"), ("waiting", "key-parked")]
    with db.begin() as tx:
        assert dead_letters.discard(tx, left[0]["id"], applier.apply_one, actor="olga") == 1
    assert toy.numbers(db, "k") == [1, 3]


def test_a_record_that_only_waits_cannot_be_replayed_by_itself(db: Database, applier: Applier) -> None:
    dead = park(db, *three())
    for unknown in (dead + 1, 4711):
        with pytest.raises(dead_letters.NoSuchLetter), db.begin() as tx:
            dead_letters.replay(tx, unknown, applier.apply_one, actor="olga")


def test_a_record_that_comes_again_is_put_aside_once(db: Database) -> None:
    record = toy.record("k", 1, offset=1)
    park(db, record)
    park(db, record)
    assert toy.rows(db, "dead_letter") == 1


def test_a_letter_shows_its_headers_and_body(db: Database) -> None:
    dead = park(db, *three())
    with db.begin() as tx:
        shown = dead_letters.show(tx, dead)
    assert (shown["key"], shown["body"], shown["reason"]) == ("k", '{"thing_id": "k", "n": 1}', "KeyError")
    with db.begin() as tx, pytest.raises(dead_letters.NoSuchLetter):
        dead_letters.show(tx, 4711)


def test_a_record_that_arrives_during_a_replay_does_not_stay_behind_alone(db: Database, applier: Applier) -> None:
    dead = park(db, *three())
    late = toy.record("k", 4, offset=4, partition=0)
    put_behind: list[bool] = []

    def arrive() -> None:
        with db.begin() as tx:
            put_behind.append(dead_letters.put_behind(tx, late))

    arrival = threading.Thread(target=arrive)

    def apply_and_let_it_arrive(tx: Tx, record: Record) -> None:
        applier.apply_one(tx, record)
        if arrival.ident is None:
            arrival.start()
            wait_until_blocked(db)

    with db.begin() as tx:
        dead_letters.replay(tx, dead, apply_and_let_it_arrive, actor="olga")
    arrival.join(20)
    assert put_behind == [False]
    assert toy.rows(db, "dead_letter") == 0


def test_a_record_put_behind_just_before_a_replay_is_taken_along(db: Database, applier: Applier) -> None:
    dead = park(db, *three())
    applied: list[int] = []

    def replay() -> None:
        with db.begin() as tx:
            applied.append(dead_letters.replay(tx, dead, applier.apply_one, actor="olga"))

    operator = threading.Thread(target=replay)
    with db.begin() as tx:
        assert dead_letters.put_behind(tx, toy.record("k", 4, offset=4, partition=0))
        operator.start()
        wait_until_blocked(db)
    operator.join(20)
    assert applied == [4]
    assert toy.numbers(db, "k") == [1, 2, 3, 4]


def wait_until_blocked(db: Database) -> None:
    """Return once some session of this database waits for a lock."""
    waiting = sa.text(
        "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    )
    for _ in range(5_000):
        with db.engine.connect() as connection:
            if connection.execute(waiting).scalar_one():
                return
    raise AssertionError("nobody waits")
