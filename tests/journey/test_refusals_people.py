"""Who may do nothing at all: HR on the own or a superior's review, people whom the directory lacks, outsiders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.people import AMY, ANNA, CAST, DORA, HELEN, HUGO, KAI, MAX, OLGA, Person
from harness.story import QUESTIONS, expect

if TYPE_CHECKING:
    import httpx

    from harness.journey import Stage

UNKNOWN = Person(id="p-unknown", name="Uma Unknown", email="uma@company.example", roles=("hr_admin",))
REASON = {"reason": "A slip."}
HR_ACTS: tuple[tuple[str, str, Any], ...] = (
    ("POST", "/v1/reviews/{}/self-assessment/waive", REASON),
    ("POST", "/v1/reviews/{}/self-assessment/unwaive", REASON),
    ("POST", "/v1/reviews/{}/manager-assessment/reopen", REASON),
    ("POST", "/v1/reviews/{}/reassign", {"manager_id": KAI.id, **REASON}),
    ("POST", "/v1/reviews/{}/cancel", REASON),
    ("POST", "/v1/packets/{}/release-to-manager", {}),
    ("POST", "/v1/packets/{}/unrelease", REASON),
    ("POST", "/v1/packets/{}/override-calibration", REASON),
    ("PUT", "/v1/packets/{}/rating", {"rating": 5, **REASON}),
    ("POST", "/v1/signatures/{}/revoke", {"signer": "all", **REASON}),
    ("POST", "/v1/signatures/{}/complete", REASON),
)
TEXTS = ("/v1/reviews/{}/self-assessment", "/v1/reviews/{}/manager-assessment", "/v1/packets/{}", "/v1/packets/{}/pdf")


def released_review_of(stage: Stage, employee: Person, manager: Person) -> str:
    story = stage.story
    story.begin(employee)
    story.select_questions()
    story.save_self(employee)
    story.share_self(employee)
    story.save_manager(employee, by=manager)
    story.submit(employee, by=manager)
    story.calibrate(employee)
    story.send_to_manager(employee)
    story.release(employee, by=manager)
    return story.review(employee)


def test_hr_does_nothing_to_the_own_review(stage: Stage) -> None:
    review_id = released_review_of(stage, HUGO, MAX)
    for method, path, body in HR_ACTS:
        code = "hr-only" if path.endswith("/revoke") else "forbidden-role"
        stage.denied(HUGO, code, method, path.format(review_id), body)
    assert stage.story.as_(HUGO).get(f"/v1/packets/{review_id}").status_code == 200
    assert stage.story.as_(HUGO).get(f"/v1/reviews/{review_id}/manager-assessment").status_code == 404


def test_hr_does_nothing_to_a_superiors_review(stage: Stage) -> None:
    review_id = released_review_of(stage, MAX, DORA)
    for method, path, body in HR_ACTS:
        stage.denied(HUGO, "self-dealing", method, path.format(review_id), body)
    release = f"/v1/packets/{review_id}/release"
    stage.denied(HUGO, "self-dealing", "POST", release, {"reason": "x"}, version="x")
    for path in TEXTS:
        stage.denied(HUGO, "not-found", "GET", path.format(review_id))
    stage.denied(AMY, "not-found", "GET", TEXTS[0].format(review_id))
    expect(stage.story.as_(HELEN).get(f"/v1/packets/{review_id}"))


def test_hr_whom_the_directory_lacks_does_nothing(stage: Stage) -> None:
    review_id = released_review_of(stage, ANNA, MAX)
    for method, path, body in HR_ACTS:
        stage.denied(UNKNOWN, "unknown-person", method, path.format(review_id), body)


def test_to_outsiders_there_is_no_review(stage: Stage) -> None:
    review_id = released_review_of(stage, ANNA, MAX)
    # Kai, who calibrated it, may change its rating and look what else; the review itself is nothing to him either.
    for method, path, body in HR_ACTS:
        stage.denied(OLGA, "not-found", method, path.format(review_id), body)
    for path in (
        *TEXTS,
        "/v1/reviews/{}",
        "/v1/reviews/{}/actions",
        "/v1/packets/{}/actions",
        "/v1/packets/{}/preview",
        "/v1/signatures/{}",
        "/v1/signatures/{}/statement",
        "/v1/signatures/{}/actions",
    ):
        stage.denied(OLGA, "not-found", "GET", path.format(review_id))
        stage.denied(DORA, "not-found", "GET", path.format(review_id))


def test_tasks_and_people_are_shown_to_whom_they_concern(stage: Stage) -> None:
    story = stage.story
    story.begin()
    assert stage.tasks(ANNA) == {"self-assessment"}
    for person in (MAX, HELEN, AMY, OLGA):
        assert stage.tasks(person) == set()
    for person in (ANNA, MAX, OLGA):
        stage.denied(person, "forbidden-role", "GET", "/v1/deliveries")
    stage.denied(OLGA, "not-found", "GET", f"/v1/people/{ANNA.id}")
    assert story.as_(MAX).get(f"/v1/people/{ANNA.id}").status_code == 200
    assert {one["person_id"] for one in story.as_(OLGA).get("/v1/people").json()["items"]} == {OLGA.id}
    stage.denied(MAX, "forbidden-role", "GET", "/v1/reviews?role=hr")


def test_people_are_imported_by_hr_and_by_services_with_that_right(stage: Stage) -> None:
    story = stage.story
    rows = {"people": [{"person_id": "p-new", "name": "Nia New", "email": "nia@company.example"}]}
    for person in (ANNA, MAX, AMY, KAI):
        stage.denied(person, "forbidden-role", "POST", "/v1/people/import", rows)
    crm = story.gateway.as_service("crm", "reports:read")
    stage.refused(lambda: crm.post("/v1/people/import", rows), 403, "forbidden-role")
    expect(story.as_(HELEN).post("/v1/people/import", rows))


def test_a_reporting_line_that_closes_on_itself_is_refused_as_a_whole(stage: Stage) -> None:
    story = stage.story
    story.import_people(CAST)
    stage.settle()

    def reporting(person: Person, manager_id: str) -> dict[str, Any]:
        return {"person_id": person.id, "name": person.name, "email": person.email, "manager_id": manager_id}

    loop = {"people": [reporting(DORA, ANNA.id), reporting(OLGA, MAX.id)]}
    body = stage.refused(lambda: story.as_(HELEN).post("/v1/people/import", loop), 422, "reporting-line-loop")
    assert DORA.id in body["person_ids"]
    unknown = {"people": [reporting(OLGA, "p-nobody")]}
    answer = expect(story.as_(HELEN).post("/v1/people/import", unknown)).json()
    assert [one["code"] for one in answer["problems"]] == ["unknown-manager"]
    assert answer["changed"] == 0


def test_cycles_are_made_by_hr_and_assistants_and_started_by_hr_alone(stage: Stage) -> None:
    story = stage.story
    story.import_people()
    story.create_questionnaire()
    stage.settle()
    questions = {"title": "Yearly", "questions": list(QUESTIONS)}
    for person in (ANNA, MAX, KAI):
        stage.denied(person, "forbidden-role", "POST", "/v1/questionnaires", questions)
        stage.denied(person, "forbidden-role", "GET", "/v1/cycles")
    assert create_cycle(stage, AMY).status_code == 201
    stage.refused(lambda: create_cycle(stage, MAX), 403, "forbidden-role")
    stage.refused(lambda: create_cycle(stage, HELEN, zone="Europe/Nowhere"), 422, "unknown-time-zone")
    unknown = "018f0000-0000-7000-8000-000000000000"
    stage.refused(lambda: create_cycle(stage, HELEN, questionnaire_id=unknown), 422, "unknown-questionnaire")
    story.create_cycle()
    start = f"/v1/cycles/{story.cycle_id}/start"
    close = f"/v1/cycles/{story.cycle_id}/close"
    for person in (AMY, ANNA, MAX):
        stage.denied(person, "forbidden-role", "POST", start)
        stage.denied(person, "forbidden-role", "POST", close)
    body = stage.refused(lambda: story.as_(HELEN).post(start), 409, "cycle-not-startable")
    assert body["reasons"]
    stage.refused(lambda: story.as_(HELEN).post(close), 409, "not-started")
    story.add_participants(ANNA)
    story.start_cycle()
    stage.refused(lambda: story.as_(HELEN).post(start), 409, "cycle-started")
    path = f"/v1/cycles/{story.cycle_id}/participants"
    late = {"participants": [{"subject_id": OLGA.id}]}
    stage.refused(lambda: story.as_(HELEN).post(path, late), 409, "cycle-started")
    questionnaire = f"/v1/questionnaires/{story.questionnaire_id}"
    stage.refused(lambda: story.as_(HELEN).put(questionnaire, questions, version=1), 409, "questionnaire-in-use")
    expect(story.as_(HELEN).post(close))
    stage.settle()
    stage.refused(lambda: story.as_(HELEN).post(close), 409, "cycle-closed")
    stage.refused(lambda: story.as_(HELEN).post(start), 409, "cycle-closed")


def create_cycle(stage: Stage, by: Person, **changes: Any) -> httpx.Response:
    body = {
        "name": "2027",
        "zone": "Europe/Berlin",
        "self_deadline": "2030-03-31",
        "manager_deadline": "2030-04-30",
        "questionnaire_id": stage.story.questionnaire_id,
        **changes,
    }
    return stage.story.as_(by).post("/v1/cycles", body)


def test_nobody_takes_part_under_the_own_review_or_a_reports(stage: Stage) -> None:
    story = stage.story
    story.import_people()
    story.create_questionnaire()
    story.create_cycle()
    stage.settle()
    path = f"/v1/cycles/{story.cycle_id}/participants"

    def add(subject_id: str, manager_id: str | None = None, by: Person = HELEN) -> httpx.Response:
        return story.as_(by).post(path, {"participants": [{"subject_id": subject_id, "manager_id": manager_id}]})

    stage.refused(lambda: add(ANNA.id, ANNA.id), 422, "reviewer-is-reviewee")
    stage.refused(lambda: add(MAX.id, ANNA.id), 422, "reporting-line-loop")
    stage.refused(lambda: add("p-nobody"), 422, "unknown-participant")
    stage.refused(lambda: add(ANNA.id, by=MAX), 403, "forbidden-role")
    expect(add(ANNA.id, by=AMY))


def test_an_answer_to_hr_about_a_draft_holds_no_text(stage: Stage) -> None:
    story = stage.story
    story.begin()
    story.save_self()
    story.save_manager()
    for person in (HELEN, AMY):
        shown = expect(story.as_(person).get(f"/v1/reviews/{story.review()}")).text
        assert "migration" not in shown
