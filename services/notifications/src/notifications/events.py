"""Facts as events: nothing else builds payloads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from notifications.domain.facts import NotificationFailed, NotificationSent, NotificationSuppressed
from reviewbus.envelope import Event

if TYPE_CHECKING:
    from notifications.domain.facts import Fact

TYPES: dict[type[Any], str] = {
    NotificationSent: "notification.sent.v1",
    NotificationSuppressed: "notification.suppressed.v1",
    NotificationFailed: "notification.failed.v1",
}


def event(fact: Fact, *, sequence: int) -> Event:
    """Return the event of one fact."""
    payload: dict[str, Any] = {
        "review_id": fact.key.review_id,
        "delivery_id": fact.delivery_id,
        "recipient_id": fact.key.recipient_id,
        "template": fact.key.template.value,
        "occasion": fact.key.occasion,
    }
    if not isinstance(fact, NotificationSuppressed):
        payload["attempt"] = fact.attempt
    if not isinstance(fact, NotificationSent):
        payload["reason"] = fact.reason.value
    return Event(type=TYPES[type(fact)], key=fact.key.review_id, data=payload, sequence=sequence)
