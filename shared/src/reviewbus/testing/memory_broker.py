"""A broker in memory, for journeys and simulation. It passes the same conformance suite as Kafka.

Beyond that it can misbehave on purpose: deliver everything twice, be away, or forget all it holds.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reviewbus.broker import BEHIND, BrokerDown, Failure, Outgoing, Place, Record, partition_of

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

    from reviewbus.broker import Producer, Subscription
    from reviewbus.catalogue import Topic

RECORD_BYTES_MAX = 1024 * 1024


@dataclass(slots=True)
class MemoryBroker:
    """All topics of a cluster of one. `twice` makes every published batch arrive two times."""

    twice: bool = False
    down: bool = False
    logs: dict[Place, list[Record]] = field(default_factory=dict)
    partitions: dict[str, int] = field(default_factory=dict)
    committed: dict[tuple[str, Place], int] = field(default_factory=dict)
    groups: dict[str, list[_MemorySubscription]] = field(default_factory=lambda: defaultdict(list))

    def producer(self) -> Producer:
        """Return a new producer."""
        return _MemoryProducer(self)

    def subscribe(self, group: str, topics: Sequence[str]) -> Subscription:
        """Return a new member of a group; the group's places are shared anew at once."""
        member = _MemorySubscription(self, group, frozenset(topics))
        self.groups[group].append(member)
        self.rebalance(group)
        return member

    def ensure_topics(self, topics: Sequence[Topic]) -> list[str]:
        """Create the topics that are missing and return their names."""
        missing = [topic for topic in topics if topic.name not in self.partitions]
        for topic in missing:
            self.partitions[topic.name] = topic.partitions
        return sorted(topic.name for topic in missing)

    def history(
        self, topics: Sequence[str], limit: int, start: Mapping[Place, int]
    ) -> Generator[list[Record], None, None]:
        """Bring what the topics hold up to their present ends; raises `BrokerDown`."""
        if self.down or any(topic not in self.partitions for topic in topics):
            raise BrokerDown
        held = [
            log[start.get(place, 0) if start.get(place, 0) <= len(log) else 0 :]
            for place, log in sorted(self.logs.items())
            if place[0] in topics
        ]
        for records in held:
            for first in range(0, len(records), limit):
                if self.down:
                    raise BrokerDown
                yield records[first : first + limit]

    def records(self) -> list[Record]:
        """Return every record held, by topic, partition and offset."""
        return [record for place in sorted(self.logs) for record in self.logs[place]]

    def forget(self) -> None:
        """Lose every record, every committed offset and every membership, as a cluster does whose disks are gone.

        Members come back at once, and hold their places anew.
        """
        self.logs.clear()
        self.committed.clear()
        for members in self.groups.values():
            for member in members:
                member.positions.clear()
                member.taken |= member.places

    def rebalance(self, group: str) -> None:
        """Share the places of a group's topics among its members; a place that moves starts at its committed offset."""
        members = self.groups[group]
        for number, member in enumerate(members):
            places = [(t, p) for t in sorted(member.topics) for p in range(self.partitions.get(t, 0))]
            mine = {place for index, place in enumerate(places) if index % len(members) == number}
            member.taken |= member.places - mine
            for place in member.places ^ mine:
                member.positions.pop(place, None)
            member.places = mine


@dataclass(slots=True)
class _MemoryProducer:
    broker: MemoryBroker

    def publish(self, records: Sequence[Outgoing]) -> list[Failure | None]:
        refused: set[tuple[str, bytes]] = set()
        results: list[Failure | None] = []
        for record in records:
            behind = (record.topic, record.key) in refused
            results.append(BEHIND if behind else self._check(record))
            if results[-1] is not None:
                refused.add((record.topic, record.key))
        good = [record for record, failure in zip(records, results, strict=True) if failure is None]
        for record in good * (2 if self.broker.twice else 1):
            place = (record.topic, partition_of(record.key, self.broker.partitions[record.topic]))
            log = self.broker.logs.setdefault(place, [])
            log.append(
                Record(
                    topic=record.topic,
                    partition=place[1],
                    offset=len(log),
                    key=record.key,
                    headers=tuple(record.headers),
                    value=record.value,
                )
            )
        return results

    def close(self) -> None:
        """Nothing is held."""

    def _check(self, record: Outgoing) -> Failure | None:
        if self.broker.down:
            return Failure("BrokerDown", permanent=False)
        if record.topic not in self.broker.partitions:
            return Failure("UnknownTopic", permanent=False)
        if len(record.value) > RECORD_BYTES_MAX:
            return Failure("MessageSizeTooLargeError", permanent=True)
        return None


@dataclass(slots=True, eq=False)
class _MemorySubscription:
    broker: MemoryBroker
    group: str
    topics: frozenset[str]
    places: set[Place] = field(default_factory=set)
    positions: dict[Place, int] = field(default_factory=dict)
    taken: set[Place] = field(default_factory=set)
    paused: bool = False
    turn: int = 0

    def poll(self, timeout_s: float, limit: int) -> list[Record]:  # noqa: ARG002 -- nothing here ever waits
        if self.broker.down or self.paused:
            return []
        came: list[Record] = []
        places = sorted(self.places)
        # Begin at another place each time, so that a full one cannot starve the others.
        self.turn += 1
        for index in range(len(places)):
            place = places[(index + self.turn) % len(places)]
            start = self.positions.get(place, self.broker.committed.get((self.group, place), 0))
            found = self.broker.logs.get(place, [])[start : start + limit - len(came)]
            if found:
                self.positions[place] = found[-1].offset + 1
                came += found
        return came

    def commit(self, offsets: Mapping[Place, int]) -> None:
        if self.broker.down:
            raise BrokerDown
        for place, offset in offsets.items():
            if place in self.places:
                self.broker.committed[self.group, place] = offset

    def pause(self) -> None:
        self.paused = True

    def resume(self) -> None:
        self.paused = False

    def lost(self) -> set[Place]:
        taken, self.taken = self.taken, set()
        return taken

    def close(self) -> None:
        members = self.broker.groups[self.group]
        if self in members:
            members.remove(self)
            if members:
                self.broker.rebalance(self.group)
