"""Tasks and mails whose facts were lost come about all the same, once somebody has compared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.people import ANNA, HELEN, MAX
from harness.story import expect

if TYPE_CHECKING:
    from harness.journey import Stage


def compare(stage: Stage, *, seconds: float = 3_601) -> list[Any]:
    """Let notifications compare its boards with the owners' rows after a while; return what it found of the story."""
    stage.world.clock.forward(seconds=seconds)
    found = stage.world.service("notifications").sweep()
    stage.settle()
    return [one for one in found if one["review_id"] == stage.story.review()]


def forget_what_is_unread(stage: Stage) -> None:
    """The broker loses everything that notifications has not read."""
    stage.settle(without=("notifications",))
    stage.world.broker.forget()
    stage.settle()


def mails(stage: Stage) -> list[tuple[str, str]]:
    return [(one["template"], one["state"]) for one in reversed(stage.deliveries(HELEN))]


def test_a_release_that_was_never_told_reaches_tasks_and_mails_once(mailing_stage: Stage) -> None:
    stage = mailing_stage
    story = stage.with_manager()
    told = mails(stage)
    expect(story.press_release(), 202)
    forget_what_is_unread(stage)
    assert stage.tasks(MAX) == {"release"}
    assert [one["owner"] for one in compare(stage)] == ["packets", "signing"]
    assert stage.tasks(ANNA) == {"sign"}
    assert stage.tasks(MAX) == {"sign"}
    assert mails(stage)[len(told) :] == [("released", "sent"), ("signature-due", "sent"), ("signature-due", "sent")]
    assert compare(stage) == []
    assert len(mails(stage)) == len(told) + 3


def test_what_changed_a_moment_ago_is_left_to_its_facts(stage: Stage) -> None:
    story = stage.with_manager()
    expect(story.press_release(), 202)
    forget_what_is_unread(stage)
    assert compare(stage, seconds=60) == []
    assert stage.tasks(MAX) == {"release"}
    assert compare(stage) != []


def test_an_unrelease_that_was_never_told_ends_the_tasks_and_is_mailed(mailing_stage: Stage) -> None:
    stage = mailing_stage
    story = stage.released()
    told = mails(stage)
    expect(story.press_unrelease(), 202)
    forget_what_is_unread(stage)
    assert stage.tasks(ANNA) == {"sign"}
    compare(stage)
    assert stage.tasks(ANNA) == set()
    assert mails(stage)[len(told) :] == [("unreleased", "sent"), ("unreleased", "sent")]


def test_a_review_that_was_never_told_of_gets_its_tasks(stage: Stage) -> None:
    with stage.lost("notifications", "review.opened.v1"):
        stage.story.begin()
        stage.settle()
    assert stage.tasks(ANNA) == set()
    compare(stage)
    assert stage.tasks(ANNA) == {"self-assessment"}


def test_a_signature_that_was_never_told_ends_its_task(stage: Stage) -> None:
    story = stage.released()
    expect(story.press_sign(ANNA), 202)
    forget_what_is_unread(stage)
    assert "sign" in stage.tasks(ANNA)
    compare(stage)
    assert stage.tasks(ANNA) == set()
    assert stage.tasks(MAX) == {"sign"}
