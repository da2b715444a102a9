"""Two commands about one packet, of which the later one is the one that counts."""

from __future__ import annotations

import pytest

from component.packets.many import MANY, begin, cycle, outcomes, released, turn
from component.packets.packets_office import HR, Office
from packets import store


@pytest.mark.parametrize("state", ["with_manager", "releasing"])
def test_what_is_taken_back_before_its_turn_is_not_released_after_all(office: Office, state: str) -> None:
    cycle(office)
    if state == "with_manager":
        office.post(HR, f"/v1/packets/{MANY[1]}/release-to-manager")
    operation = begin(office, "release", review_ids=MANY)
    if state == "releasing":
        office.release(review_id=MANY[1])
    assert office.state(MANY[1]) == state
    office.unrelease(review_id=MANY[1])
    turn(office)
    assert office.state(MANY[1]) == {"with_manager": "ready", "releasing": "unreleasing"}[state]
    assert outcomes(office, operation)[MANY[1]] == ("cancelled", ["decided-anew"])
    assert {outcome for each, (outcome, _) in outcomes(office, operation).items() if each != MANY[1]} == {"asked"}


def test_what_many_are_being_taken_back_from_is_not_released_by_an_older_command_for_many(office: Office) -> None:
    cycle(office)
    for each in MANY[:2]:
        office.post(HR, f"/v1/packets/{each}/release-to-manager")
    release = begin(office, "release", review_ids=MANY[:2])
    begin(office, "unrelease", review_ids=MANY[:2])
    assert office.release(review_id=MANY[0]).json["code"] == "unrelease-in-progress"
    assert office.post(HR, f"/v1/packets/{MANY[0]}/release-to-manager").json["code"] == "unrelease-in-progress"
    turn(office)
    assert {office.state(each) for each in MANY[:2]} == {"ready"}
    assert outcomes(office, release)[MANY[0]] == ("skipped", ["unrelease-in-progress"])


def test_what_is_hidden_is_not_done_with_by_a_release(office: Office) -> None:
    cycle(office)
    released(office)
    begin(office, "unrelease", review_ids=MANY[:1])
    assert office.release(review_id=MANY[0]).status_code == 409
    office.do("update operations set state = 'completed' where command = 'unrelease'")
    release = begin(office, "release", review_ids=MANY[:1])
    turn(office)
    assert outcomes(office, release)[MANY[0]] == ("skipped", ["unrelease-in-progress"])


def test_what_is_asked_for_after_many_were_taken_back_goes_on(office: Office) -> None:
    cycle(office)
    for each in MANY[:2]:
        office.post(HR, f"/v1/packets/{each}/release-to-manager")
    begin(office, "unrelease", review_ids=MANY[:2])
    again = begin(office, "release-to-manager", review_ids=MANY[:1])
    with office.service.db.begin() as tx:
        store.leave_running(tx, MANY[:1], "decided-anew", until=_oldest(office))
    assert outcomes(office, again)[MANY[0]] == ("chosen", [])
    with office.service.db.begin() as tx:
        store.leave_running(tx, MANY[:1], "decided-anew", until=None)
    assert outcomes(office, again)[MANY[0]] == ("cancelled", ["decided-anew"])


def _oldest(office: Office) -> str:
    return str(office.rows("select id from operations order by started_at limit 1")[0]["id"])
