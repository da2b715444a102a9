"""The work of one run, in pieces that processes share: configurations explored whole, and batches of schedules."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from explore import search, story, walks
from explore.configurations import EXHAUSTIVE, WALKS
from explore.machine import Machine
from explore.observer import Observer
from explore.violation import Violation, errors_are_violations

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explore.cells import Met
    from explore.configurations import Configuration
    from explore.steps import Step

# More than any configuration has: one that grows beyond is to be bounded anew.
STATES_MAX = 5_000_000
# How often a process says how far it is.
COUNTED_SCHEDULES = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A configuration to be explored whole, or (`schedules` > 0) that many schedules of it from number `first` on."""

    configuration: str
    seed: int = 0
    first: int = 0
    schedules: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a piece. `broken`: the property that does not hold, after `schedules`, told in `lines`."""

    piece: Piece
    states: int = 0
    steps: int = 0
    rests: int = 0
    schedules: int = 0
    seconds: float = 0
    met: Counter[Met] = field(default_factory=Counter)
    broken: str | None = None
    lines: tuple[str, ...] = ()


# How many schedules all processes have taken together, where there are several.
_counter: Any = None


def counted_by(counter: Any) -> None:
    """Begin a process: count its schedules in what all processes share."""
    global _counter  # noqa: PLW0603 -- a process has one
    _counter = counter


def done(piece: Piece) -> Outcome:
    """Do one piece of work."""
    began = time.monotonic()
    try:
        outcome = _walked(piece) if piece.schedules else _explored(piece)
    except Violation as violation:
        # Of all that is done, only the setup of a configuration lets it out.
        lines = (f"{piece.configuration} cannot be set up", f"     *** {violation}")
        outcome = Outcome(piece=piece, broken=violation.property, lines=lines)
    return replace(outcome, seconds=time.monotonic() - began)


def _explored(piece: Piece) -> Outcome:
    configuration = _named(piece.configuration)
    observer = Observer()
    found = search.explore(Machine(configuration, observer), states_max=STATES_MAX)
    broken: str | None = None
    lines: tuple[str, ...] = ()
    if found.violation is not None:
        broken = found.violation.property
        lines = tuple(_told(configuration, found.violation, found.way))
    elif not found.whole:
        broken, lines = "bounds", (f"{configuration.name} has more than {STATES_MAX} states",)
    return Outcome(
        piece=piece,
        states=found.states,
        steps=found.steps,
        rests=found.rests,
        met=observer.met,
        broken=broken,
        lines=lines,
    )


def _walked(piece: Piece) -> Outcome:
    configuration = _named(piece.configuration)
    met: Counter[Met] = Counter()
    steps, taken = 0, 0
    while taken < piece.schedules:
        observer = Observer(met=met)
        machine = Machine(configuration, observer)
        while taken < piece.schedules and len(machine.messages.known) < walks.RECORDS_MAX:
            came = walks.schedule(machine, piece.seed, piece.first + taken)
            taken += 1
            if not isinstance(came, int):
                lines = _shortened(machine, came)
                broken = came.violation.property
                return Outcome(piece=piece, steps=steps, schedules=taken, met=met, broken=broken, lines=lines)
            steps += came
            if _counter is not None and taken % COUNTED_SCHEDULES == 0:
                with _counter.get_lock():
                    _counter.value += COUNTED_SCHEDULES
    return Outcome(piece=piece, steps=steps, schedules=taken, met=met)


def _shortened(machine: Machine, broken: walks.Broken) -> tuple[str, ...]:
    short = walks.shortened(machine, broken)
    which = f"schedule {broken.number} of {machine.configuration.name}, seed {broken.seed}"
    head = f"{which}: {len(broken.steps)} steps, shortened to {len(short)}"
    return (head, *_told(machine.configuration, broken.violation, short))


def _named(name: str) -> Configuration:
    return next(each for each in (*EXHAUSTIVE, *WALKS) if each.name == name)


def _told(configuration: Configuration, violation: Violation, way: Sequence[Step]) -> list[str]:
    try:
        with errors_are_violations():
            lines = list(story.told(configuration, way))
    except Violation as untold:
        lines = [*map(str, way), f"     (the story cannot be told: {untold})"]
    # A step that is against a rule is told by the story itself; a state is told here.
    told = any(violation.property in line for line in lines[-1:])
    return lines if told else [*lines, f"     *** {violation}"]
