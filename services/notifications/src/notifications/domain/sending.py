"""Deciding at the moment of sending: whether a mail goes out, and what happens after a failure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from datetime import datetime

    from notifications.domain.mails import MailIntent

# Waiting before the second, third … attempt. After the last one the mail is given up: about a day in all.
RETRY_AFTER_S = (30, 120, 600, 1_800, 7_200, 21_600, 43_200)
ATTEMPTS_MAX = len(RETRY_AFTER_S) + 1


class Suppressed(StrEnum):
    """Why a mail is not sent, on purpose."""

    BEFORE_WATERMARK = "before-watermark"
    RECIPIENT_INACTIVE = "recipient-inactive"
    RECIPIENT_WITHOUT_ADDRESS = "recipient-without-address"
    NO_LONGER_VISIBLE = "no-longer-visible"


class Failure(StrEnum):
    """How an attempt to hand a mail over failed."""

    TRANSIENT = "transient"  # the server did not take it, and may take it later
    PERMANENT = "permanent"  # the server will never take it
    UNCERTAIN = "uncertain"  # nobody knows whether the server took it


class Failed(StrEnum):
    """Why a mail is given up."""

    REFUSED_BY_SERVER = "refused-by-server"
    SERVER_UNREACHABLE = "server-unreachable"
    OUTCOME_UNKNOWN = "outcome-unknown"


@dataclass(frozen=True, slots=True)
class Send:
    """Send it now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppress:
    """Do not send it, now or ever."""

    reason: Suppressed


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """Try again, deciding anew, after so many seconds."""

    after_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveUp:
    """Never try again."""

    reason: Failed


Decision: TypeAlias = Send | Suppress
AfterFailure: TypeAlias = Retry | GiveUp


def decide(
    intent: MailIntent,
    *,
    allowed: bool,
    recipient_active: bool,
    has_address: bool,
    effects_from: datetime,
) -> Decision:
    """Whether the mail goes out now.

    `allowed` is the owner's answer to the intent's question, and not looked at where there is none. Facts older than
    the watermark `effects_from` had their effects already: reading a topic again from its start mails nobody.
    """
    if intent.occurred_at < effects_from:
        return Suppress(reason=Suppressed.BEFORE_WATERMARK)
    if not recipient_active:
        return Suppress(reason=Suppressed.RECIPIENT_INACTIVE)
    if not has_address:
        return Suppress(reason=Suppressed.RECIPIENT_WITHOUT_ADDRESS)
    if intent.question is not None and not allowed:
        return Suppress(reason=Suppressed.NO_LONGER_VISIBLE)
    return Send()


def after_failure(attempt: int, failure: Failure) -> AfterFailure:
    """What happens after attempt number `attempt`, from 1, has failed.

    Where the server may have taken the mail it is not sent again: at most one per key goes before one for certain. An
    attempt that began and left no trace of its end, as in a crash, is uncertain too.
    """
    match failure:
        case Failure.PERMANENT:
            return GiveUp(reason=Failed.REFUSED_BY_SERVER)
        case Failure.UNCERTAIN:
            return GiveUp(reason=Failed.OUTCOME_UNKNOWN)
        case Failure.TRANSIENT if attempt >= ATTEMPTS_MAX:
            return GiveUp(reason=Failed.SERVER_UNREACHABLE)
        case Failure.TRANSIENT:
            return Retry(after_s=RETRY_AFTER_S[attempt - 1])
