"""The inbox: which records this database has already applied.

It is the second line of defence against repeats; the first are the fences and versions in the rows themselves, because
a replay can outlive the inbox. Rows are kept longer than any topic's retention and go by dropping a week's partition.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import sqlalchemy as sa

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reviewbus.db import Tx

KEEP_DAYS = 45
AHEAD_WEEKS = 3
MAINTAIN_LOCK = 7_302
_CLAIM = sa.text(
    "insert into inbox (event_id) select unnest(cast(:ids as uuid[])) on conflict do nothing returning event_id"
)
_PARTITIONS = sa.text("select inhrelid::regclass::text from pg_inherits where inhparent = 'inbox'::regclass")


def claim(tx: Tx, event_ids: Sequence[UUID]) -> set[UUID]:
    """Write the ids down in the transaction that applies them, and return those that were not there before."""
    return set(tx.execute(_CLAIM, {"ids": list(event_ids)}).scalars())


def maintain(connection: sa.Connection, now: datetime) -> int:
    """Create the partitions of the coming weeks and drop those older than `KEEP_DAYS`; return how many changed.

    Needs the owner's rights, so the `migrate` job runs it, at each deployment and once a day.
    """
    # Two deployments may do this at once.
    connection.execute(sa.text(f"select pg_advisory_xact_lock({MAINTAIN_LOCK})"))
    existing = set(connection.execute(_PARTITIONS).scalars())
    monday = (now - timedelta(days=now.weekday())).replace(hour=0, minute=0, second=0, microsecond=0)
    wanted = [monday + timedelta(weeks=n) for n in range(AHEAD_WEEKS + 1)]
    changed = 0
    for start in wanted:
        name = f"inbox_{start:%Y%m%d}"
        if name not in existing and not _default_has_rows(connection, start):
            low, high = lowest_id(start), lowest_id(start + timedelta(weeks=1))
            connection.execute(
                sa.text(f"create table {name} partition of inbox for values from ('{low}') to ('{high}')")
            )
            changed += 1
    oldest = f"inbox_{now - timedelta(days=KEEP_DAYS + 7):%Y%m%d}"
    for name in sorted(existing):
        if name != "inbox_default" and name < oldest:
            connection.execute(sa.text(f"drop table {name}"))
            changed += 1
    connection.execute(
        sa.text("delete from inbox_default where received_at < :old"), {"old": now - timedelta(days=KEEP_DAYS)}
    )
    return changed


def lowest_id(instant: datetime) -> UUID:
    """Return the smallest UUIDv7 of an instant."""
    return UUID(int=int(instant.astimezone(UTC).timestamp() * 1000) << 80)


def _default_has_rows(connection: sa.Connection, start: datetime) -> bool:
    """A partition cannot be split off while the default one holds rows of its range."""
    query = sa.text("select exists (select from inbox_default where event_id >= :low and event_id < :high)")
    bounds = {"low": lowest_id(start), "high": lowest_id(start + timedelta(weeks=1))}
    return bool(connection.execute(query, bounds).scalar())
