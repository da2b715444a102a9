"""What HR sets up: people, questionnaires, cycles, who takes part, starting and closing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from component.assessment.assessment_service import QUESTIONS, SELF_ANSWERS, Running
from harness.people import AMY, ANNA, BEN, DORA, HELEN, KAI, MAX, MIRA, OLGA
from harness.words import ADVICE

if TYPE_CHECKING:
    from harness.people import Person


def _row(person_id: str, manager_id: str | None = None, **more: Any) -> dict[str, Any]:
    return {"person_id": person_id, "name": "N", "email": "n@company.example", "manager_id": manager_id, **more}


def _import(service: Running, *rows: Any) -> Any:
    return service.done(service.post(HELEN, "/v1/people/import", {"people": list(rows)}))


def test_the_same_people_imported_again_change_nothing_and_tell_nobody(service: Running) -> None:
    rows = [_row("i-b", "i-a"), _row("i-a")]
    assert _import(service, *rows) == {"changed": 2, "unchanged": 0, "problems": []}
    assert _import(service, *rows) == {"changed": 0, "unchanged": 2, "problems": []}
    assert [one["version"] for one in service.events("i-b")] == [1]


def test_another_language_is_kept_but_is_no_change_to_be_told(service: Running) -> None:
    _import(service, _row("i-lang", language="en"))
    _import(service, _row("i-lang", language="de"))
    assert service.rows("select language from person where person_id = 'i-lang'") == [{"language": "de"}]
    assert len(service.events("i-lang")) == 1


def test_who_leaves_is_told_with_the_next_version(service: Running) -> None:
    _import(service, _row("i-left"))
    _import(service, _row("i-left", active=False))
    assert [(one["version"], one["active"]) for one in service.events("i-left")] == [(1, True), (2, False)]


def test_rows_with_problems_are_left_out_and_named(service: Running) -> None:
    told = _import(service, _row("i-x", "i-nobody"), _row("i-y"), _row("i-z"), _row("i-z"))
    assert told["changed"] == 1
    assert [(one["index"], one["person_id"], one["code"]) for one in told["problems"]] == [
        (0, "i-x", "unknown-manager"),
        (2, "i-z", "duplicate-person-id"),
        (3, "i-z", "duplicate-person-id"),
    ]
    assert all(ADVICE.fullmatch(one["detail"]) for one in told["problems"])


def test_a_malformed_row_is_named_and_does_not_stand_in_the_others_way(service: Running) -> None:
    told = _import(service, {"person_id": "i-m"}, _row("i-n"), _row("i-o", email="nowhere"), "text", _row("i-p", x=1))
    assert told["changed"] == 1
    assert [(one["index"], one["person_id"], one["code"], sorted(one["errors"])) for one in told["problems"]] == [
        (0, "i-m", "malformed-row", ["email", "name"]),
        (2, "i-o", "malformed-row", ["email"]),
        (3, None, "malformed-row", ["_schema"]),
        (4, "i-p", "malformed-row", ["x"]),
    ]
    assert service.rows("select person_id from person where person_id in ('i-m', 'i-n', 'i-o', 'i-p')") == [
        {"person_id": "i-n"}
    ]


@pytest.mark.parametrize("labels", [["one"], ["low", "middle", "high"], ["1", "2", "3", "4", "5", "6"]])
def test_labels_that_fit_no_step_are_refused(service: Running, labels: list[str]) -> None:
    scale = {"lowest": 1, "highest": 5, "labels": labels}
    question = {"question_id": "q", "text": "How?", "audience": "manager", "kind": "rating", "scale": scale}
    answer = service.post(HELEN, "/v1/questionnaires", {"title": "T", "questions": [question]})
    assert (answer.status_code, answer.get_json()["code"]) == (422, "invalid-request")
    assert answer.get_json()["errors"][0]["pointer"] == "/questions/0/scale/labels"


@pytest.mark.parametrize(
    ("settings", "fields"),
    [
        ({"release_mode": "manager_direct", "calibration_required": True}, ["release_mode", "calibration_required"]),
        ({"release_after_calibration": True}, ["release_after_calibration", "calibration_required"]),
    ],
)
def test_settings_of_a_cycle_that_contradict_each_other_are_refused(
    service: Running, settings: dict[str, Any], fields: list[str]
) -> None:
    body = {
        "name": "2027",
        "zone": "Europe/Berlin",
        "self_deadline": "2030-03-31",
        "manager_deadline": "2030-04-30",
        "questionnaire_id": service.questionnaire(),
        **settings,
    }
    answer = service.post(AMY, "/v1/cycles", body)
    problem = answer.get_json()
    assert (answer.status_code, problem["code"], problem["fields"]) == (422, "settings-contradict", fields)


def test_a_loop_in_the_reporting_line_takes_nothing(service: Running) -> None:
    answer = service.post(HELEN, "/v1/people/import", {"people": [_row("i-l1", "i-l2"), _row("i-l2", "i-l1")]})
    assert (answer.status_code, answer.get_json()["code"]) == (422, "reporting-line-loop")
    assert service.rows("select 1 from person where person_id like 'i-l_'") == []


def test_a_service_imports_only_with_its_scope(service: Running) -> None:
    headers = {"Idempotency-Key": "scope"}
    statuses = []
    for scope in ("", "directory:write"):
        token = service.issuer.token("hris", ("service",), scope=scope)
        answer = service.client.post(
            "/v1/people/import",
            json={"people": [_row("i-s")]},
            headers={**headers, "Authorization": f"Bearer {token}"},
        )
        statuses.append(answer.status_code)
    assert statuses == [403, 200]


def test_an_import_may_be_larger_than_other_bodies(service: Running) -> None:
    people = [_row(f"z-{index:05}", name="N" * 200) for index in range(5_000)]
    assert service.post(HELEN, "/v1/people/import", {"people": people}).status_code == 200
    other = {"title": "T", "questions": [{**QUESTIONS[0], "text": "x" * 2_000_000}]}
    answer = service.post(HELEN, "/v1/questionnaires", other)
    assert (answer.status_code, answer.get_json()["code"]) == (413, "body-too-large")


@pytest.mark.parametrize(("who", "seen"), [(HELEN, True), (AMY, True), (ANNA, True), (MAX, True), (MIRA, False)])
def test_a_person_is_shown_to_hr_to_the_own_manager_and_to_nobody_else(
    service: Running, who: Person, *, seen: bool
) -> None:
    service.import_cast()
    answer = service.get(who, f"/v1/people/{ANNA.id}")
    assert answer.status_code == (200 if seen else 404)
    listed = service.done(service.get(who, "/v1/people?limit=200"))["items"]
    assert (ANNA.id in [one["person_id"] for one in listed]) == seen


def test_a_list_of_people_is_paged_in_a_stable_order(service: Running) -> None:
    service.import_cast()
    found: list[str] = []
    path = f"/v1/people?limit=1&manager_id={MAX.id}"
    cursor: str | None = ""
    while cursor is not None:
        page = service.done(service.get(HELEN, path + (f"&cursor={cursor}" if cursor else "")))
        found += [one["person_id"] for one in page["items"]]
        cursor = page["next_cursor"]
    assert found == ["p-anna", "p-ben", "p-hugo"]


def test_a_questionnaire_is_changed_until_a_started_cycle_asks_it(service: Running) -> None:
    service.import_cast()
    questionnaire_id = service.questionnaire()
    path = f"/v1/questionnaires/{questionnaire_id}"
    body = {"title": "Shorter", "questions": QUESTIONS[:1] + QUESTIONS[2:]}
    changed = service.put(AMY, path, body, version=1)
    assert (changed.status_code, changed.headers["ETag"]) == (200, '"2"')
    assert service.put(AMY, path, body, version=1).get_json()["code"] == "stale-version"
    assert service.put(AMY, path, body).get_json()["code"] == "version-missing"
    review_id = service.review(questionnaire_id=questionnaire_id)
    assert service.row(review_id)["questionnaire_version"] == 2
    refused = service.put(AMY, path, body, version=2)
    assert (refused.status_code, refused.get_json()["code"]) == (409, "questionnaire-in-use")
    assert service.done(service.get(AMY, path))["in_use"]
    assert questionnaire_id in [
        one["questionnaire_id"] for one in service.done(service.get(AMY, "/v1/questionnaires"))["items"]
    ]


def test_questions_that_cannot_be_asked_are_named(service: Running) -> None:
    questions = [
        {**QUESTIONS[1], "scale": None},
        {**QUESTIONS[0], "options": [{"id": "a", "text": "A"}]},
    ]
    answer = service.post(HELEN, "/v1/questionnaires", {"title": "T", "questions": questions})
    assert (answer.status_code, answer.get_json()["code"]) == (422, "questions-invalid")
    assert [one["code"] for one in answer.get_json()["problems"]] == ["scale-missing", "unused"]
    assert all(ADVICE.fullmatch(one["detail"]) for one in answer.get_json()["problems"])


def test_a_cycle_needs_a_zone_and_a_questionnaire_that_exist(service: Running) -> None:
    body = {
        "name": "C",
        "zone": "Mars/Olympus",
        "self_deadline": "2026-03-31",
        "manager_deadline": "2026-04-30",
        "questionnaire_id": service.questionnaire(),
    }
    assert service.post(AMY, "/v1/cycles", body).get_json()["code"] == "unknown-time-zone"
    body |= {"zone": "UTC", "questionnaire_id": "0198c0de-2000-7b20-9c3f-4d6e8f0a1b02"}
    assert service.post(AMY, "/v1/cycles", body).get_json()["code"] == "unknown-questionnaire"


def test_participants_are_added_once_and_may_change_their_manager_before_the_start(service: Running) -> None:
    service.import_cast()
    path = f"/v1/cycles/{service.cycle()}/participants"
    first = service.done(service.post(AMY, path, {"participants": [{"subject_id": ANNA.id}, {"subject_id": BEN.id}]}))
    assert first["changed"] == 2
    again = service.done(
        service.post(
            AMY, path, {"participants": [{"subject_id": ANNA.id, "manager_id": MIRA.id}, {"subject_id": BEN.id}]}
        )
    )
    assert (again["changed"], again["reviews"]) == (1, first["reviews"])
    assert service.row(first["reviews"][0]["review_id"])["manager_id"] == MIRA.id


@pytest.mark.parametrize(
    ("named", "code"),
    [
        ({"subject_id": "p-nobody"}, "unknown-participant"),
        ({"subject_id": ANNA.id, "manager_id": ANNA.id}, "reviewer-is-reviewee"),
        ({"subject_id": MAX.id, "manager_id": ANNA.id}, "reporting-line-loop"),
    ],
)
def test_nobody_is_added_when_one_of_them_cannot_be(service: Running, named: dict[str, str], code: str) -> None:
    service.import_cast()
    cycle_id = service.cycle()
    body = {"participants": [{"subject_id": KAI.id}, named]}
    answer = service.post(AMY, f"/v1/cycles/{cycle_id}/participants", body)
    assert (answer.status_code, answer.get_json()["code"]) == (422, code)
    assert service.rows("select 1 from review where cycle_id = :c", c=cycle_id) == []


def test_a_cycle_that_lacks_something_says_what(service: Running) -> None:
    service.import_cast()
    answer = service.post(HELEN, f"/v1/cycles/{service.cycle(self_deadline='2026-01-01')}/start")
    assert (answer.status_code, answer.get_json()["code"]) == (409, "cycle-not-startable")
    assert [one["code"] for one in answer.get_json()["reasons"]] == ["deadline-in-the-past", "no-participants"]
    assert all(ADVICE.fullmatch(one["detail"]) for one in answer.get_json()["reasons"])


def test_a_cycle_whose_managers_would_end_before_its_employees_is_not_made(service: Running) -> None:
    service.import_cast()
    cycle_id = service.cycle()
    kept = service.get(HELEN, f"/v1/cycles/{cycle_id}")
    wrong = {"self_deadline": "2030-05-01", "manager_deadline": "2030-04-30"}
    answer = service.call(HELEN, "PATCH", f"/v1/cycles/{cycle_id}", wrong, version=kept.get_json()["row_version"])
    told = answer.get_json()
    assert (answer.status_code, told["code"]) == (422, "settings-contradict")
    assert told["fields"] == ["self_deadline", "manager_deadline"]
    assert ADVICE.fullmatch(told["detail"])
    assert service.get(HELEN, f"/v1/cycles/{cycle_id}").get_json() == kept.get_json()


def test_an_assistant_makes_a_cycle_but_does_not_start_it(service: Running) -> None:
    service.import_cast()
    cycle_id = service.cycle()
    for act in ("start", "close"):
        answer = service.post(AMY, f"/v1/cycles/{cycle_id}/{act}")
        assert (answer.status_code, answer.get_json()["code"]) == (403, "forbidden-role")


def test_a_large_cycle_starts_and_closes_in_chunks(service: Running) -> None:
    service.import_cast()
    cycle_id = service.cycle()
    people = [ANNA, BEN, OLGA, KAI, MAX, MIRA, AMY]
    body = {"participants": [{"subject_id": one.id} for one in people]}
    ids = [
        one["review_id"]
        for one in service.done(service.post(AMY, f"/v1/cycles/{cycle_id}/participants", body))["reviews"]
    ]
    started = service.post(HELEN, f"/v1/cycles/{cycle_id}/start")
    assert (started.status_code, started.headers["Location"]) == (202, f"/v1/cycles/{cycle_id}")
    assert sum(len(service.events(one, "review.opened.v1")) for one in ids) == 3
    assert not service.done(service.get(HELEN, f"/v1/cycles/{cycle_id}"))["settled"]
    service.work()
    assert [len(service.events(one, "review.opened.v1")) for one in ids] == [1] * len(ids)
    assert service.done(service.get(HELEN, f"/v1/cycles/{cycle_id}"))["settled"]
    assert service.post(HELEN, f"/v1/cycles/{cycle_id}/close", {"reason": "over"}).status_code == 202
    service.work()
    service.work()
    assert [len(service.events(one, "review.closed.v1")) for one in ids] == [1] * len(ids)
    assert [one["type"] for one in service.events(cycle_id)] == [
        "cycle.created.v1",
        "cycle.started.v1",
        "cycle.closed.v1",
    ]
    refused = service.put(ANNA, f"/v1/reviews/{ids[0]}/self-assessment", {"answers": SELF_ANSWERS}, version=0)
    assert (refused.status_code, refused.get_json()["code"]) == (409, "cycle-closed")
    assert service.post(HELEN, f"/v1/cycles/{cycle_id}/close").get_json()["code"] == "cycle-closed"


def test_what_opens_carries_everything_that_was_frozen(service: Running) -> None:
    review_id = service.review(release_mode="manager_direct", self_visibility="after_manager_submit")
    (opened,) = service.events(review_id, "review.opened.v1")
    assert opened["release_mode"] == "manager_direct"
    assert opened["rating_question_ids"] == ["m-rating"]
    assert opened["self_deadline"] == {
        "date": "2026-03-31",
        "zone": "Europe/Berlin",
        "instant": "2026-03-31T22:00:00.000000Z",
    }


def test_a_started_cycle_takes_nobody_more(service: Running) -> None:
    review_id = service.review()
    body = {"participants": [{"subject_id": DORA.id}]}
    answer = service.post(AMY, f"/v1/cycles/{service.row(review_id)['cycle_id']}/participants", body)
    assert (answer.status_code, answer.get_json()["code"]) == (409, "cycle-started")
