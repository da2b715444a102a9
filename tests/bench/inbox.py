"""The consumer with its inbox: record by record, and set-based, each beside the same statements without ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
import sqlalchemy as sa

from bench import raw
from bench.figures import Figure
from bench.ground import TYPE, add_items, event, keys, prepare, timed
from reviewbus.broker import Outgoing
from reviewbus.broker.client import KafkaBroker
from reviewbus.clock import new_id, utc_now
from reviewbus.consumer import Applier, Batched, Consumer
from reviewbus.envelope import encode_headers, seal
from reviewbus.telemetry import begin_trace

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bench.ground import Ground
    from harness.stack import Stack
    from reviewbus.consumer import Handler
    from reviewbus.db import Tx
    from reviewbus.envelope import Received

SINGLY = 10_000
TOGETHER = 60_000
BATCH = 500
PARTITIONS = 12
_ONE = sa.text("update item set n = n + 1 where id = cast(:id as uuid)")
_MANY = sa.text("update item set n = n + 1 where id = any(cast(:ids as uuid[]))")


def consume(stack: Stack, folder: Path) -> list[Figure]:
    """Apply records that wait in the topic."""
    singly = _measure(stack, folder, "singly", SINGLY, batched=False)
    together = _measure(stack, folder, "together", TOGETHER, batched=True)
    names = ("Consumer with inbox, one by one", "Consumer with inbox, set-based")
    return [
        Figure(name=names[0], value=singly[1], unit="/s", raw=singly[0], bar=1_000, at_least=True),
        Figure(name=names[1], value=together[1], unit="/s", raw=together[0], bar=6_000, at_least=True),
    ]


def _measure(stack: Stack, folder: Path, name: str, count: int, *, batched: bool) -> tuple[float, float]:
    """Return the raw rate and ours."""
    ground = prepare(stack, folder, f"consume_{name}")
    topic = f"bench.consume.{name}"
    stack.kafka.create_topics({topic: PARTITIONS})
    ids = keys(5_000)
    add_items(ground, ids)
    _publish(ground, topic, ids, count)
    raw_rate = _raw(ground, topic, count, batched=batched)
    with psycopg.connect(ground.url) as connection:
        connection.execute("delete from inbox")
    return raw_rate, _ours(ground, topic, count, batched=batched)


def _publish(ground: Ground, topic: str, ids: list[Any], count: int) -> None:
    producer = KafkaBroker(ground.settings).producer()
    trace, now = begin_trace(None), utc_now()
    waiting: list[Outgoing] = []
    for number in range(count):
        key = ids[number % len(ids)]
        sealed = seal(event(key, number + 1), event_id=new_id(), topic=topic, source="/packets", time=now, trace=trace)
        waiting.append(
            Outgoing(topic=topic, key=sealed.key.encode(), headers=encode_headers(sealed.headers), value=sealed.body)
        )
        if len(waiting) == 5_000 or number == count - 1:
            producer.publish(waiting)
            waiting = []
    producer.close()


def _ours(ground: Ground, topic: str, count: int, *, batched: bool) -> float:
    def single(tx: Tx, received: Received) -> None:
        tx.execute(_ONE, {"id": received.key})

    def many(tx: Tx, group: Sequence[Received]) -> None:
        tx.execute(_MANY, {"ids": [one.key for one in group]})

    handler: Handler | Batched = Batched(single=single, many=many) if batched else single
    db = ground.database()
    subscription = KafkaBroker(ground.settings).subscribe(f"ours-{new_id()}", [topic])
    consumer = Consumer(db, subscription, Applier({TYPE: handler}, db.catalogue), batch=BATCH)
    first = 0
    while not first:
        first = consumer.run_once(0.5)

    def work() -> int:
        done = 0
        while first + done < count:
            done += consumer.run_once(0.5)
        return done

    rate = timed(work)
    subscription.close()
    db.close()
    return rate


def _raw(ground: Ground, topic: str, count: int, *, batched: bool) -> float:
    client = raw.consumer(ground.settings.kafka_bootstrap, f"raw-{new_id()}", [topic])
    first: list[Any] = []
    while not first:
        first = raw.records(client, BATCH)

    def work() -> int:
        done = 0
        with psycopg.connect(ground.url, autocommit=True) as connection:
            while len(first) + done < count:
                batch = raw.records(client, BATCH)
                if batched:
                    _apply_together(connection, batch)
                else:
                    for record in batch:
                        _apply_alone(connection, record)
                if batch:
                    raw.commit(client, batch)
                done += len(batch)
        return done

    rate = timed(work)
    client.close(autocommit=False)
    return rate


def _apply_alone(connection: psycopg.Connection[Any], record: Any) -> None:
    with connection.transaction():
        new = connection.execute(
            "insert into inbox (event_id) values (%s) on conflict do nothing returning event_id",
            (raw.event_id(record),),
        ).fetchone()
        if new:
            connection.execute("update item set n = n + 1 where id = %s", (raw.content(record)["review_id"],))


def _apply_together(connection: psycopg.Connection[Any], batch: list[Any]) -> None:
    with connection.transaction():
        new = connection.execute(
            "insert into inbox (event_id) select unnest(%s::uuid[]) on conflict do nothing returning event_id",
            ([raw.event_id(record) for record in batch],),
        ).fetchall()
        fresh = {str(row[0]) for row in new}
        ids = [raw.content(record)["review_id"] for record in batch if raw.event_id(record) in fresh]
        connection.execute("update item set n = n + 1 where id = any(%s::uuid[])", (ids,))
