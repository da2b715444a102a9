"""One command for many, on the real processes: killed in the middle, it goes on, and leaves nobody out nor doubled."""

from __future__ import annotations

import threading
import time
from functools import partial
from itertools import cycle
from typing import TYPE_CHECKING, Any

import pytest

from harness.eventually import eventually
from harness.history import History
from harness.people import HELEN
from harness.story import expect
from harness.threads import side_by_side
from harness.verdict import collect, facts, violations
from integration.test_kills import Armed, until_answered

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from harness.crowd import Crowd
    from harness.system import System

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
REVIEWS = 40
READERS = 4
SETTLE_S_MAX = 120.0
IN_FIVES = {"REVIEW_PACKETS_OPERATION_CHUNK_ROWS": "5"}


@pytest.fixture
def crowd(running: System, crowds: Callable[..., Crowd]) -> Crowd:
    return crowds(running, employees=REVIEWS)


def pressing(crowd: Crowd, history: History, action: str, key: str) -> Any:
    """Return what gives the command for all of the cycle, under one key however often it is called."""
    key = f"{key}-{crowd.story.cycle_id}"
    body = {"action": action, "selection": {"filter": {"cycle_id": crowd.story.cycle_id}}, "reason": "At once."}
    headers = {"Idempotency-Key": key}
    ask = partial(history.ask, crowd.as_(HELEN), "bulk", "POST", "/v1/packets/bulk", crowd.reviews()[0])
    return partial(ask, headers=headers, json=body)


def ended(crowd: Crowd, operation_id: str) -> dict[str, Any]:
    """Return the operation once every packet has its outcome."""
    path = f"/v1/packets/operations/{operation_id}"

    def over() -> bool:
        return expect(crowd.as_(HELEN).get(path)).json()["finished_at"] is not None

    eventually(over, SETTLE_S_MAX, what="the end of the operation")
    return dict(expect(crowd.as_(HELEN).get(path)).json())


def test_a_bulk_release_whose_processes_are_killed_releases_each_once(
    system: System, crowd: Crowd, tmp_path: Path
) -> None:
    history = History()
    press = pressing(crowd, history, "release", "all-at-once")
    worker = Armed(system, "packets", "work", "packets-operation-chunk", tmp_path / "work")
    Armed(system, "packets", "web", "web-after-commit", tmp_path / "web")
    begun = until_answered(press)
    assert begun.status == 202
    worker.wait_for_death()
    system.restart("packets", "web")
    assert press().body == begun.body
    operation_id = begun.body["operation_id"]
    dying = [
        Armed(system, "packets", "relay", "relay-after-ack", tmp_path / "relay"),
        Armed(system, "packets", "consume", "consumer-after-commit", tmp_path / "consume"),
    ]
    system.start("packets", "work", **IN_FIVES)
    system.kill("packets", "work")
    system.start("packets", "work", **IN_FIVES)
    for verb, one in zip(("relay", "consume"), dying, strict=True):
        one.wait_for_death()
        system.start("packets", verb)
    counts = ended(crowd, operation_id)["counts"]
    system.settle(SETTLE_S_MAX)
    evidence = collect(system, crowd.reviews())
    assert violations(evidence) == []
    assert (counts["done"], counts["skipped"], counts["failed"]) == (REVIEWS, 0, 0)
    assert crowd.all_are("released")
    assert len(facts(evidence.records, "packet.released.v1")) == REVIEWS
    statement = "select count(*) from audit where object_id = any(%s) and action = 'packet.release'"
    assert system.rows("packets", statement, [crowd.reviews()]) == [(REVIEWS,)]


def test_nobody_reads_after_a_bulk_unrelease_was_answered(system: System, crowd: Crowd) -> None:
    ended(crowd, pressing(crowd, History(), "release", "all-before")().body["operation_id"])
    assert crowd.all_are("released")
    over, reads = threading.Event(), list[tuple[float, bool]]()

    def read(number: int) -> None:
        for employee in cycle(crowd.employees[number::READERS]):
            if over.is_set():
                return
            began = time.monotonic()
            answer = crowd.as_(employee).get(f"/v1/packets/{crowd.review(employee)}")
            reads.append((began, answer.is_success))

    readers = [threading.Thread(target=read, args=(number,)) for number in range(READERS)]
    for each in readers:
        each.start()
    try:
        eventually(lambda: sum(ok for _, ok in reads) > REVIEWS, SETTLE_S_MAX, what="reads of what is released")
        # With the worker away only the hiding itself can keep anybody from reading.
        system.kill("packets", "work")
        begun = pressing(crowd, History(), "unrelease", "all-back")()
        answered = time.monotonic()
        assert begun.status == 202
        refused = side_by_side(lambda one: crowd.as_(one).get(f"/v1/packets/{crowd.review(one)}"), crowd.employees)
        assert {one.status_code for one in refused} == {404}
        system.start("packets", "work", **IN_FIVES)
        counts = ended(crowd, begun.body["operation_id"])["counts"]
    finally:
        over.set()
        for each in readers:
            each.join()
    after = [ok for began, ok in reads if began > answered]
    assert len(after) > REVIEWS
    assert not any(after)
    assert (counts["done"], counts["skipped"], counts["failed"]) == (REVIEWS, 0, 0)
    system.settle(SETTLE_S_MAX)
    assert crowd.all_are("ready")
    assert violations(collect(system, crowd.reviews())) == []
