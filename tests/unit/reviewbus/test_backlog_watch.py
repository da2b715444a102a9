"""When a group stands still: by what the broker says waits for it, and by the clock."""

from __future__ import annotations

from kafka.errors import KafkaConnectionError

from reviewbus.broker.backlog import LOOK_EVERY_S, STILL_AMID_S, STILL_S, Backlog, Watch

PLACE, OTHER = ("a", 0), ("a", 1)


class Broker:
    """What it says, and the clock; `away` while it says nothing."""

    def __init__(self) -> None:
        self.now = 100.0
        self.waits: dict[tuple[str, int], Backlog] = {}
        self.away = False
        self.looks = 0
        self.watch = Watch(self.look, monotonic=lambda: self.now)

    def look(self) -> dict[tuple[str, int], Backlog]:
        self.looks += 1
        if self.away:
            raise KafkaConnectionError
        return dict(self.waits)

    def stood_still_after(self, seconds: float, *, came: bool = False, step: float = 1.0) -> float | None:
        """Poll once a second; return after how many it was said to stand still."""
        began = self.now
        while self.now - began < seconds:
            self.now += step
            if self.watch.stands_still(came=came):
                return self.now - began
        return None


def waiting(committed: int, records: int = 5) -> Backlog:
    return Backlog(committed=committed, records=records)


def test_nobody_stands_still_before_nothing() -> None:
    broker = Broker()
    assert broker.stood_still_after(1_000) is None
    assert broker.looks == 1_000 / LOOK_EVERY_S


def test_records_that_wait_while_nothing_comes_mean_standing_still() -> None:
    broker = Broker()
    broker.waits = {PLACE: waiting(7)}
    after = broker.stood_still_after(1_000)
    assert after is not None
    assert STILL_S <= after <= STILL_S + 2 * LOOK_EVERY_S


def test_a_group_that_never_committed_is_no_exception() -> None:
    broker = Broker()
    broker.waits = {PLACE: waiting(-1)}
    assert broker.stood_still_after(60) is not None


def test_who_goes_on_committing_does_not_stand_still() -> None:
    broker = Broker()
    for committed in range(100):
        broker.waits = {PLACE: waiting(committed)}
        assert broker.stood_still_after(LOOK_EVERY_S) is None


def test_one_place_may_wait_longer_while_others_come() -> None:
    broker = Broker()
    broker.waits = {PLACE: waiting(7), OTHER: waiting(1)}
    after = broker.stood_still_after(1_000, came=True)
    assert after is not None
    assert STILL_AMID_S <= after <= STILL_AMID_S + 2 * LOOK_EVERY_S


def test_while_the_broker_is_away_nothing_is_known_and_afterwards_waiting_begins_anew() -> None:
    broker = Broker()
    broker.waits = {PLACE: waiting(7)}
    assert broker.stood_still_after(STILL_S - 1) is None
    broker.away = True
    assert broker.stood_still_after(1_000) is None
    broker.away = False
    after = broker.stood_still_after(1_000)
    assert after is not None
    assert after >= STILL_S


def test_who_paused_begins_anew() -> None:
    broker = Broker()
    broker.waits = {PLACE: waiting(7)}
    for _ in range(10):
        assert broker.stood_still_after(STILL_S - 1) is None
        broker.watch.begin_anew()
