"""The raw baselines: the same statements and records by psycopg and kafka-python, without any of ours."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from zlib import crc32

import kafka
from kafka.structs import OffsetAndMetadata, TopicPartition

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import psycopg

API_VERSION = (4, 0)


def producer(bootstrap: str) -> Any:
    """Return a producer with the same settings as the chassis'."""

    class Crc32(kafka.partitioner.Partitioner):  # type: ignore[misc]
        def partition(self, topic: str, _: Any, key: bytes, *rest: Any) -> int:
            cluster = rest[-1]
            return crc32(key) % len(cluster.partitions_for_topic(topic))

    return kafka.KafkaProducer(
        bootstrap_servers=bootstrap,
        api_version=API_VERSION,
        acks="all",
        request_timeout_ms=10_000,
        delivery_timeout_ms=30_000,
        batch_size=256 * 1024,
        compression_type="lz4",
        metrics_enabled=False,
        partitioner=Crc32(),
    )


def consumer(bootstrap: str, group: str, topics: Sequence[str]) -> Any:
    """Return a consumer with the same settings as the chassis'."""
    client = kafka.KafkaConsumer(
        bootstrap_servers=bootstrap,
        group_id=group,
        api_version=API_VERSION,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        session_timeout_ms=10_000,
        metrics_enabled=False,
    )
    client.subscribe(list(topics))
    return client


def relay_round(
    connection: psycopg.Connection[Any], client: Any, limit: int, acked: Callable[[Any], None] | None = None
) -> int:
    """Send what is in the outbox, wait for the acknowledgements, delete it; return how many."""
    rows = connection.execute(
        "select id, topic, key, headers, body, event_id from outbox order by id limit %s", (limit,)
    ).fetchall()
    futures = [
        client.send(row[1], row[4], key=row[2].encode(), headers=[(k, v.encode()) for k, v in row[3].items()])
        for row in rows
    ]
    if futures:
        client.flush()
        for future in futures:
            future.get(timeout=30)
        if acked:
            acked(row[5] for row in rows)
        connection.execute("delete from outbox where id = any(%s)", ([row[0] for row in rows],))
    return len(rows)


def records(client: Any, limit: int, timeout_ms: int = 1000) -> list[Any]:
    """Poll once."""
    return [record for batch in client.poll(timeout_ms=timeout_ms, max_records=limit).values() for record in batch]


def commit(client: Any, batch: Sequence[Any]) -> None:
    """Commit the offsets behind a batch."""
    ends: dict[Any, int] = {}
    for record in batch:
        place = TopicPartition(record.topic, record.partition)
        ends[place] = max(ends.get(place, 0), record.offset + 1)
    client.commit({place: OffsetAndMetadata(offset, "", -1) for place, offset in ends.items()})


def event_id(record: Any) -> str:
    """Return a record's event id."""
    found: bytes = dict(record.headers)["ce_id"]
    return found.decode()


def content(record: Any) -> dict[str, Any]:
    """Return a record's body."""
    decoded: dict[str, Any] = json.loads(record.value)
    return decoded
