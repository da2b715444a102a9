"""Mails: each goes out once, and only if its recipient can open at that moment what it points to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.people import ANNA, HELEN, MAX
from harness.story import expect

if TYPE_CHECKING:
    from harness.journey import Stage
    from harness.stack import Smtp


def states(stage: Stage, template: str) -> list[tuple[str, str, str | None]]:
    """Return what became of each mail of a kind: recipient, state and reason, the oldest first."""
    return [
        (one["recipient_id"], one["state"], one["reason"])
        for one in reversed(stage.deliveries(HELEN))
        if one["template"] == template
    ]


def test_each_mail_goes_out_once_though_every_record_arrives_twice(mailing_stage: Stage, smtp: Smtp) -> None:
    stage, before = mailing_stage, len(smtp.mails())
    story = stage.released()
    story.sign(ANNA)
    sent = stage.deliveries(HELEN)
    assert {one["state"] for one in sent} == {"sent"}
    assert len({(one["recipient_id"], one["template"], one["occasion"]) for one in sent}) == len(sent)
    mails = smtp.mails()[before:]
    assert len(mails) == len(sent)
    for mail in mails:
        plain = mail.get_body(("plain",))
        assert plain is not None
        assert f"/reviews/{story.review()}" in plain.get_content()
    assert {mail["To"].addresses[0].addr_spec for mail in mails} == {ANNA.email, MAX.email}


def test_a_mail_about_a_packet_that_was_taken_back_meanwhile_is_not_sent(mailing_stage: Stage) -> None:
    stage = mailing_stage
    story = stage.with_manager()
    expect(story.press_release(), 202)
    stage.settle(without=("notifications",))
    stage.consume("notifications")
    expect(story.press_unrelease(), 202)
    stage.settle()
    assert states(stage, "released") == [(ANNA.id, "suppressed", "no-longer-visible")]
    story.send_to_manager()
    story.release()
    assert [state for _, state, _ in states(stage, "released")] == ["suppressed", "sent"]


def test_a_mail_about_a_self_assessment_that_was_taken_back_meanwhile_is_not_sent(mailing_stage: Stage) -> None:
    stage, story = mailing_stage, mailing_stage.story
    story.begin()
    story.save_self()
    story.share_self()
    stage.settle(without=("notifications",))
    stage.consume("notifications")
    expect(story.as_(ANNA).post(f"/v1/reviews/{story.review()}/self-assessment/unshare"))
    stage.settle()
    assert states(stage, "shared") == [(MAX.id, "suppressed", "no-longer-visible")]


def test_who_has_left_is_not_mailed(mailing_stage: Stage) -> None:
    stage = mailing_stage
    story = stage.ready()
    gone = {
        "people": [
            {
                "person_id": MAX.id,
                "name": MAX.name,
                "email": MAX.email,
                "manager_id": MAX.manager,
                "active": False,
            }
        ]
    }
    expect(story.as_(HELEN).post("/v1/people/import", gone))
    stage.settle()
    story.send_to_manager()
    stage.settle()
    assert states(stage, "released-to-manager") == [(MAX.id, "suppressed", "recipient-inactive")]


def test_a_mail_server_that_is_away_is_tried_again(stage: Stage) -> None:
    story = stage.story
    story.begin()
    assert states(stage, "kick-off") == [(ANNA.id, "queued", None)]
    assert stage.deliveries(HELEN)[0]["attempts"] == 1
