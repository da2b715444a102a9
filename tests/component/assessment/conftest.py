"""One assessment service on a database of its own, its HTTP API, and the records that it reads and writes."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest

from component.assessment.assessment_service import MIGRATIONS, Running, running
from harness.databases import fresh_database
from reviewbus import migrate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.stack import Postgres


@pytest.fixture(scope="module")
def service(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Give a running service that the tests of one module share; each looks at reviews and people of its own."""
    with _service(postgres, tmp_path_factory) as one:
        yield one


@pytest.fixture
def own_service(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Give a running service without any rows to one test."""
    with _service(postgres, tmp_path_factory) as one:
        yield one


@contextlib.contextmanager
def _service(postgres: Postgres, folders: pytest.TempPathFactory) -> Iterator[Running]:
    with (
        fresh_database(postgres, "assessment", lambda url: migrate.upgrade(MIGRATIONS, url)) as database,
        running(database, folders.mktemp("assessment")) as one,
    ):
        yield one
