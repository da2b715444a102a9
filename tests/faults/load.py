"""The load: commands at a steady rate, and employees who read and download all the time."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from faults.acts import Actor, many, next_act, select
from faults.line import Line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from faults.book import Book
    from faults.cast import Part, Scene

ACTORS = 32
READERS = 6
# Not every act comes to a command: some see first that there is nothing to do.
ACTS_PER_COMMAND = 1.25
SELECT_EVERY_S = 25.0
MANY_EVERY_S = 8.0
MANY = (10, 20)
# Who is told that the document is being drawn comes back for it, so often.
AGAIN_MAX, AGAIN_S, DRAWING = 5, 1.0, 202
# Of those who read, so many ask for the document; drawing one costs a fifth of a second of a core.
DOWNLOADS = 0.06
END_S_MAX = 60.0


@dataclass(slots=True)
class Clockwork:
    """Lets so many through a second, all threads together; what was missed is made up for within a second."""

    per_s: float
    _next: float = field(default_factory=time.monotonic)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def wait(self, ending: threading.Event) -> None:
        """Return when it is this thread's turn, or when all ends."""
        with self._lock:
            now = time.monotonic()
            self._next = max(self._next + 1 / self.per_s, now - 1.0)
            pause = self._next - now
        if pause > 0:
            ending.wait(pause)


@dataclass(slots=True)
class Load:
    """What was done under it."""

    actors: list[Actor] = field(default_factory=list)
    reads: int = 0
    seconds: float = 0.0

    @property
    def commands(self) -> int:
        """How many commands were given."""
        return sum(one.given for one in self.actors)

    @property
    def accepted(self) -> int:
        """How many of them were answered with a 2xx."""
        return sum(one.accepted for one in self.actors)


@dataclass(slots=True)
class _People:
    """Who does what all the time, each in a thread, until `ending`."""

    book: Book
    scene: Scene
    ports: Mapping[str, int]
    seed: int
    turns: Clockwork
    looks: Clockwork
    ending: threading.Event = field(default_factory=threading.Event)
    load: Load = field(default_factory=Load)
    counted: threading.Lock = field(default_factory=threading.Lock)

    def act(self, number: int) -> None:
        """Give commands at a steady rate."""
        actor = self._actor(f"actor-{number}")
        while not self.ending.is_set():
            self.turns.wait(self.ending)
            part = self.scene.any(actor.chance)
            next_act(actor.chance, part)(actor, part)
        actor.line.close()

    def choose(self) -> None:
        """Choose other questions now and then."""
        actor = self._actor("select")
        while not self.ending.wait(SELECT_EVERY_S):
            select(actor, self.scene.any(actor.chance))
        actor.line.close()

    def act_on_many(self) -> None:
        """Give one command to many packets now and then."""
        actor = self._actor("many")
        while not self.ending.wait(MANY_EVERY_S):
            size = min(actor.chance.randint(*MANY), len(self.scene.parts))
            many(actor, actor.chance.sample(self.scene.parts, size))
        actor.line.close()

    def read(self, number: int) -> None:
        """Read and download as employees."""
        line, chance = self._line(), random.Random(f"{self.seed}-reader-{number}")
        while not self.ending.is_set():
            self.looks.wait(self.ending)
            part = self.scene.watched(chance)
            if chance.random() < DOWNLOADS:
                self._download(line, part)
            else:
                line.call(part.employee, "read", "GET", f"/v1/packets/{part.review_id}", review=part.review_id)
            with self.counted:
                self.load.reads += 1
        line.close()

    def _download(self, line: Line, part: Part) -> None:
        for _ in range(AGAIN_MAX):
            path = f"/v1/packets/{part.review_id}/pdf"
            answer = line.call(part.employee, "download", "GET", path, review=part.review_id)
            if answer.status != DRAWING or self.ending.wait(AGAIN_S):
                return

    def _actor(self, name: str) -> Actor:
        actor = Actor(self._line(), self.scene, random.Random(f"{self.seed}-{name}"), self.ending)
        self.load.actors.append(actor)
        return actor

    def _line(self) -> Line:
        return Line(self.book, self.ports, self.scene.tokens)


@contextlib.contextmanager
def loaded(
    book: Book,
    scene: Scene,
    ports: Mapping[str, int],
    *,
    seed: int,
    commands_per_s: float,
    reads_per_s: float,
) -> Iterator[Load]:
    """Within the block people act and read all the time; at its end everybody has been answered or has given up."""
    turns, looks = Clockwork(commands_per_s * ACTS_PER_COMMAND), Clockwork(reads_per_s)
    people = _People(book, scene, ports, seed, turns, looks)
    began = time.monotonic()
    with ThreadPoolExecutor(ACTORS + READERS + 2) as pool:
        running = [pool.submit(people.act, number) for number in range(ACTORS)]
        running += [pool.submit(people.read, number) for number in range(READERS)]
        running += [pool.submit(people.choose), pool.submit(people.act_on_many)]
        try:
            yield people.load
        finally:
            people.ending.set()
            people.load.seconds = time.monotonic() - began
        for one in running:
            one.result(END_S_MAX)
