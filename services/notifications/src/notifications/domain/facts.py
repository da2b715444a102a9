"""What became of a mail, in the past tense: one fact per delivery, at its end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from notifications.domain.ids import DeliveryId
    from notifications.domain.mails import MailKey
    from notifications.domain.sending import Failed, Suppressed


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationSent:
    """The mail server has accepted it, at attempt `attempt`, from 1."""

    delivery_id: DeliveryId
    key: MailKey
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationSuppressed:
    """It was not sent, on purpose."""

    delivery_id: DeliveryId
    key: MailKey
    reason: Suppressed


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationFailed:
    """It was given up after `attempt` attempts."""

    delivery_id: DeliveryId
    key: MailKey
    attempt: int
    reason: Failed


Fact: TypeAlias = NotificationSent | NotificationSuppressed | NotificationFailed
