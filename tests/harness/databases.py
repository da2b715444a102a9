"""Databases for tests: each service's migrations run once, each test gets a copy of the result and nobody else's rows.

    with fresh_database(postgres, "packets", migrate) as database:
        engine = create_engine(database.url)

`migrate` takes the URL of the role that owns the schema and brings the database there to the newest revision.
"""

from __future__ import annotations

import contextlib
import os
import uuid
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness.stack import Postgres, ServiceDatabase

# The names of one run's databases begin alike, also in the processes among which pytest shares out its tests, so that
# several runs can use one server.
RUN_VARIABLE = "REVIEW_TEST_RUN"


def run_name() -> str:
    """Return the beginning of the names of this run's databases, chosen at the first call."""
    return os.environ.setdefault(RUN_VARIABLE, f"test_{uuid.uuid4().hex[:8]}")


def template(postgres: Postgres, service: str, migrate: Callable[[str], None]) -> str:
    """Return the name of the database with the service's migrated schema, made at the first call of the run."""
    name = f"{run_name()}_template_{service}"
    with psycopg.connect(postgres.admin_url, autocommit=True) as admin:
        # Other test processes want it too; the lock goes with the connection.
        admin.execute("SELECT pg_advisory_lock(hashtext(%s))", [name])
        if not admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            draft = postgres.create_database(service, name=f"{name}_draft")
            migrate(draft.migrations_url)
            words = sql.SQL("ALTER DATABASE {} RENAME TO {}")
            admin.execute(words.format(sql.Identifier(draft.name), sql.Identifier(name)))
    return name


@contextlib.contextmanager
def fresh_database(postgres: Postgres, service: str, migrate: Callable[[str], None]) -> Iterator[ServiceDatabase]:
    """Give a database of the service with its schema and without rows, dropped at the end whoever is connected."""
    name = f"{run_name()}_{service}_{uuid.uuid4().hex[:8]}"
    database = postgres.clone_database(template(postgres, service, migrate), name, service=service)
    try:
        yield database
    finally:
        postgres.drop_database(name)


def drop_all(postgres: Postgres) -> None:
    """Drop every database of this run."""
    with psycopg.connect(postgres.admin_url) as admin:
        rows = admin.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [run_name()]).fetchall()
    for (name,) in rows:
        postgres.drop_database(name)
