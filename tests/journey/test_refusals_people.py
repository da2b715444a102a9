"""What is refused around people and cycles, whoever asks. Who may do what at all stands in the authorisation matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from harness.people import AMY, ANNA, CAST, DORA, HELEN, HUGO, MAX, MIRA, OLGA, Person
from harness.story import QUESTIONS, expect

if TYPE_CHECKING:
    import httpx

    from harness.journey import Stage


def test_tasks_and_people_are_shown_to_whom_they_concern(stage: Stage) -> None:
    story = stage.story
    story.begin()
    assert stage.tasks(ANNA) == {"self-assessment"}
    assert {one["person_id"] for one in story.as_(OLGA).get("/v1/people").json()["items"]} == {OLGA.id}
    stage.denied(MAX, "forbidden-role", "GET", "/v1/reviews?role=hr")


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


def test_a_cycle_is_made_started_and_closed_in_this_order(stage: Stage) -> None:
    story = stage.story
    story.import_people()
    story.create_questionnaire()
    stage.settle()
    questions = {"title": "Yearly", "questions": list(QUESTIONS)}
    stage.refused(lambda: create_cycle(stage, zone="Europe/Nowhere"), 422, "unknown-time-zone")
    unknown = "018f0000-0000-7000-8000-000000000000"
    stage.refused(lambda: create_cycle(stage, questionnaire_id=unknown), 422, "unknown-questionnaire")
    story.create_cycle()
    start = f"/v1/cycles/{story.cycle_id}/start"
    close = f"/v1/cycles/{story.cycle_id}/close"
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


def create_cycle(stage: Stage, **changes: Any) -> httpx.Response:
    body = {
        "name": "2027",
        "zone": "Europe/Berlin",
        "self_deadline": "2030-03-31",
        "manager_deadline": "2030-04-30",
        "questionnaire_id": stage.story.questionnaire_id,
        **changes,
    }
    return stage.story.as_(HELEN).post("/v1/cycles", body)


def test_nobody_takes_part_under_the_own_review_or_a_reports(stage: Stage) -> None:
    story = stage.story
    story.import_people()
    story.create_questionnaire()
    story.create_cycle()
    stage.settle()
    path = f"/v1/cycles/{story.cycle_id}/participants"

    def add(subject_id: str, manager_id: str | None = None) -> httpx.Response:
        return story.as_(HELEN).post(path, {"participants": [{"subject_id": subject_id, "manager_id": manager_id}]})

    stage.refused(lambda: add(ANNA.id, ANNA.id), 422, "reviewer-is-reviewee")
    stage.refused(lambda: add(MAX.id, ANNA.id), 422, "reporting-line-loop")
    stage.refused(lambda: add("p-nobody"), 422, "unknown-participant")
    expect(add(ANNA.id))


@pytest.mark.parametrize(
    ("by", "reviewee", "code"),
    [(HELEN, HELEN, "forbidden-role"), (AMY, AMY, "forbidden-role"), (HUGO, MAX, "self-dealing")],
    ids=["own", "assistant's own", "superior's"],
)
def test_hr_does_not_choose_the_manager_of_the_own_review_nor_of_a_superiors(
    stage: Stage, by: Person, reviewee: Person, code: str
) -> None:
    story = stage.story
    story.import_people()
    story.create_questionnaire()
    story.create_cycle()
    story.add_participants(reviewee)
    stage.settle()
    path = f"/v1/cycles/{story.cycle_id}/participants"
    other = {"participants": [{"subject_id": reviewee.id, "manager_id": MIRA.id}]}
    stage.refused(lambda: story.as_(by).post(path, other), 403, code)


def test_an_answer_to_hr_about_a_draft_holds_no_text(stage: Stage) -> None:
    story = stage.story
    story.begin()
    story.save_self()
    story.save_manager()
    for person in (HELEN, AMY):
        shown = expect(story.as_(person).get(f"/v1/reviews/{story.review()}")).text
        assert "migration" not in shown
