"""Records that no service can apply, written among others of their key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zlib import crc32

from reviewbus.broker import Outgoing
from simulation import turns
from simulation.interleaved import ACTED_ON

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulation.play import Play

POISONS_MAX = 3


def among_others(s: Play) -> str | None:
    """Somebody writes a record that cannot be applied, in the midst of others of its key; None: not now."""
    if s.poisoned >= POISONS_MAX or s.system.broker.down:
        return None
    s.poisoned += 1
    s.parked.watch(s.system)
    review_id, source = _told_of(s)
    fitting = [one for one in _POISONS if source in {"", one.source}] or _POISONS
    chosen = s.random.choice(fitting)
    words, topic, headers, value = chosen.make(review_id)
    record = Outgoing(topic=topic, key=review_id.encode(), headers=headers, value=value)
    s.system.broker.producer().publish([record])
    if source:
        turns.turn_one(s, source, "relay")
    return f"{words}, for {review_id}"


def _told_of(s: Play) -> tuple[str, str]:
    """Return a review of which somebody is about to tell something, and who; or any review."""
    for name in s.random.sample(ACTED_ON, len(ACTED_ON)):
        key = s.system.ground.rows[name].ask("select key from outbox order by id limit 1")
        if key in s.sight.reviews:
            return key, name
    return s.random.choice(sorted(s.sight.reviews)), ""


def _undecodable(_: str) -> Any:
    return "no JSON, no headers", "reviews.assessment.v1", [], b"{"


def _broken_contract(review_id: str) -> Any:
    return (
        "a release without its epoch",
        "reviews.packets.v1",
        _headers("packet.released.v1", "/packets", review_id),
        b"{}",
    )


def _forged_hold(review_id: str) -> Any:
    body = (
        b'{"review_id":"%s","holder":"release","fence":2000000,"want":"free","epoch":1000000,"manager_version":null,'
        b'"self_version":null,"snapshot_hash":null,"manager_id":null}' % review_id.encode()
    )
    return (
        "a hold of packets' by signing",
        "reviews.holds.v1",
        _headers("hold.requested.v1", "/signing", review_id),
        body,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Poison:
    """What cannot be applied, and whose records it comes among."""

    source: str
    make: Callable[[str], Any]


_POISONS = (
    _Poison(source="assessment", make=_undecodable),
    _Poison(source="packets", make=_broken_contract),
    _Poison(source="signing", make=_forged_hold),
)


def _headers(kind: str, source: str, review_id: str) -> list[tuple[str, bytes]]:
    words = {
        "ce_id": f"00000000-0000-7000-8000-{crc32(f'{kind} {review_id}'.encode()):012d}",
        "ce_type": kind,
        "ce_source": source,
        "ce_subject": review_id,
        "ce_time": "2026-03-02T09:00:00Z",
        "ce_specversion": "1.0",
        "content-type": "application/json",
    }
    return [(name, value.encode()) for name, value in words.items()]
