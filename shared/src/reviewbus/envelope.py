"""The envelope of every record: CloudEvents 1.0 in Kafka's binary mode.

An `Event` is what a service wants to say. Sealing it gives it an id, a time and its exact bytes, which is what the
outbox keeps and the relay sends. A `Received` is what a consumer hands to its handlers.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID
from zlib import crc32

from cloudevents.core.bindings.kafka import KafkaMessage, from_binary, to_binary
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from reviewbus.telemetry import Trace

SHARDS = 16
_FORMAT = JSONFormat()
_NEEDED = ("ce_id", "ce_type", "ce_source", "ce_time", "ce_specversion")


class Undecodable(Exception):
    """A record that is no CloudEvent of ours: an attribute is missing or malformed, or the body is no JSON object."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One fact or command to be published. `key` orders it: a key's records are read in the order of their commits.

    `type` carries its version (`order.placed.v1`); `data` must satisfy that type's schema. `sequence` counts a key's
    events of one source and is for diagnosis only.
    """

    type: str
    key: str
    data: Mapping[str, Any]
    sequence: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """An event with its id and exact bytes: a row of the outbox."""

    id: UUID
    type: str
    topic: str
    key: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def shard(self) -> int:
        """The outbox shard of its key."""
        return shard_of(self.key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A record as a handler sees it."""

    id: UUID
    type: str
    source: str
    key: str
    time: datetime
    data: Mapping[str, Any]
    sequence: int | None = None
    correlation_id: str | None = None
    causation_id: str | None = None
    traceparent: str | None = None


def shard_of(key: str) -> int:
    """Return the outbox shard (0 … 15) of a key; one relay at a time drains it, which keeps a key's order."""
    return crc32(key.encode()) % SHARDS


def seal(event: Event, *, event_id: UUID, topic: str, source: str, time: datetime, trace: Trace) -> Sealed:
    """Fix an event's id, time and bytes."""
    attributes: dict[str, Any] = {
        "id": str(event_id),
        "type": event.type,
        "source": source,
        "subject": event.key,
        "time": time,
        "specversion": "1.0",
        "datacontenttype": "application/json",
        "correlationid": trace.correlation_id,
    }
    if trace.causation_id:
        attributes["causationid"] = trace.causation_id
    if event.sequence is not None:
        attributes["sequence"] = f"{event.sequence:012d}"
    message = to_binary(CloudEvent(attributes, dict(event.data)), _FORMAT)
    headers = {name: value.decode() for name, value in message.headers.items()}
    headers["traceparent"] = trace.traceparent
    return Sealed(id=event_id, type=event.type, topic=topic, key=event.key, headers=headers, body=message.value)


def type_of(headers: Iterable[tuple[str, bytes]]) -> str | None:
    """Return the type named in a record's headers without decoding the rest."""
    for name, value in headers:
        if name == "ce_type":
            return value.decode("utf-8", "replace")
    return None


def open_record(headers: Iterable[tuple[str, bytes]], key: bytes | None, value: bytes | None) -> Received:
    """Decode a record; raises `Undecodable` saying which part is wrong, without quoting it."""
    plain = dict(headers)
    missing = [name for name in _NEEDED if name not in plain]
    if missing:
        # The library would make them up, and a repeat would then look like another event.
        msg = f"lacks {', '.join(missing)}"
        raise Undecodable(msg)
    try:
        cloud = from_binary(KafkaMessage(headers=plain, key=None, value=value or b""), _FORMAT)
        attributes = cloud.get_attributes()
        sequence = attributes.get("sequence")
        return Received(
            id=UUID(str(attributes["id"])),
            type=str(attributes["type"]),
            source=str(attributes["source"]),
            key=(key or b"").decode() or str(attributes["subject"]),
            time=attributes["time"],
            data=_object(cloud.get_data()),
            sequence=int(sequence) if sequence else None,
            correlation_id=attributes.get("correlationid"),
            causation_id=attributes.get("causationid"),
            traceparent=plain["traceparent"].decode() if "traceparent" in plain else None,
        )
    except Undecodable:
        raise
    except Exception as error:
        # The library raises its own kinds for attributes, and ValueError, KeyError, UnicodeDecodeError for the rest.
        msg = f"not a CloudEvent in binary mode ({type(error).__name__})"
        raise Undecodable(msg) from error


def _object(content: object) -> Mapping[str, Any]:
    if not isinstance(content, dict):
        msg = "the body is not a JSON object"
        raise Undecodable(msg)
    return content


def encode_headers(headers: Mapping[str, str]) -> list[tuple[str, bytes]]:
    """Return headers as Kafka clients take them."""
    return [(name, value.encode()) for name, value in headers.items()]


def json_bytes(value: object) -> bytes:
    """Return compact JSON, keys in their given order."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
