"""One command for many packets: planned, applied, carried out in turns, watched, cancelled; releases at an instant."""

from __future__ import annotations

import csv
import io
import itertools
import json
from datetime import timedelta
from typing import Any

import pytest

from component.packets.many import (
    ABOVE,
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
)
from component.packets.packets_office import (
    DIRECTOR,
    EMPLOYEE,
    GOALS,
    GROWTH,
    HR,
    MANAGER,
    NOWHERE,
    REASON,
    Office,
)
from packets import store
from packets.domain.ids import PersonId
from packets.domain.operation import hides
from packets.domain.packet import PacketState, ReleaseMode
from packets.domain.people import Actor
from reviewbus import quarantine


def _batches(seeds: list[Any]) -> list[list[Any]]:
    return [seeds[start : start + len(MANY)] for start in range(0, len(seeds), len(MANY))]


def _hidden_and_decided(office: Office, seeds: dict[str, Any], *, revoke: bool) -> dict[str, bool]:
    for each, (state, mode, signed) in seeds.items():
        holds = json.dumps([["signature:employee", 2, signed], ["completion", 2, False]])
        statement = (
            "update packets set state = %s, release_mode = %s, holds = %s, hidden_by = null where review_id = %s"
        )
        office.do(statement, state.value, mode.value, holds, each)
    with office.service.db.begin() as tx:
        packets = store.read_many(tx, seeds)
        standings = store.standings(tx, packets, Actor(person_id=PersonId(HR), roles=frozenset({"hr_admin"})))
    operation = begin(office, "unrelease", review_ids=seeds, revoke_signatures=revoke)
    with office.service.db.begin() as tx:
        begun = store.read_operation(tx, operation)
    assert begun is not None
    decided = {each: hides(begun, packets[each], standings[each]) for each in seeds}
    assert {each: office.row(each)["hidden_by"] is not None for each in seeds} == decided
    return {f"{each}{seeds[each]}": word for each, word in decided.items()}


def test_a_plan_says_what_would_become_of_each_and_changes_no_review(office: Office) -> None:
    cycle(office)
    before = office.rows("select * from packets order by review_id")
    mark = office.mark()
    plan = begin(office, "release-to-manager", dry_run=True)
    turn(office)
    seen = progress(office, plan)
    assert (seen["state"], seen["review_count"], seen["counts"]["allowed"], seen["counts"]["skipped"]) == (
        "planned",
        8,
        6,
        2,
    )
    items = outcomes(office, plan)
    assert OWN not in items
    assert items[ABOVE] == ("skipped", ["self-dealing"])
    assert items[DRAFT][0] == "skipped"
    assert items[DRAFT][1][0] == "manager-assessment-not-submitted"
    assert {items[each][0] for each in MANY} == {"allowed"}
    assert office.rows("select * from packets order by review_id") == before
    assert office.types(since=mark) == []


def test_an_applied_plan_judges_each_packet_again(office: Office) -> None:
    cycle(office)
    plan = begin(office, "release", dry_run=True)
    turn(office)
    office.submitted(MANY[1], answers={GOALS: "<p>Otherwise.</p>", GROWTH: "o-stay"}, kind="revised")
    office.work()
    assert office.post(HR, f"/v1/packets/operations/{plan}/apply").status_code == 202
    turn(office)
    items = outcomes(office, plan)
    assert items[MANY[1]] == ("skipped", ["packet-changed"])
    assert {items[each][0] for each in MANY if each != MANY[1]} == {"asked"}
    assert progress(office, plan)["state"] == "running"
    grant(office, (each for each in MANY if each != MANY[1]))
    turn(office)
    seen = progress(office, plan)
    assert (seen["state"], seen["counts"]["done"], seen["counts"]["skipped"]) == ("completed", 5, 3)
    assert (office.state(MANY[0]), office.state(MANY[1])) == ("released", "ready")
    again = office.post(HR, f"/v1/packets/operations/{plan}/apply")
    assert (again.status_code, again.json["code"]) == (409, "operation-not-planned")


def test_all_that_is_ready_goes_to_the_managers_and_the_facts_tell_of_it(office: Office) -> None:
    cycle(office)
    mark = office.mark()
    operation = begin(office, "release-to-manager")
    turn(office)
    assert {office.state(each) for each in MANY} == {"with_manager"}
    assert (office.state(OWN), office.state(ABOVE), office.state(DRAFT)) == ("ready", "ready", "none")
    told = office.types(since=mark)
    assert told == ["bulk-operation.started.v1", *["packet.released-to-manager.v1"] * 6, "bulk-operation.completed.v1"]
    _, end = office.events(since=mark)[-1]
    assert (end["operation_id"], end["done_count"], end["skipped_count"], end["cancelled"]) == (operation, 6, 2, False)
    audited = office.rows("select * from audit where action = 'packet.release-to-manager'")
    assert {(each["actor"], each["object_id"]) for each in audited} == {(HR, each) for each in MANY}
    assert office.get(MANAGER, f"/v1/packets/{MANY[0]}").status_code == 200


def test_a_release_that_assessment_refuses_is_named_with_its_reason(office: Office) -> None:
    cycle(office)
    operation = begin(office, "release", review_ids=[MANY[0], NOWHERE])
    turn(office)
    assert outcomes(office, operation) == {MANY[0]: ("asked", []), NOWHERE: ("skipped", ["not-found"])}
    office.answer("rejected", 2, review_id=MANY[0], reason="content-changed")
    turn(office)
    assert outcomes(office, operation)[MANY[0]] == ("failed", [office.row(MANY[0])["last_refusal"]])
    assert progress(office, operation)["state"] == "completed"


def test_nobody_reads_what_many_are_taken_back_from_once_it_is_answered(office: Office) -> None:
    cycle(office)
    released(office)
    assert office.get(EMPLOYEE, f"/v1/packets/{MANY[0]}").status_code == 200
    assert office.get(MANAGER, f"/v1/packets/{MANY[0]}").status_code == 200
    operation = begin(office, "unrelease", review_ids=MANY)
    # Not one turn was given yet.
    assert office.state(MANY[0]) == "released"
    assert office.get(EMPLOYEE, f"/v1/packets/{MANY[0]}").status_code == 404
    assert office.get(EMPLOYEE, f"/v1/packets/{MANY[0]}/pdf").status_code == 404
    assert office.get(MANAGER, f"/v1/packets/{MANY[0]}").status_code == 404
    item = {"person_id": EMPLOYEE, "kind": "packet", "review_id": MANY[0], "at": 1}
    allowed = office.post("notifications", "/internal/visibility", {"items": [item]}, key=None)
    assert allowed.json == {"items": [{"allowed": False}]}
    turn(office)
    assert {office.state(each) for each in MANY} == {"unreleasing"}
    refused = office.post(HR, f"/v1/packets/operations/{operation}/cancel")
    assert (refused.status_code, refused.json["code"]) == (409, "not-cancellable")
    for each in MANY:
        office.answer("released", 3, review_id=each)
    turn(office)
    assert progress(office, operation)["counts"]["done"] == 6
    assert {(each["state"], each["hidden_by"]) for each in office.rows("select * from packets") if each["epoch"]} == {
        ("ready", None)
    }


def test_what_is_signed_stays_to_be_read_when_many_are_taken_back(office: Office) -> None:
    cycle(office)
    released(office)
    office.answer("granted", 2, review_id=MANY[0], holder="signature:employee")
    operation = begin(office, "unrelease", review_ids=MANY[:2])
    assert office.get(EMPLOYEE, f"/v1/packets/{MANY[0]}").status_code == 200
    assert str(office.row(MANY[1])["hidden_by"]) == operation
    turn(office)
    assert outcomes(office, operation)[MANY[0]] == ("skipped", ["signatures-present"])
    assert office.state(MANY[0]) == "released"
    with_them = begin(office, "unrelease", review_ids=MANY[:1], revoke_signatures=True)
    assert office.get(EMPLOYEE, f"/v1/packets/{MANY[0]}").status_code == 404
    turn(office)
    assert outcomes(office, with_them)[MANY[0]][0] == "asked"
    assert office.row(MANY[0])["revoked_epoch"] == 1


def test_a_signature_that_is_granted_after_the_hiding_stands_and_the_packet_goes_back_all_the_same(
    office: Office,
) -> None:
    cycle(office)
    released(office)
    operation = begin(office, "unrelease", review_ids=MANY[:1])
    # The signature was asked for before, and its grant overtakes the operation's turn.
    office.answer("granted", 2, review_id=MANY[0], holder="signature:employee")
    assert office.get(EMPLOYEE, f"/v1/packets/{MANY[0]}").status_code == 404
    turn(office)
    assert outcomes(office, operation)[MANY[0]] == ("asked", [])
    assert (office.state(MANY[0]), office.row(MANY[0])["revoked_epoch"]) == ("unreleasing", None)
    assert office.get(EMPLOYEE, f"/v1/packets/{MANY[0]}").status_code == 404


def test_what_the_person_may_not_take_back_any_more_is_shown_again(office: Office) -> None:
    cycle(office)
    released(office)
    operation = begin(office, "unrelease", review_ids=MANY[:1])
    office.do("update directory set manager_id = %s where person_id = %s", EMPLOYEE, HR)
    turn(office)
    assert outcomes(office, operation)[MANY[0]] == ("skipped", ["self-dealing"])
    assert office.get(EMPLOYEE, f"/v1/packets/{MANY[0]}").status_code == 200


def test_who_is_unknown_hides_nothing(office: Office) -> None:
    cycle(office)
    released(office)
    office.do("delete from directory where person_id = %s", HR)
    operation = begin(office, "unrelease", review_ids=MANY[:1])
    assert office.get(EMPLOYEE, f"/v1/packets/{MANY[0]}").status_code == 200
    turn(office)
    assert outcomes(office, operation)[MANY[0]] == ("skipped", ["unknown-person"])


def test_what_a_plan_skipped_is_not_hidden_when_it_is_applied(office: Office) -> None:
    cycle(office)
    released(office)
    office.answer("granted", 2, review_id=MANY[0], holder="signature:employee")
    plan = begin(office, "unrelease", review_ids=MANY[:2], dry_run=True)
    turn(office)
    assert outcomes(office, plan)[MANY[0]] == ("skipped", ["signatures-present"])
    office.answer("released", 3, review_id=MANY[0], holder="signature:employee")
    path = f"/v1/packets/operations/{plan}/apply"
    wrong = office.post(HR, path, {"not_before": "2030-01-01T00:00:00Z"})
    assert (wrong.status_code, wrong.json["code"]) == (422, "only-releases-wait")
    assert progress(office, plan)["state"] == "planned"
    assert office.post(HR, path).status_code == 202
    assert office.get(EMPLOYEE, f"/v1/packets/{MANY[0]}").status_code == 200
    assert office.row(MANY[1])["hidden_by"] is not None


def test_after_a_restore_no_old_operation_goes_on(office: Office) -> None:
    cycle(office)
    body = {"reason": REASON, "not_before": (office.clock() + timedelta(hours=2)).isoformat()}
    assert office.post(HR, f"/v1/packets/{MANY[5]}/release", body, version=office.tag(MANY[5])).status_code == 202
    operation = begin(office, "release", review_ids=MANY[:2])
    with office.service.db.begin() as tx:
        quarantine.begin(tx)
    office.service.move_restored()
    with office.service.db.begin() as tx:
        quarantine.lift(tx)
    for each in MANY:
        office.answer("released", 2 * office.row(each)["epoch"] + 1, review_id=each)
    office.clock.forward(hours=3)
    turn(office)
    assert {office.state(each) for each in MANY} == {"ready"}
    assert outcomes(office, operation) == dict.fromkeys(MANY[:2], ("cancelled", ["restored"]))
    assert progress(office, operation)["state"] == "cancelled"


@pytest.mark.parametrize("revoke", [False, True])
def test_what_is_hidden_at_once_is_what_the_decision_names(office: Office, *, revoke: bool) -> None:
    cycle(office)
    released(office)
    seeds = itertools.product(PacketState, ReleaseMode, (False, True))
    told: dict[str, bool] = {}
    for batch in _batches(list(seeds)):
        told |= _hidden_and_decided(office, dict(zip(MANY, batch, strict=False)), revoke=revoke)
    assert set(told.values()) == {True, False}


def test_a_cancelled_release_leaves_alone_what_was_not_begun(office: Office) -> None:
    cycle(office)
    mark = office.mark()
    operation = begin(office, "release", review_ids=MANY)
    stopped = office.post(HR, f"/v1/packets/operations/{operation}/cancel")
    assert (stopped.status_code, stopped.json["state"]) == (200, "cancelling")
    assert office.post(HR, f"/v1/packets/operations/{operation}/cancel").json["state"] == "cancelling"
    turn(office)
    seen = progress(office, operation)
    assert (seen["state"], seen["counts"]["cancelled"]) == ("cancelled", 6)
    assert {office.state(each) for each in MANY} == {"ready"}
    assert office.events(since=mark)[-1][1]["cancelled"] is True
    assert office.post(HR, f"/v1/packets/operations/{operation}/cancel").json["state"] == "cancelled"


def test_a_bulk_command_has_no_more_in_flight_than_it_may(office: Office) -> None:
    cycle(office)
    office.do("delete from outbox")
    operation = begin(office, "release", review_ids=MANY)
    limited = office.operator(rows=2, in_flight_max=5)
    while limited.run_once():
        pass
    assert sorted(office.state(each) for each in MANY) == ["ready"] * 2 + ["releasing"] * 4
    grant(office, [each for each in MANY if office.state(each) == "releasing"][:3])
    office.do("delete from outbox")
    while limited.run_once():
        pass
    assert sorted(office.state(each) for each in MANY) == ["released"] * 3 + ["releasing"] * 3
    assert progress(office, operation)["counts"]["done"] == 3


def test_a_packet_that_breaks_every_turn_is_left_out_and_named(office: Office) -> None:
    cycle(office)
    operation = begin(office, "release", review_ids=MANY)
    # A row that cannot be: ready, and nothing to show.
    office.do("update packets set release_mode = 'nonsense' where review_id = %s", MANY[2])
    turn(office)
    assert outcomes(office, operation)[MANY[2]] == ("failed", ["unexpected-error"])
    assert {office.state(each) for each in MANY if each != MANY[2]} == {"releasing"}


def test_the_result_of_each_packet_can_be_had_as_a_table(office: Office) -> None:
    cycle(office)
    operation = begin(office, "release-to-manager", dry_run=True)
    turn(office)
    answer = office.get(HR, f"/v1/packets/operations/{operation}/items?format=csv&outcome=skipped")
    assert (answer.status_code, answer.mimetype) == (200, "text/csv")
    rows = {row["review_id"]: row for row in csv.DictReader(io.StringIO(answer.text))}
    assert rows.keys() == {ABOVE, DRAFT}
    assert list(rows[ABOVE]) == ["review_id", "subject_id", "outcome", "unmet", "why", "decided_at", "subject_name"]
    assert rows[ABOVE]["unmet"] == "self-dealing"
    assert (rows[ABOVE]["subject_name"], rows[DRAFT]["subject_name"]) == (office.assessment.names[DIRECTOR], "")
    assert rows[ABOVE]["why"].startswith("You report")


def test_items_come_in_pages_without_gap_or_repetition(office: Office) -> None:
    cycle(office)
    operation = begin(office, "release-to-manager", dry_run=True)
    path, seen = f"/v1/packets/operations/{operation}/items?limit=3", []
    cursor: str | None = ""
    while cursor is not None:
        page = office.get(HR, path + (f"&cursor={cursor}" if cursor else "")).json
        seen += [each["review_id"] for each in page["items"]]
        cursor = page["next_cursor"]
    assert seen == sorted([*MANY, ABOVE, DRAFT])


def test_plans_and_ended_operations_are_kept_for_their_time_only(office: Office) -> None:
    cycle(office)
    plan = begin(office, "release", dry_run=True)
    done = begin(office, "release-to-manager", review_ids=MANY[:1])
    turn(office)
    office.clock.forward(hours=25)
    late = office.post(HR, f"/v1/packets/operations/{plan}/apply")
    assert (late.status_code, late.json["code"]) == (409, "plan-expired")
    office.periodic("retention")
    assert office.get(HR, f"/v1/packets/operations/{plan}").status_code == 404
    assert progress(office, done)["state"] == "completed"
    office.clock.forward(days=30)
    office.periodic("retention")
    assert office.get(HR, f"/v1/packets/operations/{done}").status_code == 404
    assert office.rows("select * from operation_items") == []
