"""The load: commands at a steady rate, and employees who read and download all the time."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from faults.acts import Actor, next_act, select
from faults.line import Line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from faults.book import Book
    from faults.cast import Scene

ACTORS = 32
READERS = 6
# Not every act comes to a command: some see first that there is nothing to do.
ACTS_PER_COMMAND = 1.25
SELECT_EVERY_S = 25.0
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
    ending, load = threading.Event(), Load()
    turns, looks = Clockwork(commands_per_s * ACTS_PER_COMMAND), Clockwork(reads_per_s)
    counted = threading.Lock()

    def act(number: int) -> None:
        line = Line(book, ports, scene.tokens)
        actor = Actor(line, scene, random.Random(f"{seed}-actor-{number}"), ending)
        load.actors.append(actor)
        while not ending.is_set():
            turns.wait(ending)
            part = scene.any(actor.chance)
            next_act(actor.chance, part)(actor, part)
        line.close()

    def choose() -> None:
        line = Line(book, ports, scene.tokens)
        actor = Actor(line, scene, random.Random(f"{seed}-select"), ending)
        load.actors.append(actor)
        while not ending.wait(SELECT_EVERY_S):
            select(actor, scene.any(actor.chance))
        line.close()

    def read(number: int) -> None:
        line, chance = Line(book, ports, scene.tokens), random.Random(f"{seed}-reader-{number}")
        while not ending.is_set():
            looks.wait(ending)
            part = scene.watched(chance)
            path = f"/v1/packets/{part.review_id}"
            if chance.random() < DOWNLOADS:
                line.call(part.employee, "download", "GET", f"{path}/pdf", review=part.review_id)
            else:
                line.call(part.employee, "read", "GET", path, review=part.review_id)
            with counted:
                load.reads += 1
        line.close()

    began = time.monotonic()
    with ThreadPoolExecutor(ACTORS + READERS + 1) as pool:
        running = [pool.submit(act, number) for number in range(ACTORS)]
        running += [pool.submit(read, number) for number in range(READERS)]
        running.append(pool.submit(choose))
        try:
            yield load
        finally:
            ending.set()
            load.seconds = time.monotonic() - began
        for one in running:
            one.result(END_S_MAX)
