"""Clients that ask Kafka about topics and groups: made for a question or a few, gone afterwards, also by a fault."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import kafka
from kafka.net.compat import KafkaNetClient
from kafka.structs import TopicPartition

from reviewbus.broker.producer import API_VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reviewbus.settings import BusSettings


@contextmanager
def asking(settings: BusSettings, purpose: str, *, answer_ms: int = 10_000) -> Iterator[kafka.KafkaAdminClient]:
    """Within the block, a client; raises `KafkaError` where no broker is found in that time, or answers in thrice."""
    kept: list[KafkaNetClient] = []

    def inner(**configs: Any) -> KafkaNetClient:
        # A client that finds no broker is not returned, and leaves its thread and its sockets.
        kept.append(KafkaNetClient(**configs))
        return kept[-1]

    client = None
    try:
        client = kafka.KafkaAdminClient(
            bootstrap_servers=settings.kafka_bootstrap,
            api_version=API_VERSION,
            client_id=f"{settings.service}-{purpose}",
            bootstrap_timeout_ms=answer_ms,
            request_timeout_ms=3 * answer_ms,
            kafka_client=inner,
        )
        yield client
    finally:
        if client is not None:
            client.close()
        else:
            for one in kept:
                one.close()


def places_of(client: kafka.KafkaAdminClient, topics: Sequence[str]) -> list[TopicPartition]:
    """Return the partitions of those of the topics that there are; raises `KafkaError`."""
    found = client.describe_topics(list(topics))
    return [TopicPartition(topic["name"], one["partition_index"]) for topic in found for one in topic["partitions"]]
