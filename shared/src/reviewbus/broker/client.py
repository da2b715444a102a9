"""Kafka: topics and reading. Beside its neighbours this is the only module that imports its client.

The client's defaults are wrong for us in several places (commits by itself, starts at the end, creates topics), so all
that matters is set here. Clients do not survive a `fork()`: build them in the process that uses them.
"""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any

import kafka
from kafka import errors as kafka_errors
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.structs import OffsetAndMetadata, TopicPartition

from reviewbus import telemetry
from reviewbus.broker import BrokerDown, Record
from reviewbus.broker.admin import asking, places_of
from reviewbus.broker.backlog import Watch, backlog
from reviewbus.broker.producer import API_VERSION, CLOSE_S_MAX, KafkaProducer
from reviewbus.telemetry import logger

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Mapping, Sequence

    from reviewbus.broker import Place, Producer, Subscription
    from reviewbus.catalogue import Topic
    from reviewbus.settings import BusSettings

# So often in a row a poll may fail before the consumer's client is replaced.
FAILURES_MAX = 3
# So many polls of a second may bring nothing before the end is reached.
SILENT_POLLS_MAX = 30
_log = logger("broker")


class KafkaBroker:
    """The real broker."""

    def __init__(self, settings: BusSettings) -> None:
        self._settings = settings

    def producer(self) -> Producer:
        """Return a new producer, which connects when it is used."""
        return KafkaProducer(self._settings)

    def subscribe(self, group: str, topics: Sequence[str]) -> Subscription:
        """Return a new member of a group, which joins it when it is polled."""
        return _KafkaSubscription(self._settings, group, topics)

    def ensure_topics(self, topics: Sequence[Topic]) -> list[str]:
        """Create the topics that are missing and return their names; raises `BrokerDown`."""
        try:
            return self._ensure(topics)
        except kafka_errors.KafkaError as error:
            msg = f"topics could not be created: {type(error).__name__}"
            raise BrokerDown(msg) from error

    def _ensure(self, topics: Sequence[Topic]) -> list[str]:
        with asking(self._settings, "topics") as admin:
            existing = set(admin.list_topics())
            wanted = {
                topic.name: {
                    "num_partitions": topic.partitions,
                    "replication_factor": self._settings.kafka_replication,
                    "configs": dict(topic.config),
                }
                for topic in topics
                if topic.name not in existing
            }
            while wanted:
                try:
                    admin.create_topics(wanted, timeout_ms=15_000, wait_for_metadata=True)
                    break
                except kafka_errors.TopicAlreadyExistsError:
                    # Another service's migration was faster with one of them.
                    existing = set(admin.list_topics())
                    wanted = {name: options for name, options in wanted.items() if name not in existing}
            return sorted(wanted)

    def history(
        self, topics: Sequence[str], limit: int, start: Mapping[Place, int]
    ) -> Generator[list[Record], None, None]:
        """Bring what the topics hold up to their present ends, without a group; raises `BrokerDown`."""
        client = None
        try:
            places = self._places(topics)
            client = kafka.KafkaConsumer(
                bootstrap_servers=self._settings.kafka_bootstrap,
                client_id=f"{self._settings.service}-history",
                group_id=None,
                api_version=API_VERSION,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                allow_auto_create_topics=False,
                max_partition_fetch_bytes=4 * 1024 * 1024,
                metrics_enabled=False,
            )
            client.assign(places)
            yield from _up_to(client, _seek(client, places, start), limit)
        except kafka_errors.KafkaError as error:
            raise BrokerDown(type(error).__name__) from error
        finally:
            if client is not None:
                client.close(autocommit=False, timeout_ms=CLOSE_S_MAX * 1000)

    def _places(self, topics: Sequence[str]) -> list[TopicPartition]:
        # Asked by this client, since a consumer would wait for ever for a broker that is away.
        with asking(self._settings, "topics") as admin:
            if missing := sorted(set(topics) - set(admin.list_topics())):
                msg = f"there is no {', '.join(missing)}"
                raise BrokerDown(msg)
            return places_of(admin, topics)


def _seek(client: Any, places: Sequence[TopicPartition], start: Mapping[Place, int]) -> dict[TopicPartition, int]:
    """Put the client at the beginning of every partition, or where `start` says; return their ends."""
    firsts, ends = client.beginning_offsets(places), client.end_offsets(places)
    for place in places:
        wanted = start.get((place.topic, place.partition), 0)
        # A broker that has lost its records begins anew.
        client.seek(place, wanted if firsts[place] <= wanted <= ends[place] else firsts[place])
    return {place: int(end) for place, end in ends.items()}


def _up_to(client: Any, ends: Mapping[TopicPartition, int], limit: int) -> Generator[list[Record], None, None]:
    silent = 0
    # Not until so many have come: where a topic is compacted, offsets are missing.
    while any(client.position(place) < end for place, end in ends.items()):
        batches = client.poll(timeout_ms=1_000, max_records=limit)
        silent = 0 if batches else silent + 1
        if silent >= SILENT_POLLS_MAX:
            msg = f"nothing came for {SILENT_POLLS_MAX} s"
            raise BrokerDown(msg)
        came = [_record(one) for place, batch in batches.items() for one in batch if one.offset < ends[place]]
        if came:
            yield came


def _record(one: Any) -> Record:
    return Record(
        topic=one.topic,
        partition=one.partition,
        offset=one.offset,
        key=one.key,
        headers=tuple((name, content or b"") for name, content in one.headers),
        value=one.value,
    )


class _Listener(kafka.ConsumerRebalanceListener):  # type: ignore[misc]
    """Notes, from the client's own thread, which partitions were taken away."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._revoked: set[Place] = set()

    def on_partitions_revoked(self, revoked: Any) -> None:
        with self._lock:
            self._revoked |= {(one.topic, one.partition) for one in revoked}

    def on_partitions_lost(self, lost: Any) -> None:
        self.on_partitions_revoked(lost)

    def on_partitions_assigned(self, assigned: Any) -> None:
        """Nothing to do: positions come from the committed offsets."""

    def taken(self) -> set[Place]:
        with self._lock:
            revoked, self._revoked = self._revoked, set()
        return revoked


class _KafkaSubscription:
    def __init__(self, settings: BusSettings, group: str, topics: Sequence[str]) -> None:
        self._settings, self._group, self._topics = settings, group, list(topics)
        self._listener = _Listener()
        self._paused = False
        self._failures = 0
        self._watch = Watch(lambda: backlog(settings, group, self._topics))
        self._client = self._new_client()

    def _new_client(self) -> kafka.KafkaConsumer:
        settings = self._settings
        client = kafka.KafkaConsumer(
            bootstrap_servers=settings.kafka_bootstrap,
            client_id=f"{settings.service}-consume",
            group_id=self._group,
            api_version=API_VERSION,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            allow_auto_create_topics=False,
            partition_assignment_strategy=(CooperativeStickyAssignor,),
            session_timeout_ms=settings.kafka_session_timeout_ms,
            heartbeat_interval_ms=min(3_000, settings.kafka_session_timeout_ms // 3),
            max_poll_interval_ms=60_000,
            max_partition_fetch_bytes=4 * 1024 * 1024,
            reconnect_backoff_max_ms=1_000,
            metadata_max_age_ms=30_000,
            metrics_enabled=False,
        )
        client.subscribe(self._topics, listener=self._listener)
        return client

    def _begin_anew(self, why: str) -> None:
        """Replace the client, which knows a cluster that may be another one when it is back."""
        telemetry.CONSUMER_REPLACED.labels(why=why).inc()
        _log.warning("consumer_replaced", why=why)
        self._listener.on_partitions_lost(self._client.assignment())
        with contextlib.suppress(kafka_errors.KafkaError):
            self._client.close(autocommit=False, timeout_ms=0)
        self._client = self._new_client()
        self._failures = 0
        self._watch.begin_anew()

    def poll(self, timeout_s: float, limit: int) -> list[Record]:
        if self._failures >= FAILURES_MAX:
            self._begin_anew("failed")
        if self._paused:
            self._each(self._client.pause, self._client.assignment())
        else:
            self._each(self._client.resume, self._client.paused())
        try:
            batches = self._client.poll(timeout_ms=int(timeout_s * 1000), max_records=limit)
        except (kafka_errors.UnrecognizedBrokerVersion, kafka_errors.IllegalStateError):
            raise
        except kafka_errors.KafkaError as error:
            self._failures += 1
            raise BrokerDown(type(error).__name__) from error
        self._failures = 0
        if self._paused:
            # A partition assigned during the poll was not paused yet; its records come again after `resume`.
            self._each(lambda place: self._client.seek(place, batches[place][0].offset), batches)
        holds = {(place.topic, place.partition) for place in self._client.assignment()}
        if self._watch.stands_still(came=bool(batches), holds=holds, reads=not self._paused):
            # What came now is not committed, and comes again.
            self._begin_anew("stood-still")
            return []
        if self._paused:
            return []
        return [_record(one) for batch in batches.values() for one in batch]

    def commit(self, offsets: Mapping[Place, int]) -> None:
        chosen = {
            TopicPartition(topic, partition): OffsetAndMetadata(offset, "", -1)
            for (topic, partition), offset in offsets.items()
        }
        try:
            self._client.commit(chosen, timeout_ms=10_000)
        except kafka_errors.KafkaError as error:
            raise BrokerDown(type(error).__name__) from error

    def pause(self) -> None:
        self._paused = True

    def resume(self) -> None:
        self._paused = False

    def lost(self) -> set[Place]:
        return self._listener.taken()

    def close(self) -> None:
        self._client.close(autocommit=False, timeout_ms=CLOSE_S_MAX * 1000)

    @staticmethod
    def _each(act: Callable[[TopicPartition], object], places: Iterable[TopicPartition]) -> None:
        for place in list(places):
            # The client's own thread may have taken it away since.
            with contextlib.suppress(KeyError, AssertionError, kafka_errors.IllegalStateError):
                act(place)
