"""What the tests of packets share: the service on a database of its own, empty before each test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from component.packets import packets_office
from harness.databases import fresh_database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness.stack import Postgres, ServiceDatabase


@pytest.fixture(scope="session")
def packets_database(postgres: Postgres) -> Iterator[ServiceDatabase]:
    with fresh_database(postgres, "packets", packets_office.bring_up) as fresh:
        yield fresh


@pytest.fixture
def office(packets_database: ServiceDatabase, tmp_path: Path) -> Iterator[packets_office.Office]:
    packets_office.empty(packets_database)
    opened = packets_office.open_office(packets_database, tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def own_packets_database(postgres: Postgres) -> Iterator[ServiceDatabase]:
    """Give a database of which a test may change the tables."""
    with fresh_database(postgres, "packets", packets_office.bring_up) as fresh:
        yield fresh
