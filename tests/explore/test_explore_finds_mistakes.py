"""Each bug that is put into the domain is found, within the number of states or schedules that stands beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from explore import search, walks
from explore.configurations import EXHAUSTIVE, WALKS
from explore.machine import Machine
from explore.mistakes import MISTAKES
from explore.observer import Observer

if TYPE_CHECKING:
    from explore.mistakes import Mistake
    from explore.violation import Violation

CONFIGURATIONS = {each.name: each for each in (*EXHAUSTIVE, *WALKS)}


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda each: f"{each.name}-{'walks' if each.schedules else 'states'}")
def test_a_bug_in_the_domain_is_found(mistake: Mistake, monkeypatch: pytest.MonkeyPatch) -> None:
    mistake.make(monkeypatch.setattr)

    violation = _walked(mistake) if mistake.schedules else _searched(mistake)

    assert violation is not None, f"not found in {mistake.where}"


@pytest.mark.parametrize("mistake", [each for each in MISTAKES if each.seen_from_outside], ids=lambda each: each.name)
def test_what_is_said_of_two_services_at_once_finds_it_without_the_tables(
    mistake: Mistake, monkeypatch: pytest.MonkeyPatch
) -> None:
    mistake.make(monkeypatch.setattr)

    violation = _searched(mistake, strict=False)

    assert violation is not None, f"not found in {mistake.where}"
    assert violation.property in {"S1", "S2", "S3", "S6", "L1", "L2", "L3", "L4"}


def _searched(mistake: Mistake, *, strict: bool = True) -> Violation | None:
    machine = Machine(CONFIGURATIONS[mistake.where], Observer(strict=strict))
    return search.explore(machine, states_max=mistake.states).violation


def _walked(mistake: Mistake) -> Violation | None:
    machine = Machine(CONFIGURATIONS[mistake.where], Observer())
    for number in range(mistake.schedules):
        came = walks.schedule(machine, 1, number)
        if not isinstance(came, int):
            return came.violation
    return None
