"""What is refused around a packet: sending, releasing, reading and taking back; nothing changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.people import AMY, ANNA, HELEN, KAI, MAX, MIRA, OLGA
from harness.story import MANAGER_ANSWERS, expect

if TYPE_CHECKING:
    import httpx

    from harness.journey import Stage
    from harness.people import Person


def packet(stage: Stage, rest: str = "") -> str:
    return f"/v1/packets/{stage.story.review()}{rest}"


def send(stage: Stage, by: Person = HELEN) -> httpx.Response:
    return stage.story.as_(by).post(packet(stage, "/release-to-manager"))


def release(stage: Stage, tag: str | None, by: Person = MAX, **body: Any) -> httpx.Response:
    return stage.story.as_(by).post(packet(stage, "/release"), body, version=tag)


def test_what_is_not_submitted_is_neither_sent_nor_released(stage: Stage) -> None:
    story = stage.story
    story.begin()
    unmet = {"manager-assessment-not-submitted", "not-calibrated", "no-shared-questions"}
    for act in (lambda: send(stage), lambda: release(stage, "x", by=HELEN, reason="Now.")):
        stage.refused(act, 409, "manager-assessment-not-submitted", unmet=unmet)
    story.save_manager()
    stage.settle()
    stage.refused(lambda: send(stage), 409, "manager-assessment-not-submitted")


def test_what_is_not_calibrated_is_neither_sent_nor_released(stage: Stage) -> None:
    story = stage.submitted()
    stage.refused(lambda: send(stage), 409, "not-calibrated", unmet={"not-calibrated"})
    stage.refused(lambda: release(stage, "x", by=HELEN, reason="Now."), 409, "not-calibrated")
    expect(story.as_(HELEN).post(packet(stage, "/override-calibration"), {"reason": "Urgent."}))
    stage.settle()
    assert story.packet()["overridden"]
    expect(send(stage))
    shown = expect(story.as_(MAX).get(packet(stage))).json()
    assert shown["rating"]["shown"] == "manager_final"


def test_an_override_is_void_when_a_version_changes(stage: Stage) -> None:
    story = stage.submitted()
    override = packet(stage, "/override-calibration")
    expect(story.as_(HELEN).post(override, {"reason": "Urgent."}))
    story.save_manager(answers={**MANAGER_ANSWERS, "m-growth": "<p>More.</p>"})
    stage.settle()
    assert not story.packet()["overridden"]
    stage.refused(lambda: send(stage), 409, "not-calibrated")


def test_the_gate_is_overridden_by_hr_only_and_where_it_is_shut(stage: Stage) -> None:
    story = stage.story
    story.begin()
    override, reason = packet(stage, "/override-calibration"), {"reason": "Urgent."}
    for person in (ANNA, MAX, AMY):
        stage.denied(person, "forbidden-role", "POST", override, reason)
    stage.denied(OLGA, "not-found", "POST", override, reason)
    stage.refused(lambda: story.as_(HELEN).post(override, reason), 409, "manager-assessment-not-submitted")
    story.select_questions()
    story.written()
    story.calibrate()
    stage.settle()
    stage.refused(lambda: story.as_(HELEN).post(override, reason), 409, "nothing-to-override")


def test_without_a_shared_question_there_is_no_packet(stage: Stage) -> None:
    story = stage.story
    story.begin(calibration_required=False)
    story.written()
    stage.settle()
    stage.refused(lambda: send(stage), 422, "no-shared-questions", unmet={"no-shared-questions"})


def test_a_packet_whose_content_is_not_fetched_is_not_ready(stage: Stage) -> None:
    story = stage.story
    story.begin(calibration_required=False)
    story.select_questions()
    stage.settle()
    story.written()
    stage.relay("assessment")
    stage.consume("packets")
    stage.refused(lambda: send(stage), 409, "not-ready", unmet={"not-ready"})
    stage.settle()
    expect(send(stage))


def test_a_ready_packet_is_hrs_alone(stage: Stage) -> None:
    stage.ready()
    for path in ("", "/pdf"):
        for person in (ANNA, MAX, KAI, OLGA):
            stage.denied(person, "not-found", "GET", packet(stage, path))
        stage.denied(AMY, "forbidden-role", "GET", packet(stage, path))
    # Kai calibrated the review, and has a part in it.
    for person in (ANNA, MAX, AMY, KAI):
        stage.denied(person, "forbidden-role", "POST", packet(stage, "/release-to-manager"))
    stage.denied(OLGA, "not-found", "POST", packet(stage, "/release-to-manager"))
    tag = stage.story.preview_tag(by=HELEN)
    stage.refused(lambda: release(stage, tag), 404, "not-found")
    stage.refused(lambda: release(stage, tag, by=HELEN), 422, "reason-missing")
    stage.refused(stage.story.press_unrelease, 409, "not-released")


def test_a_packet_with_its_manager_is_released_by_who_names_what_was_previewed(stage: Stage) -> None:
    story = stage.with_manager()
    tag = story.preview_tag()
    for path in ("", "/pdf"):
        for person in (ANNA, KAI, OLGA, MIRA):
            stage.denied(person, "not-found", "GET", packet(stage, path))
    for person in (ANNA, AMY, KAI):
        stage.denied(person, "forbidden-role", "POST", packet(stage, "/release"), {}, version=tag)
    for person in (OLGA, MIRA):
        stage.denied(person, "not-found", "POST", packet(stage, "/release"), {}, version=tag)
    stage.refused(lambda: release(stage, None), 428, "version-missing")
    stage.refused(lambda: release(stage, "sha256:old.1.1.1"), 412, "packet-changed")
    assert send(stage).status_code == 200
    stage.settle()
    assert len(stage.facts("packet.released-to-manager.v1")) == 1


def test_an_edit_makes_a_sent_packet_wait_for_its_confirmation(stage: Stage) -> None:
    story = stage.with_manager()
    story.save_manager(answers={**MANAGER_ANSWERS, "m-results": "<p>More.</p>"})
    stage.settle()
    stage.refused(lambda: release(stage, "x", by=HELEN, reason="Now."), 409, "not-calibrated")
    stage.refused(lambda: release(stage, "x"), 404, "not-found")
    stage.refused(lambda: send(stage), 409, "not-calibrated")


def test_only_hr_takes_back_and_only_what_was_given(stage: Stage) -> None:
    story = stage.story
    story.begin()
    unrelease, body = packet(stage, "/unrelease"), {"reason": "Wrong.", "revoke_signatures": False}
    stage.refused(story.press_unrelease, 409, "not-released")
    story.select_questions()
    story.written()
    story.released()
    for person in (ANNA, MAX, AMY, KAI):
        stage.denied(person, "forbidden-role", "POST", unrelease, body)
    for person in (OLGA, MIRA):
        stage.denied(person, "not-found", "POST", unrelease, body)
    stage.refused(lambda: story.as_(HELEN).post(unrelease, {"revoke_signatures": False}), 422, "reason-missing")
    stage.refused(lambda: send(stage), 423, "locked-released")
    override = packet(stage, "/override-calibration")
    stage.refused(lambda: story.as_(HELEN).post(override, {"reason": "x"}), 423, "locked-released")


def test_taking_back_from_the_manager_needs_no_lock_to_be_lifted(stage: Stage) -> None:
    story = stage.with_manager()
    assert story.press_unrelease().status_code == 200
    stage.refused(lambda: story.as_(MAX).get(packet(stage)), 404, "not-found")
    stage.settle()
    assert stage.tasks(MAX) == set()
    assert story.packet()["state"] == "ready"
    assert stage.register()["fence"] == 0


def test_a_released_packet_is_nothing_to_outsiders_and_text_is_nothing_to_assistants(stage: Stage) -> None:
    story = stage.released()
    for path in ("", "/pdf", "/actions"):
        for person in (KAI, OLGA, MIRA):
            if (person, path) != (KAI, "/actions"):
                stage.denied(person, "not-found", "GET", packet(stage, path))
    for path in ("", "/pdf"):
        stage.denied(AMY, "forbidden-role", "GET", packet(stage, path))
    listed = expect(story.as_(AMY).get(f"/v1/packets?cycle_id={story.cycle_id}")).json()["items"]
    assert [one["state"] for one in listed] == ["released"]
    assert expect(story.as_(OLGA).get(f"/v1/packets?cycle_id={story.cycle_id}")).json()["items"] == []


def test_the_selection_is_hrs_and_names_questions_for_the_manager(stage: Stage) -> None:
    story = stage.story
    story.begin()
    path, body = f"/v1/shared-questions/{story.cycle_id}", {"question_ids": ["m-results"], "rating": True}
    for person in (ANNA, MAX, AMY, KAI):
        stage.denied(person, "forbidden-role", "PUT", path, body, version=0)
        stage.denied(person, "forbidden-role", "GET", path)

    def select(*question_ids: str, version: int | None = 0) -> httpx.Response:
        return story.as_(HELEN).put(path, {"question_ids": list(question_ids), "rating": True}, version=version)

    stage.refused(lambda: select("m-results", "s-highlights"), 422, "unknown-questions")
    stage.refused(lambda: select("nobody-asked"), 422, "unknown-questions")
    stage.refused(lambda: select("m-results", version=None), 428, "version-missing")
    stage.refused(lambda: select("m-results", version=3), 412, "stale-version")
    expect(select("m-results"))
    expect(story.as_(HELEN).post(f"/v1/cycles/{story.cycle_id}/close"))
    stage.settle()
    stage.refused(lambda: select("m-growth", version=1), 409, "cycle-closed")


def test_in_a_closed_cycle_nothing_is_sent_released_or_rated(stage: Stage) -> None:
    story = stage.with_manager()
    tag = story.preview_tag()
    expect(story.as_(HELEN).post(f"/v1/cycles/{story.cycle_id}/close"))
    stage.settle()
    stage.refused(lambda: release(stage, tag), 409, "cycle-closed")
    stage.refused(lambda: story.press_rating(5, reason="x"), 409, "cycle-closed")
    override = packet(stage, "/override-calibration")
    stage.refused(lambda: story.as_(HELEN).post(override, {"reason": "x"}), 409, "cycle-closed")
