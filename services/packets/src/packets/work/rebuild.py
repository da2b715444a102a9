"""What packets has learnt, built anew from the topics and from assessment, and compared with what it serves.

The records go through the consumer that ships, the contents through its jobs, what the topics no longer hold through
its repairs: nothing is done here that the service does not do itself, but in a schema of its own.
"""

from __future__ import annotations

import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import sqlalchemy as sa

from packets.commands import upkeep
from packets.commands.keeping import CONTENT, QUESTIONNAIRE
from packets.domain.packet import Holder
from packets.store import comparison, read_many
from packets.work.fetching import Fetcher
from packets.work.scratch import SCHEMA, scratch
from reviewbus import dead_letters, directory, jobs, quarantine
from reviewbus.client import PeerRefused, PeerUnavailable
from reviewbus.consumer import Consumer, TooManyDeadLetters
from reviewbus.service import Unable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path
    from typing import TextIO

    from packets.peers import Assessment, Item
    from packets.store.comparison import Found
    from packets.work.scratch import Scratch
    from reviewbus.broker import Broker, Place, Record
    from reviewbus.catalogue import Catalogue
    from reviewbus.consumer import Applier
    from reviewbus.db import Database
    from reviewbus.settings import BusSettings

BATCH = 500
CHUNK_ROWS = 200
QUEUED_ROWS = 5_000
PROGRESS_ROWS = 5_000
PAUSE_S = 5.0
# A row that was looked at so often in a row, and was the same each time, is at rest.
LOOKS_AT_REST = 3
LOOKS_MAX = 24
STUCK_S_MAX = 120.0
SHOWN_MAX = 20
_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuild:
    """Builds anew and compares. `rest` waits for the served rows to come to rest."""

    db: Database
    settings: BusSettings
    assessment: Assessment
    applier: Callable[[], Applier]
    topics: tuple[str, ...]
    catalogue: Catalogue
    migrations: Path
    rest: Callable[[float], None] = time.sleep

    def __call__(self, broker: Broker, out: TextIO) -> bool:
        """Say whether every row is the same; print what is being done, and how it came out.

        Raises `Unable`, `BrokerDown`, `PeerUnavailable`, `PeerRefused` or an error of the database when it cannot be
        done. The schema that it makes is gone then in every case; what a killed run left goes with the next.
        """
        self._refuse()
        for topic in self.topics:
            _say(out, f"{topic} {_kept(self.catalogue.topics[topic].config)}")
        with scratch(self.settings, self.db, self.migrations) as place:
            building = _Building(rebuild=self, place=place, broker=broker, out=out, served=self._schema())
            building.learn()
            found = building.compare()
            still = looks = 0
            while found and still < LOOKS_AT_REST and looks < LOOKS_MAX:
                _say(out, f"{len(found)} rows differ so far; waiting for them to come to rest")
                self.rest(PAUSE_S)
                building.learn(found)
                again = building.compare()
                # What began to differ meanwhile was learnt meanwhile.
                left = {key: again[key] for key in found.keys() & again.keys()}
                still = still + 1 if left == found else 0
                looks += 1
                found = left
            building.report(found)
        return not found

    def _refuse(self) -> None:
        with self.db.begin() as tx:
            if quarantine.active(tx):
                raise Unable("this database was restored and is in quarantine: end `check --restored` first")
        if self.assessment.restored() is not None:
            raise Unable("assessment was restored, and what was lost is not repaired yet: run `check` first")

    def _schema(self) -> str:
        with self.db.begin() as tx:
            return str(tx.execute(sa.select(sa.func.current_schema())).scalar_one())


@dataclass(slots=True, kw_only=True)
class _Building:
    """What is being built, and how far: `reached` is where each place of the topics goes on."""

    rebuild: Rebuild
    place: Scratch
    broker: Broker
    out: TextIO
    served: str
    reached: dict[Place, int] = field(default_factory=dict)
    records: int = 0
    proven: int = 0
    from_pages: set[str] = field(default_factory=set)

    def learn(self, differing: Found | None = None) -> None:
        """Take in what the topics hold since the last time; for rows that differ, what assessment's pages say."""
        instant = self.rebuild.db.clock()
        # It stands still meanwhile, so that a job that failed is tried once.
        self.place.db.clock = lambda: instant
        self._read()
        if differing:
            self._turn_pages({key for table, key in differing if table == "packets"})
            if any(table == "directory" for table, _ in differing):
                directory.catch_up(self.place.db, self.rebuild.assessment.directory)
        self._fetch()

    def compare(self) -> Found:
        """Return the rows that differ now."""
        connection = self.place.connection
        comparison.copy_selections(connection, served=self.served, rebuilt=SCHEMA)
        found = comparison.differences(connection, served=self.served, rebuilt=SCHEMA)
        self.proven, after = 0, None
        while True:
            with self.rebuild.db.begin() as served, self.place.db.begin() as rebuilt:
                served.execute(sa.text("set transaction read only"))
                unproven, computed, after = comparison.unproven(served, rebuilt, after=after, limit=CHUNK_ROWS)
            self.proven += computed
            for one in unproven:
                known = found.get((one.table, one.key))
                if known is None:
                    found[one.table, one.key] = one
                else:
                    found[one.table, one.key] = replace(known, columns=(*known.columns, *one.columns))
            if after is None:
                return found

    def report(self, found: Found) -> None:
        """Print how it came out: a table, and the first rows that differ, by id and column."""
        counts = comparison.counts(self.place.connection, served=self.served) | {"snapshots": self.proven}
        kinds = Counter((one.table, one.kind) for one in found.values())
        _say(self.out, f"{'table':<16}{'compared':>10}" + "".join(f"{kind:>11}" for kind in comparison.Kind))
        for table, count in counts.items():
            numbers = "".join(f"{kinds[table, kind]:>11}" for kind in comparison.Kind)
            _say(self.out, f"{table:<16}{count:>10}{numbers}")
        if self.from_pages:
            _say(self.out, f"{len(self.from_pages)} packets were compared with assessment's pages: no topic tells all")
        with self.place.db.begin() as tx:
            if aside := len(dead_letters.listing(tx)):
                _say(self.out, f"{aside} records could not be applied: see `dlq list`")
        for key in sorted(found)[:SHOWN_MAX]:
            one = found[key]
            _say(self.out, f"{one.table} {one.key}: {one.kind}{' in ' if one.columns else ''}{', '.join(one.columns)}")
        if len(found) > SHOWN_MAX:
            _say(self.out, f"and {len(found) - SHOWN_MAX} more")
        _say(self.out, f"{len(found)} rows differ" if found else "the same")

    def _read(self) -> None:
        rebuild, since, told = self.rebuild, time.monotonic(), self.records
        with closing(self.broker.history(rebuild.topics, BATCH, dict(self.reached))) as batches:
            reading = _Reading(batches=batches, reached=self.reached, rest=rebuild.rest)
            consumer = Consumer(self.place.db, reading, rebuild.applier(), batch=BATCH)
            while not reading.over:
                try:
                    settled = consumer.run_once()
                except TooManyDeadLetters as error:
                    raise Unable(f"{error}: this version of packets cannot read them") from error
                self.records += settled
                since = time.monotonic() if settled else since
                if time.monotonic() - since > STUCK_S_MAX:
                    raise Unable("a record could not be applied; the log says why")
                if self.records - told >= PROGRESS_ROWS:
                    told = self.records
                    _say(self.out, f"{told} records read")
        _say(self.out, f"{self.records} records read, up to the end")

    def _turn_pages(self, review_ids: set[str]) -> None:
        """Repair the packets that differ by assessment's rows, as a sweep does; the release register is left out.

        That is what packets itself asked for, and no packet here has asked for anything.
        """
        cursor: str | None = None
        while review_ids:
            page, cursor = self.rebuild.assessment.states(cursor)
            items = {item["review_id"]: _without_release(item) for item in page if item["review_id"] in review_ids}
            with self.place.db.begin() as tx:
                known = read_many(tx, items.keys())
                for review_id in upkeep.differing(tx, known, items):
                    upkeep.repair(tx, review_id, known.get(review_id), items[review_id])
                    self.from_pages.add(review_id)
            versions = {review_id: int(item["row_version"]) for review_id, item in items.items()}
            comparison.confirm(self.place.connection, versions, rebuilt=SCHEMA)
            if cursor is None:
                return

    def _fetch(self) -> None:
        """Fetch what the records told of, and what is served beside that; say so when assessment does not answer."""
        db, connection = self.place.db, self.place.connection
        contents, questionnaires = comparison.unlike(connection, served=self.served, rebuilt=SCHEMA)
        wanted = {CONTENT: ("review_id", contents), QUESTIONNAIRE: ("id", questionnaires)}
        for kind, (name, keys) in wanted.items():
            for first in range(0, len(keys), QUEUED_ROWS):
                chunk = keys[first : first + QUEUED_ROWS]
                queued = {f"{each}:{version}": {name: each, "version": version} for each, version in chunk}
                with db.begin() as tx:
                    jobs.enqueue_many(tx, kind, queued)
        fetcher = Fetcher(db=db, assessment=self.rebuild.assessment)
        worker = jobs.Worker(
            db,
            {
                QUESTIONNAIRE: jobs.JobKind(run=fetcher.questionnaires, batch=50),
                CONTENT: jobs.JobKind(run=fetcher.contents, batch=CHUNK_ROWS),
            },
        )
        done = told = 0
        while step := worker.run_once():
            done += step
            if done - told >= PROGRESS_ROWS:
                told = done
                _say(self.out, f"{done} contents and questionnaires asked for, and going on")
        complaints = comparison.complaints(connection, rebuilt=SCHEMA)
        for error in (PeerUnavailable, PeerRefused):
            if error.__name__ in complaints:
                raise Unable(f"assessment did not give its contents ({error.__name__}): the log says why; run it again")
        _say(self.out, f"{done} contents and questionnaires asked for, up to the end")


@dataclass(slots=True, kw_only=True)
class _Reading:
    """The history of topics, read as a member of a group reads on."""

    batches: Iterator[list[Record]]
    reached: dict[Place, int]
    rest: Callable[[float], None]
    over: bool = False
    paused: bool = False

    def poll(self, timeout_s: float, limit: int) -> list[Record]:  # noqa: ARG002 -- the batches have their size
        if self.paused:
            self.rest(timeout_s)
            return []
        batch = next(self.batches, None)
        self.over = batch is None
        return batch or []

    def commit(self, offsets: Mapping[Place, int]) -> None:
        self.reached |= offsets

    def pause(self) -> None:
        self.paused = True

    def resume(self) -> None:
        self.paused = False

    def lost(self) -> set[Place]:
        return set()

    def close(self) -> None:
        """Nothing is held."""


def _without_release(item: Item) -> Item:
    registers = {holder: row for holder, row in item["registers"].items() if holder != Holder.RELEASE.value}
    return {**item, "registers": registers}


def _kept(config: Mapping[str, str]) -> str:
    if "delete" not in config.get("cleanup.policy", "delete"):
        return "keeps the newest record of each key: all can come from it"
    if "retention.ms" not in config:
        return "forgets old records: what differs is compared with assessment's pages"
    days = int(config["retention.ms"]) // _DAY_MS
    return f"keeps {days} days: what differs is compared with assessment's pages"


def _say(out: TextIO, line: str) -> None:
    out.write(f"{line}\n")
    out.flush()
