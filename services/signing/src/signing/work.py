"""What is done without being asked: sending again, comparing with the other services, forgetting."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from reviewbus import directory, idempotency, quarantine, tables, telemetry
from reviewbus.client import pages
from signing import commands, peers, store
from signing.domain import knowledge, sweep
from signing.domain.facts import Alarm
from signing.domain.record import covered_self_version, self_side_done

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reviewbus.client import PeerClient
    from reviewbus.db import Database, Tx
    from signing.domain.facts import Fact
    from signing.domain.ids import ReviewId
    from signing.domain.record import SigningRecord
    from signing.peers import ReviewSeen
    from signing.settings import Settings

    Finding = Mapping[str, Any]

RECONCILE_ROWS_MAX = 500
OUTBOX_AGE_S_MAX = 5
_log = telemetry.logger("work")


def reconcile(db: Database, settings: Settings) -> int:
    """Send the commands again that wait too long for their answers; return how many.

    Nothing is sent while the outbox is behind: that would only add to what is slow.
    """
    bus = settings.bus
    with db.begin() as tx:
        quarantine.refuse(tx)
        if _outbox_is_behind(tx):
            return 0
        how = store.Due(
            after_s=bus.reconcile_after_s, after_s_max=bus.reconcile_backoff_s_max, rows_max=RECONCILE_ROWS_MAX
        )
        sent = commands.send_again(tx, store.due(tx, how))
    if sent:
        telemetry.RECONCILED.labels(kind="hold").inc(sent)
        _log.info("commands_sent_again", commands=sent)
    return sent


def sweep_all(db: Database, settings: Settings, assessment: PeerClient, packets: PeerClient) -> list[Finding]:
    """Compare every row with packets' rows and assessment's, repair, and return what was found.

    Raises:
        PeerUnavailable, PeerRefused: another service does not answer; what was repaired so far stays.
    """
    findings = _learn_people(db, settings.sweep_rows, assessment)
    findings += _sweep_packets(db, settings.sweep_rows, packets)
    restored = peers.restored(assessment)
    more, whole = _sweep_reviews(db, settings.sweep_rows, assessment)
    findings += more
    if restored is not None and whole:
        peers.swept(assessment, restored)
    elif restored is not None:
        _log.warning("sweep_not_whole", restored=restored)
    _log.info("swept", findings=len(findings))
    return findings


def move_restored(db: Database, settings: Settings, assessment: PeerClient) -> int:
    """Move every row of a restored database past what may still be in flight; return how many.

    Reviews that only assessment knows get their row. Safe to repeat after an interruption.
    """
    _learn_people(db, settings.sweep_rows, assessment)
    moved: set[ReviewId] = set()
    for _, seen in pages(lambda cursor: peers.reviews(assessment, cursor, settings.sweep_rows)):
        with db.begin() as tx:
            store.create_missing(tx, [one.blank for one in seen])
        with db.begin() as tx:
            for one, old in _rows(tx, seen):
                commands.keep(tx, old, sweep.quarantine_jump(old, one.registers))
                moved.add(old.review_id)
    with db.begin() as tx:
        rest = sorted(set(tx.execute(sa.select(store.record.c.review_id)).scalars()) - moved)
    for start in range(0, len(rest), settings.sweep_rows):
        with db.begin() as tx:
            for old in store.load_many(tx, rest[start : start + settings.sweep_rows]).values():
                commands.keep(tx, old, sweep.quarantine_jump(old, ()))
    return len(moved) + len(rest)


def forget(db: Database, settings: Settings) -> int:
    """Delete answers of commands that nobody will repeat any more; return how many."""
    with db.begin() as tx:
        return idempotency.forget(tx, timedelta(days=settings.idempotency_days))


def _outbox_is_behind(tx: Tx) -> bool:
    oldest = sa.select(tables.outbox.c.created_at).order_by(tables.outbox.c.id).limit(1).subquery()
    limit = sa.func.clock_timestamp() - sa.func.make_interval(0, 0, 0, 0, 0, 0, OUTBOX_AGE_S_MAX)
    return bool(tx.execute(sa.select(oldest.c.created_at < limit)).scalar())


def _learn_people(db: Database, rows: int, assessment: PeerClient) -> list[Finding]:
    """Learn who reports to whom, which no fact may have told; return what was found."""
    news = directory.catch_up(db, lambda cursor: peers.people(assessment, cursor, rows))
    if not news:
        return []
    _log.warning("people_facts_repaired", people=news)
    return [{"kind": "people-facts-repaired", "people": news}]


def _sweep_packets(db: Database, rows: int, packets: PeerClient) -> Iterator[Finding]:
    for _, seen in pages(lambda cursor: peers.packets(packets, cursor, rows)):
        _create_missing(db, seen)
        with db.begin() as tx:
            quarantine.refuse(tx)
            findings = [
                finding
                for one, old in _rows(tx, seen)
                for finding in _repair(tx, old, *knowledge.repair_from_packet(old, one.row))
            ]
        yield from findings


def _sweep_reviews(db: Database, rows: int, assessment: PeerClient) -> tuple[list[Finding], bool]:
    """Return what was found, and whether no row was left out: for waiting for a hold, or being written in between."""
    findings: list[Finding] = []
    whole = True
    for cursor, ahead in pages(lambda cursor: peers.reviews(assessment, cursor, rows)):
        read = _create_missing(db, ahead)
        # The registers are read once more, after our own rows: the first page only said which rows these are.
        again, _ = peers.reviews(assessment, cursor, rows)
        seen = [one for one in again if one.blank.review_id in read]
        with db.begin() as tx:
            quarantine.refuse(tx)
            for one, old in _rows(tx, seen):
                whole = whole and sweep.is_compared(old, row_version_read=read[old.review_id])
                findings += _compare(tx, one, old, read)
    return findings, whole


def _compare(tx: Tx, one: ReviewSeen, old: SigningRecord, read: Mapping[ReviewId, int]) -> list[Finding]:
    learnt, facts = knowledge.learn_review(old, one.told)
    compared, more = sweep.compare(learnt, one.registers, row_version_read=read[old.review_id])
    return _repair(tx, old, compared, facts + more)


def _repair(tx: Tx, old: SigningRecord, new: SigningRecord, facts: tuple[Fact, ...]) -> list[Finding]:
    commands.keep(tx, old, (new, facts))
    findings: list[Finding] = [
        {"review_id": old.review_id, "kind": fact.code.value, "holder": fact.holder.value}
        for fact in facts
        if isinstance(fact, Alarm)
    ]
    if _known(old) != _known(new):
        findings.append({"review_id": old.review_id, "kind": "facts-repaired"})
        _log.warning("facts_repaired", review_id=old.review_id)
    return findings


def _known(record: SigningRecord) -> tuple[object, ...]:
    """Return what facts tell, without what no fact is told about: drafts, and attempts that released nothing."""
    return (
        record.manager_id,
        record.closed,
        record.cancelled,
        self_side_done(record),
        covered_self_version(record),
        record.released,
        record.snapshot_hash,
        record.revoked_epoch,
    )


def _create_missing(db: Database, seen: Sequence[Any]) -> dict[ReviewId, int]:
    """Create the rows that another service has and we lack; return the version of each.

    In a transaction of its own: rows that are inserted between others that are locked would be locked out of order.
    """
    with db.begin() as tx:
        quarantine.refuse(tx)
        store.create_missing(tx, [one.blank for one in seen])
        return store.row_versions(tx, [one.blank.review_id for one in seen])


def _rows(tx: Tx, seen: Sequence[Any]) -> Iterator[tuple[Any, SigningRecord]]:
    """Yield what another service has with our row of it, all locked in the order of their ids."""
    found = store.load_many(tx, [one.blank.review_id for one in seen])
    for one in seen:
        if one.blank.review_id in found:
            yield one, found[one.blank.review_id]
