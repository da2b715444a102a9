"""The chassis' tables and the toy's own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from reviewbus import tables

revision = "0001"
down_revision = None


def upgrade() -> None:
    tables.create_v1(op)
    op.create_table(
        "applied",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("n", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("applied")
    tables.drop_v1(op)
