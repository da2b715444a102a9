"""Brokers, behind three small interfaces: what is sent, what is read, and who does it.

Kafka itself is in the modules of this package, the only ones that import its client: a process that neither sends nor
reads, such as `web`, never loads them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol
from zlib import crc32

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

    from reviewbus.catalogue import Topic

Place = tuple[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A record to send."""

    topic: str
    key: bytes
    headers: list[tuple[str, bytes]]
    value: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A record as read; `key` and `value` are as the producer sent them."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    value: bytes | None

    @property
    def place(self) -> Place:
        """Topic and partition."""
        return (self.topic, self.partition)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a record was not acknowledged; `permanent` means that sending it again cannot help."""

    reason: str
    permanent: bool


BEHIND = Failure("an earlier record failed", permanent=False)


class BrokerDown(Exception):
    """The broker did not answer; try again later."""


class Producer(Protocol):
    """Sends records and says of each whether all replicas have it."""

    def publish(self, records: Sequence[Outgoing]) -> list[Failure | None]:
        """Send all, wait for every acknowledgement, and return one result a record, in order.

        A record is not sent before the one before it of the same key is acknowledged, so none overtakes another: after
        a key's first failure none of its later records is sent.
        """
        ...

    def close(self) -> None:
        """End it; what was not acknowledged may be lost."""
        ...


class Subscription(Protocol):
    """One member of a consumer group."""

    def poll(self, timeout_s: float, limit: int) -> list[Record]:
        """Return what came, at most `limit`, in order within a partition; nothing while paused."""
        ...

    def commit(self, offsets: Mapping[Place, int]) -> None:
        """Commit the next offset to read of each place; raises `BrokerDown`, after which a repeat is harmless."""
        ...

    def pause(self) -> None:
        """Bring nothing more until `resume`, partitions included that are assigned meanwhile."""
        ...

    def resume(self) -> None:
        """Undo `pause`."""
        ...

    def lost(self) -> set[Place]:
        """Return the places taken away since the last call; what is held of them must be dropped."""
        ...

    def close(self) -> None:
        """Leave the group, within a few seconds also when the broker is away."""
        ...


class Broker(Protocol):
    """Makes producers, subscriptions and topics."""

    def producer(self) -> Producer:
        """Return a new producer, also while the broker is away."""
        ...

    def subscribe(self, group: str, topics: Sequence[str]) -> Subscription:
        """Return a new member of a group that reads these topics, also while the broker is away."""
        ...

    def ensure_topics(self, topics: Sequence[Topic]) -> list[str]:
        """Create the topics that are missing and return their names; raises `BrokerDown`."""
        ...

    def history(
        self, topics: Sequence[str], limit: int, start: Mapping[Place, int]
    ) -> Generator[list[Record], None, None]:
        """Bring all that these topics hold, up to their ends as they are when the first batch is asked for.

        At most `limit` at once, in order within a partition; a place begins at its offset in `start`, else at its
        beginning. No group knows of it, and nothing is committed. Raises `BrokerDown`, also where a topic is missing.
        """
        ...


def partition_of(key: bytes, count: int) -> int:
    """Return the partition of a key; one function for all producers of this system."""
    return crc32(key) % count
