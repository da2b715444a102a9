"""A cycle that is changed before its start, through all services: whoever keeps what it asks learns of it at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.people import ANNA, HELEN
from harness.story import QUESTIONS, expect

if TYPE_CHECKING:
    from harness.journey import Stage
    from harness.story import Story


def change(story: Story, version: int, body: dict[str, Any]) -> None:
    headers = {"If-Match": f'"{version}"'}
    expect(story.as_(HELEN).call("PATCH", f"/v1/cycles/{story.cycle_id}", json=body, headers=headers))


def offered(story: Story) -> set[str]:
    found = expect(story.as_(HELEN).get(f"/v1/shared-questions/{story.cycle_id}")).json()
    return {one["question_id"] for one in found["questions"]}


def test_the_questions_to_be_shared_are_those_of_the_questionnaire_that_was_chosen_last(stage: Stage) -> None:
    story = stage.story
    story.import_people()
    story.create_questionnaire()
    story.create_cycle(calibration_required=False)
    story.add_participants(ANNA)
    stage.settle()
    all_of_them = offered(story)
    fewer = [one for one in QUESTIONS if one["question_id"] != "m-private"]
    story.create_questionnaire(fewer)
    change(story, 1, {"questionnaire_id": story.questionnaire_id})
    stage.settle()
    assert all_of_them - offered(story) == {"m-private"}
    story.start_cycle()
    change(story, 3, {"name": "2026, spring"})
    stage.settle()
    assert all_of_them - offered(story) == {"m-private"}
