"""What is refused around calibration sessions and ratings; nothing changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.journey import BACKUPS
from harness.people import AMY, ANNA, DORA, HELEN, HUGO, KAI, MAX, OLGA, Person
from harness.story import MANAGER_ANSWERS, expect

if TYPE_CHECKING:
    import httpx

    from harness.journey import Stage

STRANGER = Person(id="p-nobody", name="Nobody", email="nobody@company.example")
RATED = {"rating": 4, "justification": "Compared with the guideline."}


def create(stage: Stage, *members: Person, reviewee: Person = ANNA, by: Person = HELEN) -> httpx.Response:
    story = stage.story
    body = {
        "cycle_id": story.cycle_id,
        "review_ids": [story.review(reviewee)],
        "members": [one.id for one in members or (HELEN, KAI)],
    }
    return story.as_(by).post("/v1/calibrations", body)


def started(stage: Stage) -> str:
    """Return the path of a session, started, over Anna's submitted review."""
    stage.submitted()
    path = f"/v1/calibrations/{expect(create(stage)).json()['session_id']}"
    expect(stage.story.as_(HELEN).post(f"{path}/start"))
    stage.settle()
    return path


def rate(stage: Stage, path: str, *, version: int | None = 0, by: Person = KAI, **changes: object) -> httpx.Response:
    return stage.story.as_(by).put(f"{path}/ratings/{stage.story.review()}", {**RATED, **changes}, version=version)


def test_sessions_are_made_by_hr_of_reviews_that_need_one(stage: Stage) -> None:
    story = stage.story
    story.begin(calibration_required=False)
    for person in (ANNA, MAX, AMY, KAI, OLGA):
        stage.refused(lambda by=person: create(stage, by=by), 403, "forbidden-role")  # type: ignore[misc]
    stage.refused(lambda: create(stage), 409, "calibration-not-required")


def test_whoever_is_not_in_the_directory_calibrates_nothing(stage: Stage) -> None:
    story = stage.submitted()
    body = stage.refused(lambda: create(stage, HELEN, STRANGER), 422, "unknown-members")
    assert body["person_ids"] == [STRANGER.id]
    made = expect(create(stage)).json()
    path = f"/v1/calibrations/{made['session_id']}/members"
    members = {"members": [KAI.id, STRANGER.id]}
    put = story.as_(HELEN).put
    stage.refused(lambda: put(path, members, version=made["row_version"]), 422, "unknown-members")
    stage.refused(lambda: put(path, {"members": [KAI.id]}), 428, "version-missing")
    stage.refused(lambda: put(path, {"members": [KAI.id]}, version=made["row_version"] + 1), 412, "stale-version")


def test_a_review_is_in_one_session_only(stage: Stage) -> None:
    started(stage)
    body = stage.refused(lambda: create(stage), 409, "already-in-session")
    assert body["review_ids"] == [stage.story.review()]


def test_what_is_not_submitted_is_not_calibrated(stage: Stage) -> None:
    story = stage.story
    story.begin()
    path = f"/v1/calibrations/{expect(create(stage)).json()['session_id']}"
    stage.refused(lambda: story.as_(HELEN).post(f"{path}/start"), 409, "manager-assessment-not-submitted")
    stage.refused(lambda: story.as_(HELEN).post(f"{path}/complete"), 409, "session-in-other-state")


def test_the_board_is_open_to_members_only(stage: Stage) -> None:
    path = started(stage)
    story = stage.story
    members = {"members": [KAI.id, HUGO.id]}
    expect(story.as_(HELEN).put(f"{path}/members", members, version=story.session_version(path.rsplit("/", 1)[1])))
    stage.denied(HELEN, "forbidden-role", "GET", path)
    stage.denied(AMY, "forbidden-role", "GET", path)
    for person in (ANNA, MAX, OLGA):
        stage.denied(person, "not-found", "GET", path)
    board = expect(story.as_(KAI).get(path)).json()
    assert [one["manager_rating"] for one in board["reviews"]] == [MANAGER_ANSWERS["m-rating"]]


def test_a_rating_in_a_session_is_justified_on_the_scale_and_names_its_version(stage: Stage) -> None:
    path = started(stage)
    stage.refused(lambda: rate(stage, path, version=None), 428, "version-missing")
    stage.refused(lambda: rate(stage, path, version=5), 412, "stale-version")
    stage.refused(lambda: rate(stage, path, rating=6), 422, "rating-off-scale")
    stage.refused(lambda: rate(stage, path, justification=None), 422, "justification-missing")
    for person in (ANNA, MAX, OLGA):
        stage.refused(lambda by=person: rate(stage, path, by=by), 404, "not-found")  # type: ignore[misc]
    for person in (AMY, HUGO):
        stage.refused(lambda by=person: rate(stage, path, by=by), 403, "forbidden-role")  # type: ignore[misc]
    expect(rate(stage, path))
    stage.refused(lambda: rate(stage, path, rating=2), 412, "stale-version")


def test_a_session_is_completed_by_hr_who_is_a_member_when_all_are_rated(stage: Stage) -> None:
    path = started(stage)
    story = stage.story
    complete = f"{path}/complete"
    body = stage.refused(lambda: story.as_(HELEN).post(complete), 409, "ratings-missing")
    assert body["review_ids"] == [story.review()]
    expect(rate(stage, path))
    for verb in ("complete", "cancel", "reopen", "start"):
        stage.denied(KAI, "forbidden-role", "POST", f"{path}/{verb}")
        stage.denied(AMY, "forbidden-role", "POST", f"{path}/{verb}")
        stage.denied(MAX, "not-found", "POST", f"{path}/{verb}")
    stage.denied(HUGO, "forbidden-role", "POST", complete)
    stage.refused(lambda: story.as_(HELEN).post(f"{path}/start"), 409, "session-in-other-state")
    expect(story.as_(HELEN).post(complete))
    stage.refused(lambda: rate(stage, path, version=1), 409, "session-in-other-state")


def test_nobody_calibrates_oneself_or_a_superior(stage: Stage) -> None:
    story = stage.story
    story.begin(MAX)
    story.save_manager(MAX, by=DORA)
    story.submit(MAX, by=DORA)
    stage.settle()
    stage.refused(lambda: create(stage, reviewee=MAX, by=HUGO), 403, "self-dealing")
    path = f"/v1/calibrations/{expect(create(stage, HELEN, HUGO, MAX, reviewee=MAX)).json()['session_id']}"
    expect(story.as_(HELEN).post(f"{path}/start"))
    stage.settle()
    ratings = f"{path}/ratings/{story.review(MAX)}"
    stage.denied(HUGO, "self-dealing", "PUT", ratings, RATED, version=0)
    stage.denied(MAX, "forbidden-role", "PUT", ratings, RATED, version=0)
    for person in (HUGO, MAX):
        assert expect(story.as_(person).get(path)).json()["reviews"] == []


def test_a_calibrated_rating_is_changed_by_hr_and_calibrators_with_a_reason(stage: Stage) -> None:
    story = stage.submitted()
    path, body = f"/v1/packets/{story.review()}/rating", {"rating": 5, "reason": "Agreed."}
    stage.refused(lambda: story.as_(HELEN).put(path, body, version=0), 409, "not-calibrated")
    story.calibrate()
    stage.settle()
    for person in (ANNA, MAX, AMY):
        stage.denied(person, "forbidden-role", "PUT", path, body, version=1)
    stage.denied(OLGA, "not-found", "PUT", path, body, version=1)
    stage.refused(lambda: story.as_(HELEN).put(path, {**body, "rating": 9}, version=1), 422, "rating-off-scale")
    stage.refused(lambda: story.as_(HELEN).put(path, {"rating": 5}, version=1), 422, "reason-missing")
    stage.refused(lambda: story.as_(HELEN).put(path, body), 428, "version-missing")
    stage.refused(lambda: story.as_(HELEN).put(path, body, version=0), 412, "stale-version")
    expect(story.as_(KAI).put(path, body, version=1))
    stage.refused(lambda: story.as_(HELEN).put(path, {**body, "rating": 2}, version=1), 412, "stale-version")
    stage.settle()
    assert story.packet()["calibration"] == "calibrated"


def test_only_what_is_stale_is_confirmed_and_by_whom_may_complete(stage: Stage) -> None:
    story = stage.submitted()
    story.calibrate()
    confirm, body = f"/v1/calibrations/{story.session_id}/confirm", {"review_ids": [story.review()]}
    expect(story.as_(HELEN).post(confirm, body))
    story.save_manager(answers={**MANAGER_ANSWERS, "m-growth": "<p>More.</p>"})
    stage.settle()
    stage.denied(KAI, "forbidden-role", "POST", confirm, body)
    stage.denied(AMY, "forbidden-role", "POST", confirm, body)
    stage.denied(HUGO, "forbidden-role", "POST", confirm, body)
    stage.denied(MAX, "not-found", "POST", confirm, body)
    expect(story.as_(HELEN).post(f"/v1/reviews/{story.review()}/manager-assessment/reopen", {"reason": "x"}))
    stage.settle()
    stage.refused(lambda: story.as_(HELEN).post(confirm, body), 409, "manager-assessment-not-submitted")
    story.submit()
    stage.settle()
    expect(story.as_(HELEN).post(confirm, body))


def test_under_the_release_lock_nothing_is_recalibrated(stage: Stage) -> None:
    story = stage.released()
    reopen = f"/v1/calibrations/{story.session_id}/reopen"
    body = stage.refused(lambda: story.as_(HELEN).post(reopen), 423, "locked-released")
    assert body["review_ids"] == [story.review()]
    story.unrelease()
    expect(story.as_(HELEN).post(reopen))
    stage.settle()
    assert story.packet()["state"] == "none"


def test_a_calibrated_rating_is_no_longer_the_managers_to_change(stage: Stage) -> None:
    story = stage.ready()
    path = f"/v1/reviews/{story.review()}/manager-assessment"
    form = {"answers": {**MANAGER_ANSWERS, "m-rating": 2}}
    stage.settle()
    stage.refused(lambda: story.as_(MAX).put(path, form, version=1), 409, "rating-calibrated", but=BACKUPS)
    expect(story.as_(MAX).put(path, {"answers": {**MANAGER_ANSWERS, "m-results": "<p>More.</p>"}}, version=1))
    stage.settle()
    assert story.packet()["calibration"] == "stale"
    expect(story.as_(MAX).put(path, form, version=2))
    stage.settle()
    story.confirm()
    stage.settle()
    form["answers"]["m-rating"] = 3
    stage.refused(lambda: story.as_(MAX).put(path, form, version=3), 409, "rating-calibrated", but=BACKUPS)
    expect(story.as_(HELEN).put(path, form, version=3))
