"""The tables: migrated up and down, and equal to the code's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from assessment import store
from component.assessment.assessment_service import MIGRATIONS
from harness.databases import fresh_database
from reviewbus import migrate, tables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.stack import Postgres


@pytest.fixture
def migrations_url(postgres: Postgres) -> Iterator[str]:
    with fresh_database(postgres, "assessment", lambda url: migrate.upgrade(MIGRATIONS, url)) as database:
        yield database.migrations_url


def _ours(thing: object, name: str | None, kind: str, *_: object) -> bool:
    return not (kind == "table" and name is not None and name.startswith(("inbox_", "alembic")))


def test_the_migrated_tables_are_those_of_the_code(migrations_url: str) -> None:
    engine = sa.create_engine(migrations_url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": _ours, "compare_type": True})
        merged = sa.MetaData()
        for one in (*tables.metadata.tables.values(), *store.metadata.tables.values()):
            one.to_metadata(merged)
        assert compare_metadata(context, merged) == []


def test_the_migrations_go_down_and_up_again(migrations_url: str) -> None:
    migrate.downgrade(MIGRATIONS, migrations_url, "base")
    engine = sa.create_engine(migrations_url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        assert sa.inspect(connection).get_table_names() == ["alembic_version"]
    migrate.upgrade(MIGRATIONS, migrations_url)
    with engine.connect() as connection:
        assert {"review", "content", "outbox"} <= set(sa.inspect(connection).get_table_names())
