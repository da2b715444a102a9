"""Forty kills under load, over every process, PostgreSQL and Kafka too: no rule is broken, and all comes to rest."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from faults.report import report
from faults.run import Outcome, Wanted, run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]
SEED = 40
KILLS = 40
COMMANDS_LEAST = 500


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    """Run once. The history and the logs stay in their folder, which the report names."""
    folder = Path(tempfile.mkdtemp(prefix="review-tests-faults-"))
    folder.chmod(0o755)  # as root, PostgreSQL is another user and keeps its rows in here
    found = run(Wanted(seed=SEED, kills=KILLS), folder, print)
    print(report(found))
    return found


def test_no_rule_is_broken(outcome: Outcome) -> None:
    assert outcome.passed, report(outcome)


def test_it_was_as_bad_as_it_was_meant_to_be(outcome: Outcome) -> None:
    assert outcome.kills.total() == KILLS
    assert {"postgres", "kafka", "kafka (wiped)"} <= outcome.kills.keys()
    assert outcome.load.commands > COMMANDS_LEAST
    assert outcome.load.accepted > COMMANDS_LEAST / 4
    assert outcome.load.reads > COMMANDS_LEAST / 4


def test_no_process_ended_by_itself(outcome: Outcome) -> None:
    assert outcome.unbidden == []
