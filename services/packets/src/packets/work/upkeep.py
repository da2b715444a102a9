"""The loops that keep packets true: rebinding, reconciling, sweeping, moving after a restore, forgetting."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

from packets import store
from packets.commands import keeping, learning, selection, upkeep
from packets.domain import sweep as domain
from packets.domain.operation import RESTORED
from packets.peers import STATES_ROWS
from reviewbus import directory, idempotency, telemetry
from reviewbus.client import pages
from reviewbus.crash import crash_point
from reviewbus.operations import store as operations

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from packets.domain.packet import Packet
    from packets.peers import Assessment, Item
    from packets.settings import Settings
    from reviewbus.db import Database, Tx
    from reviewbus.jobs import Job

ANSWERS_KEEP_DAYS = 7
CHUNK_ROWS = 100
# More of ours than a page of assessment's has: it may lack some.
READ_ROWS = 2 * STATES_ROWS
_log = telemetry.logger("packets")


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeper:
    """Does the upkeep of one database. Every chunk has a transaction of its own."""

    db: Database
    assessment: Assessment
    settings: Settings

    def rebind(self, batch: Sequence[Job]) -> None:
        """Have all packets of a cycle follow its newest selection, chunk by chunk."""
        for job in batch:
            after: str | None = None
            while True:
                crash_point("packets-rebind-chunk")
                with self.db.begin() as tx:
                    after = selection.rebind(tx, job.arguments["cycle_id"], after=after)
                if after is None:
                    break

    def reconcile(self) -> int:
        """Send again what waits too long; return how many commands were sent."""
        bus = self.settings.bus
        patience = upkeep.Patience(after_s=bus.reconcile_after_s, backoff_s_max=bus.reconcile_backoff_s_max)
        with self.db.begin() as tx:
            return upkeep.resend(tx, patience)

    def ask_again(self) -> int:
        """Queue anew what is still to be fetched and what nobody fetches any more, its job having been given up."""
        with self.db.begin() as tx:
            questionnaires = store.unknown_questionnaires(tx)
            for each in questionnaires:
                learning.want_questionnaire(tx, each)
        queued = len(questionnaires)
        for lacking, fetch in ((store.unfetched, keeping.fetch_contents), (store.nameless, _fetch_names)):
            after: str | None = None
            while True:
                with self.db.begin() as tx:
                    found = lacking(tx, after=after, limit=READ_ROWS)
                    fetch(tx, found.values())
                queued += len(found)
                if len(found) < READ_ROWS:
                    break
                after = max(found)
        if queued:
            telemetry.RECONCILED.labels(kind="fetch").inc(queued)
            _log.info("fetches_queued_again", fetches=queued)
        return queued

    def sweep_once(self) -> int:
        """Sweep, and return how much was found."""
        return len(self.sweep())

    def sweep(self) -> list[dict[str, Any]]:
        """Compare every packet with assessment's rows, or with there being none; return what was found, set right."""
        restored, whole = self.assessment.restored(), True
        found = self._learn_people()
        cursor: str | None = None
        last: str | None = None
        while True:
            # Our rows are read before assessment's: what is written in between is told by the row version.
            read, read_to = self._read_after(last)
            items, following = self.assessment.states(cursor)
            page_to = items[-1]["review_id"] if following and items else None
            # Where assessment lacks many, its page reaches beyond what we read, and is read once more.
            to = min(filter(None, (read_to, page_to)), default=None)
            more, compared = self._compare(read, {item["review_id"]: item for item in items}, after=last, to=to)
            found += more
            whole = whole and compared
            if to is None:
                break
            cursor, last = following if to == page_to else cursor, to
        if restored is not None:
            self._tell_swept(restored, whole=whole)
        return found

    def move_restored(self) -> int:
        """Move every row past what may be in flight; return how many were moved. May be repeated after a crash."""
        moved = 0
        with self.db.begin() as tx:
            # What many were to become was decided on rows that are gone: HR decides anew.
            operations.cancel_all(tx, store.OPERATIONS, RESTORED)
        self._learn_people()
        for _, items in pages(self.assessment.states):
            for chunk in _chunks(items):
                with self.db.begin() as tx:
                    moved += upkeep.move(tx, {item["review_id"]: item for item in chunk})
        while True:
            with self.db.begin() as tx:
                left = store.unmoved(tx, limit=CHUNK_ROWS)
                if not left:
                    return moved
                # No page of assessment's named them: it has no register of theirs.
                moved += upkeep.move(tx, dict.fromkeys(left))

    def forget(self) -> int:
        """Delete what is kept for a time only."""
        with self.db.begin() as tx:
            answers = idempotency.forget(tx, timedelta(days=ANSWERS_KEEP_DAYS))
            ended = operations.forget(
                tx, store.OPERATIONS, finished_for=timedelta(days=self.settings.operation_keep_days)
            )
            return answers + ended + store.forget_pdfs(tx, tx.now - timedelta(days=self.settings.pdf_keep_days))

    def _learn_people(self) -> list[dict[str, Any]]:
        """Learn who reports to whom, which no fact may have told; return what was found."""
        news = directory.catch_up(self.db, self.assessment.directory)
        if not news:
            return []
        _log.warning("people_facts_repaired", people=news)
        return [{"finding": "people-facts-repaired", "people": news}]

    def _read_after(self, last: str | None) -> tuple[dict[str, Packet], str | None]:
        """Our next rows, and the id up to which these are all that we have; None: there are no more."""
        with self.db.begin() as tx:
            read = store.rows_after(tx, last, READ_ROWS)
        return read, max(read) if len(read) == READ_ROWS else None

    def _compare(
        self, read: Mapping[str, Packet], page: Mapping[str, Item], *, after: str | None, to: str | None
    ) -> tuple[list[dict[str, Any]], bool]:
        """Compare the rows after `after` up to `to`; those that we read and `page` does not name, with none.

        Return what was found, and whether no row was left out: for waiting for a lock, or being written in between.
        """
        items: dict[str, Item | None] = {
            each: page.get(each)
            for each in read.keys() | page.keys()
            if (after is None or each > after) and (to is None or each <= to)
        }
        found: list[dict[str, Any]] = []
        whole = not any(domain.awaits_grant(packet) for packet in read.values())
        with self.db.begin() as tx:
            differing = upkeep.differing(tx, read, items)
        for chunk in _chunks(differing):
            with self.db.begin() as tx:
                for each in chunk:
                    findings = upkeep.repair(tx, each, read.get(each), items[each])
                    found += [{"review_id": each, "finding": str(finding)} for finding in findings]
                    whole = whole and bool(findings)
        return found, whole

    def _tell_swept(self, restored: str, *, whole: bool) -> None:
        """Let assessment, which was restored, take edits again as far as it waits for us."""
        if whole:
            self.assessment.swept(restored)
        else:
            _log.warning("sweep_not_whole", restored=restored)


def _fetch_names(tx: Tx, packets: Iterable[Packet]) -> None:
    keeping.fetch_names(tx, [each.review_id for each in packets])


def _chunks(items: Sequence[Any]) -> Iterator[list[Any]]:
    rest = iter(items)
    while chunk := list(islice(rest, CHUNK_ROWS)):
        yield chunk
