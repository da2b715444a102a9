"""Records as they travel: what a service emits, checked against its schema, and what those who read it are given."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from uuid import UUID

from explore.cast import NOW, REVIEW_ID
from reviewbus.catalogue import Catalogue
from reviewbus.envelope import Event, Received

if TYPE_CHECKING:
    from collections.abc import Mapping

# What is fetched over HTTP: an immutable version, which no broker can forget.
FETCHED = "content-fetched"
HTTP = "http"
RECORDS_KEPT = 100_000
_SOURCES = {"assessment": "/assessment", "packets": "/packets", "signing": "/signing"}


@dataclass(frozen=True, slots=True)
class Message:
    """One record, and `said` what it says. Two records that say the same are the same message, delivered again."""

    type: str
    topic: str
    source: str
    body: str
    said: Mapping[str, Any] = field(compare=False, repr=False)

    @property
    def received(self) -> Received:
        """The record as a handler is given it."""
        return Received(id=UUID(int=0), type=self.type, source=self.source, key=REVIEW_ID, time=NOW, data=self.said)

    def __str__(self) -> str:
        said = self.said
        shown = ("holder", "want", "fence", "last_fence", "epoch", "manager_version", "self_version", "reason")
        words = " ".join(f"{name}={said[name]}" for name in shown if said.get(name) is not None)
        if said.get("revoke_signatures"):
            words += " revoke_signatures"
        return f"{self.type.removesuffix('.v1')} {words}".strip()


def published(service: str, event: Event) -> Message:
    """The record of an event. ContractBroken where it breaks its schema."""
    # As it travels: JSON, so that nobody sees a tuple or an enumeration.
    return _record(service, event.type, _as_text(event.data))


def fetched(manager_version: int, content_hash: str) -> Message:
    """What packets gets when it asks assessment for a submitted version."""
    said = {"manager_version": manager_version, "content_hash": content_hash}
    return Message(FETCHED, HTTP, _SOURCES["assessment"], _as_text(said), said)


@lru_cache(maxsize=RECORDS_KEPT)
def _record(service: str, kind: str, body: str) -> Message:
    said: Mapping[str, Any] = json.loads(body)
    _CATALOGUE.validate(kind, said)
    return Message(kind, _CATALOGUE.topic_of(kind), _SOURCES[service], body, said)


_CATALOGUE = Catalogue.load()
_as_text = json.JSONEncoder(sort_keys=True).encode
