"""Repairs: what waits too long is asked again, what differs from assessment's rows is set right, restored rows move."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from zlib import crc32

from packets import events, store
from packets.commands.keeping import keep
from packets.commands.learning import opened
from packets.domain import sweep as domain
from packets.domain.holds import reconcile
from packets.domain.ids import ContentHash, PersonId, ReviewId, SnapshotHash
from packets.domain.packet import Holder
from packets.domain.sweep import AssessmentRow, RegisterRow
from reviewbus import telemetry
from reviewbus.crash import crash_point

if TYPE_CHECKING:
    from collections.abc import Mapping

    from packets.domain.packet import Packet
    from packets.domain.sweep import Finding
    from packets.store import Waiting
    from reviewbus.db import Tx

    Item = Mapping[str, Any]

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
    if store.outbox_age_s(tx) > OUTBOX_AGE_S_MAX:
        return 0
    waiting = store.lock_waiting(tx, after_s=patience.after_s, limit=RESENT_ROWS_MAX)
    unsent = store.with_unsent_command(tx, [each.packet.review_id for each in waiting])
    due = [each for each in waiting if each.packet.review_id not in unsent]
    if due:
        crash_point("packets-reconcile")
    for each in due:
        _resend(tx, each, patience)
    telemetry.RECONCILED.labels(kind="release").inc(len(due))
    return len(due)


def _resend(tx: Tx, waiting: Waiting, patience: Patience) -> None:
    packet, resent = waiting.packet, waiting.resent + 1
    delay = min(patience.backoff_s_max, patience.after_s * 2 ** min(resent, 16))
    # Spread by the row itself, so that those who began to wait together do not ask together for ever.
    spread = 0.75 + crc32(f"{packet.review_id}:{resent}".encode()) % 1000 / 2000
    commands = reconcile(packet)
    retry_at = tx.now + timedelta(seconds=delay * spread)
    store.note_resent(tx, packet.review_id, resent=resent, retry_at=retry_at, events=len(commands))
    for number, command in enumerate(commands, start=1):
        tx.emit(events.event(command, packet, waiting.sequence + number))
    _log.info("hold_requested_again", review_id=packet.review_id, epoch=packet.epoch, resent=resent)


def differing(tx: Tx, read: Mapping[str, Packet], items: Mapping[str, Item | None]) -> list[str]:
    """The reviews, in the order of their ids, whose rows disagree with ours, or that we lack; nothing is written.

    `items` are assessment's rows by review, None where it has none.
    """
    library = store.Library(tx)
    found = []
    for review_id, item in sorted(items.items()):
        packet = read.get(review_id)
        if packet is None or domain.sweep(packet, packet, _row(item), library.sources(packet)).findings:
            found.append(review_id)
    return found


def repair(tx: Tx, review_id: str, read: Packet | None, item: Item | None) -> tuple[Finding | str, ...]:
    """Set one packet right by assessment's row of it; return what was found: nothing if it was written in between."""
    missing: tuple[str, ...] = ()
    if read is None and item is not None:
        if store.read(tx, review_id) is not None:
            return ()
        opened(tx, {**item, "version": item["row_version"]})
        missing = ("packet-missing",)
    now = store.load(tx, review_id)
    if now is None:
        return missing
    since = store.changed_at(tx, now.review_id)
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


def move(tx: Tx, items: Mapping[str, Item | None]) -> int:
    """Move these rows past everything in flight, once for this quarantine; return how many were moved.

    `items` are assessment's rows by review, None where it has none. Rows that we lack are made from them; those that
    we have also learn what was told since the backup.
    """
    for review_id in sorted(items.keys() - store.read_many(tx, items.keys()).keys()):
        item = items[review_id]
        if item is not None:
            opened(tx, {**item, "version": item["row_version"]})
    waiting = store.load_many(tx, store.unmoved(tx, among=items.keys()))
    for review_id, packet in waiting.items():
        _move(tx, packet, items[review_id])
    store.mark_moved(tx, waiting.keys())
    return len(waiting)


def _move(tx: Tx, packet: Packet, item: Item | None) -> None:
    fence = _release_fence(item) if item is not None else 0
    jumped, records = domain.quarantine_jump(packet, register_fence=fence)
    moved = keep(tx, packet, jumped, records)
    if item is None:
        return
    learnt = domain.sweep(moved, moved, _row(item), store.Library(tx).sources(moved))
    if learnt.findings:
        keep(tx, moved, learnt.packet, learnt.records)


def _release_fence(item: Item) -> int:
    return int(item["registers"].get(Holder.RELEASE.value, {}).get("fence", 0))


def _row(item: Item | None) -> AssessmentRow | None:
    if item is None:
        return None
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
