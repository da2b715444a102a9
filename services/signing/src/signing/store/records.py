"""Rows of reviews: read, locked, written with the version that was read."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from reviewbus import directory, tables
from signing.domain.ids import PersonId, ReviewId
from signing.domain.record import HoldState, Register, SelfState, SigningRecord
from signing.domain.sweep import waiting
from signing.store.signatures import keep_signatures
from signing.store.tables import REGISTERS, record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.engine import RowMapping

    from reviewbus.db import Tx

_PLAIN = tuple(one.name for one in fields(SigningRecord) if one.name not in REGISTERS)
_REGISTER = tuple(one.name for one in fields(Register))
JITTER = 0.2
_RESENDS_COUNTED = 20  # two to the power of more overflows


class LostUpdate(Exception):
    """A row was written that is not as it was read, though it was locked: only a bug does that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """A row as it was written. Its events have the numbers from `first_event` on."""

    record: SigningRecord
    first_event: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """Which rows wait too long. The n-th time waits `after_s * 2^n`, at most `after_s_max`, both in seconds."""

    after_s: float
    after_s_max: float
    rows_max: int


def load(tx: Tx, review_id: ReviewId) -> SigningRecord | None:
    """Return a review's row, locked until the end of the transaction, or None."""
    row = (
        tx.execute(_select().where(record.c.review_id == review_id).with_for_update(key_share=True))
        .mappings()
        .one_or_none()
    )
    return None if row is None else _record(row)


def load_many(tx: Tx, review_ids: Sequence[ReviewId]) -> dict[ReviewId, SigningRecord]:
    """Return the rows of these reviews as far as there are any, locked in the order of their ids."""
    query = _select().where(record.c.review_id.in_(review_ids)).order_by(record.c.review_id)
    rows = tx.execute(query.with_for_update(key_share=True)).mappings()
    return {ReviewId(row["review_id"]): _record(row) for row in rows}


def load_or_create(tx: Tx, blank: SigningRecord) -> SigningRecord:
    """Return the row of the review that `blank` names, locked; `blank` itself is written where there was none."""
    found = load(tx, blank.review_id)
    if found is not None:
        return found
    create_missing(tx, [blank])
    created = load(tx, blank.review_id)
    assert created is not None
    return created


def create_missing(tx: Tx, blanks: Sequence[SigningRecord]) -> None:
    """Write those of these rows that do not exist yet."""
    known = row_versions(tx, [blank.review_id for blank in blanks])
    missing = sorted((blank for blank in blanks if blank.review_id not in known), key=lambda blank: blank.review_id)
    if missing:
        values = [{**_values(blank), "event_sequence": 0, "resends": 0, "changed_at": tx.now} for blank in missing]
        tx.execute(insert(record).values(values).on_conflict_do_nothing())


def read(tx: Tx, review_id: ReviewId) -> SigningRecord | None:
    """Return a review's row without locking it, or None."""
    return read_many(tx, [review_id]).get(review_id)


def read_many(tx: Tx, review_ids: Sequence[ReviewId]) -> dict[ReviewId, SigningRecord]:
    """Return the rows of these reviews as far as there are any, without locking them."""
    rows = tx.execute(_select().where(record.c.review_id.in_(review_ids))).mappings()
    return {ReviewId(row["review_id"]): _record(row) for row in rows}


def row_versions(tx: Tx, review_ids: Sequence[ReviewId]) -> dict[ReviewId, int]:
    """Return the version of each of these rows that exist."""
    query = sa.select(record.c.review_id, record.c.row_version).where(record.c.review_id.in_(review_ids))
    return {ReviewId(row.review_id): row.row_version for row in tx.execute(query)}


def save(tx: Tx, old: SigningRecord, new: SigningRecord, *, events: int) -> Saved:
    """Write a row that was loaded as `old`, if it differs, and draw the numbers of its events.

    Raises:
        LostUpdate: the row is not as `old` says.
    """
    if new is old and not events:
        return Saved(record=old, first_event=0)
    # A jump of the version, after a restore, is one of the event numbers too: none of them is used twice.
    jump = new.row_version - old.row_version
    written = replace(new, row_version=new.row_version + 1)
    sequence = record.c.event_sequence + jump + events
    values = {**_values(written), **_waiting(tx, old, new), "event_sequence": sequence, "changed_at": tx.now}
    row = tx.execute(
        sa.update(record)
        .where(record.c.review_id == old.review_id, record.c.row_version == old.row_version)
        .values(values)
        .returning(record.c.event_sequence)
    ).one_or_none()
    if row is None:
        raise LostUpdate(old.review_id, old.row_version)
    keep_signatures(tx, old, written)
    return Saved(record=written, first_event=row.event_sequence - events + 1)


def due(tx: Tx, how: Due) -> list[SigningRecord]:
    """Return rows that wait too long for an answer, locked; those that somebody else holds are left out.

    None is due while a command of it is still in the outbox.
    """
    longer = sa.func.least(
        how.after_s_max, how.after_s * sa.func.power(2, sa.func.least(record.c.resends, _RESENDS_COUNTED))
    )
    spread = longer * (1 + JITTER * sa.func.random())
    unsent = (
        sa.select(sa.literal(1))
        .where(tables.outbox.c.key == sa.cast(record.c.review_id, sa.Text))
        .where(tables.outbox.c.type == "hold.requested.v1")
        .exists()
    )
    too_long = record.c.waiting_since <= tx.now - timedelta(seconds=how.after_s)
    oldest = (
        sa.select(record.c.review_id)
        .where(too_long)
        .where(record.c.waiting_since <= sa.literal(tx.now) - sa.func.make_interval(0, 0, 0, 0, 0, 0, spread))
        .where(~unsent)
        .order_by(record.c.waiting_since)
        .limit(how.rows_max)
    )
    # Said of the locked row as well: it may have been answered, or sent again, since the oldest were looked up.
    query = _select().where(record.c.review_id.in_(oldest), too_long).order_by(record.c.review_id)
    rows = tx.execute(query.with_for_update(key_share=True, skip_locked=True)).mappings()
    return [_record(row) for row in rows]


def resent(tx: Tx, one: SigningRecord, *, events: int) -> Saved:
    """Note that a row's commands were sent again, and draw the numbers of their events; nothing else changes."""
    row = tx.execute(
        sa.update(record)
        .where(record.c.review_id == one.review_id)
        .values(waiting_since=tx.now, resends=record.c.resends + 1, event_sequence=record.c.event_sequence + events)
        .returning(record.c.event_sequence)
    ).one()
    return Saved(record=one, first_event=row.event_sequence - events + 1)


def line(tx: Tx, *people: PersonId) -> dict[PersonId, PersonId | None]:
    """Return the manager of each of these people, and of everybody above the first of them, as far as known."""
    wanted = {*people, *directory.line_above(tx, people[0])}
    known = tables.directory
    rows = tx.execute(sa.select(known.c.person_id, known.c.manager_id).where(known.c.person_id.in_(wanted)))
    return {PersonId(row.person_id): row.manager_id for row in rows}


def _select() -> sa.Select[Any]:
    names = (*_PLAIN, *(f"{register}_{name}" for register in REGISTERS for name in _REGISTER))
    return sa.select(*(record.c[name] for name in names))


def _record(row: RowMapping) -> SigningRecord:
    plain = {name: row[name] for name in _PLAIN}
    registers = {register: _register(row, register) for register in REGISTERS}
    return SigningRecord(**{**plain, **registers, "self_state": SelfState(row["self_state"])})


def _register(row: RowMapping, register: str) -> Register:
    values = {name: row[f"{register}_{name}"] for name in _REGISTER}
    return Register(**{**values, "state": HoldState(values["state"])})


def _values(one: SigningRecord) -> dict[str, Any]:
    plain = {name: getattr(one, name) for name in _PLAIN}
    registers = {
        f"{register}_{name}": getattr(getattr(one, register), name) for register in REGISTERS for name in _REGISTER
    }
    return {**plain, **registers}


def _waiting(tx: Tx, old: SigningRecord, new: SigningRecord) -> dict[str, Any]:
    """Begin to wait anew where a command was sent that `old` had not sent; stop where all are answered."""
    asked = {(holder, new.register(holder).fence) for holder in waiting(new)}
    if not asked:
        return {"waiting_since": None, "resends": 0}
    before = {(holder, old.register(holder).fence) for holder in waiting(old)}
    return {} if asked <= before else {"waiting_since": tx.now, "resends": 0}
