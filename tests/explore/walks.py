"""Schedules at random, beyond what can be explored whole; one that breaks a rule is made shorter."""

from __future__ import annotations

import time
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from explore.machine import Given
from explore.violation import Violation, errors_are_violations

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explore.machine import Machine, Next, World
    from explore.steps import Step

# How many steps there are while people act. Most bugs need few, some many; short schedules are cheap.
LENGTHS = (12, 24, 60)
# How much of what people might do they try in one turn; how often it is looked whether all is at rest, when it may be.
TRIED, RESTS = 0.25, 0.3
REST_STEPS_MAX = 2_000
# Numbered rows and records grow with the schedules: a machine is left for a new one before that costs time.
RECORDS_MAX = 8_000
# A story that is not the shortest will do; a violation that nobody is told of for minutes will not.
SHORTENING_S_MAX = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """A schedule that breaks a rule: its number, and the steps of it."""

    configuration: str
    seed: int
    number: int
    violation: Violation
    steps: tuple[Step, ...]


def schedule(machine: Machine, seed: int, number: int, *, taken: list[Step] | None = None) -> Broken | int:
    """Take one schedule; return how many steps it had (they are added to `taken`), or how it broke a rule."""
    # A mix of both, so that neighbours have nothing in common.
    random = Random(seed * 1_000_003 + number)
    taken = [] if taken is None else taken
    try:
        with errors_are_violations():
            _walk(machine, random, taken)
    except Violation as violation:
        steps = (*taken, *([violation.step] if violation.step else []))
        return Broken(
            configuration=machine.configuration.name, seed=seed, number=number, violation=violation, steps=steps
        )
    return len(taken)


def _walk(machine: Machine, random: Random, taken: list[Step]) -> None:
    world = machine.drawn(random)
    given = Given()
    # In one schedule people are quick and records slow, in the next it is the other way round.
    people = random.choice((0.1, 0.3, 0.6, 0.9))
    for _ in range(random.choice(LENGTHS)):
        following = machine.one_asked(world, random, TRIED) if random.random() < people else None
        if following is None:
            following = machine.one_unasked(world, random, given)
        if following is None and random.random() < RESTS:
            following = machine.one_unasked(world, random)
            if following is None:
                machine.judge_rest(world)
        if following is None:
            following = machine.one_asked(world, random)
        if following is None:
            break
        taken.append(following[0])
        world = following[1]
        machine.judge(world)
    _come_to_rest(machine, world, random, taken, given)


def _come_to_rest(
    machine: Machine, world: World, random: Random, taken: list[Step], given: Given | None = None
) -> None:
    given = given or Given()
    for _ in range(REST_STEPS_MAX):
        following = machine.one_unasked(world, random, given) or machine.one_unasked(world, random)
        if following is None:
            machine.judge_rest(world)
            return
        taken.append(following[0])
        world = following[1]
        machine.judge(world)
    raise Violation("L0", f"nobody does anything, and after {REST_STEPS_MAX} steps it does not rest")


def shortened(machine: Machine, broken: Broken, *, seconds_max: float = SHORTENING_S_MAX) -> tuple[Step, ...]:
    """The steps of a broken schedule without those that the same violation does not need, as far as there is time.

    `machine` is the one that took them: it remembers most of what is tried. `seconds_max` is of this process.
    """
    steps = broken.steps
    until = time.process_time() + seconds_max
    size = max(1, len(steps) // 2)
    while True:
        before = len(steps)
        start = 0
        while start < len(steps):
            if time.process_time() > until:
                return steps
            found = replayed(machine, steps[:start] + steps[start + size :])
            if found is not None and found[0].property == broken.violation.property and len(found[1]) < len(steps):
                steps = found[1]
            else:
                start += size
        if size > 1:
            size //= 2
        elif len(steps) == before:
            return steps


def replayed(machine: Machine, steps: Sequence[Step]) -> tuple[Violation, tuple[Step, ...]] | None:
    """What the steps break, with those among them that could be taken; None if nothing is broken."""
    taken: list[Step] = []
    try:
        with errors_are_violations():
            _walk_again(machine, steps, taken)
    except Violation as violation:
        return violation, (*taken, *([violation.step] if violation.step else []))
    return None


def _walk_again(machine: Machine, steps: Sequence[Step], taken: list[Step]) -> None:
    world = machine.first
    machine.judge(world)
    for step in steps:
        after = found_again(machine, world, step)
        if after is not None:
            taken.append(after[0])
            world = after[1]
            machine.judge(world)
    _come_to_rest(machine, world, Random(0), taken)


def found_again(machine: Machine, world: World, step: Step) -> Next | None:
    """Where the step leads, if it can be taken; else where a record of the same type leads, the newest of them."""
    options: list[Next] = machine.asked(world) if step.kind in {"command", "fault"} else machine.unasked(world)
    found = [each for each in options if each[0] == step]
    if not found and step.kind == "deliver":
        found = [each for each in options if each[0][:2] == step[:2] and _kind(each[0]) == _kind(step)]
    return found[-1] if found else None


def _kind(step: Step) -> list[str]:
    """The type of a delivered record, and the register that it is about."""
    return step.of.split()[:2]
