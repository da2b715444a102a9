"""Journeys: four services in one process, each on a database of its own, every record delivered twice."""

from __future__ import annotations

import contextlib
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness.databases import fresh_database
from harness.journey import new_stage
from harness.people import SERVICES
from harness.world import build_world
from reviewbus import migrate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.journey import Stage
    from harness.stack import Postgres, Smtp
    from harness.world import World

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def world(postgres: Postgres, tmp_path: Path) -> Iterator[World]:
    """Give the whole system, empty."""
    with _world(postgres, tmp_path) as one:
        yield one


@pytest.fixture(scope="module")
def shared_world(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Give the whole system to all tests of a module: each tells its story in a cycle of its own."""
    with _world(postgres, tmp_path_factory.mktemp("world"), render_ahead=False) as one:
        yield one


@pytest.fixture
def stage(shared_world: World) -> Stage:
    """Give a story of its own in the world that the module's tests share, at rest."""
    return new_stage(shared_world)


@pytest.fixture
def own_stage(world: World) -> Stage:
    """Give a story in a world of its own."""
    return new_stage(world)


@pytest.fixture
def mailing_stage(postgres: Postgres, tmp_path: Path, smtp: Smtp) -> Iterator[Stage]:
    """Give a story in a world of its own, whose mails reach a mail server."""
    with _world(postgres, tmp_path, smtp) as one:
        yield new_stage(one)


@contextlib.contextmanager
def _world(postgres: Postgres, folder: Path, smtp: Smtp | None = None, *, render_ahead: bool = True) -> Iterator[World]:
    with contextlib.ExitStack() as stack:
        databases = {
            name: stack.enter_context(fresh_database(postgres, name, partial(_migrate, name))) for name in SERVICES
        }
        # The world's clock stands before the day on which its databases are made.
        mails: dict[str, Any] = {"effects_from": "2026-01-01T00:00:00Z"}
        if smtp is not None:
            mails |= {"smtp_host": smtp.host, "smtp_port": smtp.port}
        options = {"notifications": mails, "packets": {"render_ahead": render_ahead}}
        one = build_world(databases, folder, options=options)
        stack.callback(one.close)
        yield one


def _migrate(service: str, url: str) -> None:
    migrate.upgrade(ROOT / "services" / service / "migrations", url)
