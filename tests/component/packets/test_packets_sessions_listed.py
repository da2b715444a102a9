"""The list of calibration sessions, and how their ratings are spread."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from component.packets.packets_office import ASSISTANT, CALIBRATOR, CYCLE, EMPLOYEE, HR, MANAGER, NOWHERE, REVIEW

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
