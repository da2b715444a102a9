"""What waits for a consumer group, as the broker tells it, and whether the group stands still before it.

Kafka's client can fail without a word: its polls bring nothing, for ever and without an error, though records wait. It
does so where topics vanish, and are there again before its next attempt to join its group: it forgets that it must.
So the broker is asked now and then, by a client of its own, which is gone afterwards.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import kafka
from kafka import errors as kafka_errors
from kafka.admin import OffsetSpec
from kafka.structs import TopicPartition

from reviewbus import telemetry
from reviewbus.broker.producer import API_VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from reviewbus.broker import Place
    from reviewbus.settings import BusSettings

LOOK_EVERY_S = 10.0
# So long records may wait while nothing comes at all; and those of one place while others come.
STILL_S = 20.0
STILL_AMID_S = 300.0
ANSWER_MS_MAX = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """What waits at one place: from which offset on the group has not committed, and how many records at most."""

    committed: int
    records: int


def backlog(settings: BusSettings, group: str, topics: Sequence[str]) -> dict[Place, Backlog]:
    """Return the places of these topics where records wait for the group; raises `KafkaError`."""
    admin = kafka.KafkaAdminClient(
        bootstrap_servers=settings.kafka_bootstrap,
        api_version=API_VERSION,
        client_id=f"{settings.service}-backlog",
        request_timeout_ms=ANSWER_MS_MAX,
        bootstrap_timeout_ms=ANSWER_MS_MAX,
    )
    try:
        places = places_of(admin, topics)
        firsts = admin.list_partition_offsets(dict.fromkeys(places, OffsetSpec.EARLIEST))
        ends = admin.list_partition_offsets(dict.fromkeys(places, OffsetSpec.LATEST))
        committed = admin.list_group_offsets({group: places})[group]
    finally:
        admin.close()
    waiting: dict[Place, Backlog] = {}
    for place in places:
        first, end = firsts[place].offset, ends[place].offset
        reached = committed[place].offset if place in committed else -1
        # A group that never committed begins at the first record; so does one whose broker has begun anew.
        start = reached if first <= reached <= end else first
        if start < end:
            waiting[place.topic, place.partition] = Backlog(committed=reached, records=end - start)
    return waiting


def places_of(admin: kafka.KafkaAdminClient, topics: Sequence[str]) -> list[TopicPartition]:
    """Return the partitions of those of the topics that there are; raises `KafkaError`."""
    found = admin.describe_topics(list(topics))
    return [TopicPartition(topic["name"], one["partition_index"]) for topic in found for one in topic["partitions"]]


class Watch:
    """Looks now and then at what waits for a group. Not safe for use from several threads."""

    def __init__(
        self, look: Callable[[], Mapping[Place, Backlog]], *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._look = look
        self._monotonic = monotonic
        self._looked_at = self._came_at = monotonic()
        self._since: dict[Place, tuple[int, float]] = {}

    def stands_still(self, *, came: bool) -> bool:
        """Say whether the group stands still though records wait for it; to be told after every poll what it brought.

        Where the broker does not answer, nothing is known, and waiting begins anew.
        """
        now = self._monotonic()
        if came:
            self._came_at = now
        if now - self._looked_at < LOOK_EVERY_S:
            return False
        try:
            found = self._look()
        except (kafka_errors.KafkaError, OSError):
            self.begin_anew()
            return False
        self._looked_at = now = self._monotonic()
        telemetry.CONSUMER_LAG.set(sum(one.records for one in found.values()))
        earlier = self._since
        self._since = {}
        for place, one in found.items():
            offset, since = earlier.get(place, (one.committed, now))
            self._since[place] = (one.committed, since if offset == one.committed else now)
        longest = max((now - since for _, since in self._since.values()), default=0.0)
        return longest >= STILL_AMID_S or (longest >= STILL_S and now - self._came_at >= STILL_S)

    def begin_anew(self) -> None:
        """Forget what was seen: whoever has stopped reading of its own accord does not stand still."""
        self._looked_at = self._came_at = self._monotonic()
        self._since = {}
