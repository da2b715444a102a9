"""The list of operations, who planned and who applied them, and how many plans a person may have."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from component.packets.many import BULK, DRAFT, MANY, OWN, begin, cycle, progress, turn, wanted
from component.packets.packets_office import (
    ASSISTANT,
    CANARY,
    CYCLE,
    EMPLOYEE,
    HR,
    HR_BELOW,
    MANAGER,
    NOWHERE,
    OUTSIDER,
    REASON,
)
from harness.eventually import eventually
from packets.commands import operations
from packets.commands.operations import Wanted
from packets.domain.ids import PersonId
from packets.domain.operation import Command
from packets.domain.people import Actor
from reviewbus.clock import rfc3339
from reviewbus.operations.store import Chosen

if TYPE_CHECKING:
    from component.packets.packets_office import Office

PLANS_MAX = 10


def listed(office: Office, query: str = "", person: str = HR) -> list[dict[str, Any]]:
    answer = office.get(person, f"{BULK}{query}")
    assert answer.status_code == 200, answer.json
    return list(answer.json["items"])


def ids(office: Office, query: str = "", person: str = HR) -> list[str]:
    return [each["operation_id"] for each in listed(office, query, person)]


def test_an_operation_whose_id_was_lost_is_found_by_its_cycle_action_or_state(office: Office) -> None:
    cycle(office)
    plan = begin(office, "release", dry_run=True)
    sent = begin(office, "release-to-manager", review_ids=MANY[:2])
    turn(office)
    assert ids(office) == [sent, plan]
    for query, found in (
        (f"?cycle_id={CYCLE}", [sent, plan]),
        (f"?cycle_id={NOWHERE}", []),
        ("?action=release", [plan]),
        ("?state=completed", [sent]),
        (f"?cycle_id={CYCLE}&state=planned&action=release", [plan]),
        ("?state=running", []),
    ):
        assert ids(office, query) == found, query
    of_names, of_filter = listed(office)
    assert (of_names["cycle_id"], of_filter["cycle_id"]) == (None, CYCLE)
    assert (of_names["review_count"], of_filter["review_count"]) == (2, 8)
    assert CANARY not in office.get(HR, BULK).text
    for each in (of_names, of_filter):
        seen = progress(office, each["operation_id"])
        assert {name: seen[name] for name in each} == each


def test_operations_come_in_pages_the_newest_first(office: Office) -> None:
    cycle(office)
    begun = [begin(office, "release", dry_run=True, review_ids=MANY[:1]) for _ in range(5)]
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = office.get(HR, f"{BULK}?limit=2" + (f"&cursor={cursor}" if cursor else "")).json
        seen += [each["operation_id"] for each in page["items"]]
        cursor = page["next_cursor"]
    assert seen == begun[::-1]


@pytest.mark.parametrize("query", ["?cursor=x", "?state=gone", "?action=burn", "?cycle_id=x", "?limit=201", "?by=x"])
def test_a_list_that_cannot_be_is_refused(office: Office, query: str) -> None:
    answer = office.get(HR, f"{BULK}{query}")
    assert (answer.status_code, answer.json["code"]) == (422, "invalid-request")


@pytest.mark.parametrize("person", [EMPLOYEE, MANAGER, ASSISTANT, OUTSIDER])
def test_who_may_not_plan_lists_no_operations(office: Office, person: str) -> None:
    answer = office.get(person, BULK)
    assert (answer.status_code, answer.json["code"]) == (403, "forbidden-role")


def test_nobody_finds_in_the_list_what_others_do_to_the_own_review(office: Office) -> None:
    cycle(office)
    alone = begin(office, "release-to-manager", person=HR_BELOW, review_ids=[OWN], dry_run=True)
    of_all = begin(office, "release-to-manager", person=HR_BELOW, dry_run=True)
    turn(office)
    assert ids(office) == ids(office, f"?cycle_id={CYCLE}") == [of_all]
    assert listed(office)[0]["review_count"] == progress(office, of_all)["review_count"] == 8
    assert ids(office, person=HR_BELOW) == [of_all, alone]
    # One of another cycle beside it: of the own cycle nothing is told by a filter either.
    elsewhere = str(uuid4())
    office.do("update packets set cycle_id = %s where review_id = %s", elsewhere, OWN)
    mixed = begin(office, "release-to-manager", person=HR_BELOW, review_ids=[OWN, MANY[0]], dry_run=True)
    assert ids(office, f"?cycle_id={CYCLE}")[0] == mixed
    assert mixed not in ids(office, f"?cycle_id={elsewhere}")
    assert mixed in ids(office, f"?cycle_id={elsewhere}", HR_BELOW)


def test_a_managers_release_that_waits_is_told_at_its_packet_and_not_in_the_list(office: Office) -> None:
    cycle(office)
    begin(office, "release-to-manager", review_ids=MANY[:1])
    turn(office)
    sent = ids(office)
    later = {"not_before": rfc3339(office.clock() + timedelta(hours=1))}
    path, tag = f"/v1/packets/{MANY[0]}/release", office.tag(MANY[0], MANAGER)
    assert office.post(MANAGER, path, later, version=tag).status_code == 202
    assert ids(office) == sent


def test_an_operation_says_who_planned_and_who_applied_it_and_when(office: Office) -> None:
    cycle(office)
    plan = begin(office, "release-to-manager", review_ids=MANY[:1], dry_run=True)
    turn(office)
    planned_at = rfc3339(office.clock())
    seen = progress(office, plan)
    assert (seen["by"], seen["created_at"], seen["applied_by"], seen["applied_at"]) == (HR, planned_at, None, None)
    office.clock.forward(hours=1)
    assert office.post(HR_BELOW, f"/v1/packets/operations/{plan}/apply").status_code == 202
    turn(office)
    for seen in (progress(office, plan), listed(office)[0]):
        assert (seen["by"], seen["created_at"]) == (HR, planned_at)
        assert (seen["applied_by"], seen["applied_at"]) == (HR_BELOW, rfc3339(office.clock()))
    # Who applied it is who acts, and HR below the employee may not.
    (item,) = office.get(HR, f"/v1/packets/operations/{plan}/items").json["items"]
    assert [each["code"] for each in item["unmet"]] == ["self-dealing"]
    at_once = begin(office, "release-to-manager", review_ids=[DRAFT])
    seen = progress(office, at_once)
    assert (seen["by"], seen["applied_by"], seen["applied_at"]) == (HR, None, None)


def test_nobody_has_more_plans_than_one_may_and_a_cancelled_one_is_gone(office: Office) -> None:
    cycle(office)
    plans = [begin(office, "release", dry_run=True) for _ in range(PLANS_MAX)]
    turn(office)
    before = office.contents()
    refused = office.post(HR, BULK, wanted("release", dry_run=True))
    assert (refused.status_code, refused.json["code"]) == (409, "too-many-plans")
    assert refused.json["plans_max"] == PLANS_MAX
    assert "apply or cancel" in refused.json["detail"]
    assert office.contents() == before
    assert office.post(HR_BELOW, BULK, wanted("release", dry_run=True)).status_code == 202
    begin(office, "release-to-manager", review_ids=MANY[:1])
    gone = office.post(HR, f"/v1/packets/operations/{plans[0]}/cancel")
    assert (gone.status_code, gone.json["state"]) == (200, "cancelled")
    assert office.get(HR, f"/v1/packets/operations/{plans[0]}").status_code == 404
    assert office.rows("select * from operation_items where operation_id = %s", plans[0]) == []
    assert [each["object_id"] for each in office.rows("select * from audit where action = 'operation.cancel'")] == [
        plans[0]
    ]
    begin(office, "release", dry_run=True)
    assert office.post(HR, BULK, wanted("release", dry_run=True)).json["code"] == "too-many-plans"
    assert office.post(HR, f"/v1/packets/operations/{plans[1]}/apply").status_code == 202
    begin(office, "release", dry_run=True)


def test_a_plan_that_has_expired_takes_no_room(office: Office) -> None:
    cycle(office)
    for _ in range(PLANS_MAX):
        begin(office, "release", dry_run=True)
    turn(office)
    office.clock.forward(hours=24)
    begin(office, "release", dry_run=True)
    office.periodic("retention")
    assert len(office.rows("select * from operations")) == 1


def test_plans_that_are_made_at_once_are_counted_one_after_the_other(office: Office) -> None:
    cycle(office)
    for _ in range(PLANS_MAX - 1):
        begin(office, "release", dry_run=True, review_ids=MANY[:1])
    who = Actor(person_id=PersonId(HR), roles=frozenset({"hr_admin"}))
    planned, named = Wanted(command=Command.RELEASE, dry_run=True), Chosen(named=MANY[:1])
    answers: list[Any] = []
    second = threading.Thread(target=lambda: answers.append(office.post(HR, BULK, wanted("release", dry_run=True))))
    with office.service.db.begin() as tx:
        operations.begin(tx, who, planned, named, plans_max=PLANS_MAX)
        second.start()
        waits = "select 1 from pg_locks where locktype = 'advisory' and not granted"
        eventually(lambda: bool(answers or office.rows(waits)))
    second.join()
    assert [each.json["code"] for each in answers] == ["too-many-plans"]


@pytest.mark.parametrize(
    ("selection", "pointer", "limit"),
    [
        ({"review_ids": [NOWHERE] * 5_001}, "/selection/review_ids", "5000"),
        ({"filter": {"cycle_id": CYCLE}, "except": [NOWHERE] * 1_001}, "/selection/except", "1000"),
    ],
    ids=["named", "left out"],
)
def test_a_list_of_reviews_that_is_too_long_is_refused_where_it_stands(
    office: Office, selection: dict[str, Any], pointer: str, limit: str
) -> None:
    office.people()
    before = office.contents()
    answer = office.post(HR, BULK, {"action": "release", "selection": selection, "reason": REASON, "dry_run": True})
    assert (answer.status_code, answer.json["code"]) == (422, "invalid-request")
    (error,) = answer.json["errors"]
    assert error["pointer"] == pointer
    assert limit in error["detail"]
    assert office.contents() == before


def test_the_answer_to_a_release_tells_of_what_waits_and_so_does_its_repetition(office: Office) -> None:
    cycle(office)
    at = office.clock() + timedelta(hours=2)
    path, body = f"/v1/packets/{MANY[0]}/release", {"reason": REASON, "not_before": at.isoformat()}
    tag = office.tag(MANY[0])
    asked = office.post(HR, path, body, version=tag, key="once")
    told = office.get(HR, f"/v1/packets/{MANY[0]}").json["scheduled"]
    assert asked.status_code == 202
    assert asked.json["scheduled"] == told
    assert (told["by"], told["not_before"]) == (HR, rfc3339(at))
    assert office.post(HR, path, body, version=tag, key="once").json == asked.json
    at_once = office.release(review_id=MANY[1])
    assert (at_once.status_code, at_once.json["scheduled"]) == (202, None)


def test_a_manager_is_told_at_once_that_the_recall_window_makes_the_release_wait(office: Office) -> None:
    cycle(office)
    office.do("update packets set recall_window_minutes = 30")
    begin(office, "release-to-manager", review_ids=MANY[:1])
    turn(office)
    asked = office.post(MANAGER, f"/v1/packets/{MANY[0]}/release", version=office.tag(MANY[0], MANAGER))
    assert asked.status_code == 202
    scheduled = asked.json["scheduled"]
    assert (scheduled["by"], scheduled["not_before"]) == (MANAGER, rfc3339(office.clock() + timedelta(minutes=30)))
