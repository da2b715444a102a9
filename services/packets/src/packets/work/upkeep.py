"""The loops that keep packets true: rebinding, reconciling, sweeping, moving after a restore, forgetting."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

from packets import store
from packets.commands import selection, upkeep
from packets.peers import STATES_ROWS
from reviewbus import idempotency
from reviewbus.crash import crash_point

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from packets.domain.packet import Packet
    from packets.peers import Assessment, Item
    from packets.settings import Settings
    from reviewbus.db import Database
    from reviewbus.jobs import Job

ANSWERS_KEEP_DAYS = 7
CHUNK_ROWS = 100


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

    def sweep_once(self) -> int:
        """Sweep, and return how much was found."""
        return len(self.sweep())

    def sweep(self) -> list[dict[str, Any]]:
        """Compare every packet with assessment's rows and set it right; return what was found."""
        found: list[dict[str, Any]] = []
        cursor: str | None = None
        last: str | None = None
        while True:
            # Our rows are read before assessment's: what is written in between is told by the row version.
            read = self._read_after(last)
            items, cursor = self.assessment.states(cursor)
            found += self._compare(read, items)
            if cursor is None or not items:
                return found
            last = items[-1]["review_id"]

    def move_restored(self) -> int:
        """Move every row past what may be in flight; return how many were moved. May be repeated after a crash."""
        moved = 0
        for items in self._pages():
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
            return answers + store.forget_pdfs(tx, tx.now - timedelta(days=self.settings.pdf_keep_days))

    def _pages(self) -> Iterator[list[Item]]:
        cursor: str | None = None
        while True:
            items, cursor = self.assessment.states(cursor)
            yield items
            if cursor is None:
                return

    def _read_after(self, last: str | None) -> dict[str, Packet]:
        with self.db.begin() as tx:
            return store.rows_after(tx, last, 2 * STATES_ROWS)

    def _compare(self, read: Mapping[str, Packet], items: list[Item]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        with self.db.begin() as tx:
            differing = upkeep.differing(tx, read, items)
        for chunk in _chunks(differing):
            with self.db.begin() as tx:
                for item in chunk:
                    findings = upkeep.repair(tx, read.get(item["review_id"]), item)
                    found += [{"review_id": item["review_id"], "finding": str(each)} for each in findings]
        return found


def _chunks(items: Sequence[Any]) -> Iterator[list[Any]]:
    rest = iter(items)
    while chunk := list(islice(rest, CHUNK_ROWS)):
        yield chunk
