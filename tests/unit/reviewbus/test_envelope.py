"""The envelope: CloudEvents in Kafka's binary mode, as the library of the specification writes and reads them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from uuid import UUID

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary, to_binary
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from hypothesis import given
from hypothesis import strategies as st

from reviewbus.broker import partition_of
from reviewbus.envelope import (
    SHARDS,
    Event,
    Undecodable,
    encode_headers,
    json_bytes,
    open_record,
    seal,
    shard_of,
    type_of,
)
from reviewbus.telemetry import Trace

ID = UUID("0198c0de-2001-7b21-9c3f-4d6e8f0a1b03")
NOON = datetime(2026, 3, 2, 12, 0, 0, 123456, tzinfo=UTC)
TRACE = Trace("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", "corr", "cause")
EVENT = Event(type="order.placed.v1", key="o-1", data={"order_id": "o-1", "note": "grün"}, sequence=7)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
PAYLOADS = st.dictionaries(TEXTS, st.integers() | TEXTS | st.none() | st.booleans() | st.lists(TEXTS), max_size=5)


def sealed(event: Event = EVENT, trace: Trace = TRACE) -> tuple[list[tuple[str, bytes]], bytes, bytes]:
    one = seal(event, event_id=ID, topic="t", source="/shop", time=NOON, trace=trace)
    return encode_headers(one.headers), one.key.encode(), one.body


def test_our_records_are_read_by_the_library() -> None:
    headers, key, body = sealed()
    cloud = from_binary(KafkaMessage(headers=dict(headers), key=key, value=body), JSONFormat(), CloudEvent)
    assert cloud.get_data() == {"order_id": "o-1", "note": "grün"}
    attributes = {name: cloud.get_attributes()[name] for name in ("id", "type", "source", "subject", "specversion")}
    assert attributes == {
        "id": str(ID),
        "type": "order.placed.v1",
        "source": "/shop",
        "subject": "o-1",
        "specversion": "1.0",
    }
    assert cloud.get_time() == NOON
    assert cloud.get_extension("sequence") == "000000000007"
    assert cloud.get_extension("correlationid") == "corr"
    assert cloud.get_extension("causationid") == "cause"


def test_the_librarys_records_are_read_by_us() -> None:
    attributes = {
        "id": str(ID),
        "type": "order.placed.v1",
        "source": "/elsewhere",
        "subject": "o-1",
        "time": NOON,
        "specversion": "1.0",
        "datacontenttype": "application/json",
        "sequence": "000000000012",
        "unknownextension": "x",
    }
    message = to_binary(CloudEvent(attributes, {"a": [1, None]}), JSONFormat())
    received = open_record(message.headers.items(), b"o-1", message.value)
    assert (received.id, received.type, received.source, received.key) == (ID, "order.placed.v1", "/elsewhere", "o-1")
    assert (received.time, received.sequence, received.data) == (NOON, 12, {"a": [1, None]})
    assert (received.correlation_id, received.causation_id, received.traceparent) == (None, None, None)


@given(PAYLOADS, TEXTS.filter(bool))
def test_what_was_sealed_is_opened_again(payload: dict[str, object], key: str) -> None:
    event = Event(type="order.placed.v1", key=key, data=payload)
    headers, raw_key, body = sealed(event)
    received = open_record(headers, raw_key, body)
    assert (received.data, received.key, received.time, received.sequence) == (payload, key, NOON, None)
    assert received.traceparent == TRACE.traceparent
    assert type_of(headers) == "order.placed.v1"


def test_headers_carry_the_trace_and_the_content_type() -> None:
    headers = dict(sealed()[0])
    assert headers["traceparent"] == b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    assert headers["content-type"] == b"application/json"


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("ce_id", b"no uuid"),
        ("ce_id", None),
        ("ce_type", None),
        ("ce_source", None),
        ("ce_time", None),
        ("ce_time", b"yesterday"),
        ("ce_sequence", b"many"),
        ("ce_type", b"\xff"),
        ("ce_specversion", b"9.9"),
    ],
)
def test_a_broken_or_missing_attribute_is_undecodable(header: str, value: bytes | None) -> None:
    headers, key, body = sealed()
    changed = {**dict(headers), header: value}
    with pytest.raises(Undecodable):
        open_record([(name, content) for name, content in changed.items() if content is not None], key, body)


@pytest.mark.parametrize("body", [None, b"", b"{", b"[]", b"1", b'"x"', b"null", b"\xff", b"[" * 100_000])
def test_a_body_that_is_no_json_object_is_undecodable(body: bytes | None) -> None:
    headers, key, _ = sealed()
    with pytest.raises(Undecodable) as caught:
        open_record(headers, key, body)
    assert "xff" not in str(caught.value)


def test_a_record_without_a_key_has_its_subject_as_key() -> None:
    headers, _, body = sealed()
    assert open_record(headers, None, body).key == "o-1"


def test_a_record_without_a_type_has_none() -> None:
    assert type_of([("other", b"x")]) is None


# Fixed for life: another function would tear the records of a key apart, in the outbox and in the topics.
@pytest.mark.parametrize(
    ("key", "shard", "partition"),
    [("", 0, 0), ("a", 3, 3), ("0198c0de-2001-7b21-9c3f-4d6e8f0a1b03", 12, 8), ("schlüssel", 6, 6)],
)
def test_shard_and_partition_of_a_key_stay_what_they_are(key: str, shard: int, partition: int) -> None:
    assert (shard_of(key), partition_of(key.encode(), 12)) == (shard, partition)


@given(TEXTS)
def test_every_key_has_a_shard(key: str) -> None:
    assert 0 <= shard_of(key) < SHARDS


def test_compact_json_keeps_the_order_of_its_keys() -> None:
    assert json_bytes({"b": 1, "a": ["ü"]}) == '{"b":1,"a":["ü"]}'.encode()
    assert json.loads(json_bytes({"b": 1})) == {"b": 1}
