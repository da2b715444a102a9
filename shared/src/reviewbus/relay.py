"""The relay: from the outbox to the broker, in order, each row until it is acknowledged.

There is no cursor: identity values become visible out of order, so "everything above the last id" loses rows. The
relay reads what is there, sends it, waits for every acknowledgement, and deletes. A row that commits late with a lower
id is found by the next read. A relay drains only the shards whose advisory locks it holds, so a key is in one relay's
hands at a time; several relays share the shards evenly.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import psycopg

from reviewbus import telemetry
from reviewbus.broker import Failure, Outgoing
from reviewbus.crash import crash_point
from reviewbus.db import libpq_url
from reviewbus.envelope import SHARDS, encode_headers
from reviewbus.outbox import CHANNEL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reviewbus.broker import Producer
    from reviewbus.settings import BusSettings

LOCK_CLASS = 7_301
PRESENCE = 1_000
COALESCE_S = 0.004
POLL_S = 1.0
_SELECT = (
    "select id, topic, key, headers, body from outbox o where shard = any(%s) and not exists "
    "(select from outbox_dead d where d.topic = o.topic and d.key = o.key) order by id limit %s"
)
_BURY = (
    "with gone as (delete from outbox where id = %s returning *) "
    "insert into outbox_dead (id, event_id, topic, key, shard, type, headers, body, created_at, reason) "
    "select id, event_id, topic, key, shard, type, headers, body, created_at, %s from gone"
)
_log = telemetry.logger("relay")
Row = tuple[int, str, str, dict[str, str], bytes]


class Relay:
    """Drains the outbox of one database. Not safe for use from several threads."""

    def __init__(self, settings: BusSettings, producer: Producer) -> None:
        self._url = libpq_url(settings.database_url)
        self._batch = settings.relay_batch
        self._producer = producer
        self._connection: psycopg.Connection[Any] | None = None
        self._shards: list[int] = []
        self._balanced_at = 0.0

    def run_once(self) -> int:
        """Send one round; return how many rows were acknowledged and deleted.

        Raises `psycopg.Error` when the database is away; the locks went with the connection, so nothing more is sent
        before they are taken again.
        """
        connection = self._connected()
        self._balance(connection)
        if not self._shards:
            return 0
        rows: list[Row] = connection.execute(_SELECT, (self._shards, self._batch), prepare=True).fetchall()
        if not rows:
            return 0
        with telemetry.PUBLISH_SECONDS.time():
            results = self._producer.publish([_outgoing(row) for row in rows])
        crash_point("relay-after-ack")
        return self._settle(connection, rows, results)

    def wait(self, timeout_s: float = POLL_S) -> None:
        """Wait for a notification, at most `timeout_s`."""
        connection = self._connected()
        for _ in connection.notifies(timeout=timeout_s, stop_after=1):
            pass

    def measure(self) -> tuple[int, float]:
        """Return how many rows wait and how old the oldest is in seconds, and set the metrics."""
        row = (
            self._connected()
            .execute(
                "select count(*), coalesce(extract(epoch from clock_timestamp() - min(created_at)), 0) from outbox"
            )
            .fetchone()
        )
        rows, age = (row[0], float(row[1])) if row else (0, 0.0)
        telemetry.OUTBOX_ROWS.set(rows)
        telemetry.OUTBOX_AGE.set(age)
        return rows, age

    def close(self) -> None:
        """Give up the shards. The producer belongs to whoever made it."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self._shards = []

    def _connected(self) -> psycopg.Connection[Any]:
        if self._connection is not None and not self._connection.closed:
            return self._connection
        self._shards = []
        self._balanced_at = 0.0
        self._connection = psycopg.connect(
            self._url,
            autocommit=True,
            connect_timeout=5,
            options="-c statement_timeout=30000",
            keepalives_idle=5,
            keepalives_interval=2,
            keepalives_count=3,
        )
        self._connection.execute("select pg_advisory_lock_shared(%s, %s)", (LOCK_CLASS, PRESENCE))
        self._connection.execute(f"LISTEN {CHANNEL}")
        return self._connection

    def _balance(self, connection: psycopg.Connection[Any]) -> None:
        """Hold a fair share of the shards: all of them alone, half of them beside one other relay."""
        if time.monotonic() - self._balanced_at < POLL_S:
            return
        row = connection.execute(
            "select count(*) from pg_locks where locktype = 'advisory' and classid = %s and objid = %s and granted "
            "and database = (select oid from pg_database where datname = current_database())",
            (LOCK_CLASS, PRESENCE),
        ).fetchone()
        relays = max(1, row[0] if row else 1)
        share = -(-SHARDS // relays)
        while len(self._shards) > share:
            connection.execute("select pg_advisory_unlock(%s, %s)", (LOCK_CLASS, self._shards.pop()))
        for shard in range(SHARDS):
            if len(self._shards) >= share:
                break
            if shard in self._shards:
                continue
            held = connection.execute("select pg_try_advisory_lock(%s, %s)", (LOCK_CLASS, shard)).fetchone()
            if held and held[0]:
                self._shards.append(shard)
        self._balanced_at = time.monotonic()

    def _settle(
        self, connection: psycopg.Connection[Any], rows: Sequence[Row], results: Sequence[Failure | None]
    ) -> int:
        """Delete what was acknowledged. After a key's first failure its later rows stay, so that its order holds."""
        acknowledged: list[int] = []
        failed: set[tuple[str, str]] = set()
        for row, failure in zip(rows, results, strict=True):
            key = (row[1], row[2])
            if key in failed:
                continue
            if failure is None:
                acknowledged.append(row[0])
                continue
            failed.add(key)
            telemetry.OUTBOX_FAILED.labels(permanent=str(failure.permanent).lower()).inc()
            if failure.permanent:
                connection.execute(_BURY, (row[0], failure.reason))
                _log.error("record_refused_for_good", topic=row[1], key=row[2], reason=failure.reason)
        if acknowledged:
            connection.execute("delete from outbox where id = any(%s)", (acknowledged,), prepare=True)
            telemetry.OUTBOX_SENT.inc(len(acknowledged))
        if failed:
            reasons = sorted({failure.reason for failure in results if failure is not None})
            _log.warning("records_not_acknowledged", keys=len(failed), rows=len(rows), reasons=reasons)
        return len(acknowledged)


def _outgoing(row: Row) -> Outgoing:
    return Outgoing(topic=row[1], key=row[2].encode(), headers=encode_headers(row[3]), value=row[4])
