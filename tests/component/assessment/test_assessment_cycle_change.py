"""A cycle is changed: all of it until it starts, then its name and instructions; what is refused changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from component.assessment.assessment_service import QUESTIONS, Running
from harness.people import AMY, ANNA, BEN, HELEN, KAI, MAX, OLGA

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from harness.people import Person

NOWHERE = "0198c0de-ffff-7b20-9c3f-4d6e8f0a1b02"
# Another value for each field that is frozen at the start; the questionnaire's is made where it is needed.
FROZEN: dict[str, Any] = {
    "zone": "Asia/Tokyo",
    "self_deadline": "2027-03-01",
    "manager_deadline": "2027-04-01",
    "release_mode": "manager_direct",
    "calibration_required": True,
    "release_after_calibration": True,
    "recall_window_minutes": 30,
    "self_visibility": "after_manager_submit",
}
TEXTS = {"name": "Autumn", "instructions": "<p>Be brief</p>"}


def _patch(service: Running, who: Person, cycle_id: str, body: Any, **options: Any) -> TestResponse:
    return service.call(who, "PATCH", f"/v1/cycles/{cycle_id}", body, **options)


def _seen(service: Running, cycle_id: str) -> dict[str, Any]:
    """Return the cycle as HR sees it, and hold its ETag against its version."""
    answer = service.get(HELEN, f"/v1/cycles/{cycle_id}")
    found: dict[str, Any] = service.done(answer)
    assert answer.headers["ETag"] == f'"{found["row_version"]}"'
    return found


def _started(service: Running) -> str:
    return str(service.row(service.review())["cycle_id"])


def _refused(answer: TestResponse) -> tuple[int, str]:
    return answer.status_code, answer.get_json()["code"]


@pytest.mark.parametrize("who", [HELEN, AMY], ids=lambda one: one.id)
def test_hr_changes_every_field_of_a_cycle_that_is_not_started(service: Running, who: Person) -> None:
    cycle_id, other = service.cycle(), service.questionnaire(QUESTIONS[:4])
    before = _seen(service, cycle_id)
    # All of them at once would contradict each other.
    wanted = {**FROZEN, **TEXTS, "questionnaire_id": other, "release_mode": "hr_gated"}
    answer = _patch(service, who, cycle_id, wanted, version=1)
    assert service.done(answer) == {**before, **wanted, "questionnaire_version": 1, "row_version": 2}
    assert answer.headers["ETag"] == '"2"'
    assert _seen(service, cycle_id) == answer.get_json()
    (changed,) = service.events(cycle_id, "cycle.changed.v1")
    assert (changed["version"], changed["questionnaire_id"], changed["questionnaire_version"]) == (2, other, 1)
    (noted,) = service.rows(
        "select actor, role from audit where object_id = :id and action = 'cycle.change'", id=cycle_id
    )
    assert noted == {"actor": who.id, "role": who.roles[0]}


@pytest.mark.parametrize("field", [*sorted(FROZEN), *sorted(TEXTS)])
def test_what_is_left_out_stays(service: Running, field: str) -> None:
    cycle_id = service.cycle(calibration_required=field == "release_after_calibration", manager_deadline="2030-04-30")
    before = _seen(service, cycle_id)
    value = {**FROZEN, **TEXTS}[field]
    after = service.done(_patch(service, AMY, cycle_id, {field: value}, version=1))
    assert value != before[field]
    assert after == {**before, field: value, "row_version": 2}


def test_instructions_are_taken_away_and_texts_are_cleaned(service: Running) -> None:
    cycle_id = service.cycle()
    changed = service.done(_patch(service, AMY, cycle_id, {"name": " Two\nlines ", "instructions": None}, version=1))
    assert (changed["name"], changed["instructions"]) == ("Two lines", None)
    hostile = {"instructions": "<p onclick='x()'>Be <script>evil()</script>kind</p>"}
    assert service.done(_patch(service, AMY, cycle_id, hostile, version=2))["instructions"] == "<p>Be kind</p>"


@pytest.mark.parametrize("started", [False, True], ids=["prepared", "started"])
def test_what_is_so_already_is_no_change(service: Running, *, started: bool) -> None:
    cycle_id = _started(service) if started else service.cycle()
    seen = _seen(service, cycle_id)
    writable = ("questionnaire_id", *FROZEN, *TEXTS)
    before = service.everything()
    for body in ({}, {name: seen[name] for name in writable}):
        answer = _patch(service, AMY, cycle_id, body, version=seen["row_version"])
        assert service.done(answer) == seen
    assert service.everything() == before


def test_a_questionnaire_that_was_changed_meanwhile_is_asked_in_its_newest_version(service: Running) -> None:
    questionnaire_id = service.questionnaire()
    cycle_id = service.cycle(questionnaire_id=questionnaire_id)
    form = {"title": "Shorter", "questions": QUESTIONS[:4]}
    service.done(service.put(AMY, f"/v1/questionnaires/{questionnaire_id}", form, version=1))
    changed = service.done(_patch(service, AMY, cycle_id, {"questionnaire_id": questionnaire_id}, version=1))
    assert changed["questionnaire_version"] == 2
    (told,) = service.events(cycle_id, "cycle.changed.v1")
    assert told["questionnaire_version"] == 2


def test_reviews_that_are_not_started_follow_their_cycle(service: Running) -> None:
    review_id = service.review(started=False)
    cycle_id, other = service.row(review_id)["cycle_id"], service.questionnaire(QUESTIONS[:4])
    bystander = service.review(started=False, subject=BEN)
    before = service.row(bystander)
    changes = {"calibration_required": True, "manager_deadline": "2027-04-01", "questionnaire_id": other}
    service.done(_patch(service, AMY, cycle_id, changes, version=1))
    seen = service.done(service.get(HELEN, f"/v1/reviews/{review_id}"))
    assert (seen["year"], seen["calibration_required"], seen["questionnaire_id"]) == (2027, True, other)
    assert seen["row_version"] == 2
    assert service.row(bystander) == before
    listed = service.done(service.get(HELEN, f"/v1/reviews?cycle_id={cycle_id}&year=2027"))["items"]
    assert [one["review_id"] for one in listed] == [review_id]
    service.done(service.post(HELEN, f"/v1/cycles/{cycle_id}/start"))
    (opened,) = service.events(review_id, "review.opened.v1")
    assert (opened["calibration_required"], opened["questionnaire_id"]) == (True, other)
    assert opened["manager_deadline"]["date"] == "2027-04-01"


def test_another_name_alone_leaves_the_reviews_as_they_are(service: Running) -> None:
    review_id = service.review(started=False)
    before = service.row(review_id)
    service.done(_patch(service, AMY, before["cycle_id"], {"name": "Autumn", "zone": "UTC"}, version=1))
    assert service.row(review_id) == before


def test_a_started_cycle_gets_another_name_and_other_instructions(service: Running) -> None:
    review_id = service.review()
    before = service.row(review_id)
    cycle_id = str(before["cycle_id"])
    changed = service.done(_patch(service, AMY, cycle_id, TEXTS, version=2))
    assert {name: changed[name] for name in TEXTS} == TEXTS
    assert (changed["state"], changed["row_version"]) == ("started", 3)
    assert service.row(review_id) == before
    form = service.done(service.get(ANNA, f"/v1/reviews/{review_id}/self-assessment"))
    assert form["instructions"] == TEXTS["instructions"]
    assert service.done(service.get(ANNA, f"/v1/reviews/{review_id}"))["cycle_name"] == TEXTS["name"]
    types = [one["type"] for one in service.events(cycle_id)]
    assert types == ["cycle.created.v1", "cycle.started.v1", "cycle.changed.v1"]
    (told,) = service.events(cycle_id, "cycle.changed.v1")
    assert told["questionnaire_id"] == changed["questionnaire_id"] == str(before["questionnaire_id"])


@pytest.mark.parametrize("field", sorted(FROZEN))
def test_a_frozen_field_of_a_started_cycle_is_refused_by_name(service: Running, field: str) -> None:
    cycle_id = _started(service)
    before = service.everything()
    answer = _patch(service, HELEN, cycle_id, {field: FROZEN[field], **TEXTS}, version=2)
    assert _refused(answer) == (409, "cycle-started")
    assert answer.get_json()["fields"] == [field]
    assert service.everything() == before


def test_every_frozen_field_that_would_change_is_named_at_once(service: Running) -> None:
    cycle_id = _started(service)
    changes = {**FROZEN, **TEXTS, "questionnaire_id": service.questionnaire(), "self_deadline": "2026-03-31"}
    before = service.everything()
    answer = _patch(service, HELEN, cycle_id, changes, version=2)
    assert _refused(answer) == (409, "cycle-started")
    # The self deadline is written as it stands.
    assert sorted(answer.get_json()["fields"]) == sorted({*FROZEN, "questionnaire_id"} - {"self_deadline"})
    assert service.everything() == before


def test_a_started_cycle_keeps_the_version_of_its_questionnaire(service: Running) -> None:
    cycle_id = _started(service)
    asked = _seen(service, cycle_id)
    body = {"questionnaire_id": asked["questionnaire_id"], "name": "Autumn"}
    changed = service.done(_patch(service, HELEN, cycle_id, body, version=2))
    assert changed["questionnaire_version"] == asked["questionnaire_version"]
    kept = service.rows("select rating_question_ids from cycle where cycle_id = :id", id=cycle_id)
    assert kept == [{"rating_question_ids": ["m-rating"]}]


@pytest.mark.parametrize("body", [{"name": "Autumn"}, {"zone": "UTC"}, {}], ids=["name", "zone", "nothing"])
def test_a_closed_cycle_refuses_every_change(service: Running, body: dict[str, Any]) -> None:
    cycle_id = _started(service)
    service.done(service.post(HELEN, f"/v1/cycles/{cycle_id}/close", {"reason": "over"}))
    before = service.everything()
    assert _refused(_patch(service, HELEN, cycle_id, body, version=3)) == (409, "cycle-closed")
    assert service.everything() == before


@pytest.mark.parametrize("who", [ANNA, MAX, KAI, OLGA, "hris"], ids=lambda one: getattr(one, "id", one))
@pytest.mark.parametrize("started", [False, True], ids=["prepared", "started"])
def test_nobody_else_changes_a_cycle_or_learns_of_one(service: Running, who: Any, *, started: bool) -> None:
    cycle_id = _started(service) if started else service.cycle()
    before = service.everything()
    told = [_patch(service, who, one, TEXTS, version=9) for one in (cycle_id, NOWHERE)]
    assert [_refused(one) for one in told] == [(403, "forbidden-role")] * 2
    assert service.everything() == before


def test_a_cycle_that_is_not_there_is_not_found(service: Running) -> None:
    assert _refused(_patch(service, HELEN, NOWHERE, TEXTS, version=1)) == (404, "not-found")


def test_a_change_names_the_version_that_it_was_made_from(service: Running) -> None:
    cycle_id = service.cycle()
    service.done(_patch(service, AMY, cycle_id, {"name": "Autumn"}, version=1))
    before = service.everything()
    assert _refused(_patch(service, HELEN, cycle_id, TEXTS)) == (428, "version-missing")
    assert _refused(_patch(service, HELEN, cycle_id, TEXTS, version="one")) == (400, "if-match-malformed")
    stale = _patch(service, HELEN, cycle_id, TEXTS, version=1)
    assert _refused(stale) == (412, "stale-version")
    assert stale.get_json()["current_version"] == 2
    assert service.everything() == before


def test_a_change_sent_again_is_stale_whatever_its_key(service: Running) -> None:
    cycle_id = service.cycle()
    headers = {
        "Authorization": f"Bearer {service.issuer.token(AMY.id, AMY.roles)}",
        "If-Match": '"1"',
        "Idempotency-Key": "the-same",
    }
    first = service.client.patch(f"/v1/cycles/{cycle_id}", json=TEXTS, headers=headers)
    assert first.status_code == 200
    before = service.everything()
    assert _refused(service.client.patch(f"/v1/cycles/{cycle_id}", json=TEXTS, headers=headers)) == (
        412,
        "stale-version",
    )
    assert service.everything() == before
    assert len(service.events(cycle_id, "cycle.changed.v1")) == 1


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"zone": "Mars/Olympus"}, "unknown-time-zone"),
        ({"questionnaire_id": NOWHERE}, "unknown-questionnaire"),
        ({"release_mode": "manager_direct"}, "settings-contradict"),
        ({"calibration_required": False}, "settings-contradict"),
    ],
    ids=["zone", "questionnaire", "mode", "calibration"],
)
def test_what_no_cycle_can_be_made_with_is_refused(service: Running, body: dict[str, Any], code: str) -> None:
    cycle_id = service.cycle(calibration_required=True, release_after_calibration=True)
    before = service.everything()
    assert _refused(_patch(service, HELEN, cycle_id, {**TEXTS, **body}, version=1)) == (422, code)
    assert service.everything() == before


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", " \t"),
        ("name", None),
        ("name", "x" * 201),
        ("name", "nul\x00"),
        ("zone", None),
        ("self_deadline", "tomorrow"),
        ("manager_deadline", "1999-12-31"),
        ("self_deadline", None),
        ("questionnaire_id", "q"),
        ("release_mode", "at-once"),
        ("calibration_required", "yes"),
        ("release_after_calibration", 1),
        ("recall_window_minutes", -1),
        ("recall_window_minutes", 7 * 24 * 60 + 1),
        ("self_visibility", None),
        ("instructions", "x" * 20_001),
        ("instructions", 7),
        ("state", "started"),
        ("questionnaire_version", 1),
        ("row_version", 1),
    ],
)
def test_malformed_changes_are_refused_with_the_place(service: Running, field: str, value: Any) -> None:
    cycle_id = service.cycle()
    before = service.everything()
    answer = _patch(service, HELEN, cycle_id, {"name": "Autumn", field: value}, version=1)
    assert _refused(answer) == (422, "invalid-request")
    assert {one["pointer"] for one in answer.get_json()["errors"]} == {f"/{field}"}
    assert service.everything() == before


def test_all_reasons_are_told_and_the_first_decides(service: Running) -> None:
    cycle_id = _started(service)
    answer = _patch(service, HELEN, cycle_id, {"zone": "Mars/Olympus", "release_after_calibration": True}, version=1)
    assert _refused(answer) == (409, "cycle-started")
    codes = [one["code"] for one in answer.get_json()["unmet"]]
    assert codes == ["cycle-started", "stale-version", "unknown-time-zone", "settings-contradict"]
