"""Races between services, each settled in both orders: what one has decided and the other has not heard of yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.clients import etag
from harness.journey import BACKUPS
from harness.people import ANNA, HELEN, KAI, MAX, MIRA, Person
from harness.story import MANAGER_ANSWERS, expect

if TYPE_CHECKING:
    import httpx

    from harness.journey import Stage

NORA = Person(id="p-nora", name="Nora Human", email="nora@company.example", roles=("hr_admin",))
OTHER_ANSWERS = {**MANAGER_ANSWERS, "m-results": "<p>Written later.</p>"}


def edit(stage: Stage, *, version: str, by: Person = MAX) -> httpx.Response:
    path = f"/v1/reviews/{stage.story.review()}/manager-assessment"
    return stage.story.as_(by).put(path, {"answers": OTHER_ANSWERS}, version=version)


def manager_version(stage: Stage) -> str:
    return etag(expect(stage.story.as_(MAX).get(f"/v1/reviews/{stage.story.review()}/manager-assessment")))


def hr(stage: Stage, path: str, body: dict[str, Any] | None = None, by: Person = HELEN) -> httpx.Response:
    return stage.story.as_(by).post(path.format(stage.story.review()), body)


def at_rest(stage: Stage, state: str) -> None:
    """Settled, the packet is in this state, and the release register is held exactly if it is released."""
    stage.settle()
    assert stage.story.packet()["state"] == state
    assert stage.register()["held"] == (state == "released")


def readable(stage: Stage) -> bool:
    return stage.story.as_(ANNA).get(f"/v1/packets/{stage.story.review()}").status_code == 200


# -- unrelease while releasing -----------------------------------------------------------------------------------------


def test_unrelease_before_the_lock_arrives_wins(stage: Stage) -> None:
    story = stage.with_manager()
    expect(story.press_release(), 202)
    expect(story.press_unrelease(), 202)
    at_rest(stage, "ready")
    assert not readable(stage)
    assert [one["was"] for one in stage.facts("packet.unreleased.v1")] == ["releasing"]
    assert stage.facts("packet.released.v1") == []


def test_unrelease_while_the_grant_is_on_its_way_wins(stage: Stage) -> None:
    story = stage.with_manager()
    expect(story.press_release(), 202)
    stage.relay("packets")
    stage.only("assessment")
    assert stage.register()["held"]
    expect(story.press_unrelease(), 202)
    at_rest(stage, "ready")
    assert not readable(stage)
    assert stage.facts("packet.released.v1") == []
    assert (ANNA.id, "released") not in [(one["recipient_id"], one["template"]) for one in stage.deliveries(HELEN)]


def test_an_unlock_that_overtakes_its_lock_leaves_the_review_free(stage: Stage) -> None:
    story = stage.with_manager()
    expect(story.press_release(), 202)
    expect(story.press_unrelease(), 202)
    stage.relay("packets")
    stage.turn_around("reviews.holds.v1", story.review())
    at_rest(stage, "ready")
    superseded = stage.facts("hold.superseded.v1")
    assert [one["fence"] for one in superseded] == [2]


def test_after_an_unreleased_release_the_next_one_comes_about_under_a_new_epoch(stage: Stage) -> None:
    story = stage.with_manager()
    expect(story.press_release(), 202)
    expect(story.press_unrelease(), 202)
    stage.settle()
    story.send_to_manager()
    story.release()
    at_rest(stage, "released")
    assert story.packet()["epoch"] == 2


def test_a_late_grant_of_an_old_epoch_is_ignored(stage: Stage) -> None:
    story = stage.with_manager()
    expect(story.press_release(), 202)
    stage.settle()
    [granted] = stage.records("hold.granted.v1")
    story.unrelease()
    story.send_to_manager()
    expect(story.press_release(), 202)
    stage.apply_again("packets", granted)
    assert story.packet()["state"] == "releasing"
    assert not readable(stage)
    at_rest(stage, "released")
    assert len(stage.facts("packet.released.v1")) == 2


# -- the manager side against the lock ---------------------------------------------------------------------------------


def test_an_edit_before_the_lock_makes_the_release_fail(stage: Stage) -> None:
    story = stage.with_manager(calibration_required=False)
    expect(story.press_release(), 202)
    expect(edit(stage, version=manager_version(stage)))
    at_rest(stage, "with_manager")
    assert [one["reason"] for one in stage.facts("packet.release-failed.v1")] == ["content-changed"]
    assert story.packet()["last_refusal"] == "content-changed"
    story.release()
    shown = expect(story.as_(ANNA).get(f"/v1/packets/{story.review()}")).json()
    assert shown["questions"][0]["value"] == OTHER_ANSWERS["m-results"]


def test_an_edit_of_a_calibrated_review_before_the_lock_leaves_it_to_be_confirmed(stage: Stage) -> None:
    story = stage.with_manager()
    expect(story.press_release(), 202)
    expect(edit(stage, version=manager_version(stage)))
    at_rest(stage, "none")
    assert story.packet()["calibration"] == "stale"
    assert not readable(stage)


def test_an_edit_after_the_lock_is_refused(stage: Stage) -> None:
    story = stage.with_manager()
    version = manager_version(stage)
    expect(story.press_release(), 202)
    stage.relay("packets")
    stage.only("assessment")
    for person in (MAX, HELEN):
        body = stage.refused(lambda by=person: edit(stage, version=version, by=by), 423, "locked-released", but=BACKUPS)  # type: ignore[misc]
        assert body["holders"] == ["release"]
    at_rest(stage, "released")


def test_a_reopening_before_the_lock_makes_the_release_fail(stage: Stage) -> None:
    story = stage.with_manager()
    expect(story.press_release(), 202)
    expect(hr(stage, "/v1/reviews/{}/manager-assessment/reopen", {"reason": "Wrong person."}))
    at_rest(stage, "none")
    assert [one["reason"] for one in stage.facts("packet.release-failed.v1")] == ["not-submitted"]


def test_a_reopening_after_the_lock_is_refused(stage: Stage) -> None:
    story = stage.with_manager()
    expect(story.press_release(), 202)
    stage.relay("packets")
    stage.only("assessment")
    reopen = "/v1/reviews/{}/manager-assessment/reopen"
    stage.refused(lambda: hr(stage, reopen, {"reason": "Wrong person."}), 423, "locked-released")
    at_rest(stage, "released")


def test_a_reassignment_before_the_lock_makes_the_former_managers_release_fail(stage: Stage) -> None:
    story = stage.with_manager()
    expect(story.press_release(), 202)
    expect(hr(stage, "/v1/reviews/{}/reassign", {"manager_id": MIRA.id, "reason": "A change of teams."}))
    at_rest(stage, "with_manager")
    assert [one["reason"] for one in stage.facts("packet.release-failed.v1")] == ["manager-changed"]
    assert stage.tasks(MAX) == set()
    assert stage.tasks(MIRA) == {"release"}
    assert story.as_(MAX).get(f"/v1/packets/{story.review()}").status_code == 404
    story.release(by=MIRA)


def test_a_cancelled_review_is_not_released_and_a_release_is_not_cancelled(stage: Stage) -> None:
    story = stage.with_manager()
    expect(story.press_release(), 202)
    expect(hr(stage, "/v1/reviews/{}/cancel", {"reason": "Left the company."}))
    at_rest(stage, "none")
    assert [one["reason"] for one in stage.facts("packet.release-failed.v1")] == ["cancelled"]


def test_a_released_review_is_not_cancelled(stage: Stage) -> None:
    stage.released()
    stage.refused(lambda: hr(stage, "/v1/reviews/{}/cancel", {"reason": "Late."}), 423, "locked-released")


def test_a_cycle_closed_before_the_lock_makes_the_release_fail(stage: Stage) -> None:
    story = stage.with_manager()
    expect(story.press_release(), 202)
    expect(hr(stage, f"/v1/cycles/{story.cycle_id}/close"))
    at_rest(stage, "with_manager")
    assert [one["reason"] for one in stage.facts("packet.release-failed.v1")] == ["cycle-closed"]


def test_in_a_cycle_closed_after_the_lock_hr_still_unreleases(stage: Stage) -> None:
    story = stage.released()
    expect(hr(stage, f"/v1/cycles/{story.cycle_id}/close"))
    at_rest(stage, "released")
    assert readable(stage)
    expect(story.press_unrelease(), 202)
    at_rest(stage, "ready")
    stage.refused(lambda: hr(stage, "/v1/packets/{}/release-to-manager"), 409, "cycle-closed")


# -- people at once ----------------------------------------------------------------------------------------------------


def test_of_two_hr_admins_at_once_one_wins_and_a_repeat_gets_the_stored_answer(stage: Stage) -> None:
    story = stage.with_manager()
    story.import_people((NORA,))
    stage.settle()
    path, tag = f"/v1/packets/{story.review()}/release", story.preview_tag(by=HELEN)
    first = story.as_(HELEN).post(path, {"reason": "Urgent."}, version=tag, key="press-1")
    assert first.status_code == 202
    stage.refused(lambda: story.as_(NORA).post(path, {"reason": "Me too."}, version=tag), 409, "release-in-progress")
    again = story.as_(HELEN).post(path, {"reason": "Urgent."}, version=tag, key="press-1")
    assert (again.status_code, again.json(), again.headers["Location"]) == (
        202,
        first.json(),
        first.headers["Location"],
    )
    at_rest(stage, "released")
    assert story.packet()["epoch"] == 1


def test_releasing_what_is_released_answers_200_and_mails_nobody_again(stage: Stage) -> None:
    story = stage.released()
    before = stage.deliveries(HELEN)
    for person in (MAX, HELEN):
        answer = story.press_release(by=person)
        assert answer.status_code == 200
        assert answer.json()["state"] == "released"
    stage.settle()
    assert stage.deliveries(HELEN) == before
    assert len(stage.facts("packet.released.v1")) == 1


def test_a_release_of_what_was_previewed_before_a_change_is_refused(stage: Stage) -> None:
    story = stage.with_manager()
    tag = story.preview_tag()
    path = f"/v1/packets/{story.review()}"
    expect(story.press_rating(5, reason="Agreed with Dora."))
    stage.settle()
    stage.refused(lambda: story.as_(MAX).post(f"{path}/release", {}, version=tag), 412, "packet-changed")
    story.release()
    assert expect(story.as_(ANNA).get(path)).json()["rating"]["value"] == 5


def test_a_rating_is_not_changed_while_a_release_or_an_unrelease_is_on_its_way(stage: Stage) -> None:
    story = stage.with_manager()
    expect(story.press_release(), 202)
    stage.refused(lambda: story.press_rating(5, reason="Agreed."), 409, "release-in-progress")
    stage.settle()
    stage.refused(lambda: story.press_rating(5, reason="Agreed."), 423, "locked-released")
    expect(story.press_unrelease(), 202)
    stage.refused(lambda: story.press_rating(5, reason="Agreed."), 409, "unrelease-in-progress")
    stage.refused(lambda: story.press_release(by=HELEN, reason="Now."), 409, "unrelease-in-progress")
    assert story.press_unrelease().status_code == 202
    at_rest(stage, "ready")
    assert len(stage.facts("packet.unreleased.v1")) == 1


def test_selected_questions_reach_a_released_packet_only_after_its_way_back(stage: Stage) -> None:
    story = stage.released()
    story.select_questions(("m-growth",), rating=False)
    stage.settle()

    def shown() -> list[str]:
        answer = expect(story.as_(ANNA).get(f"/v1/packets/{story.review()}")).json()
        return [one["question_id"] for one in answer["questions"]]

    assert shown() == ["m-results", "m-growth"]
    story.unrelease()
    story.send_to_manager()
    story.release()
    assert shown() == ["m-growth"]


def test_an_empty_selection_withdraws_a_packet_from_its_manager(stage: Stage) -> None:
    story = stage.with_manager()
    story.select_questions((), rating=False)
    stage.settle()
    assert story.packet()["state"] == "none"
    assert story.as_(MAX).get(f"/v1/packets/{story.review()}").status_code == 404
    assert stage.tasks(MAX) == set()
    assert KAI.id not in {one["recipient_id"] for one in stage.deliveries(HELEN)}
