"""The outbox: how fast a full one is drained, and how long a row takes from its commit to its acknowledgement."""

from __future__ import annotations

import itertools
import multiprocessing
import threading
import time
from typing import TYPE_CHECKING, Any

import psycopg
import sqlalchemy as sa

from bench import raw
from bench.figures import Figure, median, percentile
from bench.ground import HASH, TOPIC, TYPE, add_items, event, keys, prepare, timed
from reviewbus.broker.client import KafkaBroker
from reviewbus.outbox import CHANNEL, Notifier
from reviewbus.relay import COALESCE_S, Relay

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from bench.ground import Ground
    from harness.stack import Stack
    from reviewbus.broker import Failure, Outgoing, Producer

ROWS = 200_000
RATE = 200
SECONDS = 15
BATCH = 2_000
_FILL = """
insert into outbox (event_id, topic, key, shard, type, headers, body)
select uuidv7(), %(topic)s::text, k, get_byte(decode(md5(k), 'hex'), 0) %% 16, %(type)s::text,
  jsonb_build_object('ce_id', uuidv7()::text, 'ce_type', %(type)s::text, 'ce_source', '/bench', 'ce_subject', k,
    'ce_time', '2026-03-02T09:00:00.000000Z', 'ce_specversion', '1.0', 'content-type', 'application/json',
    'ce_correlationid', md5(k), 'ce_sequence', '000000000001',
    'traceparent', '00-' || md5(k) || '-0123456789abcdef-01'),
  convert_to(jsonb_build_object('review_id', k, 'cycle_id', k, 'subject_id', 'p-anna', 'manager_id', 'p-max',
    'version', 1, 'epoch', 1, 'snapshot_hash', %(hash)s::text)::text, 'UTF8')
from (select uuidv7()::text as k from generate_series(1, %(rows)s)) made
"""


def drain(stack: Stack, folder: Path) -> list[Figure]:
    """Fill the outbox and drain it, raw and by one relay."""
    ground = prepare(stack, folder, "drain")
    with psycopg.connect(ground.url, autocommit=True) as connection:
        _fill(connection)
        client = raw.producer(stack.kafka.bootstrap)
        raw_rate = timed(lambda: sum(iter(lambda: raw.relay_round(connection, client, BATCH), 0)))
        client.close()
        _fill(connection)
    producer = KafkaBroker(ground.settings).producer()
    relay = Relay(ground.settings, producer)
    rate = timed(lambda: sum(iter(relay.run_once, 0)))
    relay.close()
    producer.close()
    return [Figure(name="Relay drain, one relay", value=rate, unit="/s", raw=raw_rate, bar=15_000, at_least=True)]


def latency(stack: Stack, folder: Path) -> list[Figure]:
    """200 transactions a second from another process; the relay notes when each row was acknowledged."""
    raw_ms = _latencies(prepare(stack, folder, "latency_raw"), _raw_relay)
    ours_ms = _latencies(prepare(stack, folder, "latency"), _our_relay)
    return [
        Figure(name="Outbox commit → ack at 200 tx/s, p50", value=median(ours_ms), unit="ms", raw=median(raw_ms)),
        Figure(
            name="Outbox commit → ack at 200 tx/s, p99",
            value=percentile(ours_ms, 99),
            unit="ms",
            raw=percentile(raw_ms, 99),
            bar=20,
        ),
    ]


def _fill(connection: psycopg.Connection[Any]) -> None:
    connection.execute(_FILL, {"topic": TOPIC, "type": TYPE, "hash": HASH, "rows": ROWS})
    connection.execute("analyze outbox")


def _latencies(ground: Ground, relay: Any) -> list[float]:
    acked: dict[str, float] = {}
    stop = threading.Event()
    thread = threading.Thread(target=relay, args=(ground, acked, stop))
    thread.start()
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    writer = multiprocessing.get_context("spawn").Process(target=_write, args=(ground.settings, theirs))
    writer.start()
    committed: dict[str, float] = ours.recv()
    writer.join()
    deadline = time.monotonic() + 10
    while len(acked) < len(committed) and time.monotonic() < deadline:
        time.sleep(0.05)
    stop.set()
    thread.join()
    missing = committed.keys() - acked.keys()
    if missing:
        raise RuntimeError(f"{len(missing)} rows were never acknowledged")
    # The first seconds warm connections up.
    late = sorted(committed.values())[len(committed) // 5]
    return [(acked[one] - at) * 1000 for one, at in committed.items() if at >= late]


def _write(settings: Any, answer: Any) -> None:
    """Be the writer: in a process of its own, four threads that keep the rate; answer when each row was committed."""
    from bench.ground import Ground  # noqa: PLC0415 -- in the spawned process

    notifier = Notifier(settings)
    ground = Ground(None, settings, None)  # type: ignore[arg-type]
    db = ground.database(notifier.wake)
    ids = keys(400)
    add_items(ground, ids)
    committed: dict[str, float] = {}
    turns = itertools.count()
    began = time.monotonic()
    update = sa.text("update item set n = n + 1 where id = :id")

    def work() -> None:
        while (turn := next(turns)) < RATE * SECONDS:
            time.sleep(max(0.0, began + turn / RATE - time.monotonic()))
            with db.begin() as tx:
                key = ids[turn % len(ids)]
                tx.execute(update, {"id": key})
                tx.emit(event(key, turn + 1))
            committed[str(tx.emitted[0].id)] = time.monotonic()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    notifier.close()
    db.close()
    answer.send(committed)


class _Noting:
    """A producer that notes when each record was acknowledged."""

    def __init__(self, producer: Producer, acked: dict[str, float]) -> None:
        self._producer, self._acked = producer, acked

    def publish(self, records: Sequence[Outgoing]) -> list[Failure | None]:
        results = self._producer.publish(records)
        now = time.monotonic()
        self._acked.update((dict(record.headers)["ce_id"].decode(), now) for record in records)
        return results

    def close(self) -> None:
        self._producer.close()


def _our_relay(ground: Ground, acked: dict[str, float], stop: threading.Event) -> None:
    producer = _Noting(KafkaBroker(ground.settings).producer(), acked)
    relay = Relay(ground.settings, producer)
    while not stop.is_set():
        if relay.run_once():
            stop.wait(COALESCE_S)
        else:
            relay.wait(0.2)
    relay.close()
    producer.close()


def _raw_relay(ground: Ground, acked: dict[str, float], stop: threading.Event) -> None:
    client = raw.producer(ground.settings.kafka_bootstrap)

    def note(events: Iterable[Any]) -> None:
        now = time.monotonic()
        acked.update((str(one), now) for one in events)

    with psycopg.connect(ground.url, autocommit=True) as connection:
        connection.execute(f"listen {CHANNEL}")
        while not stop.is_set():
            if not raw.relay_round(connection, client, BATCH, note):
                for _ in connection.notifies(timeout=0.2, stop_after=1):
                    pass
    client.close()
