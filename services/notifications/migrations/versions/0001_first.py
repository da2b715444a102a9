"""The first tables: one board a review, the tasks and deliveries that hang on it, the watermark of all effects."""

from __future__ import annotations

from alembic import op

from reviewbus import tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_BOARD = """
create table board (
    review_id uuid primary key,
    cycle_id uuid not null,
    subject_id text not null,
    manager_id text not null,
    row_version bigint not null,
    event_sequence bigint not null,
    assessment_version bigint not null,
    opened boolean not null,
    closed boolean not null,
    cancelled boolean not null,
    self_deadline_day date,
    self_deadline_zone text,
    self_deadline_instant timestamptz,
    manager_deadline_day date,
    manager_deadline_zone text,
    manager_deadline_instant timestamptz,
    self_state text not null,
    self_version bigint not null,
    self_visible boolean not null,
    manager_submitted boolean not null,
    manager_reopened boolean not null,
    packets_version bigint not null,
    place text not null,
    signing_version bigint not null,
    open_signers text[] not null,
    employee_fence bigint not null,
    manager_fence bigint not null
)
"""
_TASK = """
create table task (
    person_id text not null,
    kind text not null,
    review_id uuid not null references board (review_id),
    deadline_day date,
    deadline_zone text,
    deadline_instant timestamptz,
    primary key (person_id, kind, review_id)
)
"""
_DELIVERY = """
create table delivery (
    delivery_id uuid primary key,
    review_id uuid not null references board (review_id),
    recipient_id text not null,
    template text not null,
    occasion text not null,
    question_kind text,
    question_at bigint,
    occurred_at timestamptz not null,
    state text not null,
    attempt integer not null,
    reason text,
    created_at timestamptz not null,
    settled_at timestamptz,
    constraint delivery_key unique (recipient_id, template, review_id, occasion)
)
"""
_WATERMARK = """
create table watermark (
    single boolean primary key constraint watermark_single check (single),
    effects_from timestamptz not null
)
"""


def upgrade() -> None:
    tables.create_v1(op)
    op.execute(_BOARD)
    op.execute(_TASK)
    op.execute("create index task_review on task (review_id)")
    op.execute(_DELIVERY)
    op.execute("create index delivery_review on delivery (review_id, delivery_id)")
    op.execute("create index delivery_recipient on delivery (recipient_id, delivery_id)")
    op.execute("create index delivery_state on delivery (state, delivery_id)")
    op.execute(_WATERMARK)
    # This installation begins to send mails now; what the topics tell of before had its mails, or never will.
    op.execute("insert into watermark (single, effects_from) values (true, clock_timestamp())")


def downgrade() -> None:
    for name in ("watermark", "delivery", "task", "board"):
        op.execute(f"drop table {name}")
    tables.drop_v1(op)
