"""The real broker: the suite that the broker in memory passes too, and what happens when it is stopped."""

from __future__ import annotations

import gc
import logging
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from contract.broker_conformance import BrokerConformance, Cluster, OutageConformance, a_topic, many
from harness.stack import LocalKafka
from reviewbus.broker import BrokerDown
from reviewbus.broker.client import KafkaBroker
from reviewbus.settings import BusSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.stack import Kafka

pytestmark = pytest.mark.xdist_group("kafka")


def broker_at(bootstrap: str) -> KafkaBroker:
    return KafkaBroker(
        BusSettings(
            service="toy",
            environment="development",
            database_url="",
            jwt_issuer="",
            jwt_audience="",
            jwks="",
            kafka_bootstrap=bootstrap,
            kafka_session_timeout_ms=6_000,
        )
    )


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
