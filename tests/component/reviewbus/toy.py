"""A service as small as possible: one table that notes what was applied, three event types, a handful of operations."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from zlib import crc32

import psycopg
import sqlalchemy as sa

from reviewbus import clock, inbox, migrate, tables, telemetry
from reviewbus.auth import DEVELOPMENT_ISSUER
from reviewbus.broker import Record
from reviewbus.catalogue import Catalogue, EventType, Producer, Topic
from reviewbus.consumer import Batched
from reviewbus.db import Database, libpq_url
from reviewbus.envelope import Event, encode_headers, seal
from reviewbus.settings import BusSettings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.stack import ServiceDatabase
    from reviewbus.clock import Clock
    from reviewbus.db import Tx
    from reviewbus.envelope import Received

MIGRATIONS = Path(__file__).with_name("migrations")
THINGS, OTHERS = "toys.things.v1", "toys.others.v1"
HAPPENED, RENAMED, OTHER = "thing.happened.v1", "thing.renamed.v1", "other.happened.v1"
POISON = 13
SECRET = "Zitronenfalter"  # stands in exceptions, and must stand nowhere else

metadata = sa.MetaData()
applied = sa.Table(
    "applied",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("n", sa.BigInteger, nullable=False),
)


def bring_up(url: str) -> None:
    """Be the toy's `migrate`: the newest schema and the inbox's partitions."""
    migrate.upgrade(MIGRATIONS, url)
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        inbox.maintain(connection, clock.utc_now())
    engine.dispose()


def catalogue() -> Catalogue:
    """Return the toy's contracts: two topics, three types of one shape."""
    topics = {name: _topic(name, types) for name, types in {THINGS: (HAPPENED, RENAMED), OTHERS: (OTHER,)}.items()}
    types = {name: _type(name, topic.name) for topic in topics.values() for name in topic.types}
    return Catalogue(topics, types)


def settings(database: ServiceDatabase, **given: Any) -> BusSettings:
    """Return settings for the toy on this database."""
    defaults: dict[str, Any] = {
        "service": "toy",
        "environment": "development",
        "database_url": database.url,
        "migration_url": database.migrations_url,
        "jwt_issuer": DEVELOPMENT_ISSUER,
        "jwt_audience": "review-system",
        "jwks": "",
        "database_pool": 4,
    }
    return BusSettings(**{**defaults, **given})


def settings_with(bus: BusSettings, **changes: Any) -> BusSettings:
    """Return settings that differ in some fields."""
    return replace(bus, **changes)


def open_database(bus: BusSettings, at: Clock = clock.utc_now) -> Database:
    """Return the toy's database with real ids."""
    return Database(bus, catalogue=catalogue(), clock=at, ids=clock.new_id)


def event(key: str, n: int = 1, kind: str = HAPPENED) -> Event:
    """Return an event of the toy."""
    return Event(type=kind, key=key, data={"thing_id": key, "n": n}, sequence=n)


def emit(db: Database, *events: Event) -> None:
    """Commit events, all in one transaction."""
    with db.begin() as tx:
        for one in events:
            tx.emit(one)


def record(name: str, n: int = 1, kind: str = HAPPENED, *, offset: int = 0, **changes: Any) -> Record:
    """Return a record as a broker hands it over, with the partition that its key has; `changes` replace its parts."""
    topic = OTHERS if kind == OTHER else THINGS
    sealed = seal(
        event(name, n, kind),
        event_id=clock.new_id(),
        topic=topic,
        source="/elsewhere",
        time=clock.utc_now(),
        trace=telemetry.begin_trace(None),
    )
    parts: dict[str, Any] = {
        "topic": topic,
        "partition": crc32(name.encode()) % 12,
        "offset": offset,
        "key": name.encode(),
        "headers": tuple(encode_headers(sealed.headers)),
        "value": sealed.body,
    }
    return Record(**{**parts, **changes})


def note(tx: Tx, received: Received) -> None:
    """Handle an event: write it down, unless it is poison."""
    if received.data["n"] == POISON:
        raise KeyError(SECRET)
    tx.execute(sa.insert(applied).values(key=received.key, type=received.type, n=received.data["n"]))


def note_many(tx: Tx, many: Sequence[Received]) -> None:
    """Handle events of distinct keys by one statement."""
    assert len({one.key for one in many}) == len(many)
    if any(one.data["n"] == POISON for one in many):
        raise KeyError(SECRET)
    rows = [{"key": one.key, "type": one.type, "n": one.data["n"]} for one in many]
    tx.execute(sa.insert(applied), rows)


SINGLE: Mapping[str, Any] = {HAPPENED: note, RENAMED: note}
IN_BATCHES: Mapping[str, Any] = {HAPPENED: Batched(single=note, many=note_many), RENAMED: note}


def noted(db: Database) -> list[tuple[str, int]]:
    """Return what was applied, key and number, in the order of its application."""
    with db.begin() as tx:
        return [(row.key, row.n) for row in tx.execute(sa.select(applied).order_by(applied.c.id))]


def numbers(db: Database, key: str) -> list[int]:
    """Return the numbers applied to one key, in order."""
    return [n for each, n in noted(db) if each == key]


def rows(db: Database, table: str) -> int:
    """Return how many rows a table has."""
    with db.begin() as tx:
        return int(tx.execute(sa.text(f"select count(*) from {table}")).scalar_one())  # noqa: S608 -- a test's literal


def empty(database: ServiceDatabase) -> None:
    """Take all rows out of a database of the toy."""
    names = ", ".join(table.name for table in (*tables.metadata.sorted_tables, *metadata.sorted_tables))
    with psycopg.connect(libpq_url(database.migrations_url), autocommit=True) as owner:
        owner.execute(f"truncate {names} restart identity")


def end_connections(bus: BusSettings) -> None:
    """Do what a server does that is shut down: end every connection to the toy's database."""
    with psycopg.connect(libpq_url(bus.database_url), autocommit=True) as connection:
        connection.execute(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity "
            "where datname = current_database() and usename = current_user and pid <> pg_backend_pid()"
        )


def with_unreachable_database(bus: BusSettings) -> BusSettings:
    """Return settings that name a server where none is."""
    url = sa.make_url(bus.database_url).set(port=1)
    return replace(bus, database_url=url.render_as_string(hide_password=False))


@dataclass
class Gate:
    """Lets a test hold a view in the middle of its transaction."""

    reached: threading.Event = field(default_factory=threading.Event)
    open: threading.Event = field(default_factory=threading.Event)

    def pass_through(self) -> None:
        """Say that somebody is here and wait to be let on."""
        self.reached.set()
        assert self.open.wait(20)


def _topic(name: str, types: tuple[str, ...]) -> Topic:
    return Topic(
        name=name,
        description="Of a test.",
        note="",
        partitions=12 if name == THINGS else 3,
        config=MappingProxyType({"retention.ms": "600000"}),
        producers=(Producer(service="toy", source="/toy"),),
        types=types,
    )


def _type(name: str, topic: str) -> EventType:
    schema = {
        "type": "object",
        "properties": {"thing_id": {"type": "string"}, "n": {"type": "integer"}},
        "required": ["thing_id", "n"],
        "additionalProperties": False,
    }
    schema = json.loads(json.dumps(schema))
    return EventType(type=name, topic=topic, key="thing_id", schema=schema, meaning="Of a test.", subscribers=("toy",))
