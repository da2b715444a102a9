"""A whole company at once: 50,000 packets released by one command and taken back by another, on the real processes.

While they are released, managers release single packets; while they are taken back, employees read.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import psutil
import psycopg

from bench import ceiling
from bench.crowd import multiply, sent_to_manager
from bench.figures import Figure, median, percentile
from harness.clients import etag
from harness.eventually import Polling
from harness.people import ANNA, HELEN, MAX, SERVICES, Person
from harness.story import Story, expect
from harness.system import APART, Pace, System

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from harness.stack import Stack

REVIEWS = 50_000
SINGLE = 400
# So many single releases are under way at once: enough in a run that the slowest is not the p99.
TOGETHER = 2
LOOK_S = 0.025
MIB = 1024 * 1024
TIMEOUT_S = 600.0
WAIT_S = 180.0
# So long employees go on reading what is being taken back.
READ_S = 10.0
REASON = {"reason": "Measured."}
_STATE = "select state from packets where review_id = %s"


def bulk(stack: Stack, folder: Path, reviews: int = REVIEWS) -> list[Figure]:
    """Release and take back `reviews` packets."""
    print("      the raw ceiling", flush=True)
    least = ceiling.seconds(stack, folder, reviews)
    print(f"      {least:.0f} s", flush=True)
    pace = Pace(sweep_every_s=3_600.0, reconcile_after_s=60.0)
    with System.on(stack, var_dir=folder / "system", verbs=APART, pace=pace) as system:
        story = sent_to_manager(system, WAIT_S)
        print(f"      copying one review {reviews + SINGLE:,} times", flush=True)
        ids = multiply(system, story.review(), ANNA.id, reviews + SINGLE)
        run = Run(
            system=system, admin_url=stack.postgres.admin_url, story=story, many=ids[SINGLE:], single=ids[:SINGLE]
        )
        with Watch(system) as watch:
            figures = run.release(least)
            _say("released", watch.spent())
            figures += run.count()
            _say("counted", watch.spent())
            figures += run.unrelease()
            _say("unreleased", watch.spent())
        return [*figures, Figure(name="Bulk: largest process", value=watch.largest, unit="MiB", bar=400)]


def _say(phase: str, seconds: Mapping[str, float]) -> None:
    words = ", ".join(f"{name} {used:.0f}" for name, used in seconds.items() if used >= 1)
    print(f"      processor seconds until {phase}: {sum(seconds.values()):.0f}: {words}", flush=True)


class Watch:
    """Looks at memory and processor time of every process that was started for the run, again and again."""

    def __init__(self, system: System) -> None:
        self._names = {system.process(name, verb).pid: f"{name} {verb}" for name in SERVICES for verb in APART}
        self._seconds: dict[int, tuple[str, float]] = {}
        self._until_now: Counter[str] = Counter()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.largest = 0.0

    def __enter__(self) -> Self:
        self._look()
        self._until_now = self._totals()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def spent(self) -> dict[str, float]:
        """Return the seconds of processor time that each process has used since the last call, the largest first."""
        self._look()
        now = self._totals()
        used, self._until_now = now - self._until_now, now
        return dict(used.most_common())

    def _totals(self) -> Counter[str]:
        totals: Counter[str] = Counter()
        for name, seconds in list(self._seconds.values()):
            totals[name] += seconds  # type: ignore[assignment]  # a Counter may count seconds
        return totals

    def _run(self) -> None:
        while not self._over.wait(1.0):
            self._look()

    def _look(self) -> None:
        for each in psutil.Process().children(recursive=True):
            try:
                used = each.cpu_times()
                name = self._name(each)
                self._seconds[each.pid] = (name, used.user + used.system)
                if name in self._names.values():
                    self.largest = max(self.largest, each.memory_info().rss / MIB)
            except psutil.NoSuchProcess:
                continue

    def _name(self, process: psutil.Process) -> str:
        known = self._seconds.get(process.pid)
        if known:
            return known[0]
        mine = next((self._names[one.pid] for one in (process, *process.parents()) if one.pid in self._names), None)
        return mine or {"java": "Kafka"}.get(process.name(), process.name())


@dataclass(slots=True)
class Run:
    """One system with many packets."""

    system: System
    admin_url: str
    story: Story
    many: Sequence[str]
    single: Sequence[str]

    def release(self, least: float) -> list[Figure]:
        """Release all by one command, and some singly meanwhile; `least` is how many seconds it takes without us."""
        took: list[float] = []
        over = threading.Event()
        singles = threading.Thread(target=self._singles, args=(took, over), daemon=True)
        began = time.perf_counter()
        answer = self._bulk("release", **{"except": list(self.single)})
        answered = time.perf_counter() - began
        singles.start()
        seconds = self._until("released", began)
        over.set()
        singles.join()
        self._progress(answer)
        if not took:
            raise TimeoutError("no single release came to its end")
        name = f"Bulk release of {len(self.many):,} through HTTP"
        alone = "A single release meanwhile"
        return [
            Figure(name=f"{name}: answered", value=answered, unit="s"),
            Figure(name=f"{name}: all released", value=seconds, unit="s", raw=least, bar=60),
            Figure(name=f"{alone}, p50 of {len(took)}", value=median(took), unit="ms"),
            Figure(name=f"{alone}, the slowest", value=max(took), unit="ms"),
            Figure(name=f"{alone}, p99", value=percentile(took, 99), unit="ms", bar=1_000),
        ]

    def count(self) -> list[Figure]:
        """Count a cycle's packets by state and by manager: at once, and when the rows of before are cleared away."""
        name = "Tracking counts of the cycle, median"
        at_once = self._count()
        with psycopg.connect(self.admin_url, autocommit=True, dbname=self._packets.rpartition("/")[2]) as connection:
            connection.execute("vacuum packets")
        return [
            Figure(name=f"{name}, as soon as all are released", value=at_once, unit="ms"),
            Figure(name=f"{name}, after a vacuum", value=self._count(), unit="ms", bar=50),
        ]

    @property
    def _packets(self) -> str:
        return self.system.database("packets").url.replace("+psycopg", "", 1)

    def _count(self) -> float:
        path = f"/v1/packets/tracking/{self.story.cycle_id}"
        took = []
        for _ in range(30):
            began = time.perf_counter()
            expect(self.story.as_(HELEN).get(path, params={"limit": 1}))
            took.append((time.perf_counter() - began) * 1000)
        return median(took)

    def unrelease(self) -> list[Figure]:
        """Take all back by one command, while employees read."""
        late: list[float] = []
        over = threading.Event()
        pressed = time.perf_counter()
        readers = [threading.Thread(target=self._read, args=(late, over, pressed, n), daemon=True) for n in range(2)]
        for each in readers:
            each.start()
        answer = self._bulk("unrelease", **{"except": list(self.single)})
        answered = time.perf_counter() - pressed
        over.wait(READ_S)
        over.set()
        seconds = self._until("ready", pressed)
        for each in readers:
            each.join()
        self._progress(answer)
        after = sum(1 for each in late if each > answered)
        name = f"Bulk unrelease of {len(self.many):,}"
        return [
            Figure(name=f"{name}: answered, nobody reads from then on", value=answered, unit="s", bar=2),
            Figure(name=f"{name}: reads that began after the answer and succeeded", value=after, unit="", bar=0),
            Figure(name=f"{name}: all unlocked", value=seconds, unit="s", bar=60),
        ]

    def _bulk(self, action: str, **more: Any) -> str:
        selection = {"filter": {"cycle_id": self.story.cycle_id}, **more}
        body = {"action": action, "selection": selection, **REASON}
        return expect(self.story.as_(HELEN).post("/v1/packets/bulk", body), 202).headers["Location"]

    def _until(self, state: str, began: float) -> float:
        """Return after how many seconds all are in a state; one of those left is watched, then another."""
        shown = began
        left = "select review_id from packets where state <> %s and review_id >= %s::uuid"
        with psycopg.connect(self._packets, autocommit=True) as connection:
            while row := connection.execute(f"{left} limit 1", (state, self.many[0])).fetchone():
                while connection.execute(_STATE, row, prepare=True).fetchone() != (state,):
                    time.sleep(0.05)
                    now = time.perf_counter()
                    if now - shown > 5:
                        shown = now
                        count = len(connection.execute(left, (state, self.many[0])).fetchall())
                        print(f"      {now - began:5.0f} s: {count:,} are not yet {state}", flush=True)
                    if now - began > TIMEOUT_S:
                        raise TimeoutError(state)
            return time.perf_counter() - began

    def _singles(self, took: list[float], over: threading.Event) -> None:
        """Release one after the other as a manager, some at once; all that wait are looked at by one statement."""
        manager, waiting, left = self.story.as_(MAX), dict[str, float](), iter(self.single)
        there = "select review_id::text from packets where review_id = any(%s::uuid[]) and state = 'released'"
        latest = time.perf_counter() + TIMEOUT_S
        with psycopg.connect(self._packets, autocommit=True) as connection:
            while (waiting or not over.is_set()) and time.perf_counter() < latest:
                while len(waiting) < TOGETHER and not over.is_set() and (review_id := next(left, "")):
                    path = f"/v1/packets/{review_id}"
                    tag = etag(expect(manager.get(path)))
                    waiting[review_id] = time.perf_counter()
                    expect(manager.post(f"{path}/release", {}, version=tag), 202)
                time.sleep(LOOK_S)
                for (review_id,) in connection.execute(there, (list(waiting),), prepare=True).fetchall():
                    took.append((time.perf_counter() - waiting.pop(review_id)) * 1000)

    def _read(self, late: list[float], over: threading.Event, pressed: float, number: int) -> None:
        for at in range(number, len(self.many) * 10, 2):
            if over.is_set():
                return
            which = at % len(self.many)
            person = Person(id=f"p-crowd-{which + 1 + len(self.single)}", name="", email="")
            began = time.perf_counter()
            if self.story.as_(person).get(f"/v1/packets/{self.many[which]}").is_success:
                late.append(began - pressed)

    def _progress(self, location: str) -> None:
        def ended() -> bool:
            return bool(expect(self.story.as_(HELEN).get(location)).json()["finished_at"])

        Polling(WAIT_S)(ended)
        print(f"      {expect(self.story.as_(HELEN).get(location)).json()['counts']}", flush=True)
