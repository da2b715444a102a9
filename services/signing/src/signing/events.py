"""Facts as events: nothing else builds payloads. Alarms are for people, not for the bus."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from reviewbus.envelope import Event
from signing.domain.facts import (
    Alarm,
    CompletionLifted,
    CompletionRejected,
    CompletionRequested,
    HoldRequested,
    ReviewCompleted,
    SignatureCompleted,
    SignatureRejected,
    SignatureRequested,
    SignatureRevoked,
    SigningClosed,
    SigningOpened,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from signing.domain.facts import Fact
    from signing.domain.record import SigningRecord

TYPES: dict[type[Any], str] = {
    HoldRequested: "hold.requested.v1",
    SigningOpened: "signing.opened.v1",
    SigningClosed: "signing.closed.v1",
    SignatureRequested: "signature.requested.v1",
    SignatureCompleted: "signature.completed.v1",
    SignatureRejected: "signature.rejected.v1",
    SignatureRevoked: "signature.revoked.v1",
    CompletionRequested: "review.completion-requested.v1",
    ReviewCompleted: "review.completed.v1",
    CompletionRejected: "review.completion-rejected.v1",
    CompletionLifted: "review.completion-lifted.v1",
}
_BY_SOMEBODY = (SignatureRevoked, CompletionRequested, ReviewCompleted, CompletionLifted)


def published(facts: Iterable[Fact]) -> list[Fact]:
    """Return those facts that become events, in their order."""
    return [fact for fact in facts if not isinstance(fact, Alarm)]


def event(record: SigningRecord, fact: Fact, *, sequence: int) -> Event:
    """Return the event of one fact about `record` as it was written."""
    payload = asdict(fact)
    if not isinstance(fact, HoldRequested):
        payload |= {
            "cycle_id": record.cycle_id,
            "subject_id": record.subject_id,
            "manager_id": record.manager_id,
            "version": record.row_version,
        }
    if isinstance(fact, _BY_SOMEBODY):
        payload["by_role"] = "system" if fact.by is None else "hr_admin"
    return Event(type=TYPES[type(fact)], key=record.review_id, data=payload, sequence=sequence)
