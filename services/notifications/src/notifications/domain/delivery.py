"""The life of one delivery: queued, being sent, and one of three ends. Each time it ends there is one fact."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

from notifications.domain.facts import NotificationFailed, NotificationSent, NotificationSuppressed
from notifications.domain.sending import Failed, Failure, Retry, Suppressed, after_failure

if TYPE_CHECKING:
    from notifications.domain.facts import Fact
    from notifications.domain.ids import DeliveryId
    from notifications.domain.mails import MailIntent


class DeliveryState(StrEnum):
    """Where a delivery is."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    SUPPRESSED = "suppressed"
    FAILED = "failed"


# Before an attempt begins, `sending` is written and committed: who finds it so does not know how the attempt ended.
ALLOWED = {
    DeliveryState.QUEUED: frozenset({DeliveryState.SENDING, DeliveryState.SUPPRESSED}),
    DeliveryState.SENDING: frozenset({DeliveryState.SENT, DeliveryState.QUEUED, DeliveryState.FAILED}),
    DeliveryState.SENT: frozenset(),
    DeliveryState.SUPPRESSED: frozenset(),
    DeliveryState.FAILED: frozenset(),
}
NEVER_SENT = frozenset({DeliveryState.SUPPRESSED, DeliveryState.FAILED})
UNSETTLED = frozenset(state for state, targets in ALLOWED.items() if targets)


class IllegalTransition(Exception):
    """Only a bug sends a mail that is being sent already, or that has come to its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One mail that was called for. `attempt` counts the attempts begun; `reason` says why it ended unsent."""

    delivery_id: DeliveryId
    intent: MailIntent
    state: DeliveryState = DeliveryState.QUEUED
    attempt: int = 0
    reason: Suppressed | Failed | None = None

    @property
    def settled(self) -> bool:
        """True at the end."""
        return self.state not in UNSETTLED


# The delivery, the facts that follow, and after how many seconds to try again, if at all.
Step: TypeAlias = "tuple[Delivery, tuple[Fact, ...], int | None]"


def suppress(delivery: Delivery, reason: Suppressed) -> Step:
    """Do not send it, now or ever."""
    after = _moved(delivery, DeliveryState.SUPPRESSED, reason)
    fact = NotificationSuppressed(delivery_id=delivery.delivery_id, key=delivery.intent.key, reason=reason)
    return after, (fact,), None


def renewed(delivery: Delivery, intent: MailIntent) -> Delivery | None:
    """Return it queued again where a later fact calls for it under the same key, if it certainly never went out.

    Else None: whoever got this mail, or may have got it, is not mailed again.
    """
    if delivery.state not in NEVER_SENT or delivery.reason is Failed.OUTCOME_UNKNOWN:
        return None
    return Delivery(delivery_id=delivery.delivery_id, intent=intent)


def begin(delivery: Delivery) -> Delivery:
    """Begin an attempt."""
    return replace(_moved(delivery, DeliveryState.SENDING), attempt=delivery.attempt + 1)


def accepted(delivery: Delivery) -> Step:
    """The mail server has taken it."""
    after = _moved(delivery, DeliveryState.SENT)
    key = delivery.intent.key
    return after, (NotificationSent(delivery_id=delivery.delivery_id, key=key, attempt=delivery.attempt),), None


def failed(delivery: Delivery, failure: Failure) -> Step:
    """The attempt has failed: it is queued again, or given up."""
    outcome = after_failure(delivery.attempt, failure)
    if isinstance(outcome, Retry):
        return _moved(delivery, DeliveryState.QUEUED), (), outcome.after_s
    after = _moved(delivery, DeliveryState.FAILED, outcome.reason)
    fact = NotificationFailed(
        delivery_id=delivery.delivery_id, key=delivery.intent.key, attempt=delivery.attempt, reason=outcome.reason
    )
    return after, (fact,), None


def abandoned(delivery: Delivery) -> Step:
    """An attempt began and left no trace of its end: whoever made it is gone."""
    return failed(delivery, Failure.UNCERTAIN)


def _moved(delivery: Delivery, target: DeliveryState, reason: Suppressed | Failed | None = None) -> Delivery:
    if target not in ALLOWED[delivery.state]:
        raise IllegalTransition(delivery.delivery_id, delivery.state, target)
    return replace(delivery, state=target, reason=reason)
