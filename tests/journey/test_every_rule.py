"""Every rule of calibration, packets and locks as a table: who may do what in which state, and who may not.

The four services answer as they ship. A refusal changes nothing in any of them; what is allowed has its effect.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest

from harness.journey import Stage, new_stage
from harness.people import HELEN, MAX
from journey import rules_of_calibration, rules_of_locks, rules_of_packets, rules_of_release
from journey.rule_acts import CHANGE_RATING, READ, SEND
from journey.rule_book import Case, Given, Kind, Rule, hold, no, rule, same, yes
from journey.rule_givens import READY
from journey.rule_outcomes import packet_is

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from harness.world import World

RULES = tuple(
    sorted(
        (*rules_of_calibration.RULES, *rules_of_locks.RULES, *rules_of_packets.RULES, *rules_of_release.RULES),
        key=lambda one: one.row,
    )
)
ROWS = (*range(20, 37), 45, 47, 53, 54, 55)


@dataclass(slots=True)
class Situations:
    """The situations that have come about, each in a story of its own, and that nothing has changed since."""

    world: World
    told: dict[Given, Stage] = field(default_factory=dict)

    def take(self, given: Given) -> Stage:
        """Return a story in which the situation is so, and forget it: what happens next may change it."""
        stage = self.told.pop(given, None)
        if stage is None:
            self.disturb()
            stage = new_stage(self.world)
            stage.story.wait = self._wait
            given.tell(stage)
        return stage

    def disturb(self) -> None:
        """Somebody will settle the world: what is on its way somewhere will arrive."""
        self.told = {given: stage for given, stage in self.told.items() if given.at_rest}

    def _wait(self, until: Callable[[], bool]) -> None:
        if not until():
            self.world.settle()
            assert until(), "the services are at rest, and what was waited for has not come about"


def cases() -> Iterator[Any]:
    for one in RULES:
        for case in one.cases:
            group = pytest.mark.xdist_group(case.given.name)
            yield pytest.param(case, id=f"{one.row}: {case.name}", marks=group)


def gaps(rules: Sequence[Rule], rows: Sequence[int] = ROWS) -> list[str]:
    """Say what the table lacks: rows, allowed or refused cases, named refusals; and what stands in it twice."""
    found = [f"row {row} is missing" for row in rows if row not in {one.row for one in rules}]
    for one in rules:
        refused = {case.code for case in one.cases if not case.allowed}
        found += [] if any(case.allowed for case in one.cases) else [f"row {one.row} has no allowed case"]
        found += [] if refused else [f"row {one.row} has no refused case"]
        found += [f"row {one.row} names {code}, and no case shows it" for code in sorted(one.codes - refused)]
    names = Counter((one.row, case.name) for one in rules for case in one.cases)
    return found + [f"row {row} has twice: {name}" for (row, name), times in names.items() if times > 1]


@pytest.fixture(scope="module")
def situations(shared_world: World) -> Situations:
    """Give the situations of this module's cases."""
    return Situations(shared_world)


@pytest.mark.parametrize("case", list(cases()))
def test_a_rule_holds(case: Case, situations: Situations) -> None:
    stage = situations.take(case.given)
    if case.kind in {Kind.YES, Kind.SKIPS}:
        situations.disturb()
    hold(case, stage)
    if case.kind in {Kind.NO, Kind.SAME}:
        situations.told[case.given] = stage


def test_every_row_has_cases_of_both_kinds_and_all_its_refusals() -> None:
    assert gaps(RULES) == []


def test_a_row_without_a_case_of_a_kind_is_found() -> None:
    allowed, refused = same(READY, READ, "200", HELEN), no(READY, READ, "404 not-found", MAX)
    assert gaps([rule(29, "ready", "read", "HR", {"not-found"}, allowed, refused)], [29]) == []
    assert gaps([rule(29, "ready", "read", "HR", (), allowed)], [29]) == ["row 29 has no refused case"]
    assert gaps([rule(29, "ready", "read", "HR", (), refused)], [28, 29]) == [
        "row 28 is missing",
        "row 29 has no allowed case",
    ]
    assert gaps([rule(29, "ready", "read", "HR", {"gone"}, allowed, refused, refused)], [29]) == [
        "row 29 names gone, and no case shows it",
        f"row 29 has twice: {refused[0].name}",
    ]


WRONG = {
    "who is refused is carried out": yes(READY, SEND, "200", MAX),
    "who may is refused": no(READY, SEND, "403 forbidden-role", HELEN),
    "another refusal": no(READY, SEND, "404 not-found", MAX),
    "nothing changes": same(READY, SEND, "200", HELEN),
    "something changes": yes(READY, READ, "200", HELEN),
    "another effect": yes(READY, CHANGE_RATING, "200", HELEN, then=[packet_is("released")]),
}


@pytest.mark.xdist_group(READY.name)
@pytest.mark.parametrize("wrong", WRONG)
def test_a_case_that_is_not_so_fails(wrong: str, situations: Situations) -> None:
    (case,) = WRONG[wrong]
    stage = situations.take(case.given)
    situations.disturb()
    with pytest.raises(AssertionError):
        hold(case, stage)


@pytest.mark.xdist_group(READY.name)
def test_a_refusal_that_leaves_something_behind_fails(situations: Situations) -> None:
    """What is sent is refused, after somebody else has changed the packet meanwhile."""
    stage = situations.take(READY)
    situations.disturb()
    (case,) = no(READY, SEND, "403 forbidden-role", MAX)

    def meddling(stage: Stage) -> None:
        stage.story.send_to_manager()

    with pytest.raises(AssertionError, match="answered 403 forbidden-role, and it changed"):
        hold(replace(case, act=replace(SEND, body=meddling)), stage)
