"""What a plan says of a packet and what becomes of it are told in the same words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from component.packets.many import (
    ABOVE,
    BULK,
    DRAFT,
    MANY,
    OWN,
    begin,
    cycle,
    grant,
    outcomes,
    progress,
    released,
    turn,
    wanted,
)
from component.packets.packets_office import CYCLE, DIRECTOR, HR, HR_BELOW, MANAGER, Office

if TYPE_CHECKING:
    from collections.abc import Callable

NOTHING_TO_DO = ("skipped", ["nothing-to-do"])


def _sent(office: Office) -> None:
    begin(office, "release-to-manager", review_ids=MANY)
    turn(office)
    assert {office.state(each) for each in MANY} == {"with_manager"}


def _being_taken_back(office: Office) -> None:
    released(office)
    begin(office, "unrelease", review_ids=MANY)
    turn(office)
    assert {office.state(each) for each in MANY} == {"unreleasing"}


@pytest.mark.parametrize(
    ("before", "action"),
    [(_sent, "release-to-manager"), (released, "release"), (_being_taken_back, "unrelease")],
    ids=["with its manager", "released", "being taken back"],
)
def test_what_is_so_already_is_skipped_by_the_plan_and_by_the_run(
    office: Office, before: Callable[[Office], None], action: str
) -> None:
    cycle(office)
    before(office)
    packets = office.rows("select * from packets order by review_id")
    plan = begin(office, action, review_ids=MANY[:2], dry_run=True)
    turn(office)
    run = begin(office, action, review_ids=MANY[:2])
    mark = office.mark()
    turn(office)
    assert outcomes(office, plan) == outcomes(office, run) == dict.fromkeys(MANY[:2], NOTHING_TO_DO)
    seen = progress(office, run)
    assert (seen["state"], seen["counts"]["done"], seen["counts"]["skipped"]) == ("completed", 0, 2)
    _, end = office.events(since=mark)[-1]
    assert (end["done_count"], end["skipped_count"]) == (0, 2)
    assert office.rows("select * from packets order by review_id") == packets


def test_what_somebody_else_does_after_the_plan_is_not_what_the_operation_has_done(office: Office) -> None:
    cycle(office)
    plan = begin(office, "release", review_ids=MANY[:2], dry_run=True)
    turn(office)
    assert {word for word, _ in outcomes(office, plan).values()} == {"allowed"}
    assert office.release(review_id=MANY[0]).status_code == 202
    grant(office, MANY[:1])
    assert office.post(HR, f"/v1/packets/operations/{plan}/apply").status_code == 202
    turn(office)
    assert outcomes(office, plan) == {MANY[0]: NOTHING_TO_DO, MANY[1]: ("asked", [])}


@pytest.mark.parametrize("more", [{}, {"dry_run": True}], ids=["run", "plan"])
@pytest.mark.parametrize("action", ["release-to-manager", "release", "unrelease"])
def test_of_the_own_review_one_is_told_what_a_single_command_answers(
    office: Office, action: str, more: dict[str, Any]
) -> None:
    cycle(office)
    body = {"reason": "Mine.", "revoke_signatures": False} if action == "unrelease" else None
    alone = office.post(HR, f"/v1/packets/{OWN}/{action}", body, version="any")
    refused = ("skipped", [alone.json["code"]])
    assert (alone.status_code, refused[1]) == (403, ["forbidden-role"])
    packets = office.rows("select * from packets order by review_id")
    operation = begin(office, action, review_ids=[OWN], **more)
    # Also before its turn, so that nothing of the review can be guessed from when it is told.
    assert outcomes(office, operation) == {OWN: refused}
    turn(office)
    assert outcomes(office, operation) == {OWN: refused}
    seen = progress(office, operation)
    assert (seen["review_count"], seen["counts"]["skipped"]) == (1, 1)
    (listed,) = office.get(HR, BULK).json["items"]
    assert (listed["operation_id"], listed["review_count"]) == (operation, 1)
    assert OWN in office.get(HR, f"/v1/packets/operations/{operation}/items?format=csv").text
    if more:
        assert office.post(HR, f"/v1/packets/operations/{operation}/apply").status_code == 202
        turn(office)
        assert outcomes(office, operation) == {OWN: refused}
    assert progress(office, operation)["state"] == "completed"
    assert office.rows("select * from packets order by review_id") == packets


def test_a_superiors_review_is_refused_in_the_plan_as_alone(office: Office) -> None:
    cycle(office)
    alone = office.post(HR, f"/v1/packets/{ABOVE}/release-to-manager")
    plan = begin(office, "release-to-manager", review_ids=[ABOVE], dry_run=True)
    turn(office)
    assert outcomes(office, plan) == {ABOVE: ("skipped", [alone.json["code"]])}
    assert alone.json["code"] == "self-dealing"


def test_who_applies_the_plan_of_somebody_else_is_told_nothing_of_the_own_review(office: Office) -> None:
    cycle(office)
    plan = begin(office, "release-to-manager", person=HR_BELOW, review_ids=[OWN, MANY[0], DRAFT], dry_run=True)
    turn(office)
    assert outcomes(office, plan, HR_BELOW)[OWN] == ("allowed", [])
    assert office.post(HR, f"/v1/packets/operations/{plan}/apply").status_code == 202
    turn(office)
    assert OWN not in outcomes(office, plan)
    assert progress(office, plan)["review_count"] == 2
    assert outcomes(office, plan, HR_BELOW)[OWN] == ("skipped", ["forbidden-role"])
    assert office.state(OWN) == "ready"


def test_of_the_own_review_that_was_named_before_it_was_known_here_nothing_is_told(office: Office) -> None:
    cycle(office)
    late = "0198c0de-2000-7b20-9c3f-000000000300"
    alone = begin(office, "release-to-manager", person=HR_BELOW, review_ids=[late], dry_run=True)
    both = begin(office, "release-to-manager", person=HR_BELOW, review_ids=[late, MANY[0]], dry_run=True)
    own = begin(office, "release-to-manager", review_ids=[late], dry_run=True)
    office.opened(late, subject_id=HR, manager_id=DIRECTOR)
    office.work()
    turn(office)
    assert set(outcomes(office, both)) == {MANY[0]}
    assert progress(office, both)["review_count"] == 1
    assert office.get(HR, f"/v1/packets/operations/{alone}").status_code == 404
    assert [each["operation_id"] for each in office.get(HR, BULK).json["items"]] == [own, both]
    assert outcomes(office, own)[late] == ("skipped", ["forbidden-role"])
    # Others are told whose it is.
    (item, *_) = office.get(HR_BELOW, f"/v1/packets/operations/{alone}/items").json["items"]
    assert (item["review_id"], item["subject_id"]) == (late, HR)


@pytest.mark.parametrize(
    "selection",
    [
        {"filter": {"cycle_id": CYCLE, "state": "released"}},
        {"filter": {"cycle_id": CYCLE, "manager_id": "p-nobody"}},
        {"filter": {"cycle_id": CYCLE}, "except": [*MANY, ABOVE, DRAFT]},
    ],
    ids=["in no such state", "of no such manager", "all but the own left out"],
)
@pytest.mark.parametrize("more", [{}, {"dry_run": True}], ids=["run", "plan"])
def test_a_filter_that_leaves_nothing_begins_nothing(
    office: Office, selection: dict[str, object], more: dict[str, bool]
) -> None:
    cycle(office)
    before = office.contents()
    answer = office.post(HR, BULK, {**wanted("release"), "selection": selection, **more})
    assert (answer.status_code, answer.json["code"]) == (422, "nothing-selected")
    assert "widen the filter" in answer.json["detail"]
    assert office.contents() == before
    stranger = office.post(MANAGER, BULK, {**wanted("release"), "selection": selection, **more})
    assert (stranger.status_code, stranger.json["code"]) == (403, "forbidden-role")


def test_what_is_in_flight_is_left_still_and_what_the_plan_skipped_took_no_time(office: Office) -> None:
    cycle(office)
    plan = begin(office, "release", dry_run=True)
    turn(office)
    assert (progress(office, plan)["per_second"], progress(office, plan)["seconds_left"]) == (None, None)
    office.clock.forward(hours=1)
    assert office.post(HR, f"/v1/packets/operations/{plan}/apply").status_code == 202
    turn(office)
    office.clock.forward(seconds=10)
    seen = progress(office, plan)
    assert (seen["counts"]["asked"], seen["counts"]["skipped"]) == (6, 2)
    assert (seen["per_second"], seen["seconds_left"]) == (0.0, None)
    grant(office, MANY[:4])
    turn(office)
    office.clock.forward(seconds=10)
    seen = progress(office, plan)
    assert (seen["counts"]["asked"], seen["counts"]["done"]) == (2, 4)
    assert (seen["per_second"], seen["seconds_left"]) == (0.2, 10.0)
    grant(office, MANY[4:])
    turn(office)
    seen = progress(office, plan)
    assert (seen["state"], seen["per_second"], seen["seconds_left"]) == ("completed", 0.3, None)
