"""The tables of the signing database beside the chassis' own.

A review's row holds both signers and the completion: what decides a race lies in one row. Beside it stand every
signature that was ever asked for, with what it covered and what became of it, and the final comments.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TIMESTAMP, UUID

metadata = sa.MetaData()
INSTANT = TIMESTAMP(timezone=True)
ID = UUID(as_uuid=False)

REGISTERS = ("employee", "manager", "completion")


def _needed(name: str, kind: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)


def _register(name: str) -> tuple[sa.Column[Any], ...]:
    return (
        _needed(f"{name}_state", sa.Text),
        _needed(f"{name}_fence", sa.BigInteger),
        _needed(f"{name}_floor", sa.BigInteger),
        _needed(f"{name}_epoch", sa.BigInteger),
        sa.Column(f"{name}_snapshot_hash", sa.Text),
        sa.Column(f"{name}_manager_version", sa.Integer),
        sa.Column(f"{name}_self_version", sa.Integer),
        sa.Column(f"{name}_manager_hash", sa.Text),
        sa.Column(f"{name}_self_hash", sa.Text),
        sa.Column(f"{name}_person_id", sa.Text),
        sa.Column(f"{name}_statement_version", sa.Integer),
        sa.Column(f"{name}_comment_hash", sa.Text),
        _needed(f"{name}_stale", sa.Boolean),
        sa.Column(f"{name}_rejection", sa.Text),
    )


record = sa.Table(
    "record",
    metadata,
    sa.Column("review_id", ID, primary_key=True),
    _needed("cycle_id", ID),
    _needed("subject_id", sa.Text),
    _needed("manager_id", sa.Text),
    _needed("row_version", sa.BigInteger),
    _needed("event_sequence", sa.BigInteger),
    _needed("changed_at", INSTANT),
    # When the newest command was sent that is not answered yet, and how often it was sent again.
    sa.Column("waiting_since", INSTANT),
    _needed("resends", sa.Integer),
    _needed("released", sa.Boolean),
    _needed("packet_epoch", sa.BigInteger),
    sa.Column("snapshot_hash", sa.Text),
    sa.Column("manager_version", sa.Integer),
    _needed("revoked_epoch", sa.BigInteger),
    _needed("review_version", sa.BigInteger),
    _needed("self_state", sa.Text),
    sa.Column("self_version", sa.Integer),
    _needed("closed", sa.Boolean),
    _needed("cancelled", sa.Boolean),
    *(column for name in REGISTERS for column in _register(name)),
    _needed("tried_epoch", sa.BigInteger),
)
sa.Index("record_subject", record.c.subject_id, record.c.review_id)
sa.Index("record_manager", record.c.manager_id, record.c.review_id)
sa.Index("record_cycle", record.c.cycle_id, record.c.review_id)
sa.Index("record_waiting", record.c.waiting_since, postgresql_where=sa.text("waiting_since is not null"))

# One row for each fence under which a hold was asked for; never removed. `state` is the register's word while it is
# current; afterwards `revoked`, `rejected`, `superseded` or `lost`, with `reason`.
signature = sa.Table(
    "signature",
    metadata,
    sa.Column("review_id", ID, sa.ForeignKey("record.review_id"), primary_key=True),
    sa.Column("holder", sa.Text, primary_key=True),
    sa.Column("fence", sa.BigInteger, primary_key=True),
    _needed("state", sa.Text),
    sa.Column("person_id", sa.Text),
    _needed("epoch", sa.BigInteger),
    sa.Column("snapshot_hash", sa.Text),
    sa.Column("manager_version", sa.Integer),
    sa.Column("self_version", sa.Integer),
    sa.Column("manager_hash", sa.Text),
    sa.Column("self_hash", sa.Text),
    sa.Column("statement_version", sa.Integer),
    sa.Column("comment_hash", sa.Text),
    _needed("asked_at", INSTANT),
    sa.Column("signed_at", INSTANT),
    sa.Column("ended_at", INSTANT),
    sa.Column("reason", sa.Text),
)

comment = sa.Table(
    "comment",
    metadata,
    sa.Column("review_id", ID, sa.ForeignKey("record.review_id"), primary_key=True),
    sa.Column("role", sa.Text, primary_key=True),
    sa.Column("comment_hash", sa.Text, primary_key=True),
    _needed("author_id", sa.Text),
    _needed("text", sa.Text),
    _needed("written_at", INSTANT),
)
