"""A clock that stands until it is moved."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@dataclass(slots=True)
class FixedClock:
    """Call it for the present instant; `forward` moves it."""

    now: datetime = START

    def __call__(self) -> datetime:
        """Return the present instant."""
        return self.now

    def forward(self, **by: float) -> None:
        """Move on by a `timedelta`'s keywords: `clock.forward(days=3)`."""
        self.now += timedelta(**by)
