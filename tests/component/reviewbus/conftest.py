"""What the tests of the chassis share: the toy service on a database of its own, and a broker in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from component.reviewbus import toy
from harness.databases import fresh_database
from reviewbus.testing.fixed_clock import FixedClock
from reviewbus.testing.memory_broker import MemoryBroker

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.stack import Postgres, ServiceDatabase
    from reviewbus.db import Database
    from reviewbus.settings import BusSettings


@pytest.fixture(scope="session")
def shared_database(postgres: Postgres) -> Iterator[ServiceDatabase]:
    with fresh_database(postgres, "toy", toy.bring_up) as fresh:
        yield fresh


@pytest.fixture
def database(shared_database: ServiceDatabase) -> ServiceDatabase:
    """Give the toy's database without rows; a copy for each test would take longer than most of the tests."""
    toy.empty(shared_database)
    return shared_database


@pytest.fixture
def own_database(postgres: Postgres) -> Iterator[ServiceDatabase]:
    """Give a database of which a test may change the tables."""
    with fresh_database(postgres, "toy", toy.bring_up) as fresh:
        yield fresh


@pytest.fixture
def bus(database: ServiceDatabase) -> BusSettings:
    return toy.settings(database)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def db(bus: BusSettings, clock: FixedClock) -> Iterator[Database]:
    opened = toy.open_database(bus, clock)
    yield opened
    opened.close()


@pytest.fixture
def broker() -> MemoryBroker:
    memory = MemoryBroker()
    memory.ensure_topics(list(toy.catalogue().topics.values()))
    return memory
