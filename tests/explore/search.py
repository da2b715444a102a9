"""Every state within the bounds of a configuration, nearest first: what is found is found by a shortest way."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING

from explore.violation import Violation, crashed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explore.machine import Machine, World
    from explore.steps import Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """How much was explored; `whole`: nothing was left out. `violation` with the `way` to it, if there was one."""

    states: int
    steps: int
    rests: int
    whole: bool
    violation: Violation | None = None
    way: tuple[Step, ...] = ()


def explore(machine: Machine, *, states_max: int) -> Found:
    """Take every step in every state, until there are no more, or too many, or one is against a rule."""
    seen: set[World] = {machine.first}
    order: list[World] = [machine.first]
    parents = array("I", [0])
    steps = rests = here = 0
    try:
        machine.judge(machine.first)
        while here < len(order) and len(order) < states_max:
            following = machine.unasked(order[here])
            if not following:
                rests += 1
                machine.judge_rest(order[here])
            following += machine.asked(order[here])
            steps += len(following)
            for _, after in following:
                if after not in seen:
                    seen.add(after)
                    order.append(after)
                    parents.append(here)
                    machine.judge(after)
            here += 1
    except Exception as error:  # what the code does to the rules themselves is a bug of it as well
        violation = error if isinstance(error, Violation) else crashed(error)
        # What is against a rule is a step from the state at hand, the state that was reached last, or that at hand.
        at_rest = violation.property.startswith("L") and violation.step is None
        last = here if violation.step is not None or at_rest else len(order) - 1
        way = (*_way(machine, order, parents, last), *([violation.step] if violation.step else []))
        return Found(states=len(order), steps=steps, rests=rests, whole=False, violation=violation, way=way)
    return Found(states=len(order), steps=steps, rests=rests, whole=here == len(order))


def _way(machine: Machine, order: Sequence[World], parents: Sequence[int], last: int) -> tuple[Step, ...]:
    """The steps from the first state to that one: each is found again by taking all of its parent's."""
    way: list[Step] = []
    while last:
        before = order[parents[last]]
        following = machine.unasked(before) + machine.asked(before)
        way.append(next(step for step, after in following if after == order[last]))
        last = parents[last]
    return tuple(reversed(way))
