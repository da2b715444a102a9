"""Operations over many reviews when something goes wrong: killed workers, unreadable rows, restores, old age."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from assessment import work
from assessment.commands import operations as commands
from component.assessment.many_reviews import (
    TEAM,
    Reviews,
    begun,
    outcomes,
    path_of,
    press,
    progress,
    states,
    told,
    whole,
)
from harness.people import ANNA, HELEN

if TYPE_CHECKING:
    from pathlib import Path

    from component.assessment.assessment_service import Running


@pytest.fixture
def reviews(service: Running) -> Reviews:
    return told(service)


def _write(service: Running, statement: str, **parameters: Any) -> None:
    with service.service.db.begin() as tx:
        tx.execute(sa.text(statement), parameters)


def test_a_plan_expires_is_forgotten_and_one_person_has_only_so_many(own_service: Running) -> None:
    service = own_service
    review_id = service.review()
    selection = {"review_ids": [review_id]}
    plans = [begun(service, selection=selection, dry_run=True) for _ in range(10)]
    refused = press(service, selection=selection, dry_run=True)
    assert (refused.status_code, refused.get_json()["code"]) == (409, "too-many-plans")
    while service.work():
        pass
    service.clock.forward(hours=24)
    assert service.post(HELEN, path_of(plans[0], "/apply")).get_json()["code"] == "plan-expired"
    run = begun(service, selection=selection)
    service.work()
    assert work.forget_operations(service.service.db, days=30) == 10
    service.clock.forward(days=30)
    assert work.forget_operations(service.service.db, days=30) == 0
    service.clock.forward(seconds=1)
    assert work.forget_operations(service.service.db, days=30) == 1
    assert service.get(HELEN, path_of(run)).status_code == 404
    assert service.rows("select 1 from operation_item") == []


def test_an_operation_whose_job_was_given_up_goes_on(service: Running, reviews: Reviews) -> None:
    operation_id = begun(service, selection=whole(service, reviews))
    # As after a dozen deaths of its workers.
    _write(service, "update jobs set status = 'dead'")
    assert (work.go_on_with_operations(service.service.db), work.go_on_with_operations(service.service.db)) == (1, 0)
    service.work()
    assert progress(service, operation_id)["state"] == "completed"
    assert work.go_on_with_operations(service.service.db) == 0


def test_one_review_at_which_it_fails_is_given_up_and_the_others_are_done(service: Running, reviews: Reviews) -> None:
    bad = sorted(reviews[one] for one in TEAM if one not in {ANNA, HELEN})[2]
    # A word that nobody can read.
    _write(service, "update review set manager_state = 'unreadable' where review_id = :r", r=bad)
    operation_id = begun(service, selection=whole(service, reviews))
    service.work()
    _write(service, "update review set manager_state = 'none' where review_id = :r", r=bad)
    seen = progress(service, operation_id)
    assert (seen["state"], seen["counts"]["failed"], seen["counts"]["done"]) == ("completed", 1, 5)
    failed = service.done(service.get(HELEN, path_of(operation_id, "/items?outcome=failed")))["items"]
    assert [(one["review_id"], one["unmet"][0]["code"]) for one in failed] == [(bad, "unexpected-error")]
    assert failed[0]["unmet"][0]["detail"] == "Unexpected error."


def test_a_worker_that_is_killed_in_the_middle_loses_nothing_and_does_nothing_twice(
    own_service: Running, tmp_path: Path
) -> None:
    service, reviews = own_service, told(own_service)
    operation_id = begun(service, selection=whole(service, reviews))
    bus = service.service.settings
    scope = "REVIEW_ASSESSMENT"
    environment = {
        "REVIEW_ENVIRONMENT": "test",
        "REVIEW_JWT_ISSUER": bus.jwt_issuer,
        "REVIEW_JWT_AUDIENCE": bus.jwt_audience,
        "REVIEW_JWKS": bus.jwks,
        f"{scope}_DATABASE_URL": bus.database_url,
        f"{scope}_CHUNK_ROWS": "3",
        f"{scope}_CRASH_POINT": "assessment-operation-chunk",
        f"{scope}_CRASH_MARKER": str(tmp_path / "died"),
    }
    with service.service.db.begin() as tx:
        assert commands.carry_on(tx, operation_id, 3)
    command = [sys.executable, "-m", "assessment", "work"]
    died = subprocess.run(command, env={**os.environ, **environment}, timeout=60, check=False, capture_output=True)
    assert died.returncode == -signal.SIGKILL, died.stderr[-2_000:]
    # It died with a chunk written and not committed: of that nothing is seen.
    assert progress(service, operation_id)["counts"]["chosen"] == 4
    waived = list(states(service, reviews).values()).count("waived")
    assert waived == progress(service, operation_id)["counts"]["done"] < 6
    # Its lease ends by the real clock, which the process had.
    service.clock.now = max(service.clock.now, datetime.now(UTC)) + timedelta(minutes=5)
    while service.work():
        pass
    seen = progress(service, operation_id)
    assert (seen["state"], seen["counts"]["done"], seen["counts"]["skipped"]) == ("completed", 6, 1)
    heard = [len(service.events(reviews[one], "self-assessment.waived.v1")) for one in TEAM if one not in {ANNA, HELEN}]
    assert heard == [1] * 6


def test_a_restore_cancels_what_was_under_way_and_edits_wait_for_the_sweeps(own_service: Running) -> None:
    service = own_service
    review_id = service.review()
    before = begun(service, selection={"review_ids": [review_id]})
    work.move_restored(service.service.db)
    service.work()
    seen = progress(service, before)
    assert (seen["state"], seen["counts"]["cancelled"]) == ("cancelled", 1)
    assert outcomes(service, before) == {ANNA.id: ("cancelled", ["restored"])}
    after = begun(service, selection={"review_ids": [review_id]})
    service.work()
    assert (progress(service, after)["state"], service.row(review_id)["self_state"]) == ("running", "none")
    for sweeper in ("packets", "signing"):
        restored = service.done(service.get(sweeper, "/internal/states"))["restored"]
        service.done(service.call(sweeper, "POST", "/internal/swept", {"restored": restored}))
    service.clock.forward(minutes=10)
    service.work()
    assert (progress(service, after)["state"], service.row(review_id)["self_state"]) == ("completed", "waived")
