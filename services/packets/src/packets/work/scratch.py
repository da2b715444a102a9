"""A place of its own in the same database: a schema with the service's tables, gone when it is over.

Every transaction of it sees this schema and no other, so that nothing can reach the served tables by their names.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import sqlalchemy as sa

from reviewbus.db import Database
from reviewbus.service import Unable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reviewbus.settings import BusSettings

SCHEMA = "packets_rebuild"
_ONE_AT_A_TIME = 7_310
_NO_RIGHT = "42501"
# The worker prolongs its leases beside its work.
_CONNECTIONS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Scratch:
    """`db` sees the schema only; `connection`, of the owner and without a transaction, sees what it names."""

    db: Database
    connection: sa.Connection


@contextmanager
def scratch(settings: BusSettings, served: Database, migrations: Path) -> Iterator[Scratch]:
    """Make the schema with all tables of the service, and drop it at the end, whatever happens.

    What a killed process has left is dropped first. Raises `Unable` where somebody else is at it, or the role of the
    migrations may not make a schema.
    """
    from reviewbus import migrate  # noqa: PLC0415 -- nothing else needs Alembic

    url = settings.migration_url or settings.database_url
    engine = sa.create_engine(url, poolclass=sa.NullPool, hide_parameters=True)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if not connection.execute(sa.select(sa.func.pg_try_advisory_lock(_ONE_AT_A_TIME))).scalar():
            raise Unable("it is being rebuilt by another process: wait for its end")
        db = _database(replace(settings, database_url=url, database_pool=_CONNECTIONS, outbox_notify=False), served)
        try:
            _create(connection)
            migrate.upgrade(migrations, _within(url))
            yield Scratch(db=db, connection=connection)
        finally:
            db.close()
            connection.exec_driver_sql(f"drop schema if exists {SCHEMA} cascade")


def _create(connection: sa.Connection) -> None:
    try:
        connection.exec_driver_sql(f"drop schema if exists {SCHEMA} cascade")
        connection.exec_driver_sql(f"create schema {SCHEMA}")
    except sa.exc.DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != _NO_RIGHT:
            raise
        words = "{} may not create a schema in {}: let it (grant create on database), or set REVIEW_MIGRATION_URL"
        user, name = connection.execute(sa.select(sa.func.current_user(), sa.func.current_database())).one()
        raise Unable(words.format(user, name)) from error


def _within(url: str) -> str:
    """The URL of a connection that sees the schema only."""
    parsed = sa.make_url(url)
    options = f"{parsed.query.get('options', '')} -csearch_path={SCHEMA}".strip()
    return parsed.update_query_dict({"options": options}).render_as_string(hide_password=False)


def _database(settings: BusSettings, served: Database) -> Database:
    db = Database(settings, catalogue=served.catalogue, clock=served.clock, ids=served.ids)
    # For each transaction, not for each connection: whatever pools connections in between may hand out another one.
    sa.event.listen(db.engine, "begin", _see_only_the_schema)
    return db


def _see_only_the_schema(connection: sa.Connection) -> None:
    connection.exec_driver_sql(f"set local search_path to {SCHEMA}")
