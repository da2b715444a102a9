"""Servers and services that go away and come back: writes go on where they can, nothing shows early, all settles."""

from __future__ import annotations

from functools import partial
from itertools import count, cycle, islice
from typing import TYPE_CHECKING

import pytest

from harness.eventually import eventually
from harness.freeze import without_kafka
from harness.history import History, read_after
from harness.story import expect
from harness.threads import lasting, meanwhile, side_by_side
from harness.verdict import collect, facts, violations

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness.crowd import Crowd
    from harness.history import Exchange
    from harness.people import Person
    from harness.story import Wait
    from harness.system import System
    from harness.verdict import Evidence

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
REVIEWS = 60
KAFKA_AWAY_S = 20.0
SETTLE_S_MAX = 120.0


@pytest.fixture(scope="module")
def crowd(running: System, crowds: Callable[..., Crowd]) -> Crowd:
    return crowds(running, employees=REVIEWS)


@pytest.fixture(scope="module")
def untouched(crowd: Crowd) -> Iterator[Person]:
    return iter(crowd.employees)


@pytest.fixture
def history() -> History:
    return History()


def settled(system: System, crowd: Crowd, employees: list[Person]) -> Evidence:
    """What the rows and topics say once all is quiet; no process has ended and no rule is broken."""
    assert system.ended() == []
    system.settle(SETTLE_S_MAX)
    evidence = collect(system, crowd.reviews(employees))
    assert violations(evidence) == []
    return evidence


def release(system: System, crowd: Crowd, employees: list[Person], wait: Wait) -> None:
    """Release these packets and wait until they are."""
    side_by_side(partial(crowd.press, History()), employees)
    wait(lambda: crowd.all_are("released", employees))
    system.settle(SETTLE_S_MAX)


def test_without_kafka_people_go_on_nothing_shows_early_and_unrelease_hides_at_once(
    system: System, crowd: Crowd, untouched: Iterator[Person], history: History, wait: Wait
) -> None:
    shown, asked, edited = (list(islice(untouched, 4)) for _ in range(3))
    release(system, crowd, shown, wait)
    acts = [partial(crowd.read, history, one) for one in (*shown, *asked)]
    with without_kafka(system), meanwhile(*acts), lasting(KAFKA_AWAY_S):
        assert {one.status for one in side_by_side(partial(crowd.press, history), asked)} == {202}
        edits = side_by_side(lambda one: crowd.edit(history, one, "without Kafka"), edited)
        assert {one.status for one in edits} == {200}
        hidden = side_by_side(partial(crowd.take_back, history), shown)
        assert {one.status for one in hidden} == {202}
        assert crowd.all_are("releasing", asked)
        assert crowd.all_are("unreleasing", shown)
    reads = history.of("read")
    assert read_after(reads, hidden) == []
    assert not any(one.ok for one in reads if one.review_id in crowd.reviews(asked))
    evidence = settled(system, crowd, [*shown, *asked, *edited])
    assert crowd.all_are("released", asked)
    assert crowd.states(shown) <= {"ready"}
    assert len(facts(evidence.records, "packet.unreleased.v1")) == len(shown)
    assert len(facts(evidence.records, "manager-assessment.revised.v1")) == len(edited)


@pytest.mark.parametrize("ending", ["restart", "kill"])
def test_when_postgres_restarts_people_are_told_to_wait_and_nothing_that_was_acknowledged_is_lost(
    system: System, crowd: Crowd, untouched: Iterator[Person], history: History, ending: str
) -> None:
    pressed, edited = list(islice(untouched, 6)), list(islice(untouched, 2))
    numbers, turn = count(1), cycle(edited)

    def edit() -> Exchange:
        return crowd.edit(history, next(turn), f"edit {next(numbers)}")

    def known() -> int:
        return sum(one.ok for one in history.of("edit"))

    postgres = system.stack.local_postgres
    with meanwhile(edit):
        side_by_side(partial(crowd.press, history), pressed)
        before = known()
        if ending == "kill":
            postgres.kill()
        else:
            postgres.stop()
        eventually(
            lambda: 503 in history.statuses("open") | history.statuses("edit"), what="an answer without database"
        )
        postgres.start()
        eventually(lambda: known() > before + 3, SETTLE_S_MAX, what="saves as before")
    assert history.statuses("edit") | history.statuses("open") <= {200, 503}
    evidence = settled(system, crowd, [*pressed, *edited])
    assert crowd.states(pressed) <= {"released", "with_manager"}
    assert_kept(system, crowd, history, edited)
    assert {one.key for one in facts(evidence.records, "packet.released.v1")} >= {
        one.review_id for one in history.of("release") if one.status == 202
    }


def assert_kept(system: System, crowd: Crowd, history: History, edited: list[Person]) -> None:
    """Every save that was acknowledged is there; a save whose answer was lost may be."""
    statement = "select review_id::text, version from content where side = 'manager' and review_id = any(%s::uuid[])"
    kept = set(system.rows("assessment", statement, [crowd.reviews(edited)]))
    acknowledged = {(one.review_id, one.body["version"]) for one in history.of("edit") if one.ok}
    assert acknowledged <= kept
    lost_answers = sum(not one.ok for one in history.of("edit"))
    assert len(kept - acknowledged) <= len(edited) + lost_answers


def test_while_assessment_is_down_releases_wait_and_unrelease_hides_at_once(
    system: System, crowd: Crowd, untouched: Iterator[Person], history: History, wait: Wait
) -> None:
    shown, asked = list(islice(untouched, 4)), list(islice(untouched, 4))
    release(system, crowd, shown, wait)
    verbs = [verb for name, verb in system.places if name == "assessment"]
    for verb in verbs:
        system.kill("assessment", verb)
    with meanwhile(*(partial(crowd.read, history, one) for one in (*shown, *asked))):
        assert {one.status for one in side_by_side(partial(crowd.press, history), asked)} == {202}
        hidden = side_by_side(partial(crowd.take_back, history), shown)
        assert {one.status for one in hidden} == {202}
        # Packets has said all it has to say, and nobody answers.
        eventually(lambda: system.rows("packets", "select count(*) from outbox") == [(0,)], what="an empty outbox")
        assert crowd.all_are("releasing", asked)
        assert crowd.all_are("unreleasing", shown)
    assert read_after(history.of("read"), hidden) == []
    assert not any(one.ok for one in history.of("read") if one.review_id in crowd.reviews(asked))
    for verb in verbs:
        system.launch("assessment", verb)
    system.wait_until_ready()
    settled(system, crowd, [*shown, *asked])
    assert crowd.all_are("released", asked)
    assert crowd.all_are("ready", shown)


def test_while_packets_is_down_employees_read_nothing_and_afterwards_the_same_again(
    system: System, crowd: Crowd, untouched: Iterator[Person], history: History, wait: Wait
) -> None:
    shown = list(islice(untouched, 2))
    release(system, crowd, shown, wait)
    before = [expect(crowd.as_(one).get(f"/v1/packets/{crowd.review(one)}")).json() for one in shown]
    system.kill("packets", "web")
    assert {crowd.read(history, one).status for one in shown} == {0}
    system.start("packets", "web")
    wait(lambda: all(crowd.read(history, one).ok for one in shown))
    after = [expect(crowd.as_(one).get(f"/v1/packets/{crowd.review(one)}")).json() for one in shown]
    assert [one["snapshot_hash"] for one in after] == [one["snapshot_hash"] for one in before]
    settled(system, crowd, shown)
