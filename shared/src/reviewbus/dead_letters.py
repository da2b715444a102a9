"""Dead letters: records that could not be applied, and the keys that are parked behind them.

A dead record is put aside in the transaction that gives it up, and its key is parked: later records of that key are
put aside as waiting, in order, until a person replays or discards the dead one. Other keys flow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from reviewbus import telemetry
from reviewbus.broker import Record
from reviewbus.db import AuditEntry
from reviewbus.envelope import type_of
from reviewbus.tables import dead_letter, outbox, outbox_dead

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reviewbus.db import Tx

DEAD, WAITING = "dead", "waiting"
LIST_ROWS_MAX = 500
_log = telemetry.logger("dead_letters")
ParkedKey = tuple[str, str]


def key_of(record: Record) -> ParkedKey:
    """Return what is parked together: the topic and the record's key."""
    return (record.topic, (record.key or b"").decode("utf-8", "replace"))


def parked(tx: Tx, keys: Sequence[ParkedKey]) -> set[ParkedKey]:
    """Return those of the keys that are parked."""
    query = (
        sa.select(dead_letter.c.topic, dead_letter.c.key).distinct().where(dead_letter.c.key.in_({k for _, k in keys}))
    )
    return {(row.topic, row.key) for row in tx.execute(query)} & set(keys)


def put_aside(tx: Tx, record: Record, *, status: str, reason: str) -> None:
    """Keep a record for a person to decide on; a repeat of the same record changes nothing."""
    topic, key = key_of(record)
    row = {
        "topic": topic,
        "partition": record.partition,
        "position": record.offset,
        "key": key,
        "type": type_of(record.headers) or "",
        "headers": {name: value.decode("utf-8", "replace") for name, value in record.headers},
        "body": record.value or b"",
        "status": status,
        "reason": reason,
    }
    tx.execute(insert(dead_letter).values(row).on_conflict_do_nothing(constraint="dead_letter_place"))
    if status == DEAD:
        telemetry.DEAD_LETTERS.labels(reason=reason).inc()
        _log.error("record_put_aside", topic=topic, key=key, offset=record.offset, reason=reason)


def listing(tx: Tx) -> list[dict[str, Any]]:
    """Return what lies here: incoming records, dead or waiting, then outgoing ones that the broker refused."""
    incoming = sa.select(
        sa.literal("in").label("way"),
        *(dead_letter.c[n] for n in ("id", "topic", "key", "type", "status", "reason", "created_at")),
    ).order_by(dead_letter.c.id)
    outgoing = sa.select(
        sa.literal("out").label("way"),
        *(outbox_dead.c[n] for n in ("id", "topic", "key", "type")),
        sa.literal(DEAD).label("status"),
        outbox_dead.c.reason,
        outbox_dead.c.died_at.label("created_at"),
    ).order_by(outbox_dead.c.id)
    return [
        {**row, "created_at": row["created_at"].isoformat()}
        for query in (incoming, outgoing)
        for row in tx.execute(query.limit(LIST_ROWS_MAX)).mappings()
    ]


def show(tx: Tx, letter_id: int) -> dict[str, Any] | None:
    """Return one incoming dead letter with its headers and body, or None."""
    row = tx.execute(sa.select(dead_letter).where(dead_letter.c.id == letter_id)).mappings().one_or_none()
    if row is None:
        return None
    return {**row, "body": bytes(row["body"]).decode("utf-8", "replace"), "created_at": row["created_at"].isoformat()}


def replay(tx: Tx, letter_id: int, apply: Callable[[Tx, Record], None], *, actor: str) -> int:
    """Apply a dead record and all that wait behind it, in order, and free the key; return how many were applied.

    All in the caller's transaction: if one cannot be applied, nothing changes and its exception passes on. Raises
    `LookupError` when there is no such dead letter.
    """
    return _settle(tx, letter_id, apply, actor=actor, skip_dead=False)


def discard(tx: Tx, letter_id: int, apply: Callable[[Tx, Record], None], *, actor: str) -> int:
    """Drop a dead record for good, apply all that wait behind it, and free the key; return how many were applied."""
    return _settle(tx, letter_id, apply, actor=actor, skip_dead=True)


def replay_outgoing(tx: Tx, row_id: int, *, actor: str) -> None:
    """Put a record that the broker had refused back into the outbox, at its old place; raises `LookupError`."""
    _take_outgoing(tx, row_id, actor=actor, action="dlq-replay-out", back=True)


def discard_outgoing(tx: Tx, row_id: int, *, actor: str) -> None:
    """Drop a record that the broker had refused, so that its key flows again; raises `LookupError`."""
    _take_outgoing(tx, row_id, actor=actor, action="dlq-discard-out", back=False)


def _settle(tx: Tx, letter_id: int, apply: Callable[[Tx, Record], None], *, actor: str, skip_dead: bool) -> int:
    first = tx.execute(
        sa.select(dead_letter).where(dead_letter.c.id == letter_id, dead_letter.c.status == DEAD).with_for_update()
    ).one_or_none()
    if first is None:
        msg = f"no dead letter {letter_id}"
        raise LookupError(msg)
    rows = tx.execute(
        sa.select(dead_letter)
        .where(dead_letter.c.topic == first.topic, dead_letter.c.key == first.key)
        .order_by(dead_letter.c.id)
        .with_for_update()
    ).all()
    applied = 0
    for row in rows:
        if not (skip_dead and row.id == letter_id):
            apply(tx, _record(row))
            applied += 1
    tx.execute(sa.delete(dead_letter).where(dead_letter.c.id.in_([row.id for row in rows])))
    action = "dlq-discard" if skip_dead else "dlq-replay"
    tx.audit(AuditEntry(actor=actor, role="operator", action=action, object_id=f"{first.topic}/{first.key}"))
    return applied


def _record(row: Any) -> Record:
    return Record(
        topic=row.topic,
        partition=row.partition,
        offset=row.position,
        key=row.key.encode(),
        headers=tuple((name, value.encode()) for name, value in row.headers.items()),
        value=bytes(row.body),
    )


def _take_outgoing(tx: Tx, row_id: int, *, actor: str, action: str, back: bool) -> None:
    row = tx.execute(sa.delete(outbox_dead).where(outbox_dead.c.id == row_id).returning(*outbox_dead.c)).one_or_none()
    if row is None:
        msg = f"no refused record {row_id}"
        raise LookupError(msg)
    if back:
        names = [column.name for column in outbox.columns]
        values = ", ".join(f":{name}" for name in names)
        # The old identity value puts it before everything of its key that has waited.
        statement = sa.text(f"insert into outbox ({', '.join(names)}) overriding system value values ({values})")  # noqa: S608 -- names of our own columns
        statement = statement.bindparams(*(sa.bindparam(n, type_=outbox.c[n].type) for n in names))
        tx.execute(statement, {name: getattr(row, name) for name in names})
    tx.audit(AuditEntry(actor=actor, role="operator", action=action, object_id=f"{row.topic}/{row.key}"))
