"""The broker in memory does what Kafka does, as far as the services rely on it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from contract.broker_conformance import BrokerConformance, Cluster, OutageConformance, a_group, a_record, gather
from reviewbus.testing.memory_broker import MemoryBroker

if TYPE_CHECKING:
    from collections.abc import Iterator


def turn(broker: MemoryBroker, *, down: bool) -> None:
    broker.down = down


def never() -> None:
    raise AssertionError


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    broker = MemoryBroker()
    one = Cluster(broker, stop=partial(turn, broker, down=True), start=partial(turn, broker, down=False))
    yield one
    one.close()


class TestMemoryBroker(BrokerConformance):
    """The suite."""


class TestMemoryBrokerOutage(OutageConformance):
    """The suite about outages."""


def test_a_broker_that_delivers_twice_repeats_each_published_batch_in_order() -> None:
    broker = MemoryBroker(twice=True)
    cluster = Cluster(broker, stop=never, start=never)
    topic = cluster.topic(1)
    cluster.publish(a_record(topic, "k", 1), a_record(topic, "k", 2))
    (records,) = gather([cluster.join(a_group(), topic)], 4)
    assert [one.value for one in records] == [b"k/1", b"k/2", b"k/1", b"k/2"]


def test_a_broker_that_forgets_begins_again_at_offset_0() -> None:
    broker = MemoryBroker()
    cluster = Cluster(broker, stop=never, start=never)
    topic, group = cluster.topic(1), a_group()
    member = cluster.join(group, topic)
    cluster.publish(a_record(topic, "k", 1))
    gather([member], 1)
    member.commit({(topic, 0): 1})
    broker.forget()
    assert broker.records() == []
    cluster.publish(a_record(topic, "k", 2))
    ((record,),) = gather([member], 1)
    assert (record.offset, record.value) == (0, b"k/2")
