"""Packet rows: read, locked in the order of their ids, and written with the version that they were decided on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from packets.domain.history import moments
from packets.domain.holds import awaited_fence
from packets.store.history import MOMENTS
from packets.store.rows import from_row, to_row
from packets.store.tables import packets, snapshots
from reviewbus.db import as_json, insert_rows, one, uuids

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from packets.domain.packet import Packet
    from reviewbus.db import Tx

_WAITING = ("waiting_since", "retry_at", "resent")
_KEPT = {"review_id", "event_sequence", "moved_for", "created_at", *_WAITING, *MOMENTS}
_WRITTEN = tuple(column.name for column in packets.c if column.name not in _KEPT)
_SAVE_MANY = sa.text(
    f"update packets p set {', '.join(f'{name} = v.{name}' for name in _WRITTEN)},"  # noqa: S608 -- our own columns
    f" {', '.join(f'{name} = case when g.waits_anew then v.{name} else p.{name} end' for name in _WAITING)},"
    f" {', '.join(f'{name} = coalesce(v.{name}, p.{name})' for name in MOMENTS)},"
    " event_sequence = p.event_sequence + g.records"
    " from jsonb_populate_recordset(null::packets, cast(:rows as jsonb)) v"
    " join unnest(cast(:ids as uuid[]), cast(:expected as bigint[]), cast(:records as bigint[]),"
    " cast(:waits_anew as boolean[])) g (review_id, expected, records, waits_anew) on g.review_id = v.review_id"
    " where p.review_id = v.review_id and p.row_version = g.expected"
    " returning p.review_id, p.event_sequence"
)


class VersionMissed(Exception):
    """A row that was locked is not as it was read: only a bug can do that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A packet as it was loaded, as it has to be, and how many records tell of it."""

    old: Packet
    new: Packet
    records: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """A packet as it stands in its row now, and the number of the first of its records."""

    packet: Packet
    sequence: int


def load(tx: Tx, review_id: str) -> Packet | None:
    """The packet, its row locked until the transaction ends; None if there is none."""
    row = one(tx.execute(sa.select(packets).where(packets.c.review_id == review_id).with_for_update(key_share=True)))
    return None if row is None else from_row(row)


def load_many(tx: Tx, review_ids: Collection[str]) -> dict[str, Packet]:
    """The packets by review, locked in the order of their ids; those that do not exist are left out."""
    statement = sa.select(packets).where(packets.c.review_id == sa.any_(uuids(review_ids)))
    found = tx.execute(statement.order_by(packets.c.review_id).with_for_update(key_share=True)).mappings()
    return {row["review_id"]: from_row(row) for row in found}


def read(tx: Tx, review_id: str) -> Packet | None:
    """The packet as it is committed, without a lock."""
    row = one(tx.execute(sa.select(packets).where(packets.c.review_id == review_id)))
    return None if row is None else from_row(row)


def read_many(tx: Tx, review_ids: Collection[str]) -> dict[str, Packet]:
    """The packets by review, without locks."""
    found = tx.execute(sa.select(packets).where(packets.c.review_id == sa.any_(uuids(review_ids)))).mappings()
    return {row["review_id"]: from_row(row) for row in found}


def add(tx: Tx, packet: Packet) -> None:
    """Write a new row; one that is there stays as it is."""
    values = to_row(packet) | {"event_sequence": 0, "resent": 0, "created_at": tx.now, "changed_at": tx.now}
    tx.execute(insert(packets).values(values).on_conflict_do_nothing())


def save(tx: Tx, change: Change) -> Saved:
    """Write a locked packet, one row version on; one that has not changed only counts its records.

    Raises `VersionMissed` when the row is not the one that was loaded.
    """
    old, new = change.old, change.new
    if old == new and not change.records:
        return Saved(packet=old, sequence=0)
    after = _next(old, new)
    values = {} if old == new else _values(old, after, tx.now)
    before = to_row(old)
    values = {name: value for name, value in values.items() if name not in before or before[name] != value}
    statement = (
        sa.update(packets)
        .where(packets.c.review_id == old.review_id, packets.c.row_version == old.row_version)
        .values(**values, event_sequence=packets.c.event_sequence + change.records)
        .returning(packets.c.event_sequence)
    )
    last = tx.execute(statement).scalar_one_or_none()
    if last is None:
        raise VersionMissed(old.review_id)
    _note_snapshots(tx, [(old, after)])
    return Saved(packet=after, sequence=last - change.records + 1)


def save_many(tx: Tx, changes: Sequence[Change]) -> list[Saved]:
    """Write many locked packets by one statement; the same result as `save` on each of them."""
    wanted = [each for each in changes if each.old != each.new]
    if len(wanted) != len(changes) or len(wanted) < 2:  # noqa: PLR2004 -- one is not many
        return [save(tx, each) for each in changes]
    after = {each.old.review_id: _next(each.old, each.new) for each in wanted}
    rows = [
        {"review_id": each.old.review_id, **_values(each.old, after[each.old.review_id], tx.now)} for each in wanted
    ]
    parameters = {
        "rows": as_json(rows),
        "ids": [each.old.review_id for each in wanted],
        "expected": [each.old.row_version for each in wanted],
        "records": [each.records for each in wanted],
        "waits_anew": [awaited_fence(each.old) != awaited_fence(each.new) for each in wanted],
    }
    last = {str(row.review_id): int(row.event_sequence) for row in tx.execute(_SAVE_MANY, parameters)}
    missed = set(after) - set(last)
    if missed:
        raise VersionMissed(", ".join(sorted(missed)))
    _note_snapshots(tx, [(each.old, after[each.old.review_id]) for each in wanted])
    return [
        Saved(packet=after[each.old.review_id], sequence=last[each.old.review_id] - each.records + 1)
        for each in changes
    ]


def _next(old: Packet, new: Packet) -> Packet:
    return old if old == new else replace(new, row_version=new.row_version + 1)


def _values(old: Packet, new: Packet, now: datetime) -> dict[str, Any]:
    values: dict[str, Any] = {**to_row(new), "changed_at": now}
    fence = awaited_fence(new)
    if fence != awaited_fence(old):
        values |= {"waiting_since": None if fence is None else now, "retry_at": None, "resent": 0}
    return values | dict.fromkeys(moments(old, new), now)


def _note_snapshots(tx: Tx, steps: Sequence[tuple[Packet, Packet]]) -> None:
    rows = [
        {
            "review_id": new.review_id,
            "hash": new.snapshot.hash,
            "manager_id": new.manager_id,
            "manager_version": new.snapshot.ref.manager_version,
            "content_hash": new.snapshot.ref.content_hash,
            "selection_version": new.snapshot.ref.selection_version,
            "rating_shown": new.snapshot.ref.rating_shown.value,
            "rating": new.snapshot.ref.rating,
            "rating_version": new.snapshot.ref.rating_version,
            "taken_at": tx.now,
        }
        for old, new in steps
        if new.snapshot is not None and shown_by(new) != shown_by(old)
    ]
    if rows:
        tx.execute(insert_rows(snapshots, rows).on_conflict_do_nothing())


def shown_by(packet: Packet) -> tuple[str, str] | None:
    """What is shown and who stands as its manager: whatever is frozen with a snapshot has this key."""
    return None if packet.snapshot is None else (packet.snapshot.hash, packet.manager_id)
