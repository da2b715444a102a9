"""PostgreSQL: one server, and in it one database and two roles per service."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, LiteralString
from urllib.parse import quote

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceDatabase:
    """A service's database and how its two roles reach it (`postgresql+psycopg://…`)."""

    name: str
    url: str  # the role <service>: reads and writes rows, changes no tables
    migrations_url: str  # the role <service>_migrator: owns the schema


class Postgres:
    """A PostgreSQL server that we may administer, wherever it runs.

    A database is named after its service or after the test that uses it. Roles are named after the service only:
    all databases of a service are reached by the same two.
    """

    def __init__(self, admin_url: str) -> None:
        """Take the URL of a role that may make databases and roles, with its password; any database of the server."""
        self.admin_url = admin_url.replace("postgresql+psycopg://", "postgresql://", 1)
        self._with_roles: set[str] = set()

    def create_service_databases(self, services: Iterable[str]) -> dict[str, ServiceDatabase]:
        """Make each service's roles and an empty database of its name; what was in it before is gone."""
        return {service: self.create_database(service, name=service) for service in services}

    def create_database(self, service: str, *, name: str, template: str | None = None) -> ServiceDatabase:
        """Make the database `name` for the roles of `service`: empty, or a copy of the database `template`.

        A database of that name is dropped first. A template must have no connections.
        """
        role, migrator = service, f"{service}_migrator"
        with psycopg.connect(self.admin_url, autocommit=True) as admin:
            self._make_roles(admin, role, migrator)
            _run(admin, "DROP DATABASE IF EXISTS {} WITH (FORCE)", name)
            if template:
                _run(admin, "CREATE DATABASE {} OWNER {} TEMPLATE {} STRATEGY FILE_COPY", name, migrator, template)
            else:
                _run(admin, "CREATE DATABASE {} OWNER {} TEMPLATE template0 ENCODING 'UTF8'", name, migrator)
            _run(admin, "REVOKE ALL ON DATABASE {} FROM PUBLIC", name)
            _run(admin, "GRANT CONNECT ON DATABASE {} TO {}", name, role)
        if not template:
            with psycopg.connect(self.admin_url, dbname=name, autocommit=True) as admin:
                _give_rights(admin, role, migrator)
        return self.database(service, name=name)

    def clone_database(self, template: str, new: str, *, service: str) -> ServiceDatabase:
        """Make the database `new` as a copy of `template`: tables, rows and rights."""
        return self.create_database(service, name=new, template=template)

    def drop_database(self, name: str) -> None:
        """Remove a database, ending its connections; nothing happens if there is none."""
        with psycopg.connect(self.admin_url, autocommit=True) as admin:
            _run(admin, "DROP DATABASE IF EXISTS {} WITH (FORCE)", name)

    def database(self, service: str, *, name: str) -> ServiceDatabase:
        """Return how the roles of `service` reach the database `name`, which another process may have made."""
        urls = (self._url(role, name) for role in (service, f"{service}_migrator"))
        return ServiceDatabase(name=name, url=next(urls), migrations_url=next(urls))

    def answers(self) -> bool:
        """Say whether the server carries out a statement now."""
        try:
            with psycopg.connect(self.admin_url, connect_timeout=2) as admin:
                admin.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def _make_roles(self, admin: psycopg.Connection, *roles: str) -> None:
        if self._with_roles.issuperset(roles):
            return
        # Test processes come at the same time: the lock makes looking and making one step.
        with admin.transaction():
            admin.execute("SELECT pg_advisory_xact_lock(hashtext('roles of services'))")
            for role in roles:
                if not admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone():
                    _run(admin, "CREATE ROLE {} LOGIN", role)
                words = sql.SQL("ALTER ROLE {} PASSWORD {}")
                admin.execute(words.format(sql.Identifier(role), sql.Literal(self._password(role))))
        self._with_roles.update(roles)

    def _password(self, role: str) -> str:
        # Follows from the administrator's, so that every process that has the one URL knows them all.
        secret = str(conninfo_to_dict(self.admin_url).get("password") or "")
        return hmac.new(secret.encode(), role.encode(), hashlib.sha256).hexdigest()[:32]

    def _url(self, role: str, database: str) -> str:
        known = conninfo_to_dict(self.admin_url)
        address = f"{known.get('host', 'localhost')}:{known.get('port', 5432)}"
        return f"postgresql+psycopg://{quote(role)}:{self._password(role)}@{address}/{quote(database)}"


def _give_rights(admin: psycopg.Connection, role: str, migrator: str) -> None:
    _run(admin, "ALTER SCHEMA public OWNER TO {}", migrator)
    _run(admin, "REVOKE ALL ON SCHEMA public FROM PUBLIC")
    _run(admin, "GRANT USAGE ON SCHEMA public TO {}", role)
    defaults: LiteralString = "ALTER DEFAULT PRIVILEGES FOR ROLE {} IN SCHEMA public GRANT "
    _run(admin, defaults + "SELECT, INSERT, UPDATE, DELETE ON TABLES TO {}", migrator, role)
    _run(admin, defaults + "USAGE, SELECT ON SEQUENCES TO {}", migrator, role)


def _run(admin: psycopg.Connection, statement: LiteralString, *names: str) -> None:
    admin.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))
