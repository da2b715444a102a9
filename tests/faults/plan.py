"""Which fault hits what and when: decided by the seed alone, before anything runs."""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain, cycle, islice
from typing import TYPE_CHECKING

from faults.proxy import DEEDS
from harness.people import SERVICES
from harness.system import APART

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# A consumer that stands still for longer than its session is thrown out of its group, and wakes up with old work.
PAUSES_S = (1.0, 3.0, 8.0)
BREAKS_S = (0.5, 2.0, 5.0)
SHARES = (0.3, 1.0)
# Something else is done beside one kill of so many.
BESIDE_OF = 2
WIPE_AT = 0.6


class Kind(StrEnum):
    """What can be done."""

    KILL = "kill"  # SIGKILL to a process and all that it started
    KILL_WORKER = "kill-worker"  # SIGKILL to gunicorn's worker alone
    PAUSE = "pause"  # SIGSTOP, and SIGCONT after a while
    BREAK = "break"  # something that the proxy does to a route
    WIPE = "wipe"  # Kafka forgets everything


KILLS = frozenset({Kind.KILL, Kind.KILL_WORKER, Kind.WIPE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault. `target` is `<service> <verb>`, a server's name, or a route of the proxy."""

    kind: Kind
    target: str
    deed: str = ""
    for_s: float = 0.0
    share: float = 1.0

    @property
    def is_kill(self) -> bool:
        """Whether a process dies by it."""
        return self.kind in KILLS

    def __str__(self) -> str:
        how = f" {self.deed} of {self.share:.0%}" if self.deed else ""
        return f"{self.kind} {self.target}{how}" + (f" for {self.for_s:g} s" if self.for_s else "")


# One service has two relays, which share what is to be sent.
SECOND_RELAY = ("packets", "relay-2")
PROCESSES = (*(f"{service} {verb}" for verb in APART for service in SERVICES), " ".join(SECOND_RELAY))
SERVERS = ("postgres", "kafka", "smtp")
# How often each is killed before any other is killed once more.
ROUND = (
    *(Fault(kind=Kind.KILL, target=target) for target in (*PROCESSES, *SERVERS)),
    *(Fault(kind=Kind.KILL_WORKER, target=f"{service} web") for service in SERVICES[:3]),
)


def plan(seed: int, *, kills: int, routes: Sequence[str], wipe: bool = True) -> list[Fault]:
    """Return so many kills, spread over all processes, between them pauses and broken connections, and one wipe.

    The mail server is left alone in the last quarter: a mail that it did not take waits for minutes by intention.
    """
    chance = random.Random(seed)
    chosen = list(islice(_rounds(chance), kills - wipe))
    faults = list(chain.from_iterable(_with_others(chance, chosen, routes)))
    if wipe:
        faults.insert(int(len(faults) * WIPE_AT), Fault(kind=Kind.WIPE, target="kafka"))
    quiet = len(faults) * 3 // 4
    late = [one for one in faults[quiet:] if "smtp" not in one.target]
    early = [one for one in faults[quiet:] if "smtp" in one.target]
    return [*faults[: quiet // 2], *early, *faults[quiet // 2 : quiet], *late]


def others(kills: int, *, wipe: bool = True) -> int:
    """Return how many pauses and broken connections `plan` puts beside so many kills."""
    return -(-(kills - wipe) // BESIDE_OF)


def _rounds(chance: random.Random) -> Iterator[Fault]:
    while True:
        yield from chance.sample(ROUND, len(ROUND))


def _with_others(chance: random.Random, kills: Sequence[Fault], routes: Sequence[str]) -> Iterator[list[Fault]]:
    """Add a pause or a broken connection after every second kill."""
    kinds = cycle((Kind.PAUSE, Kind.BREAK, Kind.BREAK))
    for number, one in enumerate(kills):
        if number % BESIDE_OF:
            yield [one]
            continue
        if next(kinds) is Kind.PAUSE:
            target = chance.choice((*PROCESSES, *SERVERS))
            yield [one, Fault(kind=Kind.PAUSE, target=target, for_s=chance.choice(PAUSES_S))]
        else:
            deed = chance.choice(DEEDS)
            share = chance.choice(SHARES)
            for_s = chance.choice(BREAKS_S)
            target = chance.choice(sorted(routes))
            yield [one, Fault(kind=Kind.BREAK, target=target, deed=deed, for_s=for_s, share=share)]
