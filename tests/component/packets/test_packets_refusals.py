"""What packets refuses: the problem document has the right code, and nothing has changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from component.packets.packets_office import (
    ASSISTANT,
    CALIBRATOR,
    CYCLE,
    EMPLOYEE,
    GOALS,
    GROWTH,
    HR,
    HR_BELOW,
    MANAGER,
    NOWHERE,
    OUTSIDER,
    OVERALL,
    OWN,
    REASON,
    REVIEW,
    if_match,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from component.packets.packets_office import Office

PACKET = f"/v1/packets/{REVIEW}"
SHARED = f"/v1/shared-questions/{CYCLE}"
TAG = "sha256:0.1.1.0"
COMMANDS: dict[str, dict[str, Any]] = {
    f"{PACKET}/release": {"reason": REASON},
    f"{PACKET}/release-to-manager": {},
    f"{PACKET}/unrelease": {"reason": REASON},
    f"{PACKET}/override-calibration": {"reason": REASON},
}
SESSION_STEPS = ("start", "cancel", "complete", "reopen")


def refused(office: Office, status: int, code: str, ask: Callable[..., Any], *words: Any, **named: Any) -> Any:
    """Ask, and hold the answer and the database against what has to be."""
    before = office.contents()
    answer = ask(*words, **named)
    assert (answer.status_code, answer.json.get("code")) == (status, code), answer.json
    assert answer.mimetype == "application/problem+json"
    assert office.contents() == before
    return answer.json


def test_a_packet_that_is_not_sent_does_not_exist_for_employee_manager_calibrator_and_outsider(office: Office) -> None:
    office.ready(calibrated=True)
    for person in (EMPLOYEE, MANAGER, CALIBRATOR, OUTSIDER, HR_BELOW):
        for path in (PACKET, f"{PACKET}/preview", f"{PACKET}/pdf"):
            refused(office, 404, "not-found", office.get, person, path)
    refused(office, 403, "forbidden-role", office.get, ASSISTANT, PACKET)
    refused(office, 404, "not-found", office.get, HR, f"/v1/packets/{NOWHERE}")
    refused(office, 404, "not-found", office.get, HR, "/v1/packets/no-uuid")


def test_commands_are_closed_to_all_but_those_whom_they_admit(office: Office) -> None:
    office.ready(calibrated=True)
    for path, body in COMMANDS.items():

        def ask(person: str, path: str = path, body: dict[str, Any] = body) -> Any:
            return office.post(person, path, body, version=TAG)

        refused(office, 404, "not-found", ask, OUTSIDER)
        refused(office, 403, "forbidden-role", ask, EMPLOYEE)
        refused(office, 403, "forbidden-role", ask, ASSISTANT)
        refused(office, 403, "forbidden-role", ask, CALIBRATOR)
        refused(office, 403, "self-dealing", ask, HR_BELOW)
        # A manager releases, once the packet was sent; until then there is none.
        expected = (404, "not-found") if path.endswith("/release") else (403, "forbidden-role")
        refused(office, *expected, ask, MANAGER)
    refused(office, 403, "forbidden-role", office.change_rating, 4, person=MANAGER)
    refused(office, 403, "self-dealing", office.change_rating, 4, person=HR_BELOW)
    office.do("delete from directory where person_id = %s", HR)
    refused(office, 403, "unknown-person", office.post, HR, f"{PACKET}/release-to-manager")


def test_a_packet_that_is_not_ready_says_why_in_order(office: Office) -> None:
    office.people()
    office.opened(calibrated=True)
    office.work()

    def send() -> Any:
        return office.post(HR, f"{PACKET}/release-to-manager")

    told = refused(office, 409, "manager-assessment-not-submitted", send)
    codes = ["manager-assessment-not-submitted", "not-calibrated", "no-shared-questions"]
    assert [each["code"] for each in told["unmet"]] == codes
    office.submitted()
    office.assessment.down = True
    refused(office, 409, "not-calibrated", send)
    refused(office, 409, "not-calibrated", office.get, HR, PACKET)
    office.post(HR, f"{PACKET}/override-calibration", {"reason": REASON})
    refused(office, 409, "not-ready", send)
    office.assessment.down = False
    office.work()
    told = refused(office, 422, "no-shared-questions", send)
    assert "besides the rating" in told["detail"]
    office.share(OVERALL, rating=True)
    # The rating has its own switch, and alone it is no packet.
    assert refused(office, 422, "no-shared-questions", send)["detail"] == told["detail"]


def test_a_release_names_what_was_previewed_and_hr_says_why_the_manager_is_bypassed(office: Office) -> None:
    office.ready()
    path, body = f"{PACKET}/release", {"reason": REASON}
    tag = office.tag()
    refused(office, 428, "version-missing", office.post, HR, path, body)
    told = refused(office, 412, "packet-changed", office.post, HR, path, body, version=TAG)
    assert told["current"] == tag
    refused(office, 422, "reason-missing", office.post, HR, path, {}, version=tag)
    headers = {**office.token(HR), "Idempotency-Key": "x", "If-Match": "W/weak"}
    refused(office, 400, "if-match-malformed", office.client.post, path, json=body, headers=headers)


def test_every_state_refuses_what_does_not_belong_to_it(office: Office) -> None:
    office.ready(calibrated=True)
    tag = office.tag()

    def release() -> Any:
        return office.post(HR, f"{PACKET}/release", {"reason": REASON}, version=tag)

    refused(office, 409, "not-released", office.unrelease)
    refused(office, 422, "reason-missing", office.change_rating, 5, reason=None)
    refused(office, 422, "rating-off-scale", office.change_rating, 6)
    refused(office, 409, "nothing-to-override", office.post, HR, f"{PACKET}/override-calibration", {"reason": "x"})
    assert release().status_code == 202
    refused(office, 409, "release-in-progress", release)
    refused(office, 409, "release-in-progress", office.change_rating, 5)
    refused(office, 409, "release-in-progress", office.post, HR, f"{PACKET}/release-to-manager")
    office.answer("granted", 2)
    assert release().status_code == 200
    refused(office, 423, "locked-released", office.change_rating, 5)
    refused(office, 423, "locked-released", office.post, HR, f"{PACKET}/release-to-manager")
    refused(office, 422, "reason-missing", office.post, HR, f"{PACKET}/unrelease", {})
    office.unrelease()
    assert office.unrelease().status_code == 202
    refused(office, 409, "unrelease-in-progress", release)
    office.answer("released", 3)
    office.answer("granted", 2, holder="signature:employee")
    told = refused(office, 423, "locked-signed", office.change_rating, 5)
    assert told["holders"] == ["signature:employee"]


def test_of_two_who_change_a_rating_the_second_is_told_of_the_first(office: Office) -> None:
    office.ready(calibrated=True)
    path, session = f"{PACKET}/rating", office.row()["session_id"]
    (on_board,) = office.get(CALIBRATOR, f"/v1/calibrations/{session}").json["reviews"]
    told = [office.get(HR, each).json["rating_version"] for each in (PACKET, f"{PACKET}/preview", f"{PACKET}/actions")]
    assert told == [on_board["rating_version"]] * 3 == [1, 1, 1]
    assert office.get(MANAGER, f"{PACKET}/actions").json["rating_version"] is None
    assert office.get(HR_BELOW, f"{PACKET}/actions").json["rating_version"] is None
    body = {"rating": 5, "reason": REASON}
    refused(office, 428, "version-missing", office.put, HR, path, body)
    for malformed in ("x", "0.5", "9" * 20):
        refused(office, 400, "if-match-malformed", office.put, HR, path, body, version=malformed)
    first = office.put(CALIBRATOR, path, body, version=1)
    assert (first.status_code, first.headers["ETag"], first.json["rating_version"]) == (200, '"2"', 2)
    late = refused(office, 412, "stale-version", office.put, HR, path, {**body, "rating": 2}, version=1)
    assert late["current_version"] == 2
    # What stands already is no more the answer to what was seen before.
    refused(office, 412, "stale-version", office.put, HR, path, body, version=1)
    assert office.put(HR, path, {**body, "rating": 2}, version=2).headers["ETag"] == '"3"'


def test_a_cancelled_review_and_a_closed_cycle_refuse_a_release(office: Office) -> None:
    office.ready()
    tag = office.tag()
    office.tell("review.closed.v1", office.about())

    def release() -> Any:
        return office.post(HR, f"{PACKET}/release", {"reason": REASON}, version=tag)

    refused(office, 409, "cycle-closed", release)
    office.tell("review.cancelled.v1", office.about())
    refused(office, 409, "review-cancelled", release)
    assert office.state() == "none"


def test_in_manager_direct_hr_neither_sends_nor_takes_back(office: Office) -> None:
    office.people()
    office.opened(release_mode="manager_direct")
    office.work()
    office.share(GOALS)
    office.submitted()
    office.work()
    refused(office, 409, "manager-direct", office.post, HR, f"{PACKET}/release-to-manager")
    refused(office, 409, "manager-direct", office.unrelease)


def test_the_selection_is_hrs_alone_and_names_questions_that_the_manager_answers(office: Office) -> None:
    office.people()
    office.opened()
    body = {"question_ids": [GOALS], "rating": True}
    refused(office, 409, "questionnaire-not-fetched", office.put, HR, SHARED, body, version=0)
    office.work()
    for person in (EMPLOYEE, MANAGER, ASSISTANT, OUTSIDER):
        refused(office, 403, "forbidden-role", office.put, person, SHARED, body, version=0)
        refused(office, 403, "forbidden-role", office.get, person, SHARED)
    refused(office, 428, "version-missing", office.put, HR, SHARED, body)
    refused(office, 412, "stale-version", office.put, HR, SHARED, body, version=3)
    told = refused(office, 422, "unknown-questions", office.put, HR, SHARED, {"question_ids": [OWN]}, version=0)
    assert told["question_ids"] == [OWN]
    assert "`rating`" in told["detail"]
    told = refused(office, 422, "invalid-request", office.put, HR, SHARED, {"rating": True}, version=0)
    assert [(each["pointer"], "`rating`" in each["detail"]) for each in told["errors"]] == [("/question_ids", True)]
    told = refused(office, 422, "invalid-request", office.put, HR, SHARED, {**body, "rating": "on"}, version=0)
    assert [(each["pointer"], "true" in each["detail"]) for each in told["errors"]] == [("/rating", True)]
    nowhere = f"/v1/shared-questions/{NOWHERE}"
    refused(office, 404, "not-found", office.put, HR, nowhere, body, version=0)
    closed = {"cycle_id": CYCLE, "version": 4, "questionnaire_id": NOWHERE, "questionnaire_version": 1}
    office.tell("cycle.closed.v1", closed)
    refused(office, 409, "cycle-closed", office.put, HR, SHARED, body, version=0)


def test_a_session_exists_for_hr_and_its_members_and_is_open_to_members_only(office: Office) -> None:
    office.ready(question_ids=(GOALS,))
    body = {"cycle_id": CYCLE, "review_ids": [REVIEW], "members": [CALIBRATOR]}
    refused(office, 409, "calibration-not-required", office.post, HR, "/v1/calibrations", body)
    refused(office, 403, "forbidden-role", office.post, MANAGER, "/v1/calibrations", body)
    refused(office, 403, "self-dealing", office.post, HR_BELOW, "/v1/calibrations", body)
    absent = {**body, "review_ids": [REVIEW, NOWHERE]}
    told = refused(office, 404, "not-found", office.post, HR, "/v1/calibrations", absent)
    assert told["review_ids"] == [NOWHERE]


def test_who_calibrates_is_in_the_directory_and_has_not_left(office: Office) -> None:
    office.people()
    office.opened(calibrated=True)
    office.work()
    body = {"cycle_id": CYCLE, "review_ids": [REVIEW], "members": [CALIBRATOR, "p-typo", "p-nobody"]}
    told = refused(office, 422, "unknown-members", office.post, HR, "/v1/calibrations", body)
    assert told["person_ids"] == ["p-nobody", "p-typo"]
    assert "import these" in told["detail"]
    told = refused(office, 403, "forbidden-role", office.post, MANAGER, "/v1/calibrations", body)
    assert "p-typo" not in str(told)
    refused(office, 404, "not-found", office.post, HR, "/v1/calibrations", {**body, "review_ids": [NOWHERE]})
    path = f"/v1/calibrations/{office.session()}/members"
    told = refused(office, 422, "unknown-members", office.put, HR, path, {"members": [HR, "p-typo"]}, version=1)
    assert told["person_ids"] == ["p-typo"]
    told = refused(office, 403, "forbidden-role", office.put, CALIBRATOR, path, {"members": ["p-typo"]}, version=1)
    assert "p-typo" not in str(told)
    office.do("update directory set active = false where person_id = %s", CALIBRATOR)
    told = refused(office, 422, "unknown-members", office.put, HR, path, {"members": [HR, CALIBRATOR]}, version=1)
    assert told["person_ids"] == [CALIBRATOR]
    refused(office, 428, "version-missing", office.put, HR, path, {"members": [HR]})
    answer = office.put(HR, path, {"members": [HR]}, version=1)
    assert (answer.status_code, answer.json["row_version"], answer.headers["ETag"]) == (200, 2, '"2"')
    # Who has seen the earlier list takes nobody out of this one.
    told = refused(office, 412, "stale-version", office.put, HR, path, {"members": []}, version=1)
    assert told["current_version"] == 2
    rows = office.rows("select person_id from calibration_members where session_id = %s", answer.json["session_id"])
    assert [row["person_id"] for row in rows] == [HR]


def test_calibration_takes_its_steps_in_order(office: Office) -> None:
    office.people()
    office.opened(calibrated=True)
    office.work()
    session = office.session(members=(CALIBRATOR,))
    path = f"/v1/calibrations/{session}"
    again = {"cycle_id": CYCLE, "review_ids": [REVIEW], "members": []}
    refused(office, 409, "already-in-session", office.post, HR, "/v1/calibrations", again)
    told = refused(office, 403, "forbidden-role", office.get, HR, path)
    assert "member" in told["detail"]
    refused(office, 404, "not-found", office.get, MANAGER, path)
    refused(office, 404, "not-found", office.get, HR, f"/v1/calibrations/{NOWHERE}")
    for step in SESSION_STEPS:
        refused(office, 404, "not-found", office.post, OUTSIDER, f"{path}/{step}")
        refused(office, 403, "forbidden-role", office.post, CALIBRATOR, f"{path}/{step}")
        refused(office, 403, "self-dealing", office.post, HR_BELOW, f"{path}/{step}")
    refused(office, 409, "manager-assessment-not-submitted", office.post, HR, f"{path}/start")
    refused(office, 403, "forbidden-role", office.post, HR, f"{path}/complete")
    assert office.put(HR, f"{path}/members", {"members": [CALIBRATOR, HR]}, version=1).status_code == 200
    refused(office, 403, "forbidden-role", office.put, CALIBRATOR, f"{path}/members", {"members": []})
    office.submitted()
    office.work()
    refused(office, 409, "session-in-other-state", office.rate, session, 4)
    office.post(HR, f"{path}/start")
    refused(office, 409, "ratings-missing", office.post, HR, f"{path}/complete")
    refused(office, 428, "version-missing", office.rate, session, 4, version=None)
    refused(office, 412, "stale-version", office.rate, session, 4, version=7)
    refused(office, 422, "justification-missing", office.rate, session, 4, justification=None)
    refused(office, 422, "rating-off-scale", office.rate, session, 9)
    refused(office, 404, "not-found", office.rate, session, 4, person=MANAGER)
    assert office.rate(session, 4).status_code == 200
    refused(office, 412, "stale-version", office.rate, session, 5, version=0)
    office.post(HR, f"{path}/complete")
    body = {"review_ids": [REVIEW]}
    assert office.post(HR, f"{path}/confirm", body).status_code == 200
    told = refused(office, 404, "not-found", office.post, HR, f"{path}/confirm", {"review_ids": [NOWHERE]})
    assert told["review_ids"] == [NOWHERE]
    refused(office, 403, "forbidden-role", office.post, CALIBRATOR, f"{path}/confirm", body)


def test_a_board_leaves_out_the_calibrators_own_review(office: Office) -> None:
    office.ready(calibrated=True)
    session = office.row()["session_id"]
    shown = office.get(CALIBRATOR, f"/v1/calibrations/{session}").json["reviews"]
    assert [each["review_id"] for each in shown] == [REVIEW]
    assert (shown[0]["rating"], shown[0]["manager_rating"]) == (4, 3)
    assert shown[0]["changes"][0]["justification"] == REASON
    assert [each["question_id"] for each in shown[0]["answers"]] == [GOALS, GROWTH, OVERALL]
    members = {"members": [EMPLOYEE, HR_BELOW]}
    version = office.get(HR, "/v1/calibrations").json["items"][0]["row_version"]
    assert office.put(HR, f"/v1/calibrations/{session}/members", members, version=version).status_code == 200
    for person, code in ((EMPLOYEE, "forbidden-role"), (HR_BELOW, "self-dealing")):
        assert office.get(person, f"/v1/calibrations/{session}").json["reviews"] == []
        refused(office, 403, code, office.rate, session, 5, version=1, person=person)


MALFORMED = (b"{", b"[]", b'"text"', b'{"reason": "\\ud800"}', b'{"unknown": 1}', b'{"reason": 7}')


@pytest.mark.parametrize("raw", MALFORMED, ids=[each.decode() for each in MALFORMED])
def test_a_body_that_is_not_as_it_should_be_changes_nothing(office: Office, raw: bytes) -> None:
    office.ready()
    for path in COMMANDS:
        before = office.contents()
        answer = office.post(HR, path, raw=raw, version=TAG)
        assert answer.status_code in {400, 422}, answer.json
        assert answer.mimetype == "application/problem+json"
        assert office.contents() == before


def test_shapes_are_held_at_their_limits(office: Office) -> None:
    office.ready(calibrated=True)
    session = office.row()["session_id"]
    ratings = f"/v1/calibrations/{session}/ratings/{REVIEW}"
    bad: list[tuple[str, dict[str, Any]]] = [
        (SHARED, {"question_ids": ["a/b"]}),
        (SHARED, {"question_ids": ["x"] * 201}),
        (SHARED, {}),
        (f"{PACKET}/rating", {"rating": 2**31, "reason": "x"}),
        (f"{PACKET}/rating", {"rating": True, "reason": "x"}),
        (f"{PACKET}/rating", {"rating": "4", "reason": "x"}),
        (f"{PACKET}/rating", {"rating": 4, "reason": "x" * 2001}),
        (ratings, {"rating": 4, "justification": " "}),
        (ratings, {"rating": 4.5, "justification": "x"}),
        (f"/v1/calibrations/{session}/members", {"members": ["x" * 65]}),
    ]
    for path, body in bad:
        refused(office, 422, "invalid-request", office.put, HR, path, body, version=1)
    new = {"cycle_id": CYCLE, "review_ids": [], "members": []}
    refused(office, 422, "invalid-request", office.post, HR, "/v1/calibrations", new)
    for query in ("state=gone", "limit=0", "limit=201", "cursor=%00", "cursor=bm90aGluZw", "other=1"):
        refused(office, 422, "invalid-request", office.get, HR, f"/v1/packets?{query}")


def test_a_command_needs_a_key_and_a_repeated_key_gets_the_first_answer(office: Office) -> None:
    office.ready()
    path, body, tag = f"{PACKET}/release", {"reason": REASON}, office.tag()
    refused(office, 400, "idempotency-key-missing", office.post, HR, path, body, version=tag, key=None)
    first = office.post(HR, path, body, version=tag, key="once")
    before = office.contents()
    again = office.post(HR, path, body, version=tag, key="once")
    assert (again.status_code, again.json, again.headers["Location"]) == (202, first.json, first.headers["Location"])
    assert office.contents() == before
    other = {"reason": "Another"}
    refused(office, 422, "idempotency-key-reused", office.post, HR, path, other, version=tag, key="once")
    office.answer("granted", 2)
    assert office.post(HR, path, body, version=tag, key="once").json == first.json


def test_nobody_gets_in_without_a_token_and_people_not_into_what_is_for_services(office: Office) -> None:
    office.ready()
    headers = if_match(1)
    assert office.client.get(PACKET, headers=headers).status_code == 401
    refused(office, 403, "forbidden-role", office.get, HR, "/internal/states")
    items = {"items": [{"person_id": EMPLOYEE, "kind": "packet", "review_id": REVIEW, "at": 1}]}
    answer = office.client.post("/internal/visibility", json=items, headers=office.token(HR))
    assert (answer.status_code, answer.json["code"]) == (403, "forbidden-role")
