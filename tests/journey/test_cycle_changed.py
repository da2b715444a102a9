"""A cycle that is changed before its start, through all services: whoever keeps what it asks learns of it at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from harness.people import ANNA, HELEN
from harness.story import MANAGER_ANSWERS, QUESTIONS, SCALE, expect

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.journey import Stage
    from harness.story import Story


def change(story: Story, version: int, body: dict[str, Any]) -> None:
    headers = {"If-Match": f'"{version}"'}
    expect(story.as_(HELEN).call("PATCH", f"/v1/cycles/{story.cycle_id}", json=body, headers=headers))


def offered(story: Story) -> set[str]:
    found = expect(story.as_(HELEN).get(f"/v1/shared-questions/{story.cycle_id}")).json()
    return {one["question_id"] for one in found["questions"]}


def exchange(story: Story, questions: list[dict[str, Any]]) -> None:
    """Give the cycle another questionnaire."""
    story.create_questionnaire(questions)
    change(story, 1, {"questionnaire_id": story.questionnaire_id})


def edit(story: Story, questions: list[dict[str, Any]]) -> None:
    """Edit the questionnaire of the cycle, which its start gives the newest version of."""
    body = {"title": "Yearly review", "questions": questions}
    expect(story.as_(HELEN).put(f"/v1/questionnaires/{story.questionnaire_id}", body, version=1))


def begun(stage: Stage, turn: Callable[[Story, list[dict[str, Any]]], None], questions: list[dict[str, Any]],
          shared: tuple[str, ...], *, calibrated: bool) -> Story:  # fmt: skip
    """Begin a cycle whose questions are shared first and asked otherwise then."""
    story = stage.story
    story.import_people()
    story.create_questionnaire()
    story.create_cycle(calibration_required=calibrated)
    story.add_participants(ANNA)
    stage.settle()
    story.select_questions(shared)
    stage.settle()
    turn(story, questions)
    stage.settle()
    story.start_cycle()
    return story


def chosen(story: Story) -> tuple[list[str], list[str]]:
    """What is shared, and what was chosen and is not."""
    found = expect(story.as_(HELEN).get(f"/v1/shared-questions/{story.cycle_id}")).json()
    assert found["questionnaire_id"] == story.questionnaire_id
    return found["question_ids"], found["left_out"]


WITHOUT = [one for one in QUESTIONS if one["question_id"] != "m-private"]
GROWTH = next(one for one in QUESTIONS if one["question_id"] == "m-growth")
# The first rating stays the one that is calibrated.
RETYPED = [*(one for one in QUESTIONS if one != GROWTH), GROWTH | {"kind": "rating", "scale": SCALE}]
by_either = pytest.mark.parametrize("turn", [exchange, edit])


@by_either
def test_a_question_that_was_shared_and_is_gone_holds_up_no_packet(
    stage: Stage, turn: Callable[[Story, list[dict[str, Any]]], None]
) -> None:
    story = begun(stage, turn, WITHOUT, ("m-results", "m-private"), calibrated=False)
    assert chosen(story) == (["m-results"], ["m-private"])
    story.save_manager(answers={name: value for name, value in MANAGER_ANSWERS.items() if name != "m-private"})
    story.submit()
    story.wait_for_packet("ready")
    story.send_to_manager()
    stage.settle()
    story.release()
    read = expect(story.as_(ANNA).get(f"/v1/packets/{story.review()}")).json()
    assert [one["question_id"] for one in read["questions"]] == ["m-results"]


@by_either
def test_where_nothing_that_was_shared_is_left_the_release_tells_hr_so(
    stage: Stage, turn: Callable[[Story, list[dict[str, Any]]], None]
) -> None:
    story = begun(stage, turn, WITHOUT, ("m-private",), calibrated=False)
    assert chosen(story) == ([], ["m-private"])
    story.save_manager(answers={name: value for name, value in MANAGER_ANSWERS.items() if name != "m-private"})
    story.submit()
    stage.settle()
    path = f"/v1/packets/{story.review()}/release-to-manager"
    stage.refused(lambda: story.as_(HELEN).post(path), 422, "no-shared-questions", unmet={"no-shared-questions"})
    story.select_questions(("m-results",))
    story.wait_for_packet("ready")


@by_either
@pytest.mark.parametrize("calibrated", [True, False], ids=["calibrated", "plain"])
def test_a_text_that_was_shared_and_is_a_rating_now_is_not_shown(
    stage: Stage, turn: Callable[[Story, list[dict[str, Any]]], None], *, calibrated: bool
) -> None:
    story = begun(stage, turn, RETYPED, ("m-results", "m-growth"), calibrated=calibrated)
    assert chosen(story) == (["m-results"], ["m-growth"])
    story.save_manager(answers={**MANAGER_ANSWERS, "m-growth": 2})
    story.submit()
    stage.settle()
    if calibrated:
        story.calibrate(rating=5)
    story.send_to_manager()
    stage.settle()
    story.release()
    read = expect(story.as_(ANNA).get(f"/v1/packets/{story.review()}")).json()
    assert [one["question_id"] for one in read["questions"]] == ["m-results"]
    assert (read["rating"] and read["rating"]["value"]) == (5 if calibrated else None)


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
