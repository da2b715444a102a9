"""What the tests of notifications share: the service on a database of its own, empty before each test."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from component.notifications import notifications_desk
from component.notifications.mailbox import serving
from harness.databases import fresh_database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness.stack import Postgres, ServiceDatabase


@pytest.fixture(scope="session")
def notifications_database(postgres: Postgres) -> Iterator[ServiceDatabase]:
    with fresh_database(postgres, "notifications", notifications_desk.bring_up) as fresh:
        yield fresh


@pytest.fixture
def desk(notifications_database: ServiceDatabase, tmp_path: Path) -> Iterator[notifications_desk.Desk]:
    """Give the service with a mail server that accepts everything."""
    notifications_desk.empty(notifications_database.url)
    opened = notifications_desk.open_desk(notifications_database, tmp_path)
    with ExitStack() as stack:
        stack.callback(opened.close)
        stack.enter_context(serving(opened.mailbox, opened.settings.smtp_port))
        yield opened


@pytest.fixture
def mailless(notifications_database: ServiceDatabase, tmp_path: Path) -> Iterator[notifications_desk.Desk]:
    """Give the service while its mail server is away."""
    notifications_desk.empty(notifications_database.url)
    opened = notifications_desk.open_desk(notifications_database, tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def own_database(postgres: Postgres) -> Iterator[ServiceDatabase]:
    """Give a database of which a test may change the tables."""
    with fresh_database(postgres, "notifications", notifications_desk.bring_up) as fresh:
        yield fresh
