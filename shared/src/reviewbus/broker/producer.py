"""The producer for Kafka: in order within a key, apart from repeats, whatever fails.

The client, though idempotent, does not see to that: where a batch fails it starts a new series of numbers with the next
one, which then overtakes; and after one record that the broker refuses for good it fails all that follow. It does not
survive a `fork()`: build it in the process that uses it.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import kafka
import kafka.partitioner
from kafka import errors as kafka_errors

from reviewbus.broker import BEHIND, Failure, partition_of
from reviewbus.telemetry import logger

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reviewbus.broker import Outgoing
    from reviewbus.settings import BusSettings

API_VERSION = (4, 0)
CLOSE_S_MAX = 5
DELIVERY_TIMEOUT_MS = 15_000
UNACKNOWLEDGED = Failure("unacknowledged", permanent=False)
EXPIRED = Failure("expired", permanent=False)
NO_METADATA = Failure("no-metadata", permanent=False)
_log = logger("broker")
# What no later attempt can cure: it is the record itself. A right that is missing may be given.
_PERMANENT = (
    kafka_errors.MessageSizeTooLargeError,
    kafka_errors.RecordListTooLargeError,
    kafka_errors.InvalidTopicError,
    kafka_errors.InvalidRecordError,
)


class _Crc32Partitioner(kafka.partitioner.Partitioner):  # type: ignore[misc]
    def partition(self, topic: str, _key: Any, serialized_key: bytes, *rest: Any) -> int:
        """Be what the client calls with key, key bytes, value, value bytes and the cluster, all by position."""
        cluster = rest[-1]
        return partition_of(serialized_key, len(cluster.partitions_for_topic(topic)))


class KafkaProducer:
    """Sends to Kafka. Not safe for use from several threads."""

    def __init__(self, settings: BusSettings) -> None:
        self._settings = settings
        self._client = self._new_client()

    def _new_client(self) -> Any:
        return kafka.KafkaProducer(
            bootstrap_servers=self._settings.kafka_bootstrap,
            client_id=f"{self._settings.service}-relay",
            api_version=API_VERSION,
            acks="all",
            enable_idempotence=True,
            request_timeout_ms=10_000,
            delivery_timeout_ms=DELIVERY_TIMEOUT_MS,
            max_block_ms=5_000,
            batch_size=256 * 1024,
            linger_ms=0,
            compression_type="lz4",
            allow_auto_create_topics=False,
            reconnect_backoff_max_ms=1_000,
            metrics_enabled=False,
            partitioner=_Crc32Partitioner(),
        )

    def publish(self, records: Sequence[Outgoing]) -> list[Failure | None]:
        """Send in turns, each acknowledged before the next begins, and return one result a record, in order."""
        results: list[Failure | None] = [BEHIND] * len(records)
        refused: set[tuple[str, bytes]] = set()
        unreachable: set[str] = set()
        for turn in _turns(records):
            mine = [place for place in turn if (records[place].topic, records[place].key) not in refused]
            outcomes = self._publish([records[place] for place in mine], unreachable)
            for place, outcome in zip(mine, outcomes, strict=True):
                results[place] = outcome
                if outcome is not None:
                    refused.add((records[place].topic, records[place].key))
            if UNACKNOWLEDGED in outcomes or EXPIRED in outcomes:
                # Every further turn would wait as long again.
                break
        return results

    def _publish(self, records: Sequence[Outgoing], unreachable: set[str]) -> list[Failure | None]:
        """Send records of different keys and wait for them; add the topics to `unreachable` that have no metadata."""
        futures: list[Any] = []
        for record in records:
            sent = BEHIND if record.topic in unreachable else self._send(record)
            futures.append(sent)
            if sent is NO_METADATA:
                # Every further record of the topic would wait for its metadata as long again.
                unreachable.add(record.topic)
        try:
            self._client.flush(timeout=DELIVERY_TIMEOUT_MS / 1000 + 2)
        except kafka_errors.KafkaTimeoutError:
            _log.warning("flush_timed_out", records=len(records))
        results = [future if isinstance(future, Failure) else _outcome(future) for future in futures]
        failed = [place for place, result in enumerate(results) if result is not None and result is not futures[place]]
        if failed:
            # The client is of no use after that. Where a cluster has forgotten it, it waits for ever; after one record
            # that the broker refuses for good, it fails all that follow with the same error.
            self._end(0)
            self._client = self._new_client()
        if len(records) > 1:
            # The broker refuses whole batches: by sending each record alone it is seen which one it was.
            refused = [place for place in failed if (one := results[place]) and one.permanent]
            slow = False
            for place in refused:
                results[place] = BEHIND if slow else self._publish([records[place]], unreachable)[0]
                slow = slow or results[place] in {UNACKNOWLEDGED, EXPIRED}
        return results

    def _send(self, record: Outgoing) -> Any:
        """Return the client's future, or at once the failure."""
        try:
            return self._client.send(record.topic, record.value, key=record.key, headers=record.headers)
        except (kafka_errors.KafkaTimeoutError, kafka_errors.TopicAuthorizationFailedError):
            return NO_METADATA
        except (kafka_errors.KafkaError, ValueError, TypeError) as error:
            return Failure(type(error).__name__, permanent=isinstance(error, (*_PERMANENT, ValueError)))

    def close(self) -> None:
        """End it; what was not acknowledged may be lost."""
        self._end(CLOSE_S_MAX)

    def _end(self, timeout_s: float) -> None:
        """Close the client; what it could not deliver in that time it gives up, and never sends later."""
        try:
            self._client.close(timeout=timeout_s)
        except kafka_errors.KafkaTimeoutError:
            # It leaves its thread at work where flushing took too long; there is no public way to end that.
            self._client._sender.force_close()  # noqa: SLF001


def _turns(records: Sequence[Outgoing]) -> list[list[int]]:
    """Return the places of the first records of all keys, then of the second of each, and so on.

    So no batch in flight holds a record whose forerunner is in another batch.
    """
    turns: list[list[int]] = []
    of_key: Counter[tuple[str, bytes]] = Counter()
    for place, record in enumerate(records):
        key = (record.topic, record.key)
        if of_key[key] == len(turns):
            turns.append([])
        turns[of_key[key]].append(place)
        of_key[key] += 1
    return turns


def _outcome(future: Any) -> Failure | None:
    if not future.is_done:
        return UNACKNOWLEDGED
    if future.succeeded():
        return None
    if isinstance(future.exception, kafka_errors.KafkaTimeoutError):
        return EXPIRED
    return Failure(type(future.exception).__name__, permanent=isinstance(future.exception, _PERMANENT))
