"""Packets, restored from a dump: quarantined until every row was moved past what may still be in flight."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from harness.history import History
from harness.people import HELEN
from harness.story import expect
from harness.threads import side_by_side
from harness.verdict import Evidence, collect, violations

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.crowd import Crowd
    from harness.people import Person
    from harness.story import Wait
    from harness.system import System

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
DUMP = "packets_dump"
SETTLE_S_MAX = 180.0
# What packets had told since the dump it does not know any more: it counts again from there, and the attempts to
# release since then have no end. No other rule may be broken.
FORGOTTEN = ("/packets counted", "/packets sent", "came after", ": the release of epoch ", " and was never asked for")


@pytest.fixture(scope="module")
def crowd(fresh_system: System, crowds: Callable[..., Crowd]) -> Crowd:
    return crowds(fresh_system, employees=24)


def test_a_restored_packets_serves_nobody_before_every_row_is_moved_and_shows_nothing_afterwards(
    fresh_system: System, crowd: Crowd, wait: Wait
) -> None:
    system, history, everybody = fresh_system, History(), list(crowd.employees)
    early, late, returned, waiting = (everybody[start::4] for start in range(4))
    _release(system, crowd, [*early, *returned], wait)
    _copy(system, "packets", DUMP)
    _release(system, crowd, late, wait)
    side_by_side(partial(crowd.take_back, history), returned)
    wait(lambda: crowd.all_are("ready", returned))
    # Some are on their way when the machine falls.
    side_by_side(partial(crowd.press, history), waiting)
    hashes = dict(system.rows("packets", "select review_id::text, snapshot_hash from packets"))

    verbs = [verb for name, verb in system.places if name == "packets"]
    for verb in verbs:
        system.kill("packets", verb)
    system.kill("assessment", "web")
    system.stack.postgres.clone_database(DUMP, "packets", service="packets")
    # Assessment does not answer: the rows cannot be moved, and the quarantine stays.
    assert system.run("packets", "check", "--restored") != 0
    for verb in verbs:
        system.launch("packets", verb)
    system.wait_until_ready(*(("packets", verb) for verb in verbs))
    assert {crowd.read(history, one).status for one in everybody} == {503}
    assert {crowd.take_back(history, one).status for one in early} == {503}
    system.start("assessment", "web")
    assert {crowd.read(history, one).status for one in early} == {503}
    assert system.run("packets", "check", "--restored") == 0

    system.settle(SETTLE_S_MAX)
    assert {crowd.read(history, one).status for one in everybody} == {404}
    assert crowd.states() <= {"ready", "none"}
    held = "select count(*) from review where release_held"
    assert system.rows("assessment", held) == [(0,)]
    assert _wrongs(collect(system, crowd.reviews())) == []

    # HR releases again what had been released: the same content under a later epoch.
    side_by_side(lambda one: expect(crowd.as_(HELEN).post(_path(crowd, one))), everybody)
    _release(system, crowd, everybody, wait)
    rows = system.rows("packets", "select review_id::text, snapshot_hash, epoch from packets")
    assert {review_id: digest for review_id, digest, _ in rows} == hashes
    assert min(epoch for _, _, epoch in rows) > 1000
    assert _wrongs(collect(system, crowd.reviews())) == []


def _path(crowd: Crowd, employee: Person) -> str:
    return f"/v1/packets/{crowd.review(employee)}/release-to-manager"


def _release(system: System, crowd: Crowd, employees: list[Person], wait: Wait) -> None:
    side_by_side(partial(crowd.press, History()), employees)
    wait(lambda: crowd.all_are("released", employees))
    system.settle(SETTLE_S_MAX)


def _copy(system: System, service: str, name: str) -> None:
    """Copy a database as it is; nobody may be connected to it meanwhile."""
    verbs = [verb for each, verb in system.places if each == service]
    for verb in verbs:
        system.stop_process(service, verb)
    system.stack.postgres.clone_database(service, name, service=service)
    for verb in verbs:
        system.launch(service, verb)
    system.wait_until_ready()


def _wrongs(evidence: Evidence) -> list[str]:
    return [wrong for wrong in violations(evidence) if not any(words in wrong for words in FORGOTTEN)]
