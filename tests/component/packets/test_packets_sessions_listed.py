"""The list of calibration sessions, and how their ratings are spread."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from component.packets.packets_office import (
    ANSWERS,
    ASSISTANT,
    CALIBRATOR,
    CYCLE,
    EMPLOYEE,
    GOALS,
    HR,
    MANAGER,
    NOWHERE,
    OVERALL,
    REVIEW,
)

if TYPE_CHECKING:
    from component.packets.packets_office import Office

GUIDELINE = [{"rating": 3, "percent": 70}, {"rating": 4, "percent": 20}, {"rating": 5, "percent": 10}]


def made(office: Office, **more: Any) -> Any:
    body = {"cycle_id": CYCLE, "review_ids": [REVIEW], "members": [CALIBRATOR, HR], **more}
    return office.post(HR, "/v1/calibrations", body)


def begun(office: Office) -> str:
    office.ready(calibrated=False)
    office.do("update packets set calibration = 'pending'")
    answer = made(office, guideline=GUIDELINE)
    assert answer.status_code == 201, answer.json
    session = str(answer.json["session_id"])
    assert office.post(HR, f"/v1/calibrations/{session}/start").status_code == 200
    return session


def test_sessions_are_listed_for_hr_and_for_those_who_sit_in_them(office: Office) -> None:
    session = begun(office)
    for person, known in ((HR, True), (CALIBRATOR, True), (ASSISTANT, False), (MANAGER, False), (EMPLOYEE, False)):
        items = office.get(person, f"/v1/calibrations?cycle_id={CYCLE}").json["items"]
        assert [each["session_id"] for each in items] == ([session] if known else [])
    (listed,) = office.get(HR, "/v1/calibrations").json["items"]
    assert (listed["state"], listed["review_count"]) == ("in_session", 1)
    assert listed["members"] == sorted([CALIBRATOR, HR])
    assert office.get(HR, f"/v1/calibrations?cycle_id={NOWHERE}").json["items"] == []
    assert office.get(HR, "/v1/calibrations?cursor=x").status_code == 422


def test_a_board_shows_what_was_proposed_beside_what_it_became_and_what_ought_to_be(office: Office) -> None:
    session = begun(office)
    assert office.rate(session, 4).status_code == 200
    board = office.get(CALIBRATOR, f"/v1/calibrations/{session}").json
    spread = [
        (each["rating"], each["proposed"], each["calibrated"], each["guideline_percent"])
        for each in board["distribution"]
    ]
    assert spread == [(3, 1, 0, 70), (4, 0, 1, 20), (5, 0, 0, 10)]


def test_a_board_says_what_is_calibrated_and_what_was_edited_since_it_was_rated(office: Office) -> None:
    session = begun(office)
    assert office.rate(session, 4).status_code == 200

    def on_board() -> Any:
        return office.get(CALIBRATOR, f"/v1/calibrations/{session}").json

    board = on_board()
    asked = {each["question_id"]: each for each in board["questions"]}
    assert asked[board["rating_question_id"]]["kind"] == "rating"
    assert asked.keys() >= {each["question_id"] for each in board["reviews"][0]["answers"]}
    assert (board["reviews"][0]["rated_version"], board["reviews"][0]["outdated"]) == (1, False)
    office.submitted(kind="revised", answers={**ANSWERS, GOALS: "<p>Another one</p>"})
    office.work()
    (review,) = on_board()["reviews"]
    assert (review["rated_version"], review["manager_version"], review["outdated"]) == (1, 2, True)
    assert office.rate(session, 4, version=review["rating_version"]).status_code == 200
    (review,) = on_board()["reviews"]
    assert (review["rated_version"], review["outdated"], len(review["changes"])) == (2, False, 1)
    office.submitted(kind="revised")
    office.work()
    assert office.post(HR, f"/v1/calibrations/{session}/complete").status_code == 200
    kinds = [(kind, data.get("manager_version")) for kind, data in office.events()[-2:]]
    assert kinds == [("calibration.completed.v1", 2), ("calibration.marked-stale.v1", 3)]
    assert office.post(HR, f"/v1/calibrations/{session}/confirm", {"review_ids": [REVIEW]}).status_code == 200
    assert office.row()["calibration"] == "calibrated"


def test_ratings_that_are_shared_are_said_not_to_be_shown_where_reviews_are_calibrated(office: Office) -> None:
    office.ready(question_ids=(GOALS, OVERALL))
    path = f"/v1/shared-questions/{CYCLE}"
    assert office.get(HR, path).json["not_shown"] == []
    office.do("update packets set calibration = 'pending'")
    told = office.get(HR, path).json
    assert (told["question_ids"], told["not_shown"]) == ([GOALS, OVERALL], [OVERALL])


@pytest.mark.parametrize(
    "guideline",
    [
        [{"rating": 3, "percent": 99}],
        [{"rating": 3, "percent": 50}, {"rating": 3, "percent": 50}],
        [{"rating": 3, "percent": -1}, {"rating": 4, "percent": 101}],
    ],
    ids=["not all", "twice", "below nothing"],
)
def test_a_guideline_that_does_not_add_up_is_refused(office: Office, guideline: list[dict[str, Any]]) -> None:
    office.ready()
    office.do("update packets set calibration = 'pending'")
    before = office.contents()
    answer = made(office, guideline=guideline)
    assert (answer.status_code, answer.json["code"]) == (422, "invalid-request")
    assert office.contents() == before
