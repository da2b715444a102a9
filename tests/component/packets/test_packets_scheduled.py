"""Releases at an instant: fired, judged again, taken back without a trace, and the window in which managers can."""

from __future__ import annotations

from datetime import timedelta

import pytest

from component.packets.many import BULK, MANY, begin, cycle, outcomes, progress, turn, wanted
from component.packets.packets_office import (
    CANARY,
    EMPLOYEE,
    GOALS,
    GROWTH,
    HR,
    MANAGER,
    NOWHERE,
    OUTSIDER,
    REASON,
    Office,
)
from reviewbus.clock import rfc3339


def test_a_scheduled_release_fires_at_its_instant_and_is_judged_again_then(office: Office) -> None:
    cycle(office)
    at = office.clock() + timedelta(hours=2)
    body = {"reason": REASON, "not_before": at.isoformat()}
    asked = office.post(HR, f"/v1/packets/{MANY[0]}/release", body, version=office.tag(MANY[0]))
    assert (asked.status_code, asked.json["state"]) == (202, "ready")
    operation = asked.headers["Location"].rsplit("/", 1)[1]
    shown = office.get(HR, f"/v1/packets/{MANY[0]}").json["scheduled"]
    assert (shown["by"], shown["operation_id"]) == (HR, operation)
    twice = office.post(HR, f"/v1/packets/{MANY[0]}/release", body, version=office.tag(MANY[0]))
    assert (twice.status_code, twice.json["code"]) == (409, "already-scheduled")
    assert {name: twice.json[name] for name in shown} == shown
    turn(office)
    assert office.state(MANY[0]) == "ready"
    office.clock.forward(hours=2)
    turn(office)
    assert office.state(MANY[0]) == "releasing"
    assert office.get(HR, f"/v1/packets/{MANY[0]}").json["scheduled"] is None
    assert progress(office, operation)["counts"]["asked"] == 1


def test_a_scheduled_release_of_what_has_changed_since_is_not_carried_out(office: Office) -> None:
    cycle(office)
    at = office.clock() + timedelta(hours=2)
    body = {"reason": REASON, "not_before": at.isoformat()}
    asked = office.post(HR, f"/v1/packets/{MANY[0]}/release", body, version=office.tag(MANY[0]))
    operation = asked.headers["Location"].rsplit("/", 1)[1]
    office.submitted(MANY[0], answers={GOALS: "<p>Otherwise.</p>", GROWTH: "o-stay"}, kind="revised")
    office.work()
    office.clock.forward(hours=2)
    turn(office)
    assert office.state(MANY[0]) == "ready"
    assert outcomes(office, operation)[MANY[0]] == ("skipped", ["packet-changed"])


def test_of_a_scheduled_release_whose_packet_left_the_manager_it_is_told_why_it_will_not_come(office: Office) -> None:
    cycle(office)
    begin(office, "release-to-manager", review_ids=MANY[:1])
    turn(office)
    office.work()
    before = office.mark()
    at = office.clock() + timedelta(hours=2)
    body = {"reason": REASON, "not_before": at.isoformat()}
    asked = office.post(HR, f"/v1/packets/{MANY[0]}/release", body, version=office.tag(MANY[0]))
    operation = asked.headers["Location"].rsplit("/", 1)[1]
    withdrawn = office.post(HR, f"/v1/packets/{MANY[0]}/unrelease", {"reason": REASON})
    assert withdrawn.status_code == 200
    assert office.get(HR, f"/v1/packets/{MANY[0]}").json["scheduled"] is None
    assert outcomes(office, operation)[MANY[0]] == ("cancelled", ["decided-anew"])
    office.clock.forward(hours=2)
    turn(office)
    assert office.state(MANY[0]) == "ready"
    assert office.get(HR, asked.headers["Location"]).json["state"] == "cancelled"
    assert [kind for kind in office.types(since=before) if kind.startswith("operation")] == []


def test_a_scheduled_release_is_taken_back_without_a_trace(office: Office) -> None:
    cycle(office)
    begin(office, "release-to-manager", review_ids=MANY[:1])
    turn(office)
    office.work()
    before = office.contents()
    at = office.clock() + timedelta(hours=2)
    body = {"not_before": at.isoformat()}
    asked = office.post(MANAGER, f"/v1/packets/{MANY[0]}/release", body, version=office.tag(MANY[0], MANAGER))
    assert asked.status_code == 202
    assert office.get(MANAGER, f"/v1/packets/{MANY[0]}").json["scheduled"]["by"] == MANAGER
    assert office.get(MANAGER, asked.headers["Location"]).json["state"] == "scheduled"
    assert office.get(EMPLOYEE, asked.headers["Location"]).status_code == 404
    path = f"/v1/packets/{MANY[0]}/cancel-scheduled"
    assert office.post(EMPLOYEE, path).status_code == 403
    assert office.post(OUTSIDER, path).status_code == 404
    recalled = office.post(MANAGER, path)
    assert (recalled.status_code, [each["by"] for each in recalled.json["cancelled"]]) == (200, [MANAGER])
    office.clock.forward(hours=2)
    turn(office)
    assert {**office.contents(), "idempotency": []} == {**before, "idempotency": []}
    gone = office.post(MANAGER, path)
    assert (gone.status_code, gone.json["code"]) == (409, "not-scheduled")


def test_a_managers_release_waits_for_the_recall_window_and_hrs_does_not(office: Office) -> None:
    cycle(office)
    office.do("update packets set recall_window_minutes = 30")
    begin(office, "release-to-manager", review_ids=MANY[:2])
    turn(office)
    early = {"not_before": (office.clock() + timedelta(minutes=5)).isoformat()}
    tag = office.tag(MANY[0], MANAGER)
    asked = office.post(MANAGER, f"/v1/packets/{MANY[0]}/release", early, version=tag)
    assert (asked.status_code, asked.json["state"]) == (202, "with_manager")
    shown = office.get(MANAGER, f"/v1/packets/{MANY[0]}").json["scheduled"]
    assert shown["not_before"] == rfc3339(office.clock() + timedelta(minutes=30))
    assert office.release(review_id=MANY[1]).json["state"] == "releasing"
    office.clock.forward(minutes=29)
    turn(office)
    assert office.state(MANY[0]) == "with_manager"
    office.clock.forward(minutes=1)
    turn(office)
    row = office.row(MANY[0])
    assert (row["state"], row["requested_by"], row["requested_as"]) == ("releasing", MANAGER, "manager")


def test_an_instant_that_is_over_is_refused(office: Office) -> None:
    cycle(office)
    before = office.contents()
    body = {"reason": REASON, "not_before": rfc3339(office.clock())}
    for path, sent in ((f"/v1/packets/{MANY[0]}/release", body), (BULK, {**wanted("release"), **body})):
        answer = office.post(HR, path, sent, version=office.tag(MANY[0]))
        assert (answer.status_code, answer.json["code"]) == (422, "instant-passed")
    unknown = {**wanted("release"), "selection": {"filter": {"cycle_id": NOWHERE}}}
    assert office.post(HR, BULK, unknown).status_code == 404
    assert office.contents() == before


@pytest.mark.parametrize("instant", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "1999-12-31T00:00:00Z"])
def test_an_instant_that_no_calendar_of_people_has_is_refused(office: Office, instant: str) -> None:
    cycle(office)
    before = office.contents()
    body = {"reason": REASON, "not_before": instant}
    answer = office.post(HR, f"/v1/packets/{MANY[0]}/release", body, version=office.tag(MANY[0]))
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "/not_before")
    many = office.post(HR, BULK, {**wanted("release"), "not_before": instant})
    assert (many.status_code, many.json["errors"][0]["pointer"]) == (422, "/not_before")
    assert office.contents() == before


def test_a_scheduled_release_does_not_outlive_a_release_that_was_taken_back(office: Office) -> None:
    cycle(office)
    later = {"reason": REASON, "not_before": (office.clock() + timedelta(hours=2)).isoformat()}
    assert office.post(HR, f"/v1/packets/{MANY[0]}/release", later, version=office.tag(MANY[0])).status_code == 202
    begin(office, "release", review_ids=MANY[:2], not_before=later["not_before"])
    assert office.release(review_id=MANY[0]).status_code == 202
    office.answer("granted", 2, review_id=MANY[0])
    assert office.get(HR, f"/v1/packets/{MANY[0]}").json["scheduled"] is None
    assert office.unrelease(review_id=MANY[0]).status_code == 202
    office.answer("released", 3, review_id=MANY[0])
    office.clock.forward(hours=2)
    turn(office)
    assert (office.state(MANY[0]), office.state(MANY[1])) == ("ready", "releasing")


def test_what_is_scheduled_twice_is_cancelled_at_once(office: Office) -> None:
    cycle(office)
    at = (office.clock() + timedelta(hours=2)).isoformat()
    for _ in range(2):
        begin(office, "release", review_ids=MANY[:1], not_before=at)
    mark = office.mark()
    recalled = office.post(HR, f"/v1/packets/{MANY[0]}/cancel-scheduled", key="twice")
    assert (recalled.status_code, len(recalled.json["cancelled"])) == (200, 2)
    assert office.post(HR, f"/v1/packets/{MANY[0]}/cancel-scheduled", key="twice").json == recalled.json
    office.clock.forward(hours=2)
    turn(office)
    assert (office.state(MANY[0]), office.types(since=mark)) == ("ready", [])


def test_a_manager_takes_back_the_own_release_only_and_of_many_the_result_names_it(office: Office) -> None:
    cycle(office)
    begin(office, "release-to-manager", review_ids=MANY[:2])
    turn(office)
    at = (office.clock() + timedelta(hours=2)).isoformat()
    operation = begin(office, "release", review_ids=MANY[:2], not_before=at)
    path = f"/v1/packets/{MANY[0]}/cancel-scheduled"
    refused = office.post(MANAGER, path)
    assert (refused.status_code, refused.json["code"], refused.json["by"]) == (409, "scheduled-by-another", HR)
    assert "ask them, or HR" in refused.json["detail"]
    told = {each["name"]: each for each in office.get(MANAGER, f"/v1/packets/{MANY[0]}/actions").json["actions"]}
    assert [each["code"] for each in told["cancel-scheduled"]["unmet"]] == ["scheduled-by-another"]
    alone = office.post(MANAGER, f"/v1/packets/{MANY[0]}/release", {"not_before": at}, version=office.tag(MANY[0]))
    assert (alone.status_code, alone.json["code"], alone.json["by"]) == (409, "already-scheduled", HR)
    recalled = office.post(HR, path)
    assert (recalled.status_code, recalled.json["cancelled"][0]["by"]) == (200, HR)
    assert recalled.json["cancelled"][0]["operation_id"] == operation
    assert outcomes(office, operation)[MANY[0]] == ("cancelled", ["cancelled"])
    office.clock.forward(hours=2)
    turn(office)
    assert (office.state(MANY[0]), office.state(MANY[1])) == ("with_manager", "releasing")


def test_who_has_left_by_then_releases_nothing(office: Office) -> None:
    cycle(office)
    at = (office.clock() + timedelta(hours=2)).isoformat()
    operation = begin(office, "release", review_ids=MANY[:1], not_before=at)
    office.do("update directory set active = false where person_id = %s", HR)
    office.clock.forward(hours=2)
    turn(office)
    assert (office.state(MANY[0]), outcomes(office, operation)[MANY[0]]) == ("ready", ("skipped", ["unknown-person"]))


def test_what_was_typed_and_chosen_stays_in_the_database_of_its_owner(office: Office) -> None:
    cycle(office)
    operation = begin(office, "release", review_ids=MANY[:2])
    turn(office)
    items = [office.get(HR, f"/v1/packets/operations/{operation}/items{each}").text for each in ("", "?format=csv")]
    assert CANARY in office.get(HR, f"/v1/packets/operations/{operation}").json["reason"]
    kept = office.rows("select status, location, etag, acknowledgement from idempotency")
    assert CANARY not in f"{office.events()} {kept} {items[0]}"
    # The names of people, which a file has beside their ids, are canaries as well.
    assert REASON not in items[1]


def test_hr_is_told_whose_release_it_takes_back(office: Office) -> None:
    cycle(office)
    begin(office, "release-to-manager", review_ids=MANY[:1])
    turn(office)
    at = rfc3339(office.clock() + timedelta(hours=2))
    tag = office.tag(MANY[0], MANAGER)
    assert office.post(MANAGER, f"/v1/packets/{MANY[0]}/release", {"not_before": at}, version=tag).status_code == 202
    (told,) = office.post(HR, f"/v1/packets/{MANY[0]}/cancel-scheduled").json["cancelled"]
    assert (told["by"], told["not_before"]) == (MANAGER, at)
