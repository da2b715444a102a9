"""A cycle in which managers can take a release back for a while, through all four services."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.people import ANNA, HELEN, MAX
from harness.story import expect

if TYPE_CHECKING:
    from harness.journey import Stage


def test_a_managers_release_fires_when_the_window_is_over_unless_it_was_taken_back(own_stage: Stage) -> None:
    stage, story = own_stage, own_stage.story
    story.begin(calibration_required=False, recall_window_minutes=30)
    story.written()
    story.select_questions()
    stage.settle()
    story.send_to_manager()
    stage.settle()
    path = f"/v1/packets/{story.review()}"
    expect(story.press_release(), 202)
    stage.settle()
    assert story.packet()["state"] == "with_manager"
    expect(story.as_(MAX).post(f"{path}/cancel-scheduled"))
    stage.world.clock.forward(hours=1)
    stage.settle()
    assert story.packet()["state"] == "with_manager"
    expect(story.press_release(), 202)
    stage.world.clock.forward(minutes=30)
    stage.settle()
    assert expect(story.as_(ANNA).get(path)).json()["state"] == "released"
    history = expect(story.as_(HELEN).get(f"{path}/history")).json()
    assert MAX.id in str(history)
