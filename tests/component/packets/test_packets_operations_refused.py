"""Commands for many that are refused, or seen by others than who gave them."""

from __future__ import annotations

from typing import Any

import pytest

from component.packets.many import (
    BULK,
    OWN,
    begin,
    cycle,
    outcomes,
    progress,
    turn,
    wanted,
)
from component.packets.packets_office import (
    ASSISTANT,
    CYCLE,
    EMPLOYEE,
    HR,
    HR_BELOW,
    MANAGER,
    OUTSIDER,
    REVIEW,
    Office,
)


@pytest.mark.parametrize("person", [EMPLOYEE, MANAGER, ASSISTANT, OUTSIDER])
def test_only_hr_commands_many(office: Office, person: str) -> None:
    cycle(office)
    before = office.contents()
    answer = office.post(person, BULK, wanted("release"))
    assert (answer.status_code, answer.json["code"]) == (403, "forbidden-role")
    assert office.contents() == before
    operation = begin(office, "release", dry_run=True)
    for verb, path in (("get", ""), ("get", "/items"), ("post", "/apply"), ("post", "/cancel")):
        assert getattr(office, verb)(person, f"/v1/packets/operations/{operation}{path}").status_code == 404


def test_hr_sees_nothing_of_the_own_review_in_what_others_do_to_many(office: Office) -> None:
    cycle(office)
    operation = begin(office, "release-to-manager", person=HR_BELOW)
    turn(office)
    assert office.state(OWN) == "with_manager"
    seen = progress(office, operation, HR)
    assert OWN not in outcomes(office, operation, HR)
    assert (seen["review_count"], seen["counts"]["done"]) == (
        8,
        sum(each == "done" for each, _ in outcomes(office, operation, HR).values()),
    )
    alone = begin(office, "unrelease", person=HR_BELOW, review_ids=[OWN])
    for path in ("", "/items", "/items?format=csv"):
        assert office.get(HR, f"/v1/packets/operations/{alone}{path}").status_code == 404
    assert outcomes(office, operation, HR_BELOW)[OWN] == ("done", [])


@pytest.mark.parametrize(
    "change",
    [
        {"action": "burn"},
        {"selection": {}},
        {"selection": {"review_ids": [REVIEW], "filter": {"cycle_id": CYCLE}}},
        {"selection": {"review_ids": []}},
        {"selection": {"review_ids": ["x"]}},
        {"selection": {"filter": {}}},
        {"selection": {"filter": {"cycle_id": CYCLE, "state": "gone"}}},
        {"selection": {"review_ids": [REVIEW], "except": [REVIEW]}},
        {"action": "unrelease", "reason": None},
        {"action": "release", "revoke_signatures": True},
        {"action": "unrelease", "not_before": "2030-01-01T00:00:00Z"},
        {"not_before": "2030-01-01T00:00:00"},
        {"dry_run": "yes"},
        {"more": 1},
    ],
    ids=str,
)
def test_a_malformed_bulk_command_is_refused_and_changes_nothing(office: Office, change: dict[str, Any]) -> None:
    office.people()
    before = office.contents()
    answer = office.post(HR, BULK, {**wanted("release"), **change})
    assert (answer.status_code, answer.json["code"]) == (422, "invalid-request")
    assert office.contents() == before


def test_a_repeated_bulk_command_is_one(office: Office) -> None:
    cycle(office)
    first = office.post(HR, BULK, wanted("release-to-manager"), key="same")
    again = office.post(HR, BULK, wanted("release-to-manager"), key="same")
    assert first.json == again.json
    assert len(office.rows("select * from operations")) == 1
    other = office.post(HR, BULK, wanted("release"), key="same")
    assert (other.status_code, other.json["code"]) == (422, "idempotency-key-reused")
    assert office.post(HR, BULK, wanted("release"), key=None).status_code == 400
