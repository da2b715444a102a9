"""What waits for a consumer group, as the broker tells it, and whether a member stands still before it.

Kafka's client can fail without a word: its polls bring nothing, for ever and without an error, though records wait. It
does so where topics vanish, and are there again before its next attempt to join its group: it forgets that it must.
So the broker is asked now and then, by a client of its own and in a thread of its own: reading does not wait for it.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kafka.admin import OffsetSpec

from reviewbus import telemetry
from reviewbus.broker.admin import asking, places_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from reviewbus.broker import Place
    from reviewbus.settings import BusSettings

LOOK_EVERY_S = 10.0
# So long records may wait while nothing comes at all; and those of one place while others come.
STILL_S = 20.0
STILL_AMID_S = 300.0
# Who did not poll for so long was busy with what it had, or stopped.
PAUSE_S_MAX = 15.0
ANSWER_MS_MAX = 5_000
_log = telemetry.logger("broker")


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """What waits at one place: from where on the group has not committed, how many records at most, and who has it.

    `owned`: the broker has given the place to some member of the group.
    """

    committed: int
    records: int
    owned: bool = False


def backlog(settings: BusSettings, group: str, topics: Sequence[str]) -> dict[Place, Backlog]:
    """Return the places of these topics where records wait for the group; raises `KafkaError`."""
    with asking(settings, "backlog", answer_ms=ANSWER_MS_MAX) as client:
        places = places_of(client, topics)
        firsts = client.list_partition_offsets(dict.fromkeys(places, OffsetSpec.EARLIEST))
        ends = client.list_partition_offsets(dict.fromkeys(places, OffsetSpec.LATEST))
        committed = client.list_group_offsets({group: places})[group]
        members = client.describe_groups([group])[group]["members"]
    owned = {
        (topic["topic"], partition)
        for member in members
        for topic in (member["member_assignment"] or {"assigned_partitions": []})["assigned_partitions"]
        for partition in topic["partitions"]
    }
    waiting: dict[Place, Backlog] = {}
    for place in places:
        first, end = firsts[place].offset, ends[place].offset
        reached = committed[place].offset if place in committed else -1
        # A group that never committed begins at the first record; so does one whose broker has begun anew.
        start = reached if first <= reached <= end else first
        if start < end:
            name = (place.topic, place.partition)
            waiting[name] = Backlog(committed=reached, records=end - start, owned=name in owned)
    return waiting


def in_a_thread(look: Callable[[], None]) -> None:
    """Look beside whatever goes on."""
    threading.Thread(target=look, name="backlog", daemon=True).start()


class Watch:
    """Looks now and then at what waits for a group, on behalf of one member. Not safe for use from several threads."""

    def __init__(
        self,
        look: Callable[[], Mapping[Place, Backlog]],
        *,
        monotonic: Callable[[], float] = time.monotonic,
        start: Callable[[Callable[[], None]], None] = in_a_thread,
    ) -> None:
        self._ask = look
        self._monotonic = monotonic
        self._start = start
        self._asked_at = self._looked_at = self._came_at = monotonic()
        self._looking = False
        self._found: Mapping[Place, Backlog] | None = None
        self._since: dict[Place, tuple[int, float]] = {}

    def stands_still(self, *, came: bool, holds: Collection[Place], reads: bool = True) -> bool:
        """Say whether the member stands still though records wait for it; to be told after every poll.

        `came`: the poll brought something; `holds`: what the member has; `reads`: it has not paused of its own accord.
        What another member has is that one's. Where the broker does not answer, or the member did not poll for long,
        nothing is known, and waiting begins anew.
        """
        now = self._monotonic()
        if came:
            self._came_at = now
        if not reads or now - self._asked_at > PAUSE_S_MAX:
            self.begin_anew()
        self._asked_at = now
        if not self._looking and now - self._looked_at >= LOOK_EVERY_S:
            self._looking, self._looked_at = True, now
            self._start(self._look)
        if self._found is None:
            return False
        found, self._found = self._found, None
        return reads and self._judge(found, set(holds), now)

    def begin_anew(self) -> None:
        """Forget what was seen."""
        self._came_at = self._monotonic()
        self._found = None
        self._since = {}

    def _look(self) -> None:
        try:
            found = self._ask()
        except Exception as error:  # noqa: BLE001 -- whatever it is, reading goes on, and nothing is known
            _log.info("backlog_unknown", error=error)
            telemetry.CONSUMER_LAG.set(float("nan"))
            self._since = {}
        else:
            telemetry.CONSUMER_LAG.set(sum(one.records for one in found.values()))
            self._found = found
        finally:
            self._looking = False

    def _judge(self, found: Mapping[Place, Backlog], holds: set[Place], now: float) -> bool:
        earlier = self._since
        self._since = {}
        for place, one in found.items():
            if one.owned and place not in holds:
                continue
            offset, since = earlier.get(place, (one.committed, now))
            self._since[place] = (one.committed, since if offset == one.committed else now)
        longest = max((now - since for _, since in self._since.values()), default=0.0)
        return longest >= STILL_AMID_S or (longest >= STILL_S and now - self._came_at >= STILL_S)
