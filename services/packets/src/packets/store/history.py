"""A packet's history: lines added set by set, and read review by review."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import distinct_on

from packets.domain.history import Entry, Kind
from packets.domain.packet import PacketState, Part
from packets.store.tables import history as table
from packets.store.tables import packets
from reviewbus.db import insert_rows, uuids

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from reviewbus.db import Tx

# Newest first, so that what is left out of a history that nobody would read to its end is its beginning.
LINES_MAX = 1_000
MOMENTS = ("sent_at", "released_at", "viewed_at", "downloaded_at", "conversation_at")
_COLUMNS = tuple(field.name for field in fields(Entry))
_WORDS = {"kind": Kind, "state": PacketState, "part": Part}


def note_history(tx: Tx, lines: Mapping[str, Sequence[Entry]]) -> None:
    """Add lines, by review, at the transaction's instant."""
    rows = [
        {"review_id": review_id, **{name: getattr(line, name) for name in _COLUMNS}, "at": tx.now}
        for review_id, added in lines.items()
        for line in added
    ]
    if rows:
        tx.execute(insert_rows(table, rows))


def read_history(tx: Tx, review_id: str) -> tuple[list[Entry], bool]:
    """The newest lines of a review, oldest first, and whether these are all."""
    statement = sa.select(table).where(table.c.review_id == review_id).order_by(table.c.number.desc())
    rows = tx.execute(statement.limit(LINES_MAX + 1)).mappings().all()
    return [_entry(row) for row in reversed(rows[:LINES_MAX])], len(rows) <= LINES_MAX


def released_lines(tx: Tx, review_id: str) -> list[Entry]:
    """The newest releases of a review that came about, oldest first."""
    statement = sa.select(table).where(table.c.review_id == review_id, table.c.kind == Kind.RELEASED.value)
    rows = tx.execute(statement.order_by(table.c.number.desc()).limit(LINES_MAX)).mappings().all()
    return [_entry(row) for row in reversed(rows)]


def lately_overridden(tx: Tx, review_ids: Collection[str]) -> dict[str, Entry]:
    """Who last opened the calibration gate of these reviews, and why."""
    statement = (
        sa.select(table)
        .ext(distinct_on(table.c.review_id))
        .where(
            table.c.review_id == sa.any_(uuids(review_ids)),
            table.c.kind == Kind.OVERRIDDEN.value,
        )
        .order_by(table.c.review_id, table.c.number.desc())
    )
    return {row["review_id"]: _entry(row) for row in tx.execute(statement).mappings()}


def moments_of(tx: Tx, review_id: str) -> dict[str, datetime | None]:
    """When each thing that tracking tells of came about last."""
    statement = sa.select(*(packets.c[name] for name in MOMENTS)).where(packets.c.review_id == review_id)
    return dict(tx.execute(statement).mappings().one())


def _entry(row: Mapping[Any, Any]) -> Entry:
    plain = {name: row[name] for name in _COLUMNS}
    return Entry(**plain | {name: word(row[name]) for name, word in _WORDS.items() if row[name] is not None})
