"""Journeys: four services in one process, each on a database of its own, every record delivered twice."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.databases import fresh_database
from harness.people import SERVICES
from harness.world import build_world
from reviewbus import migrate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.stack import Postgres
    from harness.world import World

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def world(postgres: Postgres, tmp_path: Path) -> Iterator[World]:
    """Give the whole system, empty."""
    with contextlib.ExitStack() as stack:
        databases = {
            name: stack.enter_context(
                fresh_database(postgres, name, lambda url, name=name: migrate.upgrade(ROOT / "services" / name / "migrations", url))  # type: ignore[misc]
            )
            for name in SERVICES
        }
        one = build_world(databases, tmp_path)
        stack.callback(one.close)
        yield one
