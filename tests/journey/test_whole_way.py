"""One review's whole way: who sees what at each moment, what is to do, which mails go out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.clients import etag
from harness.people import AMY, ANNA, DORA, HELEN, KAI, MAX, MIRA, OLGA
from harness.story import MANAGER_ANSWERS, SELF_ANSWERS, expect

if TYPE_CHECKING:
    from harness.journey import Stage
    from harness.people import Person

READERS = {"E": ANNA, "M": MAX, "former M": MIRA, "outsider": OLGA, "H": HELEN, "A": AMY, "K": KAI}


def sees(stage: Stage, path: str) -> dict[str, int]:
    """Return the status with which each person is answered."""
    return {letter: stage.story.as_(person).get(path).status_code for letter, person in READERS.items()}


def mails(stage: Stage) -> list[tuple[str, str]]:
    """Return recipient and kind of every mail that was wanted so far, in order."""
    return [(one["recipient_id"], one["template"]) for one in reversed(stage.deliveries(HELEN))]


def state_seen_by(stage: Stage, person: Person) -> str:
    answer = expect(stage.story.as_(person).get(f"/v1/reviews/{stage.story.review()}"))
    state: str = answer.json()["state"]
    return state


def test_from_the_first_draft_to_the_corrected_packet_each_sees_only_what_is_theirs(own_stage: Stage) -> None:
    begin_with_mira_as_former_manager(own_stage)
    kick_off(own_stage)
    the_employee_writes_and_shares(own_stage)
    the_manager_writes_and_submits(own_stage)
    calibration_makes_it_ready(own_stage)
    it_is_with_the_manager(own_stage)
    it_is_released(own_stage)
    both_sign(own_stage)
    it_is_taken_back_with_its_signatures(own_stage)
    it_is_corrected_and_released_again(own_stage)


def begin_with_mira_as_former_manager(stage: Stage) -> None:
    stage.story.begin(ANNA)
    path = f"/v1/reviews/{stage.story.review()}/reassign"
    for manager in (MIRA, MAX):
        expect(stage.story.as_(HELEN).post(path, {"manager_id": manager.id, "reason": "A change of teams."}))
        stage.settle()


def kick_off(stage: Stage) -> None:
    """Kick-off: the employee has something to do; to the others there is nothing yet."""
    story = stage.story
    self_side = f"/v1/reviews/{story.review()}/self-assessment"
    assert stage.tasks(ANNA) == {"self-assessment"}
    assert stage.tasks(MAX) == set()
    assert (ANNA.id, "kick-off") in mails(stage)
    assert sees(stage, self_side) == {
        "E": 200, "M": 404, "former M": 404, "outsider": 404, "H": 404, "A": 404, "K": 404,
    }  # fmt: skip
    assert sees(stage, f"/v1/reviews/{story.review()}") == {
        "E": 200, "M": 200, "former M": 404, "outsider": 404, "H": 200, "A": 200, "K": 404,
    }  # fmt: skip


def the_employee_writes_and_shares(stage: Stage) -> None:
    """A draft is its author's; sharing shows it to the manager and HR."""
    story = stage.story
    self_side = f"/v1/reviews/{story.review()}/self-assessment"
    story.save_self()
    assert sees(stage, self_side)["M"] == 404
    story.share_self()
    stage.settle()
    assert sees(stage, self_side) == {
        "E": 200, "M": 200, "former M": 404, "outsider": 404, "H": 200, "A": 404, "K": 404,
    }  # fmt: skip
    assert stage.tasks(ANNA) == set()
    assert stage.tasks(MAX) == {"manager-assessment"}
    assert mails(stage)[-1] == (MAX.id, "shared")
    read = story.as_(MAX).get(self_side).json()
    assert read["answers"] == SELF_ANSWERS


def the_manager_writes_and_submits(stage: Stage) -> None:
    """The manager's text: HR from submission on, the employee never here."""
    story = stage.story
    manager_side = f"/v1/reviews/{story.review()}/manager-assessment"
    packet = f"/v1/packets/{story.review()}"
    story.save_manager()
    assert sees(stage, manager_side)["H"] == 404
    story.submit()
    stage.settle()
    assert sees(stage, manager_side) == {
        "E": 404, "M": 200, "former M": 404, "outsider": 404, "H": 200, "A": 403, "K": 404,
    }  # fmt: skip
    assert stage.tasks(MAX) == set()
    assert state_seen_by(stage, MAX) == "submitted"
    assert state_seen_by(stage, ANNA) == "manager_assessment"
    assert sees(stage, packet) == {
        "E": 404, "M": 404, "former M": 404, "outsider": 404, "H": 409, "A": 403, "K": 404,
    }  # fmt: skip


def calibration_makes_it_ready(stage: Stage) -> None:
    """Calibration makes it ready: HR previews, nobody else."""
    story = stage.story
    packet = f"/v1/packets/{story.review()}"
    story.select_questions()
    story.calibrate(rating=3)
    story.wait_for_packet("ready")
    board = f"/v1/calibrations/{story.session_id}"
    assert sees(stage, board) == {"E": 404, "M": 404, "former M": 404, "outsider": 404, "H": 200, "A": 403, "K": 200}
    assert sees(stage, packet) == {
        "E": 404, "M": 404, "former M": 404, "outsider": 404, "H": 200, "A": 403, "K": 404,
    }  # fmt: skip


def it_is_with_the_manager(stage: Stage) -> None:
    """With the manager: a task, a mail, a PDF; to the employee no trace."""
    story = stage.story
    packet = f"/v1/packets/{story.review()}"
    signatures = f"/v1/signatures/{story.review()}"
    story.send_to_manager()
    stage.settle()
    assert stage.tasks(MAX) == {"release"}
    assert mails(stage)[-1] == (MAX.id, "released-to-manager")
    assert sees(stage, packet) == {
        "E": 404, "M": 200, "former M": 404, "outsider": 404, "H": 200, "A": 403, "K": 404,
    }  # fmt: skip
    assert story.pdf(MAX).startswith(b"%PDF")
    assert story.as_(ANNA).get(f"{packet}/pdf").status_code == 404
    assert story.as_(ANNA).get("/v1/packets").json()["items"] == []
    assert story.as_(ANNA).get(signatures).status_code == 404


def it_is_released(stage: Stage) -> None:
    """Released: the employee reads what HR selected and the calibrated rating, and nothing else."""
    story = stage.story
    manager_side = f"/v1/reviews/{story.review()}/manager-assessment"
    packet = f"/v1/packets/{story.review()}"
    story.release()
    assert sees(stage, packet) == {
        "E": 200, "M": 200, "former M": 404, "outsider": 404, "H": 200, "A": 403, "K": 404,
    }  # fmt: skip
    shown = expect(story.as_(ANNA).get(packet)).json()
    assert {one["question_id"]: one["value"] for one in shown["questions"]} == {
        name: MANAGER_ANSWERS[name] for name in ("m-results", "m-growth")
    }
    assert shown["rating"]["value"] == 3
    assert story.packet()["viewed"]
    assert sees(stage, manager_side)["E"] == 404
    assert state_seen_by(stage, ANNA) == "locked"
    assert story.pdf(ANNA) == story.pdf(MAX)
    assert stage.tasks(ANNA) == {"sign"} == stage.tasks(MAX)
    assert [kind for who, kind in mails(stage) if who == ANNA.id] == ["kick-off", "released", "signature-due"]


def both_sign(stage: Stage) -> None:
    """Both sign: completed by itself."""
    story = stage.story
    signatures = f"/v1/signatures/{story.review()}"
    story.sign(ANNA, comment="<p>Thank you.</p>")
    assert stage.tasks(ANNA) == set()
    story.sign(MAX)
    assert story.signatures()["completion"]["state"] == "completed"
    assert state_seen_by(stage, ANNA) == "completed"
    assert (MAX.id, "signed") in mails(stage)
    assert sees(stage, signatures) == {
        "E": 200, "M": 200, "former M": 404, "outsider": 404, "H": 200, "A": 403, "K": 404,
    }  # fmt: skip
    comment = next(one["comment"] for one in story.signatures(by=MAX)["signers"] if one["role"] == "employee")
    assert comment == "<p>Thank you.</p>"


def it_is_taken_back_with_its_signatures(stage: Stage) -> None:
    """Taken back with its signatures: gone at once, before any other service has heard of it."""
    story = stage.story
    packet = f"/v1/packets/{story.review()}"
    signatures = f"/v1/signatures/{story.review()}"
    expect(story.press_unrelease(revoke_signatures=True), 202)
    assert sees(stage, packet) == {
        "E": 404, "M": 404, "former M": 404, "outsider": 404, "H": 200, "A": 403, "K": 404,
    }  # fmt: skip
    stage.settle()
    assert story.packet()["state"] == "ready"
    assert [one["state"] for one in story.signatures()["signers"]] == ["closed", "closed"]
    assert story.signatures()["completion"]["state"] == "none"
    assert story.as_(ANNA).get(signatures).status_code == 404
    assert stage.tasks(ANNA) == set() == stage.tasks(MAX)
    assert {(ANNA.id, "unreleased"), (MAX.id, "unreleased"), (ANNA.id, "revoked"), (MAX.id, "revoked")} <= set(
        mails(stage)
    )


def it_is_corrected_and_released_again(stage: Stage) -> None:
    """Corrected, confirmed, released again: the employee reads the corrected text."""
    story = stage.story
    packet = f"/v1/packets/{story.review()}"
    story.save_manager(answers={**MANAGER_ANSWERS, "m-results": "<p>Delivered it one week early.</p>"})
    stage.settle()
    assert story.packet()["calibration"] == "stale"
    story.confirm()
    story.send_to_manager()
    story.release()
    again = expect(story.as_(ANNA).get(packet)).json()
    assert again["questions"][0]["value"] == "<p>Delivered it one week early.</p>"
    assert story.packet()["epoch"] == 2
    story.sign(ANNA)
    story.sign(MAX)
    assert story.signatures()["completion"]["state"] == "completed"
    first, second = stage.facts("packet.released.v1")
    assert first["snapshot_hash"] != second["snapshot_hash"] == again["snapshot_hash"]


def test_the_same_content_is_released_again_with_the_same_hash_under_a_new_epoch(stage: Stage) -> None:
    story = stage.released()
    first = stage.internal("packets", story.review())
    story.unrelease()
    story.send_to_manager()
    story.release()
    second = stage.internal("packets", story.review())
    assert second["snapshot_hash"] == first["snapshot_hash"]
    assert second["epoch"] == first["epoch"] + 1
    assert stage.register()["fence"] == 2 * second["epoch"]


def test_the_employees_first_read_of_an_epoch_is_a_view_and_an_unrelease_resets_it(stage: Stage) -> None:
    story = stage.released()
    assert not story.packet()["viewed"]
    for _ in range(2):
        expect(story.as_(ANNA).get(f"/v1/packets/{story.review()}"))
    stage.settle()
    assert story.packet()["viewed"]
    assert len(stage.facts("packet.viewed.v1")) == 1
    story.unrelease()
    assert not story.packet()["viewed"]
    story.send_to_manager()
    story.release()
    assert not story.packet()["viewed"]


def test_in_a_direct_cycle_the_manager_has_the_packet_as_soon_as_it_is_ready(stage: Stage) -> None:
    story = stage.story
    story.begin(release_mode="manager_direct", calibration_required=False)
    story.select_questions((*story_questions(), "m-rating"))
    story.written()
    story.wait_for_packet("with_manager")
    assert stage.tasks(MAX) == {"release"}
    stage.refused(lambda: command(stage, HELEN, "release-to-manager"), 409, "manager-direct")
    stage.refused(story.press_unrelease, 409, "manager-direct")
    story.release()
    shown = expect(story.as_(ANNA).get(f"/v1/packets/{story.review()}")).json()
    assert [one["question_id"] for one in shown["questions"]] == ["m-results", "m-growth", "m-rating"]
    assert shown["rating"] is None
    story.unrelease()
    assert story.packet()["state"] == "with_manager"


def test_without_calibration_a_rating_is_a_question_that_hr_shares_or_not(stage: Stage) -> None:
    story = stage.story
    story.begin(calibration_required=False)
    story.select_questions()
    story.written()
    story.send_to_manager()
    story.release()
    shown = expect(story.as_(ANNA).get(f"/v1/packets/{story.review()}")).json()
    assert [one["question_id"] for one in shown["questions"]] == ["m-results", "m-growth"]
    assert shown["rating"] is None


def test_where_the_cycle_says_so_packets_go_to_managers_when_their_calibration_completes(stage: Stage) -> None:
    story = stage.story
    story.begin(release_after_calibration=True)
    story.select_questions()
    story.written()
    story.calibrate()
    story.wait_for_packet("with_manager")
    assert stage.tasks(MAX) == {"release"}
    story.save_manager(answers={**MANAGER_ANSWERS, "m-growth": "<p>Coaches three.</p>"})
    stage.settle()
    assert story.packet()["state"] == "none"
    story.confirm()
    story.wait_for_packet("with_manager")


def test_the_self_assessment_stays_hidden_until_the_manager_has_submitted_where_the_cycle_says_so(stage: Stage) -> None:
    story = stage.story
    story.begin(self_visibility="after_manager_submit")
    path = f"/v1/reviews/{story.review()}/self-assessment"
    story.save_self()
    story.share_self()
    stage.settle()
    assert story.as_(MAX).get(path).status_code == 404
    assert (MAX.id, "shared") not in mails(stage)
    assert stage.tasks(MAX) == {"manager-assessment"}
    story.save_manager()
    story.submit()
    stage.settle()
    assert story.as_(MAX).get(path).status_code == 200
    assert (MAX.id, "shared") in mails(stage)
    # Access once given survives a reopening.
    expect(story.as_(HELEN).post(f"/v1/reviews/{story.review()}/manager-assessment/reopen", {"reason": "Too short."}))
    assert story.as_(MAX).get(path).status_code == 200


def test_hr_releases_past_the_manager_with_a_reason(stage: Stage) -> None:
    story = stage.ready()
    expect(story.press_release(by=HELEN, reason="The manager has left."), 202)
    story.wait_for_packet("released")
    assert story.as_(ANNA).get(f"/v1/packets/{story.review()}").status_code == 200


def test_whoever_unshares_hides_at_once_and_the_manager_is_told_of_the_newer_version(stage: Stage) -> None:
    story = stage.story
    story.begin()
    path = f"/v1/reviews/{story.review()}/self-assessment"
    story.save_self()
    story.share_self()
    read = expect(story.as_(MAX).get(path))
    expect(story.as_(ANNA).post(f"{path}/unshare"))
    assert story.as_(MAX).get(path).status_code == 404
    assert story.as_(MAX).get(f"{path}/versions/{etag(read)}").status_code == 404
    story.save_self(answers={"s-highlights": "<p>Something else.</p>"})
    story.share_self()
    stage.settle()
    assert [kind for who, kind in mails(stage) if who == MAX.id] == ["shared", "shared"]
    old = expect(story.as_(MAX).get(f"{path}/versions/{etag(read)}")).json()
    assert old["superseded"]
    assert old["answers"] == SELF_ANSWERS
    assert stage.facts("self-assessment.unshared.v1")[0]["manager_had_read"]


def test_lists_show_each_person_the_own_reviews_and_hr_all(stage: Stage) -> None:
    story = stage.story
    story.begin()

    def listed(person: Person, query: str = "") -> list[str]:
        path = f"/v1/reviews?cycle_id={story.cycle_id}{query}"
        return [row["role"] for row in expect(story.as_(person).get(path)).json()["items"]]

    assert listed(ANNA) == ["reviewee"]
    assert listed(MAX) == ["reviewer"]
    assert listed(MAX, "&role=reviewee") == []
    assert listed(HELEN) == ["hr"] == listed(AMY)
    assert listed(OLGA) == [] == listed(KAI) == listed(DORA)
    assert listed(HELEN, f"&person_id={ANNA.id}") == ["hr"]
    assert listed(HELEN, "&state=self_assessment") == ["hr"]
    assert listed(HELEN, "&state=completed") == []
    expect(story.as_(HELEN).post(f"/v1/reviews/{story.review()}/reassign", {"manager_id": MIRA.id}))
    assert listed(MAX) == ["former_reviewer"]
    assert story.as_(MAX).get(f"/v1/reviews/{story.review()}").status_code == 404


def story_questions() -> tuple[str, ...]:
    return ("m-results", "m-growth")


def command(stage: Stage, person: Person, verb: str, body: dict[str, Any] | None = None) -> Any:
    return stage.story.as_(person).post(f"/v1/packets/{stage.story.review()}/{verb}", body)
