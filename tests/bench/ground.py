"""What benchmarks stand on: real servers, a database with the chassis' tables and one table of rows, a topic."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations

from bench import raw
from reviewbus import inbox, tables
from reviewbus.auth import DEVELOPMENT_ISSUER, DevelopmentIssuer
from reviewbus.broker.client import KafkaBroker
from reviewbus.catalogue import Catalogue
from reviewbus.clock import new_id, utc_now
from reviewbus.db import Database, libpq_url
from reviewbus.envelope import Event
from reviewbus.outbox import CHANNEL
from reviewbus.settings import BusSettings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from uuid import UUID

    from harness.stack import Stack

TOPIC = "reviews.packets.v1"
TYPE = "packet.viewed.v1"
HASH = "sha256:" + "0" * 64
CREATE = "create table item (id uuid primary key, n bigint not null)"


@dataclass(frozen=True, slots=True)
class Ground:
    """Where a benchmark works: `settings` of a service that has the chassis and the table `item`."""

    stack: Stack
    settings: BusSettings
    issuer: DevelopmentIssuer

    @property
    def url(self) -> str:
        """The database as psycopg takes it."""
        return libpq_url(self.settings.database_url)

    def database(self, notify: Callable[[], None] | None = None) -> Database:
        """Return the chassis' view of it."""
        return Database(self.settings, catalogue=Catalogue.load(), clock=utc_now, ids=new_id, notify=notify)


def prepare(stack: Stack, folder: Path, name: str, *more: str) -> Ground:
    """Make an empty database `bench_<name>`, with what more statements create, and the topics."""
    made = stack.postgres.create_database("bench", name=f"bench_{name}")
    engine = sa.create_engine(made.migrations_url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        tables.create_v1(Operations(MigrationContext.configure(connection)))
        inbox.maintain(connection, utc_now())
        for statement in (CREATE, *more):
            connection.execute(sa.text(statement))
    engine.dispose()
    issuer = DevelopmentIssuer(folder / "issuer")
    settings = BusSettings(
        service="bench",
        environment="development",
        database_url=made.url,
        kafka_bootstrap=stack.kafka.bootstrap,
        kafka_group_prefix=f"{name}-",
        jwt_issuer=DEVELOPMENT_ISSUER,
        jwt_audience="review-system",
        jwks=str(issuer.jwks),
        log_level="ERROR",
    )
    KafkaBroker(settings).ensure_topics(list(Catalogue.load().topics.values()))
    return Ground(stack, settings, issuer)


def keys(count: int) -> list[UUID]:
    """Return ids of `count` rows."""
    return [new_id() for _ in range(count)]


def add_items(ground: Ground, ids: list[UUID]) -> None:
    """Put rows into the table."""
    with psycopg.connect(ground.url) as connection, connection.cursor() as cursor:
        cursor.executemany("insert into item values (%s, 0)", [(one,) for one in ids])


def event(key: UUID, sequence: int = 1) -> Event:
    """Return an event of the usual size."""
    content: dict[str, Any] = {
        "review_id": str(key),
        "cycle_id": str(key),
        "subject_id": "p-anna",
        "manager_id": "p-max",
        "version": sequence,
        "epoch": 1,
        "snapshot_hash": HASH,
    }
    return Event(type=TYPE, key=str(key), data=content, sequence=sequence)


def timed(work: Callable[[], int]) -> float:
    """Return how many per second `work` did, which returns how many it did."""
    began = time.perf_counter()
    done = work()
    return done / (time.perf_counter() - began)


def relay_for_ever(settings: BusSettings, ready: Any) -> None:
    """Relay without us, in a process of its own; `ready` is released when it listens."""
    client = raw.producer(settings.kafka_bootstrap)
    with psycopg.connect(libpq_url(settings.database_url), autocommit=True) as connection:
        connection.execute(f"listen {CHANNEL}")
        ready.release()
        while True:
            if not raw.relay_round(connection, client, 1_000):
                for _ in connection.notifies(timeout=1.0, stop_after=1):
                    pass
