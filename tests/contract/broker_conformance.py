"""What every broker must do alike; each broker's test module runs this suite on it."""

from __future__ import annotations

import uuid
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

import pytest

from reviewbus.broker import BrokerDown, Failure, Outgoing, partition_of
from reviewbus.catalogue import Topic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from reviewbus.broker import Broker, Record, Subscription

PARTITIONS = 12
TURNS_MAX = 100
POLL_S = 0.5


@dataclass
class Cluster:
    """A broker under test; `stop` and `start` take it away and bring it back with all that it held."""

    broker: Broker
    stop: Callable[[], None]
    start: Callable[[], None]
    members: list[Subscription] = field(default_factory=list)

    def topic(self, partitions: int = PARTITIONS, config: Mapping[str, str] = MappingProxyType({})) -> str:
        """Create a topic that nobody else uses."""
        (name,) = self.broker.ensure_topics([a_topic(f"t-{uuid.uuid4().hex}", partitions, config)])
        return name

    def join(self, group: str, *topics: str) -> Subscription:
        """Add a member to a group; it is closed when the test ends."""
        member = self.broker.subscribe(group, topics)
        self.members.append(member)
        return member

    def publish(self, *records: Outgoing) -> None:
        """Publish, all acknowledged."""
        producer = self.broker.producer()
        assert producer.publish(records) == [None] * len(records)
        producer.close()

    def close(self) -> None:
        for member in self.members:
            member.close()


def a_topic(name: str, partitions: int = PARTITIONS, own: Mapping[str, str] = MappingProxyType({})) -> Topic:
    config = MappingProxyType({"max.message.bytes": "1048588", **own})
    return Topic(name=name, description="", note="", partitions=partitions, config=config, producers=(), types=())


def a_group() -> str:
    return f"g-{uuid.uuid4().hex}"


def a_record(topic: str, key: str, n: int) -> Outgoing:
    return Outgoing(topic=topic, key=key.encode(), headers=[("n", str(n).encode())], value=f"{key}/{n}".encode())


def many(topic: str, numbers: Iterable[int], keys: int = 20) -> list[Outgoing]:
    return [a_record(topic, f"k{key}", n) for n in numbers for key in range(keys)]


def gather(members: Sequence[Subscription], expected: int) -> list[list[Record]]:
    """Poll the members in turn until they have brought `expected` different records; return what each brought."""
    brought: list[list[Record]] = [[] for _ in members]
    places = set[tuple[str, int, int]]()
    for _ in range(TURNS_MAX):
        for mine, came in zip(brought, poll_all(members, 500), strict=True):
            mine.extend(came)
            places |= {(*one.place, one.offset) for one in came}
        if len(places) >= expected:
            break
    assert len(places) == expected
    return brought


def numbers_by_key(records: Iterable[Record]) -> dict[bytes | None, list[int]]:
    by_key: dict[bytes | None, list[int]] = defaultdict(list)
    for one in sorted(records, key=lambda each: (each.place, each.offset)):
        by_key[one.key].append(int(dict(one.headers)["n"]))
    return dict(by_key)


def turn_until(reached: Callable[[], bool], *members: Subscription) -> None:
    """Poll the members, which have nothing to read, until something is reached."""
    for _ in range(TURNS_MAX):
        if reached():
            return
        assert not any(poll_all(members, 1))
    assert reached()


def poll_all(members: Sequence[Subscription], limit: int) -> list[list[Record]]:
    """Poll members at the same time, as processes do: each waits within its poll for the others to join."""
    if len(members) == 1:
        return [members[0].poll(POLL_S, limit)]
    with ThreadPoolExecutor(len(members)) as threads:
        return list(threads.map(lambda member: member.poll(POLL_S, limit), members))


class BrokerConformance:
    """Run by a subclass named `Test…` whose module has a fixture `cluster`."""

    def test_the_records_of_a_key_arrive_in_order_in_the_partition_of_its_crc32(self, cluster: Cluster) -> None:
        topic = cluster.topic()
        for numbers in ([1, 2], [3], [4, 5]):
            cluster.publish(*many(topic, numbers))
        (records,) = gather([cluster.join(a_group(), topic)], 100)
        assert numbers_by_key(records) == {f"k{key}".encode(): [1, 2, 3, 4, 5] for key in range(20)}
        assert {one.partition for one in records if one.partition != partition_of(one.key or b"", PARTITIONS)} == set()

    def test_key_headers_and_value_arrive_byte_for_byte(self, cluster: Cluster) -> None:
        topic = cluster.topic()
        headers = [
            ("ce_type", b"a.b.v1"),
            ("empty", b""),
            ("grün", bytes(range(256))),
            ("twice", b"1"),
            ("twice", b"2"),
        ]
        sent = Outgoing(topic=topic, key="schlüssel".encode(), headers=headers, value=bytes(range(256)) * 9)
        cluster.publish(sent)
        ((record,),) = gather([cluster.join(a_group(), topic)], 1)
        assert (record.topic, record.offset) == (topic, 0)
        assert (record.key, list(record.headers), record.value) == (sent.key, sent.headers, sent.value)

    def test_a_poll_brings_no_more_than_its_limit(self, cluster: Cluster) -> None:
        topic = cluster.topic(1)
        cluster.publish(*(a_record(topic, "k", n) for n in range(10)))
        member = cluster.join(a_group(), topic)
        came: list[int] = []
        for _ in range(TURNS_MAX):
            batch = member.poll(POLL_S, 3)
            assert len(batch) <= 3
            came += [one.offset for one in batch]
            if len(came) == 10:
                break
        assert came == list(range(10))

    def test_a_new_member_goes_on_at_the_committed_offset(self, cluster: Cluster) -> None:
        topic, group = cluster.topic(1), a_group()
        cluster.publish(*(a_record(topic, "k", n) for n in range(10)))
        first = cluster.join(group, topic)
        gather([first], 10)
        first.commit({(topic, 0): 6})
        first.close()
        (records,) = gather([cluster.join(group, topic)], 4)
        assert [one.offset for one in records] == [6, 7, 8, 9]

    def test_what_was_not_committed_is_delivered_again(self, cluster: Cluster) -> None:
        topic, group = cluster.topic(), a_group()
        cluster.publish(*many(topic, [1]))
        first = cluster.join(group, topic)
        gather([first], 20)
        first.close()
        gather([cluster.join(group, topic)], 20)

    def test_groups_read_independently_of_each_other(self, cluster: Cluster) -> None:
        topic = cluster.topic(1)
        cluster.publish(a_record(topic, "k", 1))
        one, other = cluster.join(a_group(), topic), cluster.join(a_group(), topic)
        gather([one], 1)
        one.commit({(topic, 0): 1})
        gather([other], 1)

    def test_members_share_the_partitions_and_lose_nothing_when_one_comes_or_goes(self, cluster: Cluster) -> None:
        topic, group = cluster.topic(), a_group()
        cluster.publish(*many(topic, [1]))
        first = cluster.join(group, topic)
        (records,) = gather([first], 20)
        first.commit({one.place: one.offset + 1 for one in records})
        second = cluster.join(group, topic)
        taken: set[tuple[str, int]] = set()

        def shared() -> bool:
            taken.update(first.lost())
            return len(taken) == PARTITIONS // 2

        turn_until(shared, first, second)
        cluster.publish(*many(topic, [2, 3]))
        firsts, seconds = gather([first, second], 40)
        assert {one.place for one in seconds} <= taken
        assert {one.place for one in firsts}.isdisjoint(taken)
        assert numbers_by_key([*firsts, *seconds]) == {f"k{key}".encode(): [2, 3] for key in range(20)}
        for member, mine in ((first, firsts), (second, seconds)):
            member.commit(
                {place: max(o.offset for o in mine if o.place == place) + 1 for place in {o.place for o in mine}}
            )
        second.close()
        cluster.publish(*many(topic, [4]))
        (records,) = gather([first], 20)
        assert numbers_by_key(records) == {f"k{key}".encode(): [4] for key in range(20)}

    def test_what_was_lost_is_told_once(self, cluster: Cluster) -> None:
        topic, group = cluster.topic(), a_group()
        first, second = cluster.join(group, topic), cluster.join(group, topic)
        cluster.publish(a_record(topic, "k", 1))
        gather([first, second], 1)
        second.close()
        first.lost()
        assert first.lost() == set()

    def test_a_paused_member_stays_a_member_and_brings_nothing(self, cluster: Cluster) -> None:
        topic, group = cluster.topic(), a_group()
        cluster.publish(*many(topic, [1]))
        member = cluster.join(group, topic)
        gather([member], 20)
        member.pause()
        cluster.publish(*many(topic, [2]))
        for _ in range(5):
            assert member.poll(POLL_S, 500) == []
        assert member.lost() == set()
        member.resume()
        (records,) = gather([member], 20)
        assert numbers_by_key(records) == {f"k{key}".encode(): [2] for key in range(20)}

    def test_a_pause_holds_for_partitions_assigned_during_it(self, cluster: Cluster) -> None:
        topic, group = cluster.topic(), a_group()
        cluster.publish(*many(topic, [1]))
        member = cluster.join(group, topic)
        member.pause()
        for _ in range(8):
            assert member.poll(POLL_S, 500) == []
        member.resume()
        (records,) = gather([member], 20)
        assert len(records) == 20

    def test_an_unknown_topic_is_a_failure_that_may_pass_and_is_not_created(self, cluster: Cluster) -> None:
        known, unknown = cluster.topic(), f"t-{uuid.uuid4().hex}"
        producer = cluster.broker.producer()
        sent = [a_record(unknown, "k", 1), a_record(known, "k", 1), a_record(unknown, "k", 2), a_record(known, "k", 2)]
        results = producer.publish(sent)
        producer.close()
        assert [result and result.permanent for result in results] == [False, None, False, None]
        gather([cluster.join(a_group(), known)], 2)
        assert cluster.broker.ensure_topics([a_topic(unknown)]) == [unknown]

    def test_a_record_that_is_too_large_is_refused_for_good_and_only_its_key_waits(self, cluster: Cluster) -> None:
        topic = cluster.topic()
        large = Outgoing(topic=topic, key=b"a", headers=[("n", b"1")], value=b"x" * 2_000_000)
        producer = cluster.broker.producer()
        results = producer.publish([a_record(topic, "b", 1), large, a_record(topic, "a", 2), a_record(topic, "b", 2)])
        producer.close()
        assert results[0] is results[3] is None
        assert isinstance(results[1], Failure)
        assert results[1].permanent
        assert isinstance(results[2], Failure)
        assert not results[2].permanent
        (records,) = gather([cluster.join(a_group(), topic)], 2)
        assert numbers_by_key(records) == {b"b": [1, 2]}

    def test_creating_topics_again_changes_nothing(self, cluster: Cluster) -> None:
        name = f"t-{uuid.uuid4().hex}"
        assert cluster.broker.ensure_topics([a_topic(name, 5)]) == [name]
        assert cluster.broker.ensure_topics([a_topic(name, 5)]) == []
        cluster.publish(*many(name, [1], keys=100))
        (records,) = gather([cluster.join(a_group(), name)], 100)
        assert {one.partition for one in records} == set(range(5))
        assert all(one.partition == partition_of(one.key or b"", 5) for one in records)

    def test_the_history_is_all_that_a_topic_holds_and_touches_no_group(self, cluster: Cluster) -> None:
        topic, other, group = cluster.topic(), cluster.topic(1), a_group()
        for number in (1, 2, 3):
            cluster.publish(*many(topic, [number]))
        cluster.publish(a_record(other, "k0", 9))
        member = cluster.join(group, topic)
        (records,) = gather([member], 60)
        member.commit({one.place: one.offset + 1 for one in records})
        batches = list(cluster.broker.history([topic, other], 7, {}))
        assert max(map(len, batches)) <= 7
        held = [one for batch in batches for one in batch]
        assert len(held) == 61
        assert {one.place for one in held} == {one.place for one in records} | {(other, 0)}
        by_key = {f"k{key}".encode(): [1, 2, 3] for key in range(20)}
        assert numbers_by_key(one for one in held if one.topic == topic) == by_key
        assert sorted(held, key=lambda one: one.place) == sorted(held, key=lambda one: (one.place, one.offset))
        # The member reads on where it was, alone.
        cluster.publish(a_record(topic, "k0", 4))
        (came,) = gather([member], 1)
        assert [dict(one.headers)["n"] for one in came] == [b"4"]
        assert member.lost() == set()

    def test_the_history_ends_where_the_topic_ended_when_it_began(self, cluster: Cluster) -> None:
        topic = cluster.topic(1)
        cluster.publish(*(a_record(topic, "k", number) for number in range(4)))
        with closing(cluster.broker.history([topic], 2, {})) as batches:
            came = next(batches)
            cluster.publish(*(a_record(topic, "k", number) for number in range(4, 9)))
            came += [one for batch in batches for one in batch]
        assert [one.offset for one in came] == [0, 1, 2, 3]

    def test_the_history_goes_on_where_it_is_told_to(self, cluster: Cluster) -> None:
        topic = cluster.topic(1)
        cluster.publish(*(a_record(topic, "k", number) for number in range(5)))
        for start, offsets in ((3, [3, 4]), (5, []), (99, [0, 1, 2, 3, 4])):
            held = [one for batch in cluster.broker.history([topic], 100, {(topic, 0): start}) for one in batch]
            assert [one.offset for one in held] == offsets

    def test_a_topic_that_is_missing_has_no_history(self, cluster: Cluster) -> None:
        with pytest.raises(BrokerDown):
            list(cluster.broker.history([cluster.topic(1), f"t-{uuid.uuid4().hex}"], 10, {}))


class OutageConformance:
    """What must hold around an outage; run as the suite above, on a broker that may be stopped."""

    def test_publishing_while_the_broker_is_away_fails_in_time_and_works_again_afterwards(
        self, cluster: Cluster
    ) -> None:
        topic = cluster.topic()
        producer = cluster.broker.producer()
        assert producer.publish(many(topic, [1])) == [None] * 20
        cluster.stop()
        failures = producer.publish(many(topic, [2]))
        assert [failure and failure.permanent for failure in failures] == [False] * 20
        cluster.start()
        assert producer.publish(many(topic, [3])) == [None] * 20
        producer.close()
        (records,) = gather([cluster.join(a_group(), topic)], 40)
        assert {one[-1] for one in numbers_by_key(records).values()} == {3}

    def test_clients_made_while_the_broker_is_away_work_once_it_is_back(self, cluster: Cluster) -> None:
        topic = cluster.topic()
        cluster.stop()
        producer, member = cluster.broker.producer(), cluster.join(a_group(), topic)
        (failure,) = producer.publish([a_record(topic, "k", 1)])
        assert failure is not None
        assert not failure.permanent
        assert member.poll(POLL_S, 10) == []
        cluster.start()
        assert producer.publish([a_record(topic, "k", 2)]) == [None]
        producer.close()
        ((record,),) = gather([member], 1)
        assert dict(record.headers)["n"] == b"2"

    def test_a_member_reads_on_after_an_outage(self, cluster: Cluster) -> None:
        topic = cluster.topic()
        cluster.publish(*many(topic, [1]))
        member = cluster.join(a_group(), topic)
        (records,) = gather([member], 20)
        member.commit({one.place: one.offset + 1 for one in records})
        cluster.stop()
        assert member.poll(POLL_S, 10) == []
        cluster.start()
        cluster.publish(*many(topic, [2]))
        (records,) = gather([member], 20)
        assert numbers_by_key(records) == {f"k{key}".encode(): [2] for key in range(20)}

    def test_there_is_no_history_while_the_broker_is_away(self, cluster: Cluster) -> None:
        topic = cluster.topic(1)
        cluster.publish(a_record(topic, "k", 1))
        cluster.stop()
        with pytest.raises(BrokerDown):
            list(cluster.broker.history([topic], 10, {}))
        cluster.start()
        assert [one.offset for batch in cluster.broker.history([topic], 10, {}) for one in batch] == [0]
