"""Repairs: what waits too long is asked again, what differs from assessment's rows is set right, restored rows move."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from zlib import crc32

import sqlalchemy as sa

from packets import events, store
from packets.commands.keeping import keep
from packets.commands.learning import opened
from packets.domain import sweep as domain
from packets.domain.holds import reconcile
from packets.domain.ids import ContentHash, PersonId, ReviewId, SnapshotHash
from packets.domain.packet import Holder
from packets.domain.sweep import AssessmentRow, RegisterRow
from packets.store.rows import from_row
from packets.store.tables import packets as table
from reviewbus import quarantine, telemetry
from reviewbus.crash import crash_point
from reviewbus.tables import outbox, service_flag

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from packets.domain.packet import Packet
    from packets.domain.sweep import Finding
    from reviewbus.db import Tx

OUTBOX_AGE_S_MAX = 5.0
RESENT_ROWS_MAX = 500
VIOLATION_AGE_S = 600.0
_log = telemetry.logger("packets")


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a row waits before its command is sent again, and how long between two such times at most."""

    after_s: float
    backoff_s_max: float


def resend(tx: Tx, patience: Patience) -> int:
    """Send the commands of those who wait too long again, with the same fences; return how many.

    Nothing is sent while the outbox lags, nor for a row whose command has not left yet: it would only add load.
    """
    # The outbox is stamped by the server's clock.
    age = tx.execute(sa.select(sa.func.extract("epoch", sa.func.clock_timestamp() - sa.func.min(outbox.c.created_at))))
    if (age.scalar() or 0) > OUTBOX_AGE_S_MAX:
        return 0
    statement = (
        sa.select(table)
        .where(
            table.c.waiting_since <= tx.now - timedelta(seconds=patience.after_s),
            sa.or_(table.c.retry_at.is_(None), table.c.retry_at <= tx.now),
        )
        .order_by(table.c.review_id)
        .limit(RESENT_ROWS_MAX)
        .with_for_update(key_share=True, skip_locked=True)
    )
    rows = [dict(row) for row in tx.execute(statement).mappings()]
    unsent = _unsent(tx, [row["review_id"] for row in rows])
    sent = [row for row in rows if row["review_id"] not in unsent]
    if sent:
        crash_point("packets-reconcile")
    for row in sent:
        _resend(tx, row, patience)
    telemetry.RECONCILED.labels(kind="release").inc(len(sent))
    return len(sent)


def _unsent(tx: Tx, review_ids: list[str]) -> set[str]:
    if not review_ids:
        return set()
    statement = sa.select(outbox.c.key).where(outbox.c.type == "hold.requested.v1", outbox.c.key.in_(review_ids))
    return set(tx.execute(statement).scalars())


def _resend(tx: Tx, row: Mapping[str, Any], patience: Patience) -> None:
    packet = from_row(row)
    resent = row["resent"] + 1
    delay = min(patience.backoff_s_max, patience.after_s * 2 ** min(resent, 16))
    # Spread by the row itself, so that those who began to wait together do not ask together for ever.
    spread = 0.75 + crc32(f"{packet.review_id}:{resent}".encode()) % 1000 / 2000
    commands = reconcile(packet)
    tx.execute(
        sa.update(table)
        .where(table.c.review_id == packet.review_id)
        .values(
            resent=resent,
            retry_at=tx.now + timedelta(seconds=delay * spread),
            event_sequence=table.c.event_sequence + len(commands),
        )
    )
    for number, command in enumerate(commands):
        tx.emit(events.event(command, packet, row["event_sequence"] + 1 + number))
    _log.info("hold_requested_again", review_id=packet.review_id, epoch=packet.epoch, resent=resent)


def rows_after(tx: Tx, review_id: str | None, limit: int) -> dict[str, Packet]:
    """Our next rows in the order of their ids, without locks."""
    statement = sa.select(table).order_by(table.c.review_id).limit(limit)
    if review_id is not None:
        statement = statement.where(table.c.review_id > review_id)
    return {row["review_id"]: from_row(row) for row in tx.execute(statement).mappings()}


def differing(tx: Tx, read: Mapping[str, Packet], items: Collection[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Those of assessment's rows with which ours disagree, or which we do not have; nothing is locked or written."""
    library = store.Library(tx)
    found = []
    for item in items:
        packet = read.get(item["review_id"])
        if packet is None:
            found.append(item)
            continue
        repair = domain.sweep(packet, packet, _row(item), library.sources(packet))
        if repair.findings:
            found.append(item)
    return found


def repair(tx: Tx, read: Packet | None, item: Mapping[str, Any]) -> tuple[Finding | str, ...]:
    """Set one packet right by assessment's row of it, if it is still as it was read; return what was found."""
    missing: tuple[str, ...] = ()
    if read is None:
        if store.read(tx, item["review_id"]) is not None:
            return ()
        opened(tx, {**item, "version": item["row_version"]})
        missing = ("packet-missing",)
    now = store.load(tx, item["review_id"])
    if now is None:
        return missing
    since = tx.execute(sa.select(table.c.changed_at).where(table.c.review_id == now.review_id)).scalar_one()
    sources = store.Library(tx).sources(now)
    outcome = domain.sweep(read or now, now, _row(item), sources)
    if outcome.findings:
        keep(tx, now, outcome.packet, outcome.records)
        _alarm(now, outcome.findings, age_s=(tx.now - since).total_seconds())
    return (*missing, *outcome.findings)


def _alarm(packet: Packet, findings: tuple[Finding, ...], *, age_s: float) -> None:
    against = {domain.Finding.REGISTER_WITHOUT_RELEASE, domain.Finding.RELEASE_WITHOUT_REGISTER}
    for finding in findings:
        _log.warning("sweep_found", review_id=packet.review_id, finding=finding.value, state=packet.state.value)
        if finding in against and age_s > VIOLATION_AGE_S:
            telemetry.INVARIANT_VIOLATIONS.labels(kind=finding.value).inc()


def restored_at(tx: Tx) -> datetime:
    """When the quarantine began for which rows are being moved. AssertionError where there is none."""
    since = tx.execute(sa.select(service_flag.c.since).where(service_flag.c.name == quarantine.FLAG)).scalar()
    if since is None:
        message = "rows are moved under quarantine only"
        raise AssertionError(message)
    return since  # type: ignore[no-any-return]


def move(tx: Tx, fences: Mapping[str, int], items: Mapping[str, Mapping[str, Any]]) -> int:
    """Move these rows past everything in flight, once for this quarantine; return how many were moved.

    `fences` are those of assessment's release registers; rows that we lack are made from `items` first.
    """
    since = restored_at(tx)
    for review_id in sorted(items.keys() - store.read_many(tx, items.keys()).keys()):
        opened(tx, {**items[review_id], "version": items[review_id]["row_version"]})
    statement = sa.select(table.c.review_id).where(
        table.c.review_id.in_(fences), sa.or_(table.c.moved_for.is_(None), table.c.moved_for != since)
    )
    waiting = set(tx.execute(statement).scalars())
    for review_id, packet in store.load_many(tx, waiting).items():
        jumped, records = domain.quarantine_jump(packet, register_fence=fences[review_id])
        keep(tx, packet, jumped, records)
        tx.execute(sa.update(table).where(table.c.review_id == review_id).values(moved_for=since))
    return len(waiting)


def unmoved(tx: Tx, limit: int) -> dict[str, int]:
    """Rows that no page of assessment's named, each with the fence 0."""
    since = restored_at(tx)
    statement = sa.select(table.c.review_id).where(sa.or_(table.c.moved_for.is_(None), table.c.moved_for != since))
    return dict.fromkeys(tx.execute(statement.limit(limit)).scalars(), 0)


def release_fence(item: Mapping[str, Any]) -> int:
    """The fence of the release register in assessment's row."""
    return int(item["registers"].get(Holder.RELEASE.value, {}).get("fence", 0))


def _row(item: Mapping[str, Any]) -> AssessmentRow:
    registers = tuple(
        RegisterRow(
            holder=Holder(holder),
            fence=register["fence"],
            held=register["held"],
            snapshot_hash=_hash(register.get("snapshot_hash")) if register["held"] else None,
        )
        for holder, register in item["registers"].items()
    )
    content = item["content_hash"]
    return AssessmentRow(
        review_id=ReviewId(item["review_id"]),
        version=item["row_version"],
        manager_id=PersonId(item["manager_id"]),
        manager_version=item["manager_version"],
        submitted=item["manager_state"] == "submitted",
        content_hash=None if content is None else ContentHash(content),
        closed=item["closed"],
        cancelled=item["cancelled"],
        registers=registers,
    )


def _hash(word: str | None) -> SnapshotHash | None:
    return None if word is None else SnapshotHash(word)
