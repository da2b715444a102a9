"""What the tests of signing share: the service on a database of its own, empty before each test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from component.signing import signing_desk
from harness.databases import fresh_database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness.stack import Postgres, ServiceDatabase


@pytest.fixture(scope="session")
def signing_database(postgres: Postgres) -> Iterator[ServiceDatabase]:
    with fresh_database(postgres, "signing", signing_desk.bring_up) as fresh:
        yield fresh


@pytest.fixture
def desk(signing_database: ServiceDatabase, tmp_path: Path) -> Iterator[signing_desk.Desk]:
    signing_desk.empty(signing_database)
    opened = signing_desk.open_desk(signing_database, tmp_path)
    yield opened
    opened.service.close()
    opened.service.db.close()


@pytest.fixture
def own_signing_database(postgres: Postgres) -> Iterator[ServiceDatabase]:
    """Give a database of which a test may change the tables."""
    with fresh_database(postgres, "signing", signing_desk.bring_up) as fresh:
        yield fresh
