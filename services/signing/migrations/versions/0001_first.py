"""The first tables: one row a review, every signature ever asked for, the comments."""

from __future__ import annotations

from alembic import op

from reviewbus import tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_REGISTER = """
    {0}_state text not null,
    {0}_fence bigint not null,
    {0}_floor bigint not null,
    {0}_epoch bigint not null,
    {0}_snapshot_hash text,
    {0}_manager_version integer,
    {0}_self_version integer,
    {0}_manager_hash text,
    {0}_self_hash text,
    {0}_person_id text,
    {0}_statement_version integer,
    {0}_comment_hash text,
    {0}_stale boolean not null,
    {0}_rejection text,
"""
_RECORD = f"""
create table record (
    review_id uuid primary key,
    cycle_id uuid not null,
    subject_id text not null,
    manager_id text not null,
    row_version bigint not null,
    event_sequence bigint not null,
    changed_at timestamptz not null,
    waiting_since timestamptz,
    resends integer not null,
    released boolean not null,
    packet_epoch bigint not null,
    snapshot_hash text,
    manager_version integer,
    revoked_epoch bigint not null,
    review_version bigint not null,
    self_state text not null,
    self_version integer,
    closed boolean not null,
    cancelled boolean not null,
    {_REGISTER.format("employee")}
    {_REGISTER.format("manager")}
    {_REGISTER.format("completion")}
    tried_epoch bigint not null
)
"""
_SIGNATURE = """
create table signature (
    review_id uuid not null references record (review_id),
    holder text not null,
    fence bigint not null,
    state text not null,
    person_id text,
    epoch bigint not null,
    snapshot_hash text,
    manager_version integer,
    self_version integer,
    manager_hash text,
    self_hash text,
    statement_version integer,
    comment_hash text,
    asked_at timestamptz not null,
    signed_at timestamptz,
    ended_at timestamptz,
    reason text,
    primary key (review_id, holder, fence)
)
"""
_COMMENT = """
create table comment (
    review_id uuid not null references record (review_id),
    role text not null,
    comment_hash text not null,
    author_id text not null,
    text text not null,
    written_at timestamptz not null,
    primary key (review_id, role, comment_hash)
)
"""


def upgrade() -> None:
    tables.create_v1(op)
    op.execute(_RECORD)
    op.execute("create index record_subject on record (subject_id, review_id)")
    op.execute("create index record_manager on record (manager_id, review_id)")
    op.execute("create index record_cycle on record (cycle_id, review_id)")
    op.execute("create index record_waiting on record (waiting_since) where waiting_since is not null")
    op.execute(_SIGNATURE)
    op.execute(_COMMENT)


def downgrade() -> None:
    for name in ("comment", "signature", "record"):
        op.execute(f"drop table {name}")
    tables.drop_v1(op)
