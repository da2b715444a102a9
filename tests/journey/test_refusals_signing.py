"""What is refused around signatures and completion; nothing changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.people import AMY, ANNA, HELEN, KAI, MAX, MIRA, OLGA
from harness.story import expect

if TYPE_CHECKING:
    from harness.journey import Stage

REASON = {"reason": "A slip."}
REVOKE = {"signer": "all", **REASON}


def signatures(stage: Stage, rest: str = "") -> str:
    return f"/v1/signatures/{stage.story.review()}{rest}"


def agreement(stage: Stage, **changes: Any) -> dict[str, Any]:
    """What somebody sends who has seen the present statement."""
    snapshot_hash = stage.internal("packets", stage.story.review())["snapshot_hash"]
    return {"statement_version": 1, "snapshot_hash": snapshot_hash, **changes}


def test_before_the_release_nobody_signs(stage: Stage) -> None:
    story = stage.with_manager()
    body = agreement(stage)
    for person in (ANNA, MAX):
        stage.refused(lambda by=person: story.as_(by).post(signatures(stage, "/sign"), body), 409, "not-released")  # type: ignore[misc]
        stage.refused(lambda by=person: story.as_(by).get(signatures(stage, "/statement")), 409, "not-released")  # type: ignore[misc]
    stage.denied(ANNA, "not-found", "GET", signatures(stage))
    stage.refused(lambda: story.as_(HELEN).post(signatures(stage, "/complete"), REASON), 409, "not-released")
    stage.refused(lambda: story.as_(HELEN).post(signatures(stage, "/revoke"), REVOKE), 409, "nothing-to-revoke")


def test_only_signers_sign_and_they_name_what_they_have_seen(stage: Stage) -> None:
    story = stage.released()
    sign = signatures(stage, "/sign")
    stage.denied(HELEN, "not-a-signer", "POST", sign, agreement(stage))
    stage.denied(HELEN, "not-a-signer", "GET", signatures(stage, "/statement"))
    stage.denied(AMY, "forbidden-role", "POST", sign, agreement(stage))
    for person in (KAI, OLGA, MIRA):
        stage.denied(person, "not-found", "POST", sign, agreement(stage))
        stage.denied(person, "not-found", "GET", signatures(stage))
        stage.denied(person, "not-found", "GET", signatures(stage, "/statement"))
    stage.denied(AMY, "forbidden-role", "GET", signatures(stage))

    def press(**changes: Any) -> Any:
        return lambda: story.as_(ANNA).post(sign, agreement(stage, **changes))

    stage.refused(press(snapshot_hash="sha256:" + "0" * 64), 412, "packet-changed")
    stage.refused(press(statement_version=2), 412, "statement-changed")
    stage.refused(press(self_version=7), 412, "stale-version")


def test_a_signature_that_stands_is_repeated_and_not_changed(stage: Stage) -> None:
    story = stage.released()
    story.sign(ANNA, comment="<p>Thanks.</p>")
    sign = signatures(stage, "/sign")
    again = story.as_(ANNA).post(sign, agreement(stage, comment="<p>Thanks.</p>"))
    assert (again.status_code, again.json()["state"]) == (200, "signed")
    stage.refused(
        lambda: story.as_(ANNA).post(sign, agreement(stage, comment="<p>No thanks.</p>")), 409, "already-signed"
    )
    stage.settle()
    assert len(stage.facts("signature.requested.v1")) == 1


def test_only_hr_revokes_and_only_what_there_is(stage: Stage) -> None:
    story = stage.released()
    revoke = signatures(stage, "/revoke")
    stage.refused(lambda: story.as_(HELEN).post(revoke, REVOKE), 409, "nothing-to-revoke")
    story.sign(ANNA)
    for person in (ANNA, MAX):
        stage.denied(person, "hr-only", "POST", revoke, REVOKE)
    stage.denied(AMY, "forbidden-role", "POST", revoke, REVOKE)
    stage.denied(OLGA, "not-found", "POST", revoke, REVOKE)
    manager = {"signer": "manager", **REASON}
    stage.refused(lambda: story.as_(HELEN).post(revoke, manager), 409, "nothing-to-revoke")
    stage.refused(lambda: story.as_(HELEN).post(revoke, {"signer": "somebody", **REASON}), 422, "invalid-request")
    stage.refused(lambda: story.as_(HELEN).post(revoke, {"signer": "all"}), 422, "invalid-request")


def test_only_hr_completes_without_signatures(stage: Stage) -> None:
    stage.released()
    complete = signatures(stage, "/complete")
    for person in (ANNA, MAX, AMY):
        stage.denied(person, "forbidden-role", "POST", complete, REASON)
    stage.denied(OLGA, "not-found", "POST", complete, REASON)


def test_after_the_completion_nobody_signs(stage: Stage) -> None:
    story = stage.released()
    expect(story.as_(HELEN).post(signatures(stage, "/complete"), REASON), 202)
    stage.settle()
    stage.refused(lambda: story.as_(ANNA).post(signatures(stage, "/sign"), agreement(stage)), 409, "completed")
    stage.refused(lambda: story.as_(MAX).get(signatures(stage, "/statement")), 409, "completed")


def test_in_a_closed_cycle_nobody_signs_and_hr_still_revokes(stage: Stage) -> None:
    story = stage.released()
    story.sign(ANNA)
    expect(story.as_(HELEN).post(f"/v1/cycles/{story.cycle_id}/close"))
    stage.settle()
    stage.refused(lambda: story.as_(MAX).post(signatures(stage, "/sign"), agreement(stage)), 409, "cycle-closed")
    stage.refused(lambda: story.as_(HELEN).post(signatures(stage, "/complete"), REASON), 409, "cycle-closed")
    expect(story.as_(HELEN).post(signatures(stage, "/revoke"), REVOKE), 202)
    stage.settle()
    assert story.signer("employee")["state"] == "closed"
    stage.refused(lambda: story.as_(ANNA).post(signatures(stage, "/sign"), agreement(stage)), 409, "cycle-closed")


def test_the_new_manager_signs_and_the_former_one_does_not(stage: Stage) -> None:
    story = stage.ready()
    path = f"/v1/reviews/{story.review()}/reassign"
    expect(story.as_(HELEN).post(path, {"manager_id": MIRA.id, "reason": "A change of teams."}))
    stage.settle()
    story.send_to_manager()
    story.release(by=MIRA)
    stage.denied(MAX, "not-found", "POST", signatures(stage, "/sign"), agreement(stage))
    assert stage.tasks(MAX) == set()
    assert stage.tasks(MIRA) == {"sign"}
    story.sign(MIRA)
