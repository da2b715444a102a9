"""What packets has learnt, built anew from the topics of the real broker while it serves, and compared."""

from __future__ import annotations

import re
import signal
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

import pytest

from harness.history import History
from harness.stack.ports import LOOPBACK, free_port
from harness.threads import side_by_side
from packets.work.scratch import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness.crowd import Crowd
    from harness.story import Wait
    from harness.system import System

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
PATIENCE_S = 90.0
WRITTEN = "<p>What nobody wrote</p>"


@pytest.fixture(scope="module")
def crowd(running: System, crowds: Callable[..., Crowd]) -> Crowd:
    return crowds(running, employees=12)


@pytest.fixture
def told(system: System) -> Iterator[Callable[[], str]]:
    """Give what reads what the verb has said since the test began."""
    log = system.log_dir / "packets-check.log"
    known = len(log.read_bytes()) if log.exists() else 0

    def said() -> str:
        return log.read_bytes()[known:].decode()

    yield said
    assert system.rows("packets", "select from pg_namespace where nspname = %s", [SCHEMA]) == []


def test_packets_that_are_released_meanwhile_are_the_same_built_anew(
    system: System, crowd: Crowd, wait: Wait, told: Callable[[], str]
) -> None:
    with ThreadPoolExecutor(1) as thread:
        status = thread.submit(system.run, "packets", "check", "--rebuild")
        side_by_side(partial(crowd.press, History()), list(crowd.employees))
        assert status.result() == 0, told()
    wait(lambda: crowd.all_are("released"))
    system.settle()
    assert system.run("packets", "check", "--rebuild") == 0, told()
    (reviews,) = system.rows("packets", "select count(*) from packets")[0]
    assert re.findall(r"^packets +(\d+) +0 +0 +0$", told(), re.MULTILINE)[-1] == str(reviews)
    assert told().splitlines()[-1] == "the same"


def test_a_tampered_answer_is_found_and_not_shown(system: System, crowd: Crowd, told: Callable[[], str]) -> None:
    review_id = crowd.review(crowd.employees[0])
    (before,) = system.rows("packets", "select answers::text from contents where review_id = %s", [review_id])
    tamper = "update contents set answers = jsonb_set(answers, '{0,value}', to_jsonb(%s::text)) where review_id = %s"
    system.rows("packets", tamper, [WRITTEN, review_id])
    try:
        assert system.run("packets", "check", "--rebuild") == 1, told()
        assert re.search(rf"^contents {review_id} \d+: differing in answers$", told(), re.MULTILINE)
        assert WRITTEN not in told()
    finally:
        system.rows("packets", "update contents set answers = %s::jsonb where review_id = %s", [*before, review_id])
    assert system.run("packets", "check", "--rebuild") == 0, told()


def test_without_a_broker_it_says_what_to_do(system: System, told: Callable[[], str]) -> None:
    nowhere = {"REVIEW_KAFKA_BOOTSTRAP": f"{LOOPBACK}:{free_port()}"}
    assert system._spawn("packets", "check", "--rebuild", environment=nowhere).wait(PATIENCE_S) == 2
    assert "not compared: Kafka did not answer" in told()
    assert "REVIEW_KAFKA_BOOTSTRAP" in told()


def test_asked_to_end_it_leaves_nothing(system: System, wait: Wait) -> None:
    schema = "select nspname from pg_namespace where nspname = %s"
    child = system._spawn("packets", "check", "--rebuild")
    wait(lambda: system.rows("packets", schema, [SCHEMA]) != [] or child.exit_code is not None)
    child.send(signal.SIGTERM)
    assert child.wait(PATIENCE_S) == 128 + signal.SIGTERM
    assert system.rows("packets", schema, [SCHEMA]) == []
