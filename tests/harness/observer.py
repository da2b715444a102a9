"""Looking at Kafka from outside: every record of every topic, and how far each service has read."""

from __future__ import annotations

import heapq
import json
import threading
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from kafka import KafkaConsumer, TopicPartition
from kafka.admin import KafkaAdminClient

from reviewbus.catalogue import Catalogue

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_VERSION = (4, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A record as it lies in a topic; `written_ms` is the time that the broker keeps with it."""

    topic: str
    partition: int
    offset: int
    written_ms: int
    key: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def type(self) -> str:
        """The type of the event, with its version."""
        return self.headers.get("ce_type", "")

    @property
    def data(self) -> Any:
        """The payload."""
        return json.loads(self.body)

    def document(self) -> dict[str, Any]:
        """Return everything as one JSON object."""
        place = {"topic": self.topic, "partition": self.partition, "offset": self.offset, "key": self.key}
        return {**place, "headers": dict(self.headers), "data": self.data}


class Observer:
    """Reads without being a member of any group; may be used by several threads."""

    def __init__(self, bootstrap: str) -> None:
        """Connect when first asked."""
        self._bootstrap = bootstrap
        self._topics = Catalogue.load().topics
        self._lock = threading.Lock()
        self._admin: Any = None
        self._consumer: Any = None

    def records(self) -> list[Written]:
        """Return every record of every topic of ours: in order within a partition, by time between partitions."""
        with self._lock:
            places = self._places(self._topics)
            consumer = self._connected()
            consumer.assign(places)
            ends = consumer.end_offsets(places)
            consumer.seek_to_beginning(*places)
            found: list[Written] = []
            while any(consumer.position(place) < end for place, end in ends.items()):
                for batch in consumer.poll(timeout_ms=500).values():
                    found += map(_written, batch)
        found.sort(key=lambda one: (one.topic, one.partition, one.offset))
        rows = [list(rest) for _, rest in groupby(found, key=lambda one: (one.topic, one.partition))]
        return list(heapq.merge(*rows, key=lambda one: one.written_ms))

    def lag(self, groups: Mapping[str, Iterable[str]]) -> dict[str, int]:
        """Return for each group how many records of its topics it has not committed yet."""
        with self._lock:
            if self._admin is None:
                self._admin = KafkaAdminClient(bootstrap_servers=self._bootstrap, api_version=_VERSION)
            committed = self._admin.list_group_offsets(list(groups))
            ends = self._connected().end_offsets(self._places(self._topics))
        return {
            group: sum(max(0, ends[place] - _offset(committed.get(group, {}), place)) for place in self._places(topics))
            for group, topics in groups.items()
        }

    def close(self) -> None:
        """Give the connections back."""
        with self._lock:
            for client in (self._consumer, self._admin):
                if client is not None:
                    client.close()
            self._consumer = self._admin = None

    def _places(self, topics: Iterable[str]) -> list[Any]:
        return [TopicPartition(name, number) for name in topics for number in range(self._topics[name].partitions)]

    def _connected(self) -> Any:
        if self._consumer is None:
            self._consumer = KafkaConsumer(
                bootstrap_servers=self._bootstrap,
                api_version=_VERSION,
                group_id=None,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                allow_auto_create_topics=False,
            )
        return self._consumer


def read_by(service: str) -> tuple[str, ...]:
    """Return the topics that a service reads, as the contracts say."""
    types = Catalogue.load().types.values()
    return tuple(sorted({one.topic for one in types if service in one.subscribers}))


def _offset(committed: Mapping[Any, Any], place: Any) -> int:
    found = committed.get(place)
    return max(0, found.offset) if found is not None else 0


def _written(record: Any) -> Written:
    return Written(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        written_ms=record.timestamp,
        key=(record.key or b"").decode(),
        headers={name: (content or b"").decode() for name, content in record.headers},
        body=record.value or b"",
    )
