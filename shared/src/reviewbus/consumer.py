"""The consumer: from the broker into the database, each record's effect exactly once.

One transaction a polled batch: inbox, effects, outbox; then the offsets. If anything in the batch raises, it is rolled
back and replayed record by record. A handler may declare a batch form beside its single form; both give the same
result. Errors by class: the database is away → wait and keep the membership alive, never skip; a record breaks its
contract → dead letter at once; anything else → five tries, then dead letter. A dead letter parks its key.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reviewbus import dead_letters, quarantine, telemetry
from reviewbus.broker import BrokerDown
from reviewbus.catalogue import ContractBroken
from reviewbus.crash import crash_point
from reviewbus.db import Tx, is_away
from reviewbus.envelope import Received, Undecodable, open_record, type_of
from reviewbus.inbox import claim

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from reviewbus.broker import Place, Record, Subscription
    from reviewbus.catalogue import Catalogue
    from reviewbus.db import Database

TRIES_MAX = 5
BACKOFF_S_MAX = 60.0
DEAD_IN_A_ROW_MAX = 20
POLL_S = 1.0
_log = telemetry.logger("consumer")

Handler = Callable[[Tx, Received], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Batched:
    """A handler of records of distinct keys at once; `single`, where it is given, does the same to each of them."""

    many: Callable[[Tx, Sequence[Received]], None]
    single: Handler | None = None

    def one(self, tx: Tx, received: Received) -> None:
        """Apply one record."""
        if self.single is None:
            self.many(tx, [received])
        else:
            self.single(tx, received)


Subscriptions = Mapping[str, Handler | Batched]


class TooManyDeadLetters(Exception):
    """One partition gives dead letters only: something is wrong at large, and a person must look."""


@contextmanager
def caused_by(received: Received) -> Iterator[None]:
    """Within the block, what is emitted belongs to the trace of `received` and names it as its cause."""
    trace = telemetry.begin_trace(
        received.traceparent, correlation_id=received.correlation_id, causation_id=str(received.id)
    )
    with telemetry.tracing(trace):
        yield


class Applier:
    """Applies records to one database by a service's handlers; the consumer, the tests and `dlq replay` share it."""

    def __init__(self, subscriptions: Subscriptions, catalogue: Catalogue) -> None:
        self._subscriptions = subscriptions
        self._catalogue = catalogue

    def wants(self, record: Record) -> bool:
        """Say whether the record is for this service; one without a type is, since it must be put aside."""
        kind = type_of(record.headers)
        if kind is None or kind in self._subscriptions:
            return True
        if kind not in self._catalogue.types:
            telemetry.SKIPPED.labels(type="unknown").inc()
        return False

    def decode(self, record: Record) -> Received:
        """Open a record and hold it against its schema; raises `Undecodable` or `ContractBroken`."""
        received = open_record(record.headers, record.key, record.value)
        self._catalogue.accepts(received.type, received.data)
        return received

    def apply_batch(self, tx: Tx, batch: Sequence[Received]) -> None:
        """Apply what the inbox has not seen, a key's records in their order, one record of each key a round."""
        fresh = _without_repeats(batch, claim(tx, list(dict.fromkeys(one.id for one in batch))))
        telemetry.DUPLICATES.inc(len(batch) - len(fresh))
        for together in _rounds(fresh):
            self._apply_round(tx, together)

    def apply_one(self, tx: Tx, record: Record) -> None:
        """Decode and apply one record, unless the inbox has seen it."""
        self.apply_batch(tx, [self.decode(record)])

    def _apply_round(self, tx: Tx, together: Sequence[Received]) -> None:
        by_type: dict[str, list[Received]] = defaultdict(list)
        # Rows are locked in the order of their keys, as everywhere else, so that two transactions do not deadlock.
        for received in sorted(together, key=lambda one: one.key):
            by_type[received.type].append(received)
        for kind, group in by_type.items():
            handler = self._subscriptions[kind]
            if isinstance(handler, Batched) and len(group) > 1:
                handler.many(tx, group)
            else:
                single = handler.one if isinstance(handler, Batched) else handler
                for received in group:
                    with caused_by(received):
                        single(tx, received)
            telemetry.CONSUMED.labels(type=kind).inc(len(group))


class Consumer:
    """One member of a service's group. `run_once` polls and applies; not safe for use from several threads."""

    def __init__(
        self,
        db: Database,
        subscription: Subscription,
        applier: Applier,
        *,
        batch: int = 500,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._db = db
        self._subscription = subscription
        self._applier = applier
        self._batch = batch
        self._monotonic = monotonic
        self._pending: list[Record] = []
        self._reached: dict[Place, int] = {}
        self._owed: dict[Place, int] = {}
        self._retry_at = 0.0
        self._failures = 0
        self._tries: Counter[tuple[str, int, int]] = Counter()
        self._dead_in_a_row: dict[Place, int] = {}

    def run_once(self, timeout_s: float = POLL_S) -> int:
        """Apply what came, or try again what waits; return how many records were settled.

        Raises `BrokerDown` when the broker is away and `TooManyDeadLetters` when a person must look.
        """
        self._drop_lost()
        if not self._pending:
            records = self._subscription.poll(timeout_s, self._batch)
            # Places are taken away within a poll; what is owed for them is their new owner's now.
            self._drop_lost()
            for record in records:
                # Not the highest ever: after a broker has lost its records, offsets begin anew.
                self._reached[record.place] = record.offset + 1
            if not records:
                self._commit_owed()
            return self._settle(records) if records else 0
        due_in = self._retry_at - self._monotonic()
        # Polling while paused brings nothing but keeps the membership alive.
        self._subscription.poll(min(timeout_s, max(0.0, due_in)), 1)
        self._drop_lost()
        if due_in > 0 or not self._pending:
            return 0
        return self._settle(self._pending)

    def _drop_lost(self) -> None:
        """Forget what is held of places that were taken away: their new owner begins at the committed offset."""
        lost = self._subscription.lost()
        if not lost:
            return
        for place in lost:
            self._reached.pop(place, None)
            self._owed.pop(place, None)
            self._dead_in_a_row.pop(place, None)
        self._tries = Counter({each: count for each, count in self._tries.items() if each[:2] not in lost})
        self._pending = [record for record in self._pending if record.place not in lost]
        self._pause_or_resume()

    def _settle(self, records: Sequence[Record]) -> int:
        wanted = [record for record in records if self._applier.wants(record)]
        # Until the database says otherwise, all of them wait: whatever is raised here, none may be passed over.
        self._pending = wanted
        try:
            if wanted:
                self._apply_together(wanted)
        except Exception as error:  # noqa: BLE001 -- every class of error is dealt with in _recover
            self._pending = self._recover(wanted, error)
        else:
            self._pending = []
            self._failures = 0
        self._pause_or_resume()
        return self._commit(records)

    def _apply_together(self, records: Sequence[Record]) -> None:
        received = [self._applier.decode(record) for record in records]
        with self._db.begin() as tx:
            quarantine.refuse(tx)
            if dead_letters.parked(tx, [dead_letters.key_of(record) for record in records]):
                raise _OneByOne
            self._applier.apply_batch(tx, received)
        crash_point("consumer-after-commit")
        self._dead_in_a_row.update(dict.fromkeys((record.place for record in records), 0))

    def _recover(self, records: Sequence[Record], error: Exception) -> list[Record]:
        """Take the records singly, unless the database is away; return those that still wait, in order."""
        if _may_pass(error):
            return self._hold(records, error)
        waiting: list[Record] = []
        blocked: set[dead_letters.ParkedKey] = set()
        for index, record in enumerate(records):
            if dead_letters.key_of(record) in blocked:
                waiting.append(record)
                continue
            try:
                settled = self._apply_alone(record)
            except Exception as alone:
                if not _may_pass(alone):
                    raise
                return self._hold([*waiting, *records[index:]], alone)
            if not settled:
                blocked.add(dead_letters.key_of(record))
                waiting.append(record)
        if waiting:
            self._back_off()
        else:
            self._failures = 0
        return waiting

    def _apply_alone(self, record: Record) -> bool:
        """Apply the record or put it aside; say whether that is done, as against to be tried again."""
        try:
            with self._db.begin() as tx:
                quarantine.refuse(tx)
                if dead_letters.put_behind(tx, record):
                    return True
                self._applier.apply_one(tx, record)
        except Exception as error:
            if _may_pass(error):
                raise
            return self._given_up(record, error)
        self._dead_in_a_row[record.place] = 0
        return True

    def _given_up(self, record: Record, error: Exception) -> bool:
        """Put the record aside if it breaks its contract or has had its tries; say whether it was."""
        place = (record.topic, record.partition, record.offset)
        self._tries[place] += 1
        hopeless = isinstance(error, Undecodable | ContractBroken)
        _log.warning("record_failed", topic=record.topic, offset=record.offset, tries=self._tries[place], error=error)
        if not hopeless and self._tries[place] < TRIES_MAX:
            return False
        reason = "contract-broken" if hopeless else type(error).__name__
        with self._db.begin() as tx:
            self._refuse_many(tx, record.place)
            dead_letters.put_aside(tx, record, status=dead_letters.DEAD, reason=reason)
        del self._tries[place]
        self._dead_in_a_row[record.place] += 1
        return True

    def _refuse_many(self, tx: Tx, place: Place) -> None:
        """Raise `TooManyDeadLetters` when the place gave no others lately; a new process goes on counting."""
        if place not in self._dead_in_a_row:
            self._dead_in_a_row[place] = dead_letters.unsettled(tx, place)
        if self._dead_in_a_row[place] >= DEAD_IN_A_ROW_MAX:
            msg = f"more than {DEAD_IN_A_ROW_MAX} dead letters in a row on {place[0]}[{place[1]}]"
            raise TooManyDeadLetters(msg)

    def _hold(self, records: Sequence[Record], error: Exception) -> list[Record]:
        self._back_off()
        _log.warning("consumer_waits", records=len(records), failures=self._failures, error=error)
        return list(records)

    def _back_off(self) -> None:
        self._failures += 1
        self._retry_at = self._monotonic() + min(BACKOFF_S_MAX, 0.1 * 2 ** min(self._failures, 10))

    def _pause_or_resume(self) -> None:
        if self._pending:
            self._subscription.pause()
        else:
            self._subscription.resume()

    def _commit(self, records: Sequence[Record]) -> int:
        """Commit the offsets up to the first record of each place that is not settled; losing this is harmless."""
        waiting = {(record.topic, record.partition, record.offset) for record in self._pending}
        stops: dict[Place, int] = {}
        for record in self._pending:
            stops[record.place] = min(record.offset, stops.get(record.place, record.offset))
        self._owed |= {record.place: stops.get(record.place, self._reached[record.place]) for record in records}
        self._commit_owed()
        return sum((r.topic, r.partition, r.offset) not in waiting for r in records)

    def _commit_owed(self) -> None:
        """Commit what is owed; what the broker does not take now stays owed, so that no lag is shown for ever."""
        if not self._owed:
            return
        try:
            self._subscription.commit(self._owed)
        except BrokerDown as error:
            _log.warning("offsets_not_committed", error=error)
        else:
            self._owed = {}


def _may_pass(error: Exception) -> bool:
    return is_away(error) or isinstance(error, quarantine.Quarantined)


class _OneByOne(Exception):
    """A key of the batch is parked: take the records singly."""


def _without_repeats(batch: Sequence[Received], fresh: set[UUID]) -> list[Received]:
    kept: dict[UUID, Received] = {}
    for received in batch:
        if received.id in fresh:
            kept.setdefault(received.id, received)
    return list(kept.values())


def _rounds(batch: Sequence[Received]) -> list[list[Received]]:
    rounds: list[list[Received]] = []
    seen: Counter[str] = Counter()
    for received in batch:
        turn = seen[received.key]
        seen[received.key] += 1
        if turn == len(rounds):
            rounds.append([])
        rounds[turn].append(received)
    return rounds
