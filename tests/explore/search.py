"""Every state within the bounds of a configuration, nearest first: what is found is found by a shortest way."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING

from explore.violation import Violation, errors_are_violations

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
    search = _Search(machine, states_max)
    try:
        with errors_are_violations():
            search.run()
    except Violation as violation:
        # What is against a rule is a step from the state at hand, the state that was reached last, or that at hand.
        at_rest = violation.property.startswith("L") and violation.step is None
        last = search.here if violation.step is not None or at_rest else len(search.order) - 1
        way = (*_way(machine, search.order, search.parents, last), *([violation.step] if violation.step else []))
        return search.found(whole=False, violation=violation, way=way)
    return search.found(whole=search.here == len(search.order))


class _Search:
    """All that was reached, in the order in which it was, and from where."""

    def __init__(self, machine: Machine, states_max: int) -> None:
        self.order: list[World] = [machine.first]
        self.parents = array("I", [0])
        self.here = 0
        self._machine, self._states_max = machine, states_max
        self._steps = self._rests = 0

    def run(self) -> None:
        """Go on until nothing is left, or there is too much. Raises `Violation`."""
        machine, order, parents = self._machine, self.order, self.parents
        seen: set[World] = {machine.first}
        machine.judge(machine.first)
        while self.here < len(order) and len(order) < self._states_max:
            following = machine.unasked(order[self.here])
            if not following:
                self._rests += 1
                machine.judge_rest(order[self.here])
            following += machine.asked(order[self.here])
            self._steps += len(following)
            for _, after in following:
                if after not in seen:
                    seen.add(after)
                    order.append(after)
                    parents.append(self.here)
                    machine.judge(after)
            self.here += 1

    def found(self, *, whole: bool, violation: Violation | None = None, way: tuple[Step, ...] = ()) -> Found:
        """How far it came."""
        return Found(
            states=len(self.order), steps=self._steps, rests=self._rests, whole=whole, violation=violation, way=way
        )


def _way(machine: Machine, order: Sequence[World], parents: Sequence[int], last: int) -> tuple[Step, ...]:
    """The steps from the first state to that one: each is found again by taking all of its parent's."""
    way: list[Step] = []
    while last:
        before = order[parents[last]]
        following = machine.unasked(before) + machine.asked(before)
        way.append(next(step for step, after in following if after == order[last]))
        last = parents[last]
    return tuple(reversed(way))
