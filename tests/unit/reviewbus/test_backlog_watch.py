"""When a member stands still: by what the broker says waits for its group, and by the clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from kafka.errors import KafkaConnectionError

from reviewbus.broker.backlog import LOOK_EVERY_S, PAUSE_S_MAX, STILL_AMID_S, STILL_S, Backlog, Watch

if TYPE_CHECKING:
    from collections.abc import Callable

    from reviewbus.broker import Place

PLACE, OTHER = ("a", 0), ("a", 1)


class Member:
    """A member that polls once a second, what the broker says, and the clock."""

    def __init__(self) -> None:
        self.now = 100.0
        self.waits: dict[Place, Backlog] = {}
        self.holds: set[Place] = {PLACE, OTHER}
        self.fault: Exception | None = None
        self.looks: list[Callable[[], None]] = []
        self.answers_at_once = True
        self.watch = Watch(self.look, monotonic=lambda: self.now, start=self.start)

    def look(self) -> dict[Place, Backlog]:
        if self.fault is not None:
            raise self.fault
        return dict(self.waits)

    def start(self, look: Callable[[], None]) -> None:
        self.looks.append(look)
        if self.answers_at_once:
            look()

    def stands_still_after(self, seconds: float, *, came: bool = False, reads: bool = True) -> float | None:
        """Return after how many seconds it was said to stand still."""
        began = self.now
        while self.now - began < seconds:
            self.now += 1.0
            if self.watch.stands_still(came=came, holds=self.holds, reads=reads):
                return self.now - began
        return None


def waiting(committed: int = 7, *, owned: bool = False) -> Backlog:
    return Backlog(committed=committed, records=5, owned=owned)


def test_nobody_stands_still_before_nothing() -> None:
    member = Member()
    assert member.stands_still_after(1_000) is None
    assert len(member.looks) == 1_000 / LOOK_EVERY_S


@pytest.mark.parametrize(
    ("one", "holds"),
    [
        (waiting(), {PLACE}),
        (waiting(owned=True), {PLACE}),
        # Given to nobody, as after the broker has thrown a member out that does not know of it.
        (waiting(), set()),
        # What never was committed.
        (waiting(-1), {PLACE}),
    ],
)
def test_records_that_wait_while_nothing_comes_mean_standing_still(one: Backlog, holds: set[Place]) -> None:
    member = Member()
    member.waits, member.holds = {PLACE: one}, holds
    after = member.stands_still_after(1_000)
    assert after is not None
    assert STILL_S <= after <= STILL_S + 2 * LOOK_EVERY_S


def test_what_another_member_has_is_that_ones() -> None:
    member = Member()
    member.waits, member.holds = {PLACE: waiting(owned=True)}, {OTHER}
    assert member.stands_still_after(1_000) is None


def test_who_goes_on_committing_does_not_stand_still() -> None:
    member = Member()
    for committed in range(100):
        member.waits = {PLACE: waiting(committed)}
        assert member.stands_still_after(LOOK_EVERY_S) is None


def test_one_place_may_wait_longer_while_others_come() -> None:
    member = Member()
    member.waits = {PLACE: waiting(), OTHER: waiting(1)}
    after = member.stands_still_after(1_000, came=True)
    assert after is not None
    assert STILL_AMID_S <= after <= STILL_AMID_S + 2 * LOOK_EVERY_S


@pytest.mark.parametrize("fault", [KafkaConnectionError(), OSError(), KeyError("group"), RuntimeError()])
def test_while_nothing_is_known_nobody_stands_still_and_afterwards_waiting_begins_anew(fault: Exception) -> None:
    member = Member()
    member.waits = {PLACE: waiting()}
    assert member.stands_still_after(STILL_S - 1) is None
    member.fault = fault
    assert member.stands_still_after(1_000) is None
    member.fault = None
    after = member.stands_still_after(1_000)
    assert after is not None
    assert after >= STILL_S


def test_who_has_paused_does_not_stand_still_and_is_still_looked_after() -> None:
    member = Member()
    member.waits = {PLACE: waiting()}
    assert member.stands_still_after(1_000, reads=False) is None
    assert len(member.looks) == 1_000 / LOOK_EVERY_S


def test_who_did_not_poll_for_long_begins_anew() -> None:
    member = Member()
    member.waits = {PLACE: waiting()}
    for _ in range(10):
        assert member.stands_still_after(STILL_S - 1) is None
        member.now += PAUSE_S_MAX


def test_a_broker_that_is_slow_to_answer_keeps_nobody_waiting_and_is_asked_once() -> None:
    member = Member()
    member.waits = {PLACE: waiting()}
    member.answers_at_once = False
    assert member.stands_still_after(1_000) is None
    assert len(member.looks) == 1
