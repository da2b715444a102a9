"""What is refused around the manager-assessment and HR's acts on a review, and that nothing changes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from harness.journey import BACKUPS
from harness.people import AMY, ANNA, BEN, DORA, HELEN, KAI, MAX, MIRA, OLGA
from harness.story import MANAGER_ANSWERS, expect

if TYPE_CHECKING:
    import httpx

    from harness.journey import Stage
    from harness.people import Person

AFTER_THE_DEADLINE = datetime(2030, 5, 1, tzinfo=UTC)
ANSWERS = {"answers": MANAGER_ANSWERS}


def side(stage: Stage, rest: str = "") -> str:
    return f"/v1/reviews/{stage.story.review()}/manager-assessment{rest}"


def save(stage: Stage, version: int | None, by: Person = MAX, answers: Any = None) -> httpx.Response:
    return stage.story.as_(by).put(side(stage), {"answers": answers or MANAGER_ANSWERS}, version=version)


def hr(stage: Stage, verb: str, body: Any) -> httpx.Response:
    return stage.story.as_(HELEN).post(f"/v1/reviews/{stage.story.review()}/{verb}", body)


def test_to_the_employee_there_is_no_managers_text_in_any_state(stage: Stage) -> None:
    story = stage.story
    story.begin()
    nothing_for_the_employee(stage)
    story.save_manager()
    nothing_for_the_employee(stage)
    story.submit()
    story.save_self()
    story.share_self()
    story.select_questions()
    nothing_for_the_employee(stage)
    story.released()
    nothing_for_the_employee(stage)


def nothing_for_the_employee(stage: Stage) -> None:
    stage.settle()
    for person in (ANNA, KAI, OLGA):
        stage.denied(person, "not-found", "GET", side(stage))
        stage.denied(person, "not-found", "PUT", side(stage), ANSWERS, version=0)
        stage.denied(person, "not-found", "PUT", side(stage, "/backup"), ANSWERS)
        stage.denied(person, "not-found", "GET", side(stage, "/backups"))


def test_hr_has_no_part_in_a_managers_draft(stage: Stage) -> None:
    story = stage.story
    story.begin()
    story.save_manager()
    stage.denied(HELEN, "not-found", "GET", side(stage))
    stage.denied(HELEN, "not-found", "PUT", side(stage), ANSWERS, version=1)
    stage.denied(AMY, "forbidden-role", "GET", side(stage))
    stage.denied(AMY, "forbidden-role", "PUT", side(stage), ANSWERS, version=1)
    for person in (HELEN, AMY, ANNA):
        stage.denied(person, "forbidden-role", "POST", side(stage, "/submit"))
    stage.denied(OLGA, "not-found", "POST", side(stage, "/submit"))
    reopen = side(stage, "/reopen")
    stage.refused(lambda: story.as_(HELEN).post(reopen, {"reason": "x"}), 409, "manager-assessment-not-submitted")


def test_submitting_needs_a_draft_with_the_required_answers_in_time(stage: Stage) -> None:
    story = stage.story
    story.begin()

    def submit() -> httpx.Response:
        return story.as_(MAX).post(side(stage, "/submit"))

    stage.refused(submit, 409, "nothing-to-submit")
    expect(save(stage, 0, answers={"m-growth": "<p>Some.</p>"}))
    body = stage.refused(submit, 422, "answers-missing")
    assert set(body["question_ids"]) == {"m-results", "m-rating"}
    expect(save(stage, 1))
    with stage.at(AFTER_THE_DEADLINE):
        stage.refused(submit, 409, "deadline-passed")
        stage.refused(lambda: save(stage, 2), 409, "deadline-passed", but=BACKUPS)
    expect(submit())
    stage.settle()
    stage.refused(submit, 409, "already-submitted")
    with stage.at(AFTER_THE_DEADLINE):
        expect(save(stage, 2))


def test_a_submitted_text_is_edited_by_manager_and_hr_and_stays_complete(stage: Stage) -> None:
    story = stage.story
    story.begin()
    story.save_manager()
    story.submit()
    stage.settle()
    stage.refused(lambda: save(stage, 0), 412, "stale-version", but=BACKUPS)
    stage.refused(lambda: save(stage, None), 428, "version-missing")
    stage.refused(lambda: save(stage, 1, answers={"m-growth": "<p>x</p>"}), 422, "answers-missing")
    stage.refused(lambda: save(stage, 1, answers={**MANAGER_ANSWERS, "m-rating": 6}), 422, "answers-invalid")
    stage.denied(AMY, "forbidden-role", "PUT", side(stage), ANSWERS, version=1)
    expect(save(stage, 1))
    expect(save(stage, 2, by=HELEN))


def test_only_hr_reopens_what_is_submitted(stage: Stage) -> None:
    story = stage.story
    story.begin()
    story.save_manager()
    story.submit()
    stage.settle()
    reopen, reason = side(stage, "/reopen"), {"reason": "Too short."}
    stage.refused(lambda: story.as_(MAX).post(reopen, reason), 409, "already-submitted")
    stage.denied(ANNA, "forbidden-role", "POST", reopen, reason)
    stage.denied(AMY, "forbidden-role", "POST", reopen, reason)
    stage.denied(OLGA, "not-found", "POST", reopen, reason)
    expect(story.as_(HELEN).post(reopen, reason))


def test_under_the_release_lock_the_managers_side_stands_still(stage: Stage) -> None:
    story = stage.released()
    for person in (MAX, HELEN):
        body = stage.refused(lambda by=person: save(stage, 1, by=by), 423, "locked-released", but=BACKUPS)  # type: ignore[misc]
        assert body["holders"] == ["release"]
    stage.refused(lambda: hr(stage, "manager-assessment/reopen", {"reason": "x"}), 423, "locked-released")
    stage.refused(lambda: hr(stage, "reassign", {"manager_id": MIRA.id, "reason": "x"}), 423, "locked-released")
    stage.refused(lambda: hr(stage, "cancel", {"reason": "x"}), 423, "locked-released")
    expect(story.as_(MAX).put(side(stage, "/backup"), ANSWERS))


def test_under_a_signature_the_managers_side_stands_still_also_after_an_unrelease(stage: Stage) -> None:
    story = stage.released()
    expect(story.press_sign(ANNA), 202)
    stage.relay("signing")
    stage.consume("assessment")
    expect(story.press_unrelease(), 202)
    stage.settle()
    assert story.packet()["state"] == "ready"
    for person in (MAX, HELEN):
        body = stage.refused(lambda by=person: save(stage, 1, by=by), 423, "locked-signed", but=BACKUPS)  # type: ignore[misc]
        assert body["holders"] == ["signature:employee"]
    stage.refused(lambda: hr(stage, "manager-assessment/reopen", {"reason": "x"}), 423, "locked-signed")
    stage.refused(lambda: hr(stage, "reassign", {"manager_id": MIRA.id, "reason": "x"}), 423, "locked-signed")
    stage.refused(lambda: hr(stage, "cancel", {"reason": "x"}), 423, "locked-signed")


def test_nobody_reviews_oneself_or_a_superior(stage: Stage) -> None:
    story = stage.story
    story.begin(MAX)
    reassign = f"/v1/reviews/{story.review(MAX)}/reassign"

    def to(person_id: str, reason: str | None = "A change.") -> httpx.Response:
        return story.as_(HELEN).post(reassign, {"manager_id": person_id, "reason": reason})

    stage.refused(lambda: to(MAX.id), 422, "reviewer-is-reviewee")
    stage.refused(lambda: to(ANNA.id), 422, "reporting-line-loop")
    stage.refused(lambda: to("p-nobody"), 422, "unknown-participant")
    for person in (MAX, DORA, AMY):
        stage.denied(person, "forbidden-role", "POST", reassign, {"manager_id": MIRA.id})
    stage.denied(OLGA, "not-found", "POST", reassign, {"manager_id": MIRA.id})
    story.save_manager(MAX, by=DORA)
    stage.refused(lambda: to(MIRA.id, None), 422, "reason-missing")
    expect(to(MIRA.id))


def test_a_cancelled_review_takes_nothing_any_more(stage: Stage) -> None:
    story = stage.submitted()
    for person in (ANNA, MAX, AMY):
        stage.denied(person, "forbidden-role", "POST", f"/v1/reviews/{story.review()}/cancel", {})
    stage.denied(OLGA, "not-found", "POST", f"/v1/reviews/{story.review()}/cancel", {})
    expect(hr(stage, "cancel", {"reason": "Left."}))
    stage.settle()
    stage.refused(lambda: save(stage, 1), 409, "review-cancelled", but=BACKUPS)
    for verb, body in (("manager-assessment/reopen", {"reason": "x"}), ("reassign", {"manager_id": MIRA.id})):
        stage.refused(lambda to=verb, given=body: hr(stage, to, given), 409, "review-cancelled")  # type: ignore[misc]
    stage.refused(lambda: hr(stage, "cancel", {"reason": "x"}), 409, "review-cancelled")
    packet = f"/v1/packets/{story.review()}/release-to-manager"
    stage.refused(lambda: story.as_(HELEN).post(packet), 409, "review-cancelled")
    assert stage.tasks(MAX) == set()


def test_in_a_closed_cycle_the_managers_side_stands_still(stage: Stage) -> None:
    story = stage.submitted()
    expect(story.as_(HELEN).post(f"/v1/cycles/{story.cycle_id}/close"))
    stage.settle()
    stage.refused(lambda: save(stage, 1), 409, "cycle-closed", but=BACKUPS)
    for verb, body in (
        ("manager-assessment/reopen", {"reason": "x"}),
        ("reassign", {"manager_id": MIRA.id}),
        ("cancel", {"reason": "x"}),
    ):
        stage.refused(lambda to=verb, given=body: hr(stage, to, given), 409, "cycle-closed")  # type: ignore[misc]
    assert expect(story.as_(MAX).get(side(stage))).json()["answers"] == MANAGER_ANSWERS


def test_the_former_manager_keeps_nothing_of_the_text(stage: Stage) -> None:
    story = stage.submitted()
    expect(hr(stage, "reassign", {"manager_id": MIRA.id, "reason": "A change of teams."}))
    stage.settle()
    stage.denied(MAX, "not-found", "GET", side(stage))
    stage.denied(MAX, "not-found", "PUT", side(stage), ANSWERS, version=1)
    stage.denied(MAX, "not-found", "GET", f"/v1/reviews/{story.review()}/self-assessment")
    stage.denied(BEN, "not-found", "GET", side(stage))
    assert story.as_(MIRA).get(side(stage)).status_code == 200
