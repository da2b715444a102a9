"""Closing a cycle: what it would find is said before, nothing changes by asking, and its reason stays inside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from component.assessment.assessment_service import MANAGER_ANSWERS, SELF_ANSWERS, Running
from harness.people import AMY, ANNA, BEN, DORA, HELEN, HUGO, KAI, MAX, MIRA, OLGA

if TYPE_CHECKING:
    from harness.people import Person

TEAM = {ANNA: MAX, HUGO: MAX, BEN: MAX, OLGA: MIRA, KAI: MIRA, AMY: HELEN, MAX: DORA}
FOUND = {"not_submitted": 1, "submitted": 1, "released": 1, "signed": 1, "completed": 1}
NOWHERE = "0198c0de-ffff-7b20-9c3f-4d6e8f0a1b02"


@pytest.fixture
def cycle_id(service: Running) -> str:
    """Return a cycle: Anna's review is not begun, Amy's submitted, Ben's released, Olga's signed, Max's completed.

    Kai's is cancelled, and Hugo's is not begun either.
    """
    service.import_cast()
    made = service.cycle()
    rows = [{"subject_id": one.id, "manager_id": manager.id} for one, manager in TEAM.items()]
    added = service.done(service.post(HELEN, f"/v1/cycles/{made}/participants", {"participants": rows}))
    review = {one["subject_id"]: one["review_id"] for one in added["reviews"]}
    service.done(service.post(HELEN, f"/v1/cycles/{made}/start"))
    service.work()
    for employee in (AMY, BEN, OLGA, MAX):
        _submitted(service, employee, TEAM[employee], review[employee.id])
    for employee in (BEN, OLGA, MAX):
        service.released(review[employee.id])
    versions: dict[str, Any] = {"source": "/signing", "manager_version": 1, "self_version": 1}
    service.hold(review[OLGA.id], holder="signature:employee", **versions)
    for holder in ("signature:employee", "signature:manager"):
        service.hold(review[MAX.id], holder=holder, **versions, manager_id=DORA.id if "manager" in holder else None)
    service.hold(review[MAX.id], holder="completion", source="/signing")
    service.done(service.post(HELEN, f"/v1/reviews/{review[KAI.id]}/cancel", {"reason": "left"}))
    return made


def _submitted(service: Running, employee: Person, manager: Person, review_id: str) -> None:
    path = f"/v1/reviews/{review_id}"
    service.done(service.put(employee, f"{path}/self-assessment", {"answers": SELF_ANSWERS}, version=0))
    service.done(service.post(employee, f"{path}/self-assessment/share"))
    service.done(service.put(manager, f"{path}/manager-assessment", {"answers": MANAGER_ANSWERS}, version=0))
    service.done(service.post(manager, f"{path}/manager-assessment/submit"))


def _kept(service: Running) -> dict[str, Any]:
    return {name: rows for name, rows in service.everything().items() if "idempotency" not in name}


def test_a_plan_counts_how_far_the_reviews_are_and_changes_nothing(service: Running, cycle_id: str) -> None:
    before = _kept(service)
    answer = service.post(HUGO, f"/v1/cycles/{cycle_id}/close", {"dry_run": True, "reason": "over"})
    told = service.done(answer)
    assert (answer.status_code, told["state"], told["dry_run"]) == (200, "started", True)
    assert told["reviews"] == FOUND  # without Hugo's own
    assert "nothing of the cycle can be released" in told["warning"]
    assert _kept(service) == before
    others = service.done(service.post(HELEN, f"/v1/cycles/{cycle_id}/close", {"dry_run": True}))
    assert others["reviews"] == {**FOUND, "not_submitted": 2}


def test_a_closed_cycle_answers_with_what_was_planned_and_keeps_the_reason_inside(
    service: Running, cycle_id: str
) -> None:
    path = f"/v1/cycles/{cycle_id}/close"
    answer = service.post(HUGO, path, {"reason": "the year is over"})
    told = service.done(answer)
    assert (answer.status_code, told["state"], told["dry_run"], told["reviews"]) == (202, "closed", False, FOUND)
    (noted,) = service.rows("select reason from audit where object_id = :c and action = 'cycle.close'", c=cycle_id)
    assert noted["reason"] == "the year is over"
    assert "the year is over" not in str(service.events(cycle_id))
    refused = service.post(HELEN, path, {"dry_run": True})
    assert (refused.status_code, refused.get_json()["code"]) == (409, "cycle-closed")


def test_only_hr_admins_plan_and_only_for_what_is_started(service: Running) -> None:
    service.import_cast()
    path, wanted = f"/v1/cycles/{service.cycle()}/close", {"dry_run": True}
    answers = {
        "assistant": service.post(AMY, path, wanted),
        "manager": service.post(MAX, path, wanted),
        "not started": service.post(HELEN, path, wanted),
        "nowhere": service.post(HELEN, f"/v1/cycles/{NOWHERE}/close", wanted),
        "malformed": service.post(HELEN, path, {"dry_run": "perhaps"}),
    }
    assert {name: (one.status_code, one.get_json()["code"]) for name, one in answers.items()} == {
        "assistant": (403, "forbidden-role"),
        "manager": (403, "forbidden-role"),
        "not started": (409, "not-started"),
        "nowhere": (404, "not-found"),
        "malformed": (422, "invalid-request"),
    }
