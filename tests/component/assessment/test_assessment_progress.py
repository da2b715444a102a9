"""How far a cycle is, in numbers: they agree with the list that the same reader gets, and tell no more than it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from component.assessment.assessment_service import MANAGER_ANSWERS, SELF_ANSWERS, Running
from harness.people import AMY, ANNA, BEN, DORA, HELEN, HUGO, KAI, MAX, MIRA, OLGA

if TYPE_CHECKING:
    from harness.people import Person

NOWHERE = "0198c0de-ffff-7b20-9c3f-4d6e8f0a1b02"
TEAM = {ANNA: MAX, BEN: MAX, HUGO: MAX, OLGA: MIRA, KAI: MIRA, AMY: HELEN}
STATES = ("self_assessment", "manager_assessment", "submitted", "locked", "completed", "cancelled")


@pytest.fixture(scope="module")
def cycle(service: Running) -> dict[str, str]:
    """Return a cycle in which everybody is somewhere else, and the reviews in it by their reviewees."""
    service.import_cast()
    cycle_id = service.cycle()
    rows = [{"subject_id": one.id, "manager_id": manager.id} for one, manager in TEAM.items()]
    added = service.done(service.post(HELEN, f"/v1/cycles/{cycle_id}/participants", {"participants": rows}))
    review = {one["subject_id"]: one["review_id"] for one in added["reviews"]}
    service.done(service.post(HELEN, f"/v1/cycles/{cycle_id}/start"))
    service.work()
    for employee in (ANNA, BEN, OLGA):
        path = f"/v1/reviews/{review[employee.id]}/self-assessment"
        service.done(service.put(employee, path, {"answers": SELF_ANSWERS}, version=0))
        if employee is BEN:
            service.done(service.post(employee, f"{path}/share"))
    for employee, manager in ((BEN, MAX), (OLGA, MIRA), (AMY, HELEN)):
        path = f"/v1/reviews/{review[employee.id]}/manager-assessment"
        service.done(service.put(manager, path, {"answers": MANAGER_ANSWERS}, version=0))
        if employee is not OLGA:
            service.done(service.post(manager, f"{path}/submit"))
    service.released(review[BEN.id])
    service.done(service.post(HELEN, f"/v1/reviews/{review[KAI.id]}/cancel", {"reason": "left"}))
    service.done(service.post(HELEN, f"/v1/reviews/{review[HUGO.id]}/self-assessment/waive", {"reason": "new"}))
    return {"cycle": cycle_id, **review}


def _progress(service: Running, who: Person, cycle_id: str) -> dict[str, Any]:
    found: dict[str, Any] = service.done(service.get(who, f"/v1/cycles/{cycle_id}/progress"))
    return found


def _listed(service: Running, who: Person, cycle_id: str, role: str) -> dict[str, Any]:
    """Count the list that the reader gets, but the own review."""
    path = f"/v1/reviews?cycle_id={cycle_id}&role={role}&limit=200"
    items = [one for one in service.done(service.get(who, path))["items"] if one["subject_id"] != who.id]
    alive = [one for one in items if not one["cancelled"]]

    def by(name: str, of: list[dict[str, Any]], words: tuple[str, ...]) -> dict[str, int]:
        return {word: Counter(one[name] for one in of)[word] for word in words}

    return {
        "cycle_id": cycle_id,
        "reviews": len(items),
        "not_started": sum(not one["started"] for one in items),
        "states": by("state", items, STATES),
        "self_states": by("self_state", alive, ("none", "draft", "shared", "waived")),
        "manager_states": by("manager_state", alive, ("none", "draft", "submitted")),
    }


@pytest.mark.parametrize(
    ("who", "role"),
    [(HELEN, "hr"), (AMY, "hr"), (HUGO, "hr"), (MAX, "reviewer"), (MIRA, "reviewer")],
    ids=lambda one: getattr(one, "id", one),
)
def test_the_figures_are_those_of_the_list(service: Running, cycle: dict[str, str], who: Person, role: str) -> None:
    told = _progress(service, who, cycle["cycle"])
    assert told == _listed(service, who, cycle["cycle"], role)
    assert told["reviews"] > 0


def test_hr_counts_every_state_that_there_is(service: Running, cycle: dict[str, str]) -> None:
    told = _progress(service, HELEN, cycle["cycle"])
    assert (told["reviews"], told["not_started"]) == (6, 0)
    assert told["states"] == {
        "self_assessment": 2,
        "manager_assessment": 1,
        "submitted": 1,
        "locked": 1,
        "completed": 0,
        "cancelled": 1,
    }
    assert told["self_states"] == {"none": 1, "draft": 2, "shared": 1, "waived": 1}
    assert told["manager_states"] == {"none": 2, "draft": 1, "submitted": 2}


def test_nobody_of_hr_counts_the_own_review(service: Running, cycle: dict[str, str]) -> None:
    told = _progress(service, AMY, cycle["cycle"])
    assert told["reviews"] == 5
    assert told["manager_states"]["submitted"] == 1


def test_a_manager_counts_the_own_team_and_no_drafts_of_it(service: Running, cycle: dict[str, str]) -> None:
    told = _progress(service, MAX, cycle["cycle"])
    assert told["reviews"] == 3
    assert told["self_states"] == {"none": 1, "draft": 0, "shared": 1, "waived": 1}


@pytest.mark.parametrize("who", [ANNA, KAI, DORA, "hris"], ids=lambda one: getattr(one, "id", one))
def test_who_follows_nobody_in_a_cycle_finds_none(service: Running, cycle: dict[str, str], who: Any) -> None:
    for cycle_id in (cycle["cycle"], NOWHERE):
        answer = service.get(who, f"/v1/cycles/{cycle_id}/progress")
        assert (answer.status_code, answer.get_json()["code"]) == (404, "not-found")


@pytest.mark.parametrize("who", [HELEN, AMY, MAX], ids=lambda one: getattr(one, "id", one))
def test_there_is_no_progress_of_a_cycle_that_is_not_there(service: Running, who: Person) -> None:
    assert service.get(who, f"/v1/cycles/{NOWHERE}/progress").status_code == 404


def test_before_the_start_all_wait_and_an_empty_cycle_counts_nobody(service: Running, cycle: dict[str, str]) -> None:
    assert cycle
    prepared = service.row(service.review(started=False))["cycle_id"]
    told = _progress(service, HELEN, str(prepared))
    assert (told["reviews"], told["not_started"], told["states"]["self_assessment"]) == (1, 1, 1)
    assert _progress(service, MAX, str(prepared)) == told
    empty = _progress(service, HELEN, service.cycle())
    assert (empty["reviews"], set(empty["states"].values())) == (0, {0})


def test_a_former_manager_follows_no_longer(service: Running) -> None:
    review_id = service.review()
    cycle_id = str(service.row(review_id)["cycle_id"])
    service.done(service.post(HELEN, f"/v1/reviews/{review_id}/reassign", {"manager_id": KAI.id, "reason": "moved"}))
    assert service.get(MAX, f"/v1/cycles/{cycle_id}/progress").status_code == 404
    assert _progress(service, KAI, cycle_id)["reviews"] == 1
