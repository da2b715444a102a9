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
from reviewbus.clock import rfc3339
from reviewbus.db import AuditEntry, is_transient
from reviewbus.envelope import type_of
from reviewbus.tables import dead_letter, outbox, outbox_dead

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reviewbus.broker import Place
    from reviewbus.db import Tx

DEAD, WAITING = "dead", "waiting"
LIST_ROWS_MAX = 500
_log = telemetry.logger("dead_letters")
ParkedKey = tuple[str, str]


class NoSuchLetter(LookupError):
    """There is no dead letter, or no refused record, of this id."""


def key_of(record: Record) -> ParkedKey:
    """Return what is parked together: the topic and the record's key."""
    return (record.topic, _storable(record.key or b""))


def parked(tx: Tx, keys: Sequence[ParkedKey]) -> set[ParkedKey]:
    """Return those of the keys that are parked."""
    query = (
        sa.select(dead_letter.c.topic, dead_letter.c.key).distinct().where(dead_letter.c.key.in_({k for _, k in keys}))
    )
    return {(row.topic, row.key) for row in tx.execute(query)} & set(keys)


def put_behind(tx: Tx, record: Record) -> bool:
    """Put a record aside behind its parked key; return False, having done nothing, if the key is not parked.

    The rows that park it stay locked until the end of the transaction, so that a replay going on at the same time
    either takes this record along or has freed its key before.
    """
    topic, key = key_of(record)
    parking = sa.select(dead_letter.c.id).where(dead_letter.c.topic == topic, dead_letter.c.key == key)
    if tx.execute(parking.with_for_update(read=True)).first() is None:
        return False
    put_aside(tx, record, status=WAITING, reason="key-parked")
    return True


def unsettled(tx: Tx, place: Place) -> int:
    """Return how many dead records of a partition nobody has decided on yet."""
    topic, partition = place
    dead = (dead_letter.c.topic == topic, dead_letter.c.partition == partition, dead_letter.c.status == DEAD)
    return int(tx.execute(sa.select(sa.func.count()).where(*dead)).scalar_one())


def put_aside(tx: Tx, record: Record, *, status: str, reason: str) -> None:
    """Keep a record for a person to decide on; a repeat of the same record changes nothing."""
    topic, key = key_of(record)
    row = {
        "topic": topic,
        "partition": record.partition,
        "position": record.offset,
        "key": key,
        "type": (type_of(record.headers) or "").replace("\x00", "\ufffd"),
        "headers": {name.replace("\x00", "\ufffd"): _storable(value) for name, value in record.headers},
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
        {**row, "created_at": rfc3339(row["created_at"])}
        for query in (incoming, outgoing)
        for row in tx.execute(query.limit(LIST_ROWS_MAX)).mappings()
    ]


def show(tx: Tx, letter_id: int, *, out: bool = False) -> dict[str, Any]:
    """Return one letter with its headers and body, incoming or (`out`) refused by the broker; raises `NoSuchLetter`."""
    table = outbox_dead if out else dead_letter
    row = tx.execute(sa.select(table).where(table.c.id == letter_id)).mappings().one_or_none()
    if row is None:
        msg = f"no letter {letter_id}"
        raise NoSuchLetter(msg)
    return {**row, "body": bytes(row["body"]).decode("utf-8", "replace"), "created_at": rfc3339(row["created_at"])}


def replay(tx: Tx, letter_id: int, apply: Callable[[Tx, Record], None], *, actor: str) -> int:
    """Apply a dead record and all that wait behind it, in order, and free the key; return how many were applied.

    All in the caller's transaction: if the dead record itself cannot be applied, nothing changes and its exception
    passes on. If one behind it cannot, that one becomes the dead letter, what came before it stays applied, and the key
    stays parked. Raises `NoSuchLetter` when there is no such dead letter.
    """
    return _settle(tx, letter_id, apply, actor=actor, skip_dead=False)


def discard(tx: Tx, letter_id: int, apply: Callable[[Tx, Record], None], *, actor: str) -> int:
    """Drop a dead record and its repeats for good, apply all else that waits behind it, and free the key.

    Returns how many were applied. Otherwise as `replay`.
    """
    return _settle(tx, letter_id, apply, actor=actor, skip_dead=True)


def replay_outgoing(tx: Tx, row_id: int, *, actor: str) -> None:
    """Put a record that the broker had refused back into the outbox, at its old place; raises `NoSuchLetter`."""
    _take_outgoing(tx, row_id, actor=actor, action="dlq-replay-out", back=True)


def discard_outgoing(tx: Tx, row_id: int, *, actor: str) -> None:
    """Drop a record that the broker had refused, so that its key flows again; raises `NoSuchLetter`."""
    _take_outgoing(tx, row_id, actor=actor, action="dlq-discard-out", back=False)


def _settle(tx: Tx, letter_id: int, apply: Callable[[Tx, Record], None], *, actor: str, skip_dead: bool) -> int:
    first = tx.execute(
        sa.select(dead_letter).where(dead_letter.c.id == letter_id, dead_letter.c.status == DEAD).with_for_update()
    ).one_or_none()
    if first is None:
        msg = f"no dead letter {letter_id}"
        raise NoSuchLetter(msg)
    rows = tx.execute(
        sa.select(dead_letter)
        .where(dead_letter.c.topic == first.topic, dead_letter.c.key == first.key)
        .order_by(dead_letter.c.id)
        .with_for_update()
    ).all()
    applied, settled = 0, []
    for row in rows:
        # A repeat of the dead record waits behind it, and would fail as it did.
        if not (skip_dead and (row.id == letter_id or _is_repeat(row, first))):
            if row.id == letter_id:
                apply(tx, _record(row))
            elif not _applied(tx, row, apply):
                break
            applied += 1
        settled.append(row.id)
    tx.execute(sa.delete(dead_letter).where(dead_letter.c.id.in_(settled)))
    action = "dlq-discard" if skip_dead else "dlq-replay"
    tx.audit(AuditEntry(actor=actor, role="operator", action=action, object_id=f"{first.topic}/{first.key}"))
    return applied


def _applied(tx: Tx, row: Any, apply: Callable[[Tx, Record], None]) -> bool:
    """Apply one that waited; where it cannot be applied, make it the dead letter that its key waits for."""
    emitted = len(tx.emitted)
    try:
        with tx.connection.begin_nested():
            apply(tx, _record(row))
    except Exception as error:
        if is_transient(error):
            raise
        del tx.emitted[emitted:]
        reason = type(error).__name__
        tx.execute(sa.update(dead_letter).where(dead_letter.c.id == row.id).values(status=DEAD, reason=reason))
        _log.warning("waiting_record_failed", topic=row.topic, key=row.key, error=error)
        return False
    return True


def _is_repeat(row: Any, first: Any) -> bool:
    return bool(row.headers == first.headers and bytes(row.body) == bytes(first.body))


def _storable(raw: bytes) -> str:
    """Return bytes as text that a column can hold; what is no text could not be applied anyway."""
    return raw.decode("utf-8", "replace").replace("\x00", "\ufffd")


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
        raise NoSuchLetter(msg)
    if back:
        names = [column.name for column in outbox.columns]
        values = ", ".join(f":{name}" for name in names)
        # The old identity value puts it before everything of its key that has waited.
        statement = sa.text(f"insert into outbox ({', '.join(names)}) overriding system value values ({values})")  # noqa: S608 -- names of our own columns
        statement = statement.bindparams(*(sa.bindparam(n, type_=outbox.c[n].type) for n in names))
        tx.execute(statement, {name: getattr(row, name) for name in names})
    tx.audit(AuditEntry(actor=actor, role="operator", action=action, object_id=f"{row.topic}/{row.key}"))
