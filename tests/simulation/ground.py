"""The ground that schedules run on: four migrated databases whose rows are put aside and put back within the server.

Every schedule begins with the rows of an earlier moment, so nothing is migrated or connected anew between schedules.
"""

from __future__ import annotations

import contextlib
import importlib
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

from harness.databases import fresh_database
from harness.people import SERVICES
from reviewbus import migrate
from reviewbus.db import libpq_url

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.stack import Postgres, ServiceDatabase

# Parents before children, so that rows go back in the order that foreign keys ask for.
_TABLES = """
with recursive tables as (
    select c.oid, c.relname from pg_class c
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
      and c.relname <> 'alembic_version'
), depth as (
    select oid, relname, 0 as level from tables
    union all
    select t.oid, t.relname, d.level + 1 from depth d
    join pg_constraint k on k.confrelid = d.oid and k.contype = 'f' and k.conrelid <> k.confrelid
    join tables t on t.oid = k.conrelid
)
select relname from depth group by relname order by max(level), relname
"""

_NO_CHANCE = "create function public.random() returns double precision language sql immutable as 'select 0.5::float8'"


class Rows:
    """One service's database: where its rows are, and how they are put aside and put back."""

    def __init__(self, database: ServiceDatabase, admin_url: str) -> None:
        self.database = database
        self.admin_url = admin_url
        self.own = psycopg.connect(libpq_url(database.migrations_url), autocommit=True)
        found = self.own.execute(_TABLES).fetchall()
        self.tables = [name for (name,) in found]
        self._kept: set[str] = set()

    def put_aside(self, moment: str) -> None:
        """Keep every row as it is now under a name; an earlier moment of that name is gone."""
        schema = sql.Identifier(moment)
        if moment not in self._kept:
            self.own.execute(sql.SQL("create schema {}").format(schema))
            self._each("create table {kept} (like {table})", moment)
            self._kept.add(moment)
        else:
            self._each("delete from {kept}", moment)
        self._each("insert into {kept} select * from {table}", moment)

    def put_back(self, moment: str) -> None:
        """Let the database hold exactly the rows of an earlier moment."""
        out = [sql.SQL("delete from {}").format(sql.Identifier("public", name)) for name in reversed(self.tables)]
        back = [
            self._filled("insert into {table} overriding system value select * from {kept}", moment, name)
            for name in self.tables
        ]
        self.own.execute(sql.SQL("; ").join([*out, *back]))

    def ask(self, statement: str, *parameters: Any) -> Any:
        """Return the first value of the first row; None where there is none."""
        row = self.own.execute(statement, parameters, prepare=True).fetchone()
        return row[0] if row else None

    def run(self, statement: str, *parameters: Any) -> int:
        """Carry out a statement; return how many rows it concerned."""
        return int(self.own.execute(statement, parameters).rowcount)

    def end_connections(self) -> int:
        """Have PostgreSQL end every connection of the service's own role; return how many there were."""
        with psycopg.connect(self.admin_url, autocommit=True) as admin:
            row = admin.execute(
                "select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = %s and usename <> %s "
                "and pid <> pg_backend_pid()",
                [self.database.name, self.own.info.user],
            ).fetchone()
        return int(row[0]) if row else 0

    def close(self) -> None:
        """Give the connection back."""
        self.own.close()

    def _each(self, words: str, moment: str) -> None:
        self.own.execute(sql.SQL("; ").join([self._filled(words, moment, name) for name in self.tables]))

    def _filled(self, words: str, moment: str, name: str) -> sql.Composed:
        return sql.SQL(words).format(kept=sql.Identifier(moment, name), table=sql.Identifier("public", name))


class Ground:
    """The databases of all services."""

    def __init__(self, rows: dict[str, Rows]) -> None:
        self.rows = rows

    def put_aside(self, moment: str) -> None:
        """Keep all rows of all services under a name."""
        for one in self.rows.values():
            one.put_aside(moment)

    def put_back(self, moment: str) -> None:
        """Let all services hold the rows of an earlier moment."""
        for one in self.rows.values():
            one.put_back(moment)


@contextlib.contextmanager
def broken_ground(postgres: Postgres) -> Iterator[Ground]:
    """Give four databases of their own, migrated as the services that are imported say, and dropped at the end."""
    with contextlib.ExitStack() as stack:
        rows: dict[str, Rows] = {}
        for name in SERVICES:
            folder = importlib.import_module(f"{name}.app").MIGRATIONS

            def upgrade(url: str, folder: Any = folder) -> None:
                migrate.upgrade(folder, url)

            database = stack.enter_context(fresh_database(postgres, name, upgrade))
            # Nobody pulls this machine's plug: what a commit waits for otherwise is the disk.
            with psycopg.connect(postgres.admin_url, autocommit=True) as admin:
                words = sql.SQL("alter database {} set synchronous_commit = off")
                admin.execute(words.format(sql.Identifier(database.name)))
                # A seed tells the same story only if the database draws nothing by itself either.
                admin.execute(
                    sql.SQL("alter database {} set search_path = public, pg_catalog").format(
                        sql.Identifier(database.name)
                    )
                )
            rows[name] = Rows(database, postgres.admin_url)
            rows[name].run(_NO_CHANCE)
            stack.callback(rows[name].close)
        # The world's clock stands before the day on which the databases are made; nobody would get a mail.
        rows["notifications"].run("update watermark set effects_from = '2026-01-01T00:00:00Z'")
        yield Ground(rows)
