"""The ways that signatures go, from the release to the completion and back."""

from __future__ import annotations

from component.signing.signing_desk import CANARY, CONTENT, EMPLOYEE, H1, H2, HR, MANAGER, REVIEW, Desk


def test_both_sign_and_the_review_completes_by_itself(desk: Desk) -> None:
    desk.open()
    answer = desk.sign(EMPLOYEE, comment="<p>Thank you</p><script>x</script>")
    assert answer.status_code == 202
    assert answer.headers["Location"] == f"/v1/signatures/{REVIEW}"
    assert answer.json == {
        "review_id": REVIEW,
        "role": "employee",
        "state": "pending",
        "fence": 2,
        "statement_version": 1,
    }
    assert desk.rows("select text, author_id from comment") == [("<p>Thank you</p>", EMPLOYEE)]
    assert desk.states() == ("pending", "open", "none")
    desk.answer()
    assert desk.states() == ("signed", "open", "none")
    desk.signed(MANAGER)
    assert desk.states() == ("signed", "signed", "completing")
    desk.answer()
    assert desk.states() == ("signed", "signed", "completed")
    assert desk.emitted() == [
        "signing.opened.v1",
        "signature.requested.v1",
        "hold.requested.v1",
        "signature.completed.v1",
        "signature.requested.v1",
        "hold.requested.v1",
        "signature.completed.v1",
        "review.completion-requested.v1",
        "hold.requested.v1",
        "signing.closed.v1",
        "review.completed.v1",
    ]
    sequences = [int(value) for (value,) in desk.rows("select headers->>'ce_sequence' from outbox order by id")]
    assert sequences == list(range(1, 12))


def test_a_signature_shows_what_it_covers_once_it_stands_and_its_comment_to_whom_it_concerns(desk: Desk) -> None:
    desk.open()
    desk.sign(EMPLOYEE, comment="<p>Thank you</p>")
    before = desk.show()["signers"][0]
    assert (before["snapshot_hash"], before["comment"], before["signed_at"]) == (None, None, None)
    assert desk.show(EMPLOYEE)["signers"][0]["comment"] == "<p>Thank you</p>"
    assert desk.show(MANAGER)["signers"][0]["comment"] is None
    desk.answer()
    assert desk.show()["signers"][0] == {
        "role": "employee",
        "person_id": EMPLOYEE,
        "state": "signed",
        "fence": 2,
        "epoch": 1,
        "snapshot_hash": H1,
        "manager_version": 3,
        "self_version": 5,
        "statement_version": 1,
        "signed_at": "2026-03-02T09:00:00.000000Z",
        "stale": False,
        "rejection": None,
        "comment": "<p>Thank you</p>",
    }
    assert desk.show(MANAGER)["signers"][0]["comment"] == "<p>Thank you</p>"
    row = desk.rows("select state, manager_hash, self_hash, statement_version, signed_at from signature")[0]
    assert row == ("signed", CONTENT, CONTENT, 1, desk.clock())


def test_hr_revokes_one_signature_and_its_signer_may_sign_again(desk: Desk) -> None:
    desk.open()
    desk.signed(EMPLOYEE, MANAGER)
    desk.answer()
    answer = desk.revoke("employee")
    assert answer.status_code == 202
    assert answer.json == {
        "review_id": REVIEW,
        "signers": [
            {"role": "employee", "state": "revoking", "fence": 3},
            {"role": "manager", "state": "signed", "fence": 2},
        ],
        "completion": {"state": "revoking", "fence": 3},
    }
    commands = {one["holder"]: one for one in desk.commands()[-2:]}
    desk.answer(**commands["signature:employee"])
    desk.answer(**commands["completion"])
    assert desk.states() == ("open", "signed", "none")
    assert desk.sign(EMPLOYEE).json["fence"] == 4
    history = desk.rows("select holder, fence, state from signature order by holder, fence")
    assert history == [
        ("completion", 2, "revoked"),
        ("signature:employee", 2, "revoked"),
        ("signature:employee", 4, "pending"),
        ("signature:manager", 2, "signed"),
    ]
    assert desk.rows("select actor, role, action, reason from audit where action = 'revoke-employee'") == [
        (HR, "hr_admin", "revoke-employee", f"Wrong text {CANARY}")
    ]


def test_hr_completes_without_signatures_and_lifts_it_again(desk: Desk) -> None:
    desk.open()
    assert desk.complete().status_code == 202
    desk.answer()
    assert desk.states() == ("closed", "closed", "completed")
    assert desk.show()["completion"]["completed_by"] == HR
    assert desk.show(MANAGER)["completion"]["completed_by"] is None
    assert desk.complete().status_code == 200
    assert desk.revoke().status_code == 202
    desk.answer()
    assert desk.states() == ("open", "open", "none")


def test_a_rejected_signature_says_why_to_its_signer_and_hr_only(desk: Desk) -> None:
    desk.open()
    desk.sign(EMPLOYEE)
    desk.reject("content-changed")
    assert desk.states() == ("open", "open", "none")
    assert desk.show(EMPLOYEE)["signers"][0]["rejection"] == "content-changed"
    assert desk.show(MANAGER)["signers"][0]["rejection"] is None
    assert desk.rows("select state, reason from signature") == [("rejected", "content-changed")]
    assert desk.sign(EMPLOYEE).json["fence"] == 4


def test_unrelease_with_the_wish_revokes_what_stands_and_what_is_on_its_way(desk: Desk) -> None:
    desk.open()
    desk.signed(EMPLOYEE)
    desk.sign(MANAGER)
    desk.unreleased(revoke=True)
    assert desk.states() == ("revoking", "revoking", "none")
    revoked = [data for kind, data in desk.outbox() if kind == "signature.revoked.v1"]
    assert [(one["signer_role"], one["was"], one["reason"], one["by_role"]) for one in revoked] == [
        ("employee", "signed", "unreleased", "hr_admin"),
        ("manager", "pending", "unreleased", "hr_admin"),
    ]


def test_unrelease_without_the_wish_keeps_signatures_and_another_snapshot_makes_them_stale(desk: Desk) -> None:
    desk.open()
    desk.signed(EMPLOYEE)
    desk.unreleased()
    assert desk.states() == ("signed", "closed", "none")
    desk.released(2, snapshot_hash=H2)
    assert desk.show()["signers"][0]["stale"] is True
    desk.unreleased(2)
    desk.released(3, snapshot_hash=H1)
    assert desk.show()["signers"][0]["stale"] is False


def test_a_fact_about_an_unknown_review_creates_its_row_and_an_answer_about_one_is_left_alone(desk: Desk) -> None:
    desk.tell("hold.released.v1", {"review_id": REVIEW, "holder": "completion", "fence": 3})
    assert desk.rows("select count(*) from record") == [(0,)]
    desk.released()
    assert desk.rows("select subject_id, manager_id, released, packet_epoch from record") == [
        (EMPLOYEE, MANAGER, True, 1)
    ]


def test_a_superseded_command_is_asked_anew_above_the_newer_fence_and_raises_an_alarm(desk: Desk) -> None:
    desk.open()
    desk.sign(EMPLOYEE)
    names = {"review_id": REVIEW, "holder": "signature:employee", "fence": 2, "last_fence": 9, "held": False}
    desk.tell("hold.superseded.v1", names)
    assert desk.commands()[-1]["fence"] == 10
    desk.answer()
    assert desk.states()[0] == "signed"
    assert desk.rows("select fence, state from signature order by fence") == [(2, "superseded"), (10, "signed")]
