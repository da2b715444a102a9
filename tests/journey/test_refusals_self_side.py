"""What is refused around the self-assessment, with which answer, and that nothing changes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from harness.journey import BACKUPS
from harness.people import AMY, ANNA, HELEN, KAI, MAX, OLGA
from harness.story import SELF_ANSWERS, expect

if TYPE_CHECKING:
    import httpx

    from harness.journey import Stage
    from harness.people import Person

AFTER_THE_DEADLINE = datetime(2030, 4, 1, tzinfo=UTC)
ANSWERS = {"answers": SELF_ANSWERS}


def side(stage: Stage, rest: str = "") -> str:
    return f"/v1/reviews/{stage.story.review()}/self-assessment{rest}"


def save(stage: Stage, version: int | None, by: Person = ANNA, answers: Any = None) -> httpx.Response:
    return stage.story.as_(by).put(side(stage), {"answers": answers or SELF_ANSWERS}, version=version)


def test_before_the_cycle_starts_nobody_writes_but_the_text_is_kept(stage: Stage) -> None:
    story = stage.story
    story.import_people()
    story.create_questionnaire()
    story.create_cycle()
    story.add_participants(ANNA)
    stage.settle()
    stage.refused(lambda: save(stage, 0), 409, "not-started", but=BACKUPS)
    stage.refused(lambda: story.as_(ANNA).post(side(stage, "/share")), 409, "not-started")
    manager_side = f"/v1/reviews/{story.review()}/manager-assessment"
    answers = {"answers": {"m-results": "<p>Early.</p>"}}
    stage.refused(lambda: story.as_(MAX).put(manager_side, answers, version=0), 409, "not-started", but=BACKUPS)
    kept = expect(story.as_(ANNA).get(side(stage, "/backups"))).json()["items"]
    assert [one["kind"] for one in kept] == ["refused"]


def test_a_draft_exists_for_its_author_only(stage: Stage) -> None:
    story = stage.story
    story.begin()
    story.save_self()
    for person in (MAX, KAI, OLGA, HELEN, AMY):
        stage.denied(person, "not-found", "GET", side(stage))
        stage.denied(person, "not-found", "PUT", side(stage), ANSWERS, version=1)
    shown = expect(story.as_(HELEN).get(f"/v1/reviews/{story.review()}")).json()
    assert shown["self_state"] == "draft"
    assert shown["self_chars"] > 0
    seen_by_manager = expect(story.as_(MAX).get(f"/v1/reviews/{story.review()}")).json()
    assert (seen_by_manager["self_state"], seen_by_manager["self_version"]) == ("none", None)


def test_a_stale_or_unnamed_version_is_refused_and_a_stale_text_kept(stage: Stage) -> None:
    story = stage.story
    story.begin()
    story.save_self()
    body = stage.refused(lambda: save(stage, 0, answers={"s-wishes": "<p>Old.</p>"}), 412, "stale-version", but=BACKUPS)
    assert body["current_version"] == 1
    stage.refused(lambda: save(stage, None), 428, "version-missing")
    kept = expect(story.as_(ANNA).get(side(stage, "/backups"))).json()["items"]
    copy = expect(story.as_(ANNA).get(side(stage, f"/backups/{kept[0]['number']}"))).json()
    assert copy["answers"] == {"s-wishes": "<p>Old.</p>"}


def test_answers_that_do_not_fit_the_questionnaire_are_refused(stage: Stage) -> None:
    stage.story.begin()
    for answers in ({"nobody-asked": "<p>x</p>"}, {"m-results": "<p>x</p>"}, {"s-highlights": 3}):
        stage.refused(lambda given=answers: save(stage, 0, answers=given), 422, "answers-invalid")  # type: ignore[misc]


def test_sharing_needs_a_draft_with_the_required_answers_and_happens_once(stage: Stage) -> None:
    story = stage.story
    story.begin()

    def share() -> httpx.Response:
        return story.as_(ANNA).post(side(stage, "/share"))

    stage.refused(share, 409, "nothing-to-share")
    expect(save(stage, 0, answers={"s-wishes": "<p>Peace.</p>"}))
    body = stage.refused(share, 422, "answers-missing")
    assert body["question_ids"] == ["s-highlights"]
    expect(save(stage, 1))
    for person in (MAX, AMY, HELEN):
        stage.denied(person, "forbidden-role", "POST", side(stage, "/share"))
    for person in (KAI, OLGA):
        stage.denied(person, "not-found", "POST", side(stage, "/share"))
    expect(share())
    stage.settle()
    stage.refused(share, 409, "already-shared")


def test_after_the_deadline_nothing_is_saved_shared_or_taken_back_but_the_draft_is_read(stage: Stage) -> None:
    story = stage.story
    story.begin()
    story.save_self()
    with stage.at(AFTER_THE_DEADLINE):
        stage.refused(lambda: save(stage, 1), 409, "deadline-passed", but=BACKUPS)
        stage.refused(lambda: story.as_(ANNA).post(side(stage, "/share")), 409, "deadline-passed")
        assert expect(story.as_(ANNA).get(side(stage))).json()["answers"] == SELF_ANSWERS
        expect(story.as_(ANNA).put(side(stage, "/backup"), ANSWERS))
    story.share_self()
    stage.settle()
    with stage.at(AFTER_THE_DEADLINE):
        stage.refused(lambda: story.as_(ANNA).post(side(stage, "/unshare")), 409, "deadline-passed")


def test_what_is_shared_is_unshared_before_it_is_written(stage: Stage) -> None:
    story = stage.story
    story.begin()
    story.save_self()
    expect(story.as_(ANNA).put(side(stage, "/backup"), {"answers": {"s-wishes": "<p>A backup.</p>"}}))
    story.share_self()
    stage.settle()
    stage.refused(lambda: save(stage, 1), 409, "unshare-first", but=BACKUPS)
    number = expect(story.as_(ANNA).get(side(stage, "/backups"))).json()["items"][-1]["number"]
    restore = side(stage, f"/backups/{number}/restore")
    stage.refused(lambda: story.as_(ANNA).post(restore, version=1), 409, "unshare-first")


def test_only_the_author_takes_back_what_is_shared(stage: Stage) -> None:
    story = stage.story
    story.begin()
    stage.refused(lambda: story.as_(ANNA).post(side(stage, "/unshare")), 409, "not-shared")
    story.save_self()
    story.share_self()
    stage.settle()
    stage.denied(MAX, "forbidden-role", "POST", side(stage, "/unshare"))
    stage.denied(AMY, "forbidden-role", "POST", side(stage, "/unshare"))
    stage.denied(HELEN, "author-only", "POST", side(stage, "/unshare"))
    stage.denied(OLGA, "not-found", "POST", side(stage, "/unshare"))


def test_backups_are_the_authors_and_are_taken_in_any_state(stage: Stage) -> None:
    story = stage.story
    story.begin()
    story.save_self()
    expect(story.as_(ANNA).put(side(stage, "/backup"), ANSWERS))
    number = expect(story.as_(ANNA).get(side(stage, "/backups"))).json()["items"][0]["number"]
    for person in (MAX, HELEN, AMY, KAI, OLGA):
        stage.denied(person, "not-found", "PUT", side(stage, "/backup"), ANSWERS)
        stage.denied(person, "not-found", "GET", side(stage, "/backups"))
        stage.denied(person, "not-found", "GET", side(stage, f"/backups/{number}"))
        stage.denied(person, "not-found", "POST", side(stage, f"/backups/{number}/restore"), version=1)
    stage.refused(lambda: story.as_(ANNA).get(side(stage, "/backups/999")), 404, "not-found")
    restore = side(stage, f"/backups/{number}/restore")
    stage.refused(lambda: story.as_(ANNA).post(restore), 428, "version-missing")
    stage.refused(lambda: story.as_(ANNA).post(restore, version=7), 412, "stale-version")
    restored = expect(story.as_(ANNA).post(restore, version=1))
    assert restored.json()["self_version"] == 2
    assert expect(story.as_(ANNA).get(side(stage))).json()["answers"] == SELF_ANSWERS


def test_only_hr_waives_the_self_stage_and_only_one_that_is_not_shared(stage: Stage) -> None:
    story = stage.story
    story.begin()
    reason = {"reason": "On leave."}
    for path in ("/waive", "/unwaive"):
        for person in (ANNA, MAX, AMY):
            stage.denied(person, "forbidden-role", "POST", side(stage, path), reason)
        stage.denied(OLGA, "not-found", "POST", side(stage, path), reason)
    stage.refused(lambda: story.as_(HELEN).post(side(stage, "/unwaive"), reason), 409, "not-waived")
    expect(story.as_(HELEN).post(side(stage, "/waive"), reason))
    stage.settle()
    stage.refused(lambda: story.as_(HELEN).post(side(stage, "/waive"), reason), 409, "self-assessment-waived")
    stage.refused(lambda: save(stage, 0), 409, "self-assessment-waived", but=BACKUPS)
    expect(story.as_(HELEN).post(side(stage, "/unwaive"), reason))
    story.save_self()
    story.share_self()
    stage.settle()
    stage.refused(lambda: story.as_(HELEN).post(side(stage, "/waive"), reason), 409, "already-shared")


def test_under_the_release_lock_the_employee_is_told_that_it_is_locked_and_not_by_what(stage: Stage) -> None:
    story = stage.released()
    body = stage.refused(lambda: story.as_(ANNA).post(side(stage, "/unshare")), 423, "locked")
    assert "holders" not in body
    stage.refused(lambda: save(stage, 1), 423, "locked", unmet={"locked", "unshare-first"}, but=BACKUPS)


def test_under_a_signature_no_one_writes_shares_or_takes_back(stage: Stage) -> None:
    story = stage.released()
    story.sign(ANNA)
    body = stage.refused(lambda: story.as_(ANNA).post(side(stage, "/unshare")), 423, "locked-signed")
    assert "holders" not in body
    stage.refused(lambda: save(stage, 1), 423, "locked-signed", but=BACKUPS)
    stage.refused(lambda: story.as_(ANNA).post(side(stage, "/share")), 423, "locked-signed")
    waive = side(stage, "/waive")
    stage.refused(lambda: story.as_(HELEN).post(waive, {"reason": "x"}), 423, "locked-signed")


def test_after_the_release_an_unshared_self_assessment_is_still_written_and_then_frozen(stage: Stage) -> None:
    story = stage.story
    story.begin()
    story.select_questions()
    story.save_manager()
    story.submit()
    story.released()
    story.save_self()
    story.share_self()
    stage.settle()
    stage.refused(lambda: story.as_(ANNA).post(side(stage, "/unshare")), 423, "locked")


def test_in_a_closed_cycle_authors_read_and_nobody_writes(stage: Stage) -> None:
    story = stage.story
    story.begin()
    story.save_self()
    expect(story.as_(HELEN).post(f"/v1/cycles/{story.cycle_id}/close"))
    stage.settle()
    stage.refused(lambda: save(stage, 1), 409, "cycle-closed", but=BACKUPS)
    stage.refused(lambda: story.as_(ANNA).post(side(stage, "/share")), 409, "cycle-closed")
    waive = side(stage, "/waive")
    stage.refused(lambda: story.as_(HELEN).post(waive, {"reason": "x"}), 409, "cycle-closed")
    assert expect(story.as_(ANNA).get(side(stage))).json()["answers"] == SELF_ANSWERS
    assert stage.tasks(ANNA) == set()
