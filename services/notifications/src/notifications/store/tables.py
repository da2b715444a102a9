"""The tables of the notifications database beside the chassis' own.

A board is one row a review, which every writer of that review locks first; tasks and deliveries hang on it.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP, UUID

metadata = sa.MetaData()
INSTANT = TIMESTAMP(timezone=True)
ID = UUID(as_uuid=False)


def _needed(name: str, kind: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)


def _deadline(prefix: str) -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column(f"{prefix}day", sa.Date),
        sa.Column(f"{prefix}zone", sa.Text),
        sa.Column(f"{prefix}instant", INSTANT),
    )


board = sa.Table(
    "board",
    metadata,
    sa.Column("review_id", ID, primary_key=True),
    _needed("cycle_id", ID),
    _needed("subject_id", sa.Text),
    _needed("manager_id", sa.Text),
    _needed("row_version", sa.BigInteger),
    _needed("event_sequence", sa.BigInteger),
    _needed("assessment_version", sa.BigInteger),
    _needed("opened", sa.Boolean),
    _needed("closed", sa.Boolean),
    _needed("cancelled", sa.Boolean),
    *_deadline("self_deadline_"),
    *_deadline("manager_deadline_"),
    _needed("self_state", sa.Text),
    _needed("self_version", sa.BigInteger),
    _needed("self_visible", sa.Boolean),
    _needed("manager_submitted", sa.Boolean),
    _needed("manager_reopened", sa.Boolean),
    _needed("packets_version", sa.BigInteger),
    _needed("place", sa.Text),
    _needed("signing_version", sa.BigInteger),
    _needed("open_signers", ARRAY(sa.Text)),
    _needed("employee_fence", sa.BigInteger),
    _needed("manager_fence", sa.BigInteger),
)

task = sa.Table(
    "task",
    metadata,
    sa.Column("person_id", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("review_id", ID, sa.ForeignKey("board.review_id"), primary_key=True),
    *_deadline("deadline_"),
)
sa.Index("task_review", task.c.review_id)

# The key under which at most one mail goes out is unique here.
delivery = sa.Table(
    "delivery",
    metadata,
    sa.Column("delivery_id", ID, primary_key=True),
    sa.Column("review_id", ID, sa.ForeignKey("board.review_id"), nullable=False),
    _needed("recipient_id", sa.Text),
    _needed("template", sa.Text),
    _needed("occasion", sa.Text),
    sa.Column("question_kind", sa.Text),
    sa.Column("question_at", sa.BigInteger),
    _needed("occurred_at", INSTANT),
    _needed("state", sa.Text),
    _needed("attempt", sa.Integer),
    sa.Column("reason", sa.Text),
    _needed("created_at", INSTANT),
    sa.Column("settled_at", INSTANT),
    sa.UniqueConstraint("recipient_id", "template", "review_id", "occasion", name="delivery_key"),
)
sa.Index("delivery_review", delivery.c.review_id, delivery.c.delivery_id)
sa.Index("delivery_recipient", delivery.c.recipient_id, delivery.c.delivery_id)
sa.Index("delivery_state", delivery.c.state, delivery.c.delivery_id)

# One row: who reads the topics again from their beginning mails nobody about what happened before this instant.
watermark = sa.Table(
    "watermark",
    metadata,
    sa.Column("single", sa.Boolean, sa.CheckConstraint("single", name="watermark_single"), primary_key=True),
    _needed("effects_from", INSTANT),
)
