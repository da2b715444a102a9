"""Where schedules are played: one ground, one system, played on again and again."""

from __future__ import annotations

import contextlib
import logging
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

import structlog

from simulation.beginnings import DEAF, UNHEARD, Beginnings
from simulation.ground import broken_ground
from simulation.machines import running
from simulation.play import Play, Violation
from simulation.schedule import run
from simulation.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from harness.stack import Postgres
    from simulation.lines import Delivered
    from simulation.machines import System

STEPS = 75
UNHEARD_STEPS = (1, 12)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a seed: the rules that were broken, if any, with the story, and what was reached."""

    seed: int
    violations: tuple[str, ...]
    story: str
    tally: Tally


@dataclass(slots=True)
class Postbox:
    """Where mails go: to whoever tells a story at the time."""

    take: Callable[[Delivered], None]

    def put(self, mail: Delivered) -> None:
        """Take a mail."""
        self.take(mail)


@dataclass(slots=True)
class Theatre:
    """Plays seeds, one after the other."""

    system: System
    beginnings: Beginnings
    post: Postbox

    def play(self, seed: int, *, steps: int = STEPS) -> Outcome:
        """Play one seed from its beginning to its end."""
        random = Random(seed)
        name = self.beginnings.choose(random)
        self.post.take = self.beginnings.mails.append
        try:
            known = self.beginnings.go_to(name, seed)
        except AssertionError as error:
            # Not even the plain story comes about that every schedule begins with.
            broken = f"L {name}: {type(error).__name__} {error}"
            return Outcome(seed=seed, violations=(broken,), story=f"begins {name}", tally=Tally(schedules=1))
        play = Play(self.system, known, seed, random)
        self.post.take = lambda mail: play.post.mail(mail, self.system.clock.now)
        for mail in self.beginnings.mails:
            play.post.counts[mail.message_id.strip("<>").partition("@")[0]] += 1
        play.tell(f"begins {name}")
        if name.endswith(UNHEARD):
            play.lagging, play.lag_left = DEAF, random.randint(*UNHEARD_STEPS)
        violations: tuple[str, ...] = ()
        try:
            play.tally.schedules = 1
            run(play, steps)
        except Violation as violation:
            violations = tuple(play.short(str(one)) for one in violation.args)
        return Outcome(seed=seed, violations=violations, story=play.whole_story(), tally=play.tally)


@contextlib.contextmanager
def theatre(postgres: Postgres, folder: Path) -> Iterator[Theatre]:
    """Give a theatre on databases of its own."""
    before = structlog.get_config()
    # Loggers must not keep what is configured here: other tests of the process look at what is logged.
    silent = structlog.make_filtering_bound_logger(logging.CRITICAL)
    structlog.configure(wrapper_class=silent, cache_logger_on_first_use=False)
    logging.disable(logging.CRITICAL)
    mails: list[Delivered] = []
    box = Postbox(mails.append)
    try:
        with broken_ground(postgres) as ground, running(ground, folder, took=box.put) as system:
            yield Theatre(system, Beginnings(system, mails), box)
    finally:
        structlog.configure(**before)
        logging.disable(logging.NOTSET)
