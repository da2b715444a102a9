"""What became of a packet is told to HR, its corrections to HR and the manager; nobody else reads a word of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.people import AMY, ANNA, HELEN, KAI, MAX, OLGA
from harness.story import MANAGER_ANSWERS, expect

if TYPE_CHECKING:
    from harness.journey import Stage
    from harness.people import Person

REASON = "Kanarienvogel typed why"
UNSHARED = "Kanarienvogel for HR only"
WAS = "Kanarienvogel in the first packet"
JUSTIFIED = "Kanarienvogel justifies"
SELF = "Kanarienvogel of Anna's own"


@pytest.fixture
def corrected(own_stage: Stage) -> Stage:
    """Give a stage on which Anna's packet was released twice, with a canary wherever somebody can write."""
    story = own_stage.story
    story.begin()
    story.select_questions()
    story.save_self(answers={"s-highlights": f"<p>{SELF}</p>"})
    story.share_self()
    story.save_manager(answers={**MANAGER_ANSWERS, "m-results": f"<p>{WAS}</p>", "m-private": f"<p>{UNSHARED}</p>"})
    story.submit()
    own_stage.settle()
    packet = f"/v1/packets/{story.review()}"
    expect(story.as_(HELEN).post(f"{packet}/override-calibration", {"reason": REASON}))
    story.send_to_manager()
    own_stage.settle()
    story.release()
    expect(story.as_(HELEN).post(f"{packet}/unrelease", {"reason": REASON, "revoke_signatures": False}))
    own_stage.settle()
    story.save_manager(answers={**MANAGER_ANSWERS, "m-results": "<p>Set right.</p>", "m-private": f"<p>{UNSHARED}</p>"})
    own_stage.settle()
    calibrate(own_stage)
    expect(story.press_release(by=HELEN, reason=REASON), 202)
    own_stage.settle()
    return own_stage


def calibrate(stage: Stage) -> None:
    story = stage.story
    body = {"cycle_id": story.cycle_id, "review_ids": [story.review()], "members": [HELEN.id, KAI.id]}
    path = f"/v1/calibrations/{expect(story.as_(HELEN).post('/v1/calibrations', body)).json()['session_id']}"
    expect(story.as_(HELEN).post(f"{path}/start"))
    rated = {"rating": 2, "justification": JUSTIFIED}
    expect(story.as_(KAI).put(f"{path}/ratings/{story.review()}", rated, version=0))
    expect(story.as_(HELEN).post(f"{path}/complete"))
    stage.settle()


def addresses(stage: Stage) -> list[str]:
    story = stage.story
    packet, tracking = f"/v1/packets/{story.review()}", f"/v1/packets/tracking/{story.cycle_id}"
    return [
        *(f"{packet}{rest}" for rest in ("", "/history", "/corrections", "/actions", "/preview")),
        *(tracking, f"{tracking}?format=csv", f"{tracking}/people", f"{tracking}/people?format=csv"),
        f"/v1/packets?cycle_id={story.cycle_id}",
    ]


def read_by(stage: Stage, person: Person) -> str:
    return "\n".join(stage.story.as_(person).get(path).text for path in addresses(stage))


def test_what_was_typed_or_is_not_shared_is_read_by_hr_alone(corrected: Stage) -> None:
    read = {person.id: read_by(corrected, person) for person in (ANNA, MAX, AMY, OLGA, HELEN)}
    told = {person: sorted(word for word in (REASON, UNSHARED, WAS, JUSTIFIED, SELF) if word in text)
            for person, text in read.items()}  # fmt: skip
    # The manager, who wrote it, reads what the first packet said in what was corrected.
    words = "".join(one["text"] for one in words_of(corrected))
    assert WAS in words
    assert told == {ANNA.id: [], MAX.id: [WAS], AMY.id: [], OLGA.id: [], HELEN.id: sorted((REASON, WAS))}


def words_of(stage: Stage) -> list[dict[str, str]]:
    answer = expect(stage.story.as_(MAX).get(f"/v1/packets/{stage.story.review()}/corrections")).json()
    return [word for question in answer["questions"] for word in question["words"]]


def test_the_rating_of_before_calibration_is_in_no_correction(corrected: Stage) -> None:
    story = corrected.story
    packet = f"/v1/packets/{story.review()}"
    told = expect(story.as_(MAX).get(f"{packet}/corrections")).json()
    # The first packet showed the manager's rating as the final one; Kai's took its place.
    assert told["rating"] == {"change": "changed", "before": 4, "after": 2}
    expect(story.as_(HELEN).post(f"{packet}/unrelease", {"reason": REASON, "revoke_signatures": False}))
    corrected.settle()
    for rating in (5, 3):
        expect(story.press_rating(rating, reason=REASON))
    expect(story.press_release(by=HELEN, reason=REASON), 202)
    corrected.settle()
    told = expect(story.as_(MAX).get(f"{packet}/corrections")).json()
    assert told["rating"] == {"change": "changed", "before": 2, "after": 3}


def test_the_employee_reads_that_it_was_corrected_and_when(corrected: Stage) -> None:
    story = corrected.story
    shown = expect(story.as_(ANNA).get(f"/v1/packets/{story.review()}")).json()
    (_, second) = expect(story.as_(HELEN).get(f"/v1/packets/{story.review()}/history")).json()["releases"]
    assert shown["corrected_at"] == second["released_at"]
    assert shown["conversation_at"] is None


def test_no_record_tells_of_it(corrected: Stage) -> None:
    found = [record.topic for record in corrected.world.broker.records() if b"Kanarienvogel" in (record.value or b"")]
    assert found == []
