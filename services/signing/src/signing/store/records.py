"""Rows of reviews: read, locked, written with the version that was read."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from reviewbus import directory, tables
from reviewbus.db import as_json, insert_rows, uuids
from signing.domain.ids import PersonId, ReviewId
from signing.domain.record import HoldState, Register, SelfState, SigningRecord
from signing.domain.sweep import waiting
from signing.store.signatures import keep_signatures
from signing.store.tables import REGISTERS, record

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from sqlalchemy.engine import RowMapping

    from reviewbus.db import Tx

_PLAIN = tuple(one.name for one in fields(SigningRecord) if one.name not in REGISTERS)
_REGISTER = tuple(one.name for one in fields(Register))
_COLUMNS = tuple(
    record.c[name] for name in (*_PLAIN, *(f"{register}_{name}" for register in REGISTERS for name in _REGISTER))
)
_GIVEN = {column.name: column.type.compile(dialect=postgresql.dialect()) for column in _COLUMNS}  # type: ignore[no-untyped-call]
# One statement for any number of rows, which is parsed once.
_SAVE = sa.text(
    f"update record r set {', '.join(f'{name} = v.{name}' for name in _GIVEN)},"  # noqa: S608 -- our own columns
    " event_sequence = r.event_sequence + v.events, changed_at = :now,"
    " waiting_since = case v.waits when 'not' then null when 'anew' then :now else r.waiting_since end,"
    " resends = case v.waits when 'on' then r.resends else 0 end"
    f" from jsonb_to_recordset(cast(:rows as jsonb)) v ({', '.join(f'{name} {kind}' for name, kind in _GIVEN.items())},"
    " expected bigint, events bigint, waits text)"
    " where r.review_id = v.review_id and r.row_version = v.expected returning r.review_id, r.event_sequence"
)
JITTER = 0.2
_RESENDS_COUNTED = 20  # two to the power of more overflows


class LostUpdate(Exception):
    """A row was written that is not as it was read, though it was locked: only a bug does that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A row as it was loaded, as it has to be (the very same if nothing changes), and how many events tell of it."""

    old: SigningRecord
    new: SigningRecord
    events: int


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
    return load_many(tx, [review_id]).get(review_id)


def load_many(tx: Tx, review_ids: Collection[ReviewId]) -> dict[ReviewId, SigningRecord]:
    """Return the rows of these reviews as far as there are any, locked in the order of their ids."""
    query = _select(review_ids).order_by(record.c.review_id)
    rows = tx.execute(query.with_for_update(key_share=True)).mappings()
    return {ReviewId(row["review_id"]): _record(row) for row in rows}


def load_or_create(tx: Tx, blanks: Mapping[ReviewId, SigningRecord | None]) -> dict[ReviewId, SigningRecord]:
    """Return the rows of these reviews, locked in the order of their ids.

    Where there is none the blank row is written; a review without a blank is left out.
    """
    found = load_many(tx, blanks)
    missing = [blank for review_id, blank in blanks.items() if blank is not None and review_id not in found]
    if missing:
        _create(tx, missing)
        found |= load_many(tx, [blank.review_id for blank in missing])
    return found


def create_missing(tx: Tx, blanks: Sequence[SigningRecord]) -> None:
    """Write those of these rows that do not exist yet."""
    known = row_versions(tx, [blank.review_id for blank in blanks])
    missing = [blank for blank in blanks if blank.review_id not in known]
    if missing:
        _create(tx, missing)


def read(tx: Tx, review_id: ReviewId) -> SigningRecord | None:
    """Return a review's row without locking it, or None."""
    return read_many(tx, [review_id]).get(review_id)


def read_many(tx: Tx, review_ids: Collection[ReviewId]) -> dict[ReviewId, SigningRecord]:
    """Return the rows of these reviews as far as there are any, without locking them."""
    rows = tx.execute(_select(review_ids)).mappings()
    return {ReviewId(row["review_id"]): _record(row) for row in rows}


def row_versions(tx: Tx, review_ids: Collection[ReviewId]) -> dict[ReviewId, int]:
    """Return the version of each of these rows that exist."""
    query = sa.select(record.c.review_id, record.c.row_version).where(_of(review_ids))
    return {ReviewId(row.review_id): row.row_version for row in tx.execute(query)}


def save_many(tx: Tx, changes: Sequence[Change]) -> list[Saved]:
    """Write rows that were loaded as `old`, as far as they differ, and draw the numbers of their events.

    Raises:
        LostUpdate: a row is not as its `old` says.
    """
    written = {one.old.review_id: _next(one) for one in changes if one.new is not one.old or one.events}
    if not written:
        return [Saved(record=one.old, first_event=0) for one in changes]
    rows = [_row(one, written[one.old.review_id]) for one in changes if one.old.review_id in written]
    last = {
        str(row.review_id): int(row.event_sequence) for row in tx.execute(_SAVE, {"rows": as_json(rows), "now": tx.now})
    }
    missed = written.keys() - last.keys()
    if missed:
        raise LostUpdate(*sorted(missed))
    for one in changes:
        if one.old.review_id in written:
            keep_signatures(tx, one.old, written[one.old.review_id])
    return [
        Saved(
            record=written.get(one.old.review_id, one.old),
            first_event=last.get(one.old.review_id, 0) - one.events + 1,
        )
        for one in changes
    ]


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
    query = sa.select(*_COLUMNS).where(record.c.review_id.in_(oldest), too_long).order_by(record.c.review_id)
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


def _select(review_ids: Collection[ReviewId]) -> sa.Select[Any]:
    return sa.select(*_COLUMNS).where(_of(review_ids))


def _of(review_ids: Collection[ReviewId]) -> sa.ColumnElement[bool]:
    return record.c.review_id == sa.any_(uuids(review_ids))


def _create(tx: Tx, blanks: Sequence[SigningRecord]) -> None:
    beside = {"event_sequence": 0, "resends": 0, "changed_at": tx.now}
    rows = [{**_values(blank), **beside} for blank in sorted(blanks, key=lambda blank: blank.review_id)]
    tx.execute(insert_rows(record, rows).on_conflict_do_nothing())


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


def _next(change: Change) -> SigningRecord:
    return replace(change.new, row_version=change.new.row_version + 1)


def _row(change: Change, written: SigningRecord) -> dict[str, Any]:
    old, new = change.old, change.new
    return {
        **_values(written),
        "expected": old.row_version,
        # A jump of the version, after a restore, is one of the event numbers too: none of them is used twice.
        "events": new.row_version - old.row_version + change.events,
        "waits": _waits(old, new),
    }


def _waits(old: SigningRecord, new: SigningRecord) -> str:
    """Say whether a row waits `anew`, since a command was sent that `old` had not sent, waits `on`, or does `not`."""
    asked = {(holder, new.register(holder).fence) for holder in waiting(new)}
    if not asked:
        return "not"
    before = {(holder, old.register(holder).fence) for holder in waiting(old)}
    return "on" if asked <= before else "anew"
