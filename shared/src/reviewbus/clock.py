"""Time and identifiers: the two things that are always arguments, and what real processes pass for them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import uuid_utils.compat

if TYPE_CHECKING:
    from uuid import UUID

Clock = Callable[[], datetime]
Ids = Callable[[], "UUID"]


def utc_now() -> datetime:
    """Return the present instant, aware, in UTC."""
    return datetime.now(UTC)


def new_id() -> UUID:
    """Return a new UUIDv7: unique, and ordered by the millisecond of its making."""
    return uuid_utils.compat.uuid7()


def rfc3339(instant: datetime) -> str:
    """Write an aware instant as RFC 3339 in UTC, with microseconds and `Z`."""
    return instant.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
