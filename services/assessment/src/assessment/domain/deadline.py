"""A deadline as people say it (a local date in a zone) and as it is decided (an instant)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from assessment.domain.cycle_refusals import UnknownTimeZone


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """The last local day on which something may be done; `instant` (UTC) is the start of the next one."""

    local_date: date
    zone: str
    instant: datetime

    def passed(self, now: datetime) -> bool:
        """Whether the last local day is over."""
        return now >= self.instant


def deadline_on(local_date: date, zone: str) -> Deadline:
    """The deadline that ends with `local_date` in the IANA time zone `zone`.

    Raises:
        UnknownTimeZone: there is no such zone.
    """
    # A midnight that daylight saving skips is read with the offset before the change, which gives the very change.
    midnight = datetime.combine(local_date + timedelta(days=1), time.min, tzinfo=_zone(zone))
    return Deadline(local_date=local_date, zone=zone, instant=midnight.astimezone(UTC))


def check_zone(zone: str) -> None:
    """Return if there is an IANA time zone of this name.

    Raises:
        UnknownTimeZone: there is none.
    """
    _zone(zone)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise UnknownTimeZone(zone=name) from error
