"""The chassis' own tables, alike in every service's database: outbox, inbox, dead letters, jobs, idempotency, audit.

`create_v1` is what a service's first migration calls; the `Table` objects are what the chassis' statements use. A test
compares the two in a migrated database.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import BYTEA, JSONB, TIMESTAMP, UUID

if TYPE_CHECKING:
    from types import ModuleType

    from alembic.operations import Operations

metadata = sa.MetaData()
_INSTANT = TIMESTAMP(timezone=True)

outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("event_id", UUID(as_uuid=True), nullable=False, unique=True),
    sa.Column("topic", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("shard", sa.SmallInteger, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("headers", JSONB, nullable=False),
    sa.Column("body", BYTEA, nullable=False),
    sa.Column("created_at", _INSTANT, nullable=False, server_default=sa.func.clock_timestamp()),
)

outbox_dead = sa.Table(
    "outbox_dead",
    metadata,
    sa.Column("id", sa.BigInteger, primary_key=True),
    *(sa.Column(c.name, c.type, nullable=False) for c in outbox.columns if c.name != "id"),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("died_at", _INSTANT, nullable=False, server_default=sa.func.clock_timestamp()),
)
sa.Index("outbox_dead_key", outbox_dead.c.topic, outbox_dead.c.key)

inbox = sa.Table(
    "inbox",
    metadata,
    sa.Column("event_id", UUID(as_uuid=True), primary_key=True),
    sa.Column("received_at", _INSTANT, nullable=False, server_default=sa.func.clock_timestamp()),
)

dead_letter = sa.Table(
    "dead_letter",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("topic", sa.Text, nullable=False),
    sa.Column("partition", sa.Integer, nullable=False),
    sa.Column("position", sa.BigInteger, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("headers", JSONB, nullable=False),
    sa.Column("body", BYTEA, nullable=False),
    # `dead` is the record that failed; `waiting` came after it for the same key and waits in order.
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("created_at", _INSTANT, nullable=False, server_default=sa.func.clock_timestamp()),
    sa.UniqueConstraint("topic", "partition", "position", name="dead_letter_place"),
)
sa.Index("dead_letter_key", dead_letter.c.topic, dead_letter.c.key, dead_letter.c.id)

jobs = sa.Table(
    "jobs",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("arguments", JSONB, nullable=False),
    sa.Column("status", sa.Text, nullable=False, server_default="queued"),
    sa.Column("run_at", _INSTANT, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("lease", UUID(as_uuid=True)),
    sa.Column("lease_until", _INSTANT),
    sa.Column("last_error", sa.Text),
    sa.Column("created_at", _INSTANT, nullable=False, server_default=sa.func.clock_timestamp()),
    sa.UniqueConstraint("kind", "key", name="jobs_kind_key"),
)
sa.Index("jobs_due", jobs.c.kind, jobs.c.run_at, jobs.c.id, postgresql_where=sa.text("status = 'queued'"))

idempotency = sa.Table(
    "idempotency",
    metadata,
    sa.Column("scope", BYTEA, primary_key=True),
    sa.Column("request", BYTEA, nullable=False),
    sa.Column("status", sa.SmallInteger, nullable=False),
    sa.Column("location", sa.Text),
    sa.Column("etag", sa.Text),
    sa.Column("acknowledgement", JSONB, nullable=False),
    sa.Column("created_at", _INSTANT, nullable=False, server_default=sa.func.clock_timestamp()),
)
sa.Index("idempotency_created", idempotency.c.created_at)

audit = sa.Table(
    "audit",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("at", _INSTANT, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("on_behalf_of", sa.Text),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("object_id", sa.Text, nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("request_id", sa.Text, nullable=False),
)
sa.Index("audit_object", audit.c.object_id, audit.c.id)

directory = sa.Table(
    "directory",
    metadata,
    sa.Column("person_id", sa.Text, primary_key=True),
    sa.Column("manager_id", sa.Text),
    sa.Column("active", sa.Boolean, nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
)
sa.Index("directory_manager", directory.c.manager_id)

service_flag = sa.Table(
    "service_flag",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("detail", sa.Text, nullable=False, server_default=""),
    sa.Column("since", _INSTANT, nullable=False, server_default=sa.func.clock_timestamp()),
)

# The hot tables are emptied as fast as they are filled: vacuum must come by size of change, not by share of the table.
_HOT = "(autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0)"


def create_v1(op: Operations | ModuleType) -> None:
    """Create the first version of the chassis' tables; called by a service's first migration with Alembic's `op`.

    The inbox is partitioned by its UUIDv7 key, that is by time, so that old rows go by dropping a partition. Rows
    whose week has no partition yet go to the default one.
    """
    for table in (outbox, outbox_dead, dead_letter, jobs, idempotency, audit, directory, service_flag):
        table.create(op.get_bind())
    op.execute(
        "create table inbox (event_id uuid not null, received_at timestamptz not null default clock_timestamp(), "
        "constraint inbox_pkey primary key (event_id)) partition by range (event_id)"
    )
    op.execute("create table inbox_default partition of inbox default")
    for name in ("outbox", "jobs"):
        op.execute(f"alter table {name} set {_HOT}")


def drop_v1(op: Operations | ModuleType) -> None:
    """Undo `create_v1`."""
    for name in (
        "service_flag",
        "directory",
        "audit",
        "idempotency",
        "jobs",
        "dead_letter",
        "inbox",
        "outbox_dead",
        "outbox",
    ):
        op.execute(f"drop table {name}")
