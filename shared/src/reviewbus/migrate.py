"""Migrations: Alembic, one history a service, run by a job under the owner's role, never by a starting web process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from alembic import command, context
from alembic.config import Config

from reviewbus import tables

if TYPE_CHECKING:
    from pathlib import Path

MIGRATION_LOCK = 7_300
LOCK_TIMEOUT = "2s"


def configuration(folder: Path, url: str) -> Config:
    """Return Alembic's configuration of one service's migrations."""
    config = Config()
    config.set_main_option("script_location", str(folder))
    config.attributes["url"] = url
    return config


def upgrade(folder: Path, url: str, revision: str = "head") -> None:
    """Bring the database at `url` to `revision`; two that run at once wait for each other."""
    command.upgrade(configuration(folder, url), revision)


def downgrade(folder: Path, url: str, revision: str) -> None:
    """Take the database back to `revision`."""
    command.downgrade(configuration(folder, url), revision)


def run(*owned: sa.MetaData) -> None:
    """Be a service's `env.py`: run the migrations against the chassis' tables and the service's own."""
    config = context.config
    engine = sa.create_engine(config.attributes["url"], poolclass=sa.NullPool, hide_parameters=True)
    with engine.connect() as connection:
        connection.execute(sa.text(f"select pg_advisory_lock({MIGRATION_LOCK})"))
        connection.execute(sa.text(f"set lock_timeout = '{LOCK_TIMEOUT}'"))
        connection.commit()
        context.configure(
            connection=connection,
            target_metadata=[tables.metadata, *owned],
            transaction_per_migration=True,
            compare_type=True,
            include_object=_ours,
        )
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()
    engine.dispose()


def _ours(thing: object, name: str | None, kind: str, reflected: bool, compare_to: object) -> bool:  # noqa: ARG001, FBT001 -- Alembic's interface
    """Leave the inbox's partitions out of comparisons: they come and go."""
    return not (kind == "table" and name is not None and name.startswith("inbox_"))
