"""The real broker: the suite that the broker in memory passes too, and what happens when it is stopped."""

from __future__ import annotations

import gc
import logging
import random
import tempfile
import threading
import warnings
from collections import defaultdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from kafka import KafkaProducer
from kafka.errors import KafkaError

from contract.broker_conformance import (
    BrokerConformance,
    Cluster,
    OutageConformance,
    a_group,
    a_record,
    a_topic,
    gather,
    many,
    numbers_by_key,
)
from harness.stack import LocalKafka
from harness.stack.ports import LOOPBACK, free_port
from reviewbus.broker import BEHIND, BrokerDown, Failure, Outgoing, backlog
from reviewbus.broker.admin import asking
from reviewbus.broker.client import KafkaBroker
from reviewbus.settings import BusSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.stack import Kafka

pytestmark = pytest.mark.xdist_group("kafka")


def settings_for(bootstrap: str) -> BusSettings:
    return BusSettings(
        service="toy",
        environment="development",
        database_url="",
        jwt_issuer="",
        jwt_audience="",
        jwks="",
        kafka_bootstrap=bootstrap,
        kafka_session_timeout_ms=6_000,
    )


def broker_at(bootstrap: str) -> KafkaBroker:
    return KafkaBroker(settings_for(bootstrap))


def never() -> None:
    raise AssertionError("the shared broker is not stopped")


@pytest.fixture(scope="module")
def mortal() -> Iterator[LocalKafka]:
    with tempfile.TemporaryDirectory(prefix="review-kafka-") as folder:
        one = LocalKafka(Path(folder))
        one.start()
        yield one
        one.close()


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    """Drop what the client logs, as the services do: they would hold its sockets until the end of the session."""
    caplog.set_level(logging.CRITICAL + 1, logger="kafka")


class TestKafkaBroker(BrokerConformance):
    """The suite on the broker that all tests share."""

    @pytest.fixture
    def cluster(self, kafka: Kafka) -> Iterator[Cluster]:
        one = Cluster(broker_at(kafka.bootstrap), stop=never, start=never)
        yield one
        one.close()

    def test_a_record_is_sent_once_the_one_before_it_of_its_key_is_acknowledged(
        self, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        topic = cluster.topic(1)
        before: dict[bytes, list[Any]] = defaultdict(list)
        send = KafkaProducer.send

        def watched(client: KafkaProducer, to: str, value: bytes, *, key: bytes, headers: Any) -> Any:
            assert [future.succeeded() for future in before[key]] == [True] * len(before[key])
            before[key].append(send(client, to, value, key=key, headers=headers))
            return before[key][-1]

        monkeypatch.setattr(KafkaProducer, "send", watched)
        cluster.publish(*many(topic, range(1, 6)))
        assert {key: len(futures) for key, futures in before.items()} == {f"k{n}".encode(): 5 for n in range(20)}

    def test_nothing_of_a_key_is_sent_after_what_the_broker_refused(self, cluster: Cluster) -> None:
        topic = cluster.topic(config={"max.message.bytes": "100000"})
        large = Outgoing(topic=topic, key=b"a", headers=[("n", b"1")], value=random.Random(1).randbytes(300_000))
        producer = cluster.broker.producer()
        results = producer.publish([large, a_record(topic, "a", 2), a_record(topic, "b", 1), a_record(topic, "b", 2)])
        assert results == [Failure("MessageSizeTooLargeError", permanent=True), BEHIND, None, None]
        assert producer.publish([a_record(topic, "a", 2), a_record(topic, "b", 3)]) == [None, None]
        producer.close()
        (records,) = gather([cluster.join(a_group(), topic)], 4)
        assert numbers_by_key(records) == {b"a": [2], b"b": [1, 2, 3]}

    def test_what_waits_for_a_group_is_what_it_has_not_committed(self, cluster: Cluster, kafka: Kafka) -> None:
        topic, group = cluster.topic(2), a_group()
        look = partial(backlog.backlog, settings_for(kafka.bootstrap), group, [topic])
        assert look() == {}
        cluster.publish(*many(topic, [1]))
        assert sum(one.records for one in look().values()) == 20
        assert {(one.committed, one.owned) for one in look().values()} == {(-1, False)}
        member = cluster.join(group, topic)
        (records,) = gather([member], 20)
        member.commit({record.place: 4 for record in records if record.partition == 0})
        assert (look()[topic, 0].committed, look()[topic, 0].owned) == (4, True)
        member.commit({record.place: record.offset + 1 for record in records})
        assert look() == {}

    def test_a_client_that_brings_nothing_though_records_wait_is_replaced(
        self, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(backlog, "LOOK_EVERY_S", 0.5)
        monkeypatch.setattr(backlog, "STILL_S", 1.0)
        topic = cluster.topic(2)
        member: Any = cluster.join(a_group(), topic)
        cluster.publish(*many(topic, [1]))
        (records,) = gather([member], 20)
        member.commit({record.place: record.offset + 1 for record in records})
        first = member._client
        silence = threading.Event()
        monkeypatch.setattr(first, "poll", lambda timeout_ms, **_: silence.wait(timeout_ms / 1000) or {})
        for _ in range(3):
            assert member.poll(1.0, 100) == []
        assert member._client is first, "nothing waits, and it was replaced"
        cluster.publish(*many(topic, [2]))
        (records,) = gather([member], 20)
        assert {one for numbers in numbers_by_key(records).values() for one in numbers} == {2}
        assert member._client is not first


# The client leaves the sockets of failed attempts to connect to the garbage collector.
@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
class TestKafkaBrokerOutage(OutageConformance):
    """The suite about outages, on a broker of its own."""

    @pytest.fixture
    def cluster(self, mortal: LocalKafka) -> Iterator[Cluster]:
        one = Cluster(broker_at(mortal.bootstrap), stop=mortal.stop, start=mortal.start)
        yield one
        one.close()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()

    def test_topics_cannot_be_created_while_the_broker_is_away(self, cluster: Cluster) -> None:
        cluster.stop()
        with pytest.raises(BrokerDown):
            cluster.broker.ensure_topics([a_topic("t")])
        cluster.start()

    def test_who_asks_a_broker_that_is_away_leaves_nothing_behind(self) -> None:
        before = threading.active_count()
        for _ in range(2):
            with (
                pytest.raises(KafkaError),
                asking(settings_for(f"{LOOPBACK}:{free_port()}"), "test", answer_ms=200),
            ):
                raise AssertionError("somebody answered")
        assert threading.active_count() == before

    @pytest.mark.timeout(240)
    def test_a_producer_publishes_again_after_the_broker_has_forgotten_everything(
        self, cluster: Cluster, mortal: LocalKafka
    ) -> None:
        topics = [a_topic(f"forgotten-{number}") for number in range(3)]
        cluster.broker.ensure_topics(topics)
        producer = cluster.broker.producer()
        records = [one for topic in topics for one in many(topic.name, [1])]
        assert producer.publish(records) == [None] * 60
        mortal.kill()
        assert None not in producer.publish(records)
        mortal.wipe()
        mortal.start()
        # The topics come back later than the broker: in between, the producer is told that there are none.
        assert None not in producer.publish(records)
        cluster.broker.ensure_topics(topics)
        attempts = 0
        while producer.publish(records) != [None] * 60:
            attempts += 1
            assert attempts < 3, "the producer does not come round"
        producer.close()
