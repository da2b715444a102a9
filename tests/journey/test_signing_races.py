"""Signatures against releases, revocations and completion, in both orders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.people import ANNA, HELEN, MAX
from harness.story import expect

if TYPE_CHECKING:
    import httpx

    from harness.journey import Stage
    from harness.people import Person


def revoke(stage: Stage, signer: str = "all", by: Person = HELEN) -> httpx.Response:
    path = f"/v1/signatures/{stage.story.review()}/revoke"
    return stage.story.as_(by).post(path, {"signer": signer, "reason": "Signed in error."})


def states(stage: Stage) -> tuple[str, str, str]:
    """Return the employee's signature, the manager's and the completion."""
    found = stage.story.signatures()
    employee, manager = found["signers"]
    return employee["state"], manager["state"], found["completion"]["state"]


def held(stage: Stage) -> set[str]:
    registers: dict[str, Any] = stage.internal("assessment", stage.story.review())["registers"]
    return {holder for holder, register in registers.items() if register["held"]}


def agree_at_rest(stage: Stage) -> None:
    """Settled: what counts as released, signed or completed is exactly what is held."""
    stage.settle()
    employee, manager, completion = states(stage)
    expected = {
        "release": stage.story.packet()["state"] == "released",
        "signature:employee": employee == "signed",
        "signature:manager": manager == "signed",
        "completion": completion == "completed",
    }
    assert held(stage) == {holder for holder, is_held in expected.items() if is_held}


# -- a signature against an unrelease ----------------------------------------------------------------------------------


def test_a_signature_asked_for_before_an_unrelease_is_rejected_when_the_unlock_comes_first(stage: Stage) -> None:
    story = stage.released()
    expect(story.press_sign(ANNA), 202)
    assert story.signer("employee")["state"] == "pending"
    expect(story.press_unrelease(), 202)
    stage.settle(without=("signing",))
    assert held(stage) == set()
    agree_at_rest(stage)
    assert states(stage) == ("closed", "closed", "none")
    assert [one["reason"] for one in stage.facts("signature.rejected.v1")] == ["not-released"]
    assert stage.facts("signature.completed.v1") == []


def test_a_signature_that_is_held_before_the_unlock_stands(stage: Stage) -> None:
    story = stage.released()
    expect(story.press_sign(ANNA), 202)
    stage.relay("signing")
    stage.only("assessment")
    assert held(stage) == {"release", "signature:employee"}
    expect(story.press_unrelease(), 202)
    agree_at_rest(stage)
    assert states(stage)[0] == "signed"
    assert story.packet()["state"] == "ready"


def test_nobody_is_shown_a_signature_that_is_only_asked_for(stage: Stage) -> None:
    story = stage.released()
    expect(story.press_sign(ANNA, comment="<p>Thanks.</p>"), 202)
    signer = story.signer("employee")
    assert signer["state"] == "pending"
    assert signer["signed_at"] is None
    seen_by_manager = story.signatures(by=MAX)["signers"][0]
    assert seen_by_manager["comment"] is None
    assert (MAX.id, "signed") not in [(one["recipient_id"], one["template"]) for one in stage.deliveries(HELEN)]
    agree_at_rest(stage)
    assert story.signatures(by=MAX)["signers"][0]["comment"] == "<p>Thanks.</p>"


def test_a_signature_that_an_unrelease_overtook_keeps_the_packet_as_it_was_signed(stage: Stage) -> None:
    story = stage.released()
    story.select_questions(("m-growth",))
    stage.settle()
    signed = stage.internal("packets", story.review())["snapshot_hash"]
    expect(story.press_sign(ANNA), 202)
    stage.relay("signing")
    stage.consume("assessment")
    expect(story.press_unrelease(), 202)
    stage.settle()
    assert states(stage)[0] == "signed"
    stage.refused(lambda: story.press_rating(4, reason="A slip."), 423, "locked-signed")
    reopen = f"/v1/calibrations/{story.session_id}/reopen"
    stage.refused(lambda: story.as_(HELEN).post(reopen), 423, "locked-signed")
    # Nor does what HR selects meanwhile change what is signed, until the signature is revoked.
    assert stage.internal("packets", story.review())["snapshot_hash"] == signed
    expect(revoke(stage), 202)
    stage.settle()
    assert stage.internal("packets", story.review())["snapshot_hash"] != signed
    agree_at_rest(stage)


def test_a_packet_changed_without_knowing_of_a_signature_stays_back_until_hr_revokes(stage: Stage) -> None:
    story = stage.released()
    expect(story.press_sign(ANNA), 202)
    stage.relay("signing")
    stage.only("assessment")
    expect(story.press_unrelease(), 202)
    with stage.lost("packets", "hold.granted.v1"):
        stage.settle()
    expect(story.press_rating(5, reason="A slip."))
    stage.settle()
    expect(story.press_release(by=HELEN, reason="Corrected."), 202)
    stage.settle()
    assert story.packet()["state"] == "ready"
    assert story.packet()["last_refusal"] == "signed-other-snapshot"
    assert story.as_(ANNA).get(f"/v1/packets/{story.review()}").status_code == 404
    expect(revoke(stage, "employee"), 202)
    agree_at_rest(stage)
    expect(story.press_release(by=HELEN, reason="Corrected."), 202)
    stage.settle()
    assert story.packet()["state"] == "released"
    story.sign(ANNA)
    agree_at_rest(stage)


def test_the_same_content_may_be_released_again_under_a_standing_signature(stage: Stage) -> None:
    story = stage.released()
    expect(story.press_sign(ANNA), 202)
    stage.relay("signing")
    stage.only("assessment")
    expect(story.press_unrelease(), 202)
    stage.settle()
    story.send_to_manager()
    story.release()
    agree_at_rest(stage)
    assert states(stage)[0] == "signed"
    assert not story.signer("employee")["stale"]


# -- unrelease with signatures -----------------------------------------------------------------------------------------


def test_signatures_keep_a_packet_from_being_unreleased_unless_hr_says_so(stage: Stage) -> None:
    story = stage.released()
    story.sign(ANNA)
    body = stage.refused(story.press_unrelease, 409, "signatures-present")
    assert body["holders"] == ["signature:employee"]
    story.unrelease(revoke_signatures=True)
    agree_at_rest(stage)
    assert states(stage) == ("closed", "closed", "none")
    revoked = stage.facts("signature.revoked.v1")
    assert [(one["signer_role"], one["was"]) for one in revoked] == [("employee", "signed")]


def test_an_unrelease_that_revokes_binds_a_pending_signature_too(stage: Stage) -> None:
    story = stage.released()
    expect(story.press_sign(ANNA), 202)
    stage.relay("signing")
    stage.only("assessment")
    expect(story.press_unrelease(revoke_signatures=True), 202)
    agree_at_rest(stage)
    assert states(stage) == ("closed", "closed", "none")
    assert held(stage) == set()


def test_a_revoke_wish_that_arrives_before_the_grant_binds_the_signature_all_the_same(stage: Stage) -> None:
    story = stage.released()
    expect(story.press_sign(ANNA), 202)
    stage.relay("signing")
    stage.consume("assessment")
    expect(story.press_unrelease(revoke_signatures=True), 202)
    # Signing hears packets' wish first, assessment's grant later.
    stage.relay("packets")
    stage.consume("signing")
    assert states(stage)[0] == "revoking"
    agree_at_rest(stage)
    assert held(stage) == set()


# -- revoking ----------------------------------------------------------------------------------------------------------


def test_a_revoked_signature_may_be_made_again(stage: Stage) -> None:
    story = stage.released()
    story.sign(ANNA)
    first = story.signer("employee")["fence"]
    expect(revoke(stage, "employee"), 202)
    assert story.signer("employee")["state"] == "revoking"
    stage.refused(lambda: story.as_(ANNA).post(*sign_blindly(stage)), 409, "revocation-in-progress")
    stage.settle()
    assert story.signer("employee")["state"] == "open"
    assert "sign" in stage.tasks(ANNA)
    story.sign(ANNA)
    agree_at_rest(stage)
    assert story.signer("employee")["fence"] > first


def sign_blindly(stage: Stage) -> tuple[str, dict[str, Any]]:
    snapshot_hash = stage.internal("packets", stage.story.review())["snapshot_hash"]
    return f"/v1/signatures/{stage.story.review()}/sign", {"statement_version": 1, "snapshot_hash": snapshot_hash}


def test_a_pending_signature_may_be_revoked_before_it_is_held(stage: Stage) -> None:
    story = stage.released()
    expect(story.press_sign(ANNA), 202)
    expect(revoke(stage, "employee"), 202)
    agree_at_rest(stage)
    assert states(stage)[0] == "open"
    assert stage.facts("signature.completed.v1") == []


def test_a_late_grant_of_a_revoked_signature_is_ignored(stage: Stage) -> None:
    story = stage.released()
    story.sign(ANNA)
    granted = next(one for one in stage.records("hold.granted.v1") if b"signature:employee" in (one.value or b""))
    expect(revoke(stage, "employee"), 202)
    stage.settle()
    expect(story.press_sign(ANNA), 202)
    stage.apply_again("signing", granted)
    assert story.signer("employee")["state"] == "pending"
    agree_at_rest(stage)
    assert states(stage)[0] == "signed"


def test_a_double_press_signs_once(stage: Stage) -> None:
    story = stage.released()
    first, second = story.press_sign(ANNA), story.press_sign(ANNA)
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json() == second.json()
    stage.settle()
    assert story.press_sign(ANNA).status_code == 200
    assert len(stage.facts("signature.completed.v1")) == 1


# -- completion --------------------------------------------------------------------------------------------------------


def test_the_completion_starts_by_itself_and_a_revocation_lifts_it(stage: Stage) -> None:
    story = stage.released()
    story.sign(MAX)
    assert states(stage) == ("open", "signed", "none")
    story.sign(ANNA)
    agree_at_rest(stage)
    assert states(stage) == ("signed", "signed", "completed")
    expect(revoke(stage, "manager"), 202)
    agree_at_rest(stage)
    assert states(stage) == ("signed", "open", "none")
    story.sign(MAX)
    agree_at_rest(stage)
    assert states(stage) == ("signed", "signed", "completed")


def test_hr_completes_without_signatures_and_nobody_signs_then(stage: Stage) -> None:
    story = stage.released()
    path = f"/v1/signatures/{story.review()}/complete"
    expect(story.as_(HELEN).post(path, {"reason": "The employee is away."}), 202)
    stage.refused(lambda: story.as_(ANNA).post(*sign_blindly(stage)), 409, "completed")
    agree_at_rest(stage)
    assert states(stage) == ("closed", "closed", "completed")
    assert story.as_(HELEN).post(path, {"reason": "Again."}).status_code == 200
    stage.refused(story.press_unrelease, 409, "signatures-present")
    story.unrelease(revoke_signatures=True)
    agree_at_rest(stage)
    assert states(stage) == ("closed", "closed", "none")


def test_a_completion_that_hr_asks_for_while_the_packet_is_taken_back_is_rejected(stage: Stage) -> None:
    story = stage.released()
    path = f"/v1/signatures/{story.review()}/complete"
    expect(story.as_(HELEN).post(path, {"reason": "Away."}), 202)
    expect(story.press_unrelease(), 202)
    stage.settle(without=("signing",))
    agree_at_rest(stage)
    assert states(stage)[2] == "none"
    assert [one["reason"] for one in stage.facts("review.completion-rejected.v1")] == ["not-released"]


def test_a_self_assessment_shared_after_the_release_opens_signing(stage: Stage) -> None:
    story = stage.story
    story.begin()
    story.select_questions()
    story.save_self()
    story.save_manager()
    story.submit()
    story.released()
    assert states(stage) == ("closed", "closed", "none")
    stage.refused(lambda: story.as_(ANNA).post(*sign_blindly(stage)), 409, "self-assessment-not-shared")
    story.share_self()
    stage.settle()
    assert states(stage) == ("open", "open", "none")
    story.sign(ANNA)
    agree_at_rest(stage)


def test_where_the_self_stage_is_waived_signatures_cover_none(stage: Stage) -> None:
    story = stage.story
    story.begin()
    story.select_questions()
    expect(story.as_(HELEN).post(f"/v1/reviews/{story.review()}/self-assessment/waive", {"reason": "On leave."}))
    story.save_manager()
    story.submit()
    story.released()
    story.sign(ANNA)
    agree_at_rest(stage)
    assert story.signer("employee")["self_version"] is None
    path = f"/v1/reviews/{story.review()}/self-assessment/unwaive"
    stage.refused(lambda: story.as_(HELEN).post(path, {"reason": "Back."}), 423, "locked-signed")
