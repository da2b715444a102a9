"""SIGTERM: every process finishes what it has in hand and ends in time, and nothing is lost."""

from __future__ import annotations

import signal
from functools import partial
from typing import TYPE_CHECKING

import pytest

from harness.history import History
from harness.threads import side_by_side
from harness.verdict import collect, facts, violations

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.crowd import Crowd
    from harness.system import System

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
END_S_MAX = 25.0
SETTLE_S_MAX = 120.0
# What a process says when it could not end as it should.
COMPLAINTS = ("loop_failed", "loop_stuck", "Traceback", "forced", '"failed": true')


@pytest.fixture(scope="module")
def crowd(running: System, crowds: Callable[..., Crowd]) -> Crowd:
    return crowds(running, employees=12)


def test_every_process_that_is_asked_to_end_does_so_in_the_middle_of_its_work(system: System, crowd: Crowd) -> None:
    history, employees = History(), list(crowd.employees)
    logs = {place: system.process(*place).log for place in system.places}
    before = {place: log.stat().st_size for place, log in logs.items()}
    side_by_side(partial(crowd.press, history), employees)
    children = {place: system.process(*place) for place in system.places}
    for child in children.values():
        child.send(signal.SIGTERM)
    codes = {place: child.wait(END_S_MAX) for place, child in children.items()}
    assert set(codes.values()) == {0}, codes
    for place, log in logs.items():
        said = log.read_bytes()[before[place] :].decode(errors="replace")
        assert [word for word in COMPLAINTS if word in said] == [], said[-2000:]

    for place in children:
        system.launch(*place)
    system.wait_until_ready()
    system.settle(SETTLE_S_MAX)
    evidence = collect(system, crowd.reviews())
    assert violations(evidence) == []
    pressed = {one.review_id for one in history.of("release") if one.status == 202}
    assert {one.key for one in facts(evidence.records, "packet.released.v1")} == pressed
