"""The tables: migrated up and down, equal to the code's, with an index for every query."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from reviewbus import migrate, tables
from signing import app, store

if TYPE_CHECKING:
    from harness.stack import ServiceDatabase


def _ours(thing: object, name: str | None, kind: str, *_: object) -> bool:
    return not (kind == "table" and name is not None and name.startswith(("inbox_", "alembic")))


def test_the_migrated_tables_are_those_of_the_code(own_signing_database: ServiceDatabase) -> None:
    engine = sa.create_engine(own_signing_database.migrations_url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": _ours, "compare_type": True})
        merged = sa.MetaData()
        for one in (*tables.metadata.tables.values(), *store.metadata.tables.values()):
            one.to_metadata(merged)
        assert compare_metadata(context, merged) == []


def test_the_migrations_go_down_and_up_again(own_signing_database: ServiceDatabase) -> None:
    url = own_signing_database.migrations_url
    migrate.downgrade(app.MIGRATIONS, url, "base")
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        names = sa.inspect(connection).get_table_names()
    assert names == ["alembic_version"]
    migrate.upgrade(app.MIGRATIONS, url)
    with engine.connect() as connection:
        assert {"record", "signature", "comment", "outbox"} <= set(sa.inspect(connection).get_table_names())
