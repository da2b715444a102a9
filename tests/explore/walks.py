"""Schedules at random, beyond what can be explored whole; one that breaks a rule is made as short as it gets."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from explore.machine import Machine
from explore.observer import Observer
from explore.violation import Violation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explore.configurations import Configuration
    from explore.machine import Next, World
    from explore.steps import Step

STEPS_MAX = 60
REST_STEPS_MAX = 2_000
# Numbered rows and records grow with the schedules: a machine is left for a new one before that costs time.
RECORDS_MAX = 8_000


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
        _walk(machine, random, taken)
    except Violation as violation:
        steps = (*taken, *([violation.step] if violation.step else []))
        return Broken(
            configuration=machine.configuration.name, seed=seed, number=number, violation=violation, steps=steps
        )
    return len(taken)


def _walk(machine: Machine, random: Random, taken: list[Step]) -> None:
    world = machine.drawn(random)
    # In one schedule people are quick and records slow, in the next it is the other way round.
    people = random.choice((0.1, 0.3, 0.6, 0.9))
    for _ in range(STEPS_MAX):
        following = machine.one_asked(world, random) if random.random() < people else None
        if following is None:
            following = machine.one_unasked(world, random)
        if following is None:
            machine.judge_rest(world)
            following = machine.one_asked(world, random)
        if following is None:
            return
        taken.append(following[0])
        world = following[1]
        machine.judge(world)
    _come_to_rest(machine, world, random, taken)


def _come_to_rest(machine: Machine, world: World, random: Random, taken: list[Step]) -> None:
    for _ in range(REST_STEPS_MAX):
        following = machine.one_unasked(world, random)
        if following is None:
            machine.judge_rest(world)
            return
        taken.append(following[0])
        world = following[1]
        machine.judge(world)
    raise Violation("L0", f"nobody does anything, and after {REST_STEPS_MAX} steps it does not rest")


def shortened(configuration: Configuration, broken: Broken) -> tuple[Step, ...]:
    """The steps of a broken schedule without those that the same violation does not need."""
    steps = broken.steps
    size = max(1, len(steps) // 2)
    while True:
        before = len(steps)
        start = 0
        while start < len(steps):
            found = replayed(configuration, steps[:start] + steps[start + size :])
            if found is not None and found[0].property == broken.violation.property and len(found[1]) < len(steps):
                steps = found[1]
            else:
                start += size
        if size > 1:
            size //= 2
        elif len(steps) == before:
            return steps


def replayed(configuration: Configuration, steps: Sequence[Step]) -> tuple[Violation, tuple[Step, ...]] | None:
    """What the steps break, with those among them that could be taken; None if nothing is broken."""
    machine = Machine(configuration, Observer())
    world, taken = machine.first, []
    try:
        machine.judge(world)
        for step in steps:
            after = _next(machine, world, step)
            if after is not None:
                taken.append(after[0])
                world = after[1]
                machine.judge(world)
        _come_to_rest(machine, world, Random(0), taken)
    except Violation as violation:
        return violation, (*taken, *([violation.step] if violation.step else []))
    return None


def _next(machine: Machine, world: World, step: Step) -> Next | None:
    """Where the step leads, if it can be taken; else where a record of the same type leads, the newest of them."""
    options: list[Next] = machine.asked(world) if step.kind in {"command", "fault"} else machine.unasked(world)
    found = [each for each in options if each[0] == step]
    if not found and step.kind == "deliver":
        found = [each for each in options if each[0][:2] == step[:2] and _kind(each[0]) == _kind(step)]
    return found[-1] if found else None


def _kind(step: Step) -> list[str]:
    """The type of a delivered record, and the register that it is about."""
    return step.of.split()[:2]
