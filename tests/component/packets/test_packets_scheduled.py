"""Releases at an instant: fired, judged again, taken back without a trace, and the window in which managers can."""

from __future__ import annotations

from datetime import timedelta

from component.packets.many import (
    MANY,
    begin,
    cycle,
    outcomes,
    progress,
    turn,
)
from component.packets.packets_office import (
    EMPLOYEE,
    GOALS,
    GROWTH,
    HR,
    MANAGER,
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
    assert office.post(MANAGER, path).status_code == 200
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
