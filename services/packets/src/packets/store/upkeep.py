"""What repairs need of the rows: who waits for an answer, what comes next in a sweep, what a restore has moved."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from packets.store.rows import from_row
from packets.store.tables import cycles, questionnaires, snapshots
from packets.store.tables import packets as table
from reviewbus import quarantine
from reviewbus.tables import jobs, outbox, service_flag

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime
    from typing import Any

    from packets.domain.packet import Packet
    from reviewbus.db import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A packet that waits too long: how often its command was sent again, and the number of its newest event."""

    packet: Packet
    resent: int
    sequence: int


def outbox_age_s(tx: Tx) -> float:
    """The age of the oldest row of the outbox, by the server's clock that stamped it; 0 when there is none."""
    age = sa.func.extract("epoch", sa.func.clock_timestamp() - sa.func.min(outbox.c.created_at))
    return float(tx.execute(sa.select(age)).scalar() or 0)


def lock_waiting(tx: Tx, *, after_s: float, limit: int) -> list[Waiting]:
    """Packets that have waited longer than `after_s` and are due to ask again, locked; locked ones are passed over."""
    statement = (
        sa.select(table)
        .where(
            table.c.waiting_since <= tx.now - timedelta(seconds=after_s),
            sa.or_(table.c.retry_at.is_(None), table.c.retry_at <= tx.now),
        )
        .order_by(table.c.review_id)
        .limit(limit)
        .with_for_update(key_share=True, skip_locked=True)
    )
    return [
        Waiting(packet=from_row(row), resent=row["resent"], sequence=row["event_sequence"])
        for row in tx.execute(statement).mappings()
    ]


def with_unsent_command(tx: Tx, review_ids: Collection[str]) -> set[str]:
    """Those among the reviews whose command has not left the outbox yet."""
    if not review_ids:
        return set()
    statement = sa.select(outbox.c.key).where(outbox.c.type == "hold.requested.v1", outbox.c.key.in_(review_ids))
    return set(tx.execute(statement).scalars())


def note_resent(tx: Tx, review_id: str, *, resent: int, retry_at: datetime, events: int) -> None:
    """Write down that a command was sent again, and when to ask next; the packet itself stays as it is."""
    tx.execute(
        sa.update(table)
        .where(table.c.review_id == review_id)
        .values(resent=resent, retry_at=retry_at, event_sequence=table.c.event_sequence + events)
    )


def rows_after(tx: Tx, review_id: str | None, limit: int) -> dict[str, Packet]:
    """Our next rows in the order of their ids, without locks."""
    return _next(tx, sa.select(table), after=review_id, limit=limit)


def unfetched(tx: Tx, *, after: str | None, limit: int) -> dict[str, Packet]:
    """The next packets, in the order of their ids, that lack the submitted version and whose job was given up."""
    key = sa.cast(table.c.review_id, sa.Text) + ":" + sa.cast(table.c.manager_version, sa.Text)
    statement = sa.select(table).where(
        table.c.submitted,
        sa.or_(
            table.c.fetched_version.is_distinct_from(table.c.manager_version),
            table.c.fetched_hash.is_distinct_from(table.c.content_hash),
        ),
        ~_queued("content", key),
    )
    return _next(tx, statement, after=after, limit=limit)


def nameless(tx: Tx, *, after: str | None, limit: int) -> dict[str, Packet]:
    """The next packets, in the order of their ids, that show something without names and whose job was given up."""
    frozen = sa.and_(
        snapshots.c.review_id == table.c.review_id,
        snapshots.c.hash == table.c.snapshot_hash,
        snapshots.c.manager_id == table.c.manager_id,
    )
    statement = (
        sa.select(table)
        .join(snapshots, frozen)
        .where(snapshots.c.subject_name.is_(None), ~_queued("people", sa.cast(table.c.review_id, sa.Text)))
    )
    return _next(tx, statement, after=after, limit=limit)


def unknown_questionnaires(tx: Tx) -> list[tuple[str, int]]:
    """The questionnaires of cycles that are not here and whose job was given up."""
    asked = (cycles.c.questionnaire_id, cycles.c.questionnaire_version)
    here = sa.select(questionnaires.c.id).where(questionnaires.c.id == asked[0], questionnaires.c.version == asked[1])
    key = sa.cast(asked[0], sa.Text) + ":" + sa.cast(asked[1], sa.Text)
    statement = sa.select(*asked).distinct().where(~here.exists(), ~_queued("questionnaire", key))
    return [(row.questionnaire_id, row.questionnaire_version) for row in tx.execute(statement)]


def of_cycle(tx: Tx, cycle_id: str, *, after: str | None, limit: int) -> list[str]:
    """The next reviews of a cycle, in the order of their ids."""
    statement = sa.select(table.c.review_id).where(table.c.cycle_id == cycle_id)
    if after is not None:
        statement = statement.where(table.c.review_id > after)
    return list(tx.execute(statement.order_by(table.c.review_id).limit(limit)).scalars())


def changed_at(tx: Tx, review_id: str) -> datetime:
    """When the row took its newest step."""
    found: datetime = tx.execute(sa.select(table.c.changed_at).where(table.c.review_id == review_id)).scalar_one()
    return found


def restored_at(tx: Tx) -> datetime:
    """When the quarantine began for which rows are being moved. AssertionError where there is none."""
    since: datetime | None = tx.execute(
        sa.select(service_flag.c.since).where(service_flag.c.name == quarantine.FLAG)
    ).scalar()
    if since is None:
        message = "rows are moved under quarantine only"
        raise AssertionError(message)
    return since


def unmoved(tx: Tx, *, among: Collection[str] | None = None, limit: int | None = None) -> set[str]:
    """Reviews whose rows were not moved for this quarantine."""
    since = restored_at(tx)
    statement = sa.select(table.c.review_id).where(sa.or_(table.c.moved_for.is_(None), table.c.moved_for != since))
    if among is not None:
        statement = statement.where(table.c.review_id.in_(among))
    return set(tx.execute(statement.limit(limit)).scalars())


def mark_moved(tx: Tx, review_ids: Collection[str]) -> None:
    """Write down that these rows were moved for this quarantine."""
    since = restored_at(tx)
    tx.execute(sa.update(table).where(table.c.review_id.in_(review_ids)).values(moved_for=since))


def _next(tx: Tx, statement: sa.Select[Any], *, after: str | None, limit: int) -> dict[str, Packet]:
    ordered = statement.order_by(table.c.review_id).limit(limit)
    if after is not None:
        ordered = ordered.where(table.c.review_id > after)
    return {row["review_id"]: from_row(row) for row in tx.execute(ordered).mappings()}


def _queued(kind: str, key: sa.ColumnElement[str]) -> sa.Exists:
    return sa.select(sa.literal(1)).where(jobs.c.kind == kind, jobs.c.status == "queued", jobs.c.key == key).exists()
