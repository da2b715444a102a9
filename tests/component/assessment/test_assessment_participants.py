"""Participants by the hundred: each row judged alone, as rows or as CSV, tried out before; removed until the start."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from component.assessment.assessment_service import SELF_ANSWERS, Running
from harness.people import AMY, ANNA, BEN, DORA, HELEN, HUGO, KAI, MAX, MIRA, OLGA, Person

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

UNKNOWN_CYCLE = "0198c0de-2000-7b20-9c3f-4d6e8f0a1b02"


@pytest.fixture
def cycle_id(service: Running) -> str:
    service.import_cast()
    return service.cycle()


def _path(cycle_id: str, act: str = "") -> str:
    return f"/v1/cycles/{cycle_id}/participants{act}"


def _take(service: Running, cycle_id: str, who: Person = AMY, **body: Any) -> TestResponse:
    return service.post(who, _path(cycle_id, "/import"), body)


def _remove(service: Running, cycle_id: str, *people: Person, who: Person = AMY, **more: Any) -> TestResponse:
    return service.post(who, _path(cycle_id, "/remove"), {"subject_ids": [one.id for one in people], **more})


def _managers(service: Running, cycle_id: str) -> dict[str, str | None]:
    found = service.rows("select subject_id, manager_id from review where cycle_id = :c", c=cycle_id)
    return {row["subject_id"]: row["manager_id"] for row in found}


def _said(answer: Any) -> list[tuple[int, str | None, str]]:
    return [(one["index"], one["subject_id"], one["code"]) for one in answer["problems"]]


def test_rows_that_fit_are_taken_and_of_the_others_it_is_said_why_not(service: Running, cycle_id: str) -> None:
    rows = [
        {"subject_id": ANNA.id},
        {"subject_id": "p-nobody"},
        {"subject_id": BEN.id, "manager_id": BEN.id},
        {"subject_id": MAX.id, "manager_id": ANNA.id},
        {"subject_id": KAI.id},
        {"subject_id": KAI.id},
        {"subject_id": OLGA.id, "manager": "p-max"},
        "Mira",
        {"subject_id": MIRA.id, "manager_id": MAX.id},
    ]
    told = service.done(_take(service, cycle_id, participants=rows))
    assert _said(told) == [
        (1, "p-nobody", "unknown-participant"),
        (2, BEN.id, "reviewer-is-reviewee"),
        (3, MAX.id, "reporting-line-loop"),
        (4, KAI.id, "duplicate-person-id"),
        (5, KAI.id, "duplicate-person-id"),
        (6, OLGA.id, "malformed-row"),
        (7, None, "malformed-row"),
    ]
    assert all(one["detail"].endswith(".") for one in told["problems"])
    assert sorted(told["problems"][5]["errors"]) == ["manager"]
    assert (told["changed"], told["unchanged"], told["dry_run"]) == (2, 0, False)
    assert _managers(service, cycle_id) == {ANNA.id: MAX.id, MIRA.id: MAX.id}


def test_a_dry_run_says_the_same_and_changes_nothing(service: Running, cycle_id: str) -> None:
    rows = [{"subject_id": ANNA.id}, {"subject_id": "p-nobody"}]
    audited = service.rows("select count(*) from audit")
    tried = service.done(_take(service, cycle_id, participants=rows, dry_run=True))
    assert (_managers(service, cycle_id), service.rows("select count(*) from audit")) == ({}, audited)
    assert service.done(_take(service, cycle_id, participants=rows)) == {**tried, "dry_run": False}
    assert _managers(service, cycle_id) == {ANNA.id: MAX.id}


@pytest.mark.parametrize(
    "text",
    [
        f"subject_id,manager_id\r\n{ANNA.id},\r\n\r\n{BEN.id},{MIRA.id}\r\n,{MIRA.id}\r\n{KAI.id},{MIRA.id},{MAX.id}",
        f"\ufeffmanager_id ; subject_id\n;{ANNA.id}\n{MIRA.id};{BEN.id}\n{MIRA.id};\n{MIRA.id};{KAI.id};{MAX.id}",
    ],
    ids=["comma", "semicolon"],
)
def test_a_csv_file_is_taken_line_by_line_as_rows_are(service: Running, cycle_id: str, text: str) -> None:
    told = service.done(_take(service, cycle_id, csv=text))
    assert _said(told) == [(2, None, "malformed-row"), (3, KAI.id, "malformed-row")]
    assert [sorted(one["errors"]) for one in told["problems"]] == [["subject_id"], ["more"]]
    assert _managers(service, cycle_id) == {ANNA.id: MAX.id, BEN.id: MIRA.id}


def test_no_cell_of_a_csv_file_becomes_another_person(service: Running, cycle_id: str) -> None:
    half = len(ANNA.id) // 2
    text = f'subject_id\n"{ANNA.id[:half]}\n{ANNA.id[half:]}"\n{BEN.id}\u2028{MIRA.id}\n{BEN.id}\x0b{MIRA.id}'
    told = service.done(_take(service, cycle_id, csv=text))
    assert [code for _, _, code in _said(told)] == ["unknown-participant"] * 3
    assert _managers(service, cycle_id) == {}


def test_who_took_out_whom_is_kept(service: Running, cycle_id: str) -> None:
    service.done(_take(service, cycle_id, participants=[{"subject_id": ANNA.id}]))
    review_id = str(service.rows("select review_id from review where cycle_id = :c", c=cycle_id)[0]["review_id"])
    path = f"/v1/cycles/{cycle_id}/participants/remove"
    for _ in range(2):
        service.done(service.post(HELEN, path, {"subject_ids": [ANNA.id]}))
    kept = "select actor, action from audit where object_id = :r"
    assert service.rows(kept, r=review_id) == [{"actor": HELEN.id, "action": "cycle.participants.remove"}]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"participants": []},
        {"participants": [{"subject_id": ANNA.id}], "csv": "subject_id\np-anna"},
        {"csv": "subject_id"},
        {"csv": "name\nAnna"},
        {"csv": "subject_id,subject_id\np-anna,p-anna"},
        {"csv": 'subject_id\n"p-anna'},
        {"csv": "subject_id\n" + "p-anna\n" * 5_001},
        {"csv": "\x00"},
        {"participants": [{"subject_id": ANNA.id}], "dry_run": "yes"},
    ],
    ids=["none", "empty", "both", "headonly", "columns", "twice", "quote", "many", "nul", "flag"],
)
def test_a_malformed_list_is_refused_as_a_whole(service: Running, cycle_id: str, body: dict[str, Any]) -> None:
    answer = _take(service, cycle_id, **body)
    assert (answer.status_code, answer.get_json()["code"]) == (422, "invalid-request")
    assert _managers(service, cycle_id) == {}


def test_the_same_list_again_changes_nothing_and_another_manager_is_a_change(service: Running, cycle_id: str) -> None:
    rows = [{"subject_id": ANNA.id}, {"subject_id": BEN.id}]
    service.done(_take(service, cycle_id, participants=rows))
    again = service.done(_take(service, cycle_id, participants=rows))
    assert (again["changed"], again["unchanged"], again["problems"]) == (0, 2, [])
    moved = service.done(_take(service, cycle_id, participants=[{**rows[0], "manager_id": MIRA.id}, rows[1]]))
    assert (moved["changed"], moved["unchanged"]) == (1, 1)
    assert _managers(service, cycle_id) == {ANNA.id: MIRA.id, BEN.id: MAX.id}


def test_a_repeated_key_gets_the_first_answer_and_another_list_under_it_is_refused(
    service: Running, cycle_id: str
) -> None:
    body = {"participants": [{"subject_id": ANNA.id}]}
    first = service.done(service.post(AMY, _path(cycle_id, "/import"), body, key="intake"))
    assert service.done(service.post(AMY, _path(cycle_id, "/import"), body, key="intake")) == first
    assert first["changed"] == 1
    body = {"participants": [{"subject_id": BEN.id}]}
    assert service.post(AMY, _path(cycle_id, "/import"), body, key="intake").status_code == 422
    assert service.post(AMY, _path(cycle_id, "/import"), body, key=None).status_code == 400


def test_nobody_chooses_the_own_reviewer_nor_that_of_a_superior(service: Running, cycle_id: str) -> None:
    rows = [{"subject_id": one.id, "manager_id": MIRA.id} for one in (HUGO, MAX, ANNA)]
    told = service.done(_take(service, cycle_id, HUGO, participants=rows))
    assert _said(told) == [(0, HUGO.id, "forbidden-role"), (1, MAX.id, "self-dealing")]
    assert _managers(service, cycle_id) == {ANNA.id: MIRA.id}


@pytest.mark.parametrize("act", ["import", "remove"])
@pytest.mark.parametrize("who", [ANNA, MAX, OLGA], ids=lambda one: one.id)
def test_only_hr_keeps_the_list(service: Running, cycle_id: str, who: Person, act: str) -> None:
    body = {"import": {"participants": [{"subject_id": ANNA.id}]}, "remove": {"subject_ids": [ANNA.id]}}[act]
    for one in (cycle_id, UNKNOWN_CYCLE):
        answer = service.post(who, _path(one, f"/{act}"), body)
        assert (answer.status_code, answer.get_json()["code"]) == (403, "forbidden-role")
    assert service.post(AMY, _path(UNKNOWN_CYCLE, f"/{act}"), body).status_code == 404
    assert service.get(who, _path(cycle_id)).status_code == 403
    assert service.get(AMY, _path(UNKNOWN_CYCLE)).status_code == 404


def test_a_started_cycle_keeps_its_participants_and_a_closed_one_too(service: Running, cycle_id: str) -> None:
    service.done(_take(service, cycle_id, participants=[{"subject_id": ANNA.id}]))
    for act, code in (("start", "cycle-started"), ("close", "cycle-closed")):
        service.done(service.post(HELEN, f"/v1/cycles/{cycle_id}/{act}"))
        for answer in (
            _take(service, cycle_id, participants=[{"subject_id": BEN.id}]),
            _remove(service, cycle_id, ANNA),
        ):
            assert (answer.status_code, answer.get_json()["code"]) == (409, code)
    assert _managers(service, cycle_id) == {ANNA.id: MAX.id}


def test_people_are_removed_each_alone_and_who_stays_is_named(service: Running, cycle_id: str) -> None:
    rows = [{"subject_id": one.id} for one in (ANNA, BEN, KAI, MAX, HUGO)]
    service.done(_take(service, cycle_id, participants=rows))
    named = (ANNA, HUGO, OLGA, MAX, BEN, ANNA)
    tried = service.done(_remove(service, cycle_id, *named, who=HUGO, dry_run=True))
    assert len(_managers(service, cycle_id)) == 5
    told = service.done(_remove(service, cycle_id, *named, who=HUGO))
    assert told == {**tried, "dry_run": False}
    assert told["removed"] == 2
    assert _said(told) == [
        (1, HUGO.id, "forbidden-role"),
        (2, OLGA.id, "not-participating"),
        (3, MAX.id, "self-dealing"),
    ]
    own, _, superior = (one["detail"] for one in told["problems"])
    assert own.startswith("This is your own review")
    assert superior.startswith("You report, directly or not, to the person")
    assert set(_managers(service, cycle_id)) == {KAI.id, MAX.id, HUGO.id}
    again = service.done(_remove(service, cycle_id, ANNA))
    assert (again["removed"], _said(again)) == (0, [(0, ANNA.id, "not-participating")])
    # Who was removed can be added anew, and the cycle starts without those who are gone.
    service.done(_take(service, cycle_id, participants=[{"subject_id": BEN.id}]))
    assert set(_managers(service, cycle_id)) == {BEN.id, KAI.id, MAX.id, HUGO.id}


def test_who_has_begun_to_write_is_not_removed(service: Running) -> None:
    review_id = service.review(started=False)
    cycle_id = service.row(review_id)["cycle_id"]
    refused = service.put(ANNA, f"/v1/reviews/{review_id}/self-assessment", {"answers": SELF_ANSWERS}, version=0)
    assert refused.get_json()["code"] == "not-started"
    told = service.done(_remove(service, cycle_id, ANNA))
    assert (told["removed"], _said(told)) == (0, [(0, ANNA.id, "texts-kept")])
    assert service.rows("select 1 from backup where review_id = :r", r=review_id)


def test_participants_are_listed_page_by_page_and_those_without_a_manager_alone(
    service: Running, cycle_id: str
) -> None:
    service.done(_take(service, cycle_id, participants=[{"subject_id": one.id} for one in (ANNA, BEN, DORA)]))
    found: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        path = _path(cycle_id, "?limit=1" + (f"&cursor={cursor}" if cursor else ""))
        page = service.done(service.get(AMY, path))
        found += page["items"]
        cursor = page["next_cursor"]
    assert {(one["subject_id"], one["manager_id"], one["manager_name"]) for one in found} == {
        (ANNA.id, MAX.id, MAX.name),
        (BEN.id, MAX.id, MAX.name),
        (DORA.id, None, None),
    }
    assert len(found) == 3
    for query, wanted in (("without_manager=true", [DORA.id]), (f"manager_id={MIRA.id}", [])):
        listed = service.done(service.get(AMY, _path(cycle_id, f"?{query}")))["items"]
        assert [one["subject_id"] for one in listed] == wanted


def test_whoever_is_left_under_a_manager_who_has_left_keeps_the_cycle_from_starting(own_service: Running) -> None:
    own_service.import_cast()
    cycle_id = own_service.cycle()
    own_service.done(_take(own_service, cycle_id, participants=[{"subject_id": one.id} for one in (ANNA, BEN, MIRA)]))
    gone = {"person_id": MAX.id, "name": MAX.name, "email": MAX.email, "manager_id": MAX.manager, "active": False}
    own_service.done(own_service.post(HELEN, "/v1/people/import", {"people": [gone]}))
    answer = own_service.post(HELEN, f"/v1/cycles/{cycle_id}/start")
    assert (answer.status_code, answer.get_json()["code"]) == (409, "cycle-not-startable")
    (reason,) = answer.get_json()["reasons"]
    assert (reason["code"], reason["person_ids"]) == ("manager-inactive", [ANNA.id, BEN.id])
    listed = own_service.done(own_service.get(AMY, _path(cycle_id, "?without_manager=true")))["items"]
    assert [(one["subject_id"], one["manager_active"]) for one in listed] == [(ANNA.id, False), (BEN.id, False)]
    own_service.done(_remove(own_service, cycle_id, ANNA, BEN))
    assert own_service.post(HELEN, f"/v1/cycles/{cycle_id}/start").status_code == 202
