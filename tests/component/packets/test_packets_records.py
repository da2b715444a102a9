"""What packets does with records: every example twice, one by one and together, and nothing of content goes out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import capture_logs

from component.packets.packets_office import (
    ANSWERS,
    CALIBRATOR,
    CANARY,
    CYCLE,
    EMPLOYEE,
    GOALS,
    GROWTH,
    OTHER,
    OTHER_EMPLOYEE,
    QUESTIONNAIRE,
    REVIEW,
)
from packets.subscriptions import SUBSCRIPTIONS
from reviewbus.testing.examples import labelled

if TYPE_CHECKING:
    from component.packets.packets_office import Office
    from reviewbus.envelope import Received

EXAMPLES = [(kind, label, data) for kind in SUBSCRIPTIONS for label, data in labelled(kind)]


@pytest.mark.parametrize(("kind", "label", "data"), EXAMPLES, ids=[f"{kind}-{label}" for kind, label, _ in EXAMPLES])
def test_every_handler_takes_every_example_of_its_types_twice(
    office: Office, kind: str, label: str, data: dict[str, Any]
) -> None:
    if "review_id" in data and kind != "review.opened.v1":
        (opening, *_) = (each for _, each in labelled("review.opened.v1") if each["review_id"] == data["review_id"])
        office.tell("review.opened.v1", opening, times=1)
    office.tell(kind, data, times=1)
    after, mark = office.contents(), office.mark()
    office.tell(kind, data, times=2)
    assert office.contents() == after
    assert office.mark() == mark


def test_facts_about_a_review_that_is_not_known_are_left_to_the_sweep(office: Office) -> None:
    before = office.contents()
    for kind, _, data in EXAMPLES:
        if "review_id" in data and kind != "review.opened.v1":
            office.tell(kind, data, times=1)
    assert office.contents() == before


def test_an_older_fact_that_comes_late_changes_nothing(office: Office) -> None:
    office.ready()
    late = office.about(manager_version=1, content_hash="sha256:" + "0" * 64, by_role="manager")
    late["version"] = 1
    before = office.row()
    office.tell("manager-assessment.submitted.v1", {**late, "visible_self_version": None})
    assert office.row() == before


def test_a_cycles_questionnaire_is_the_frozen_one_and_closing_follows_the_version(office: Office) -> None:
    other = "0198c0de-3000-7c30-8d4f-00000000eeee"
    words = {"cycle_id": CYCLE, "questionnaire_version": 1}
    office.tell("cycle.created.v1", {**words, "version": 1, "questionnaire_id": other})
    office.opened()
    office.tell("cycle.closed.v1", {**words, "version": 4, "questionnaire_id": other})
    office.tell("cycle.started.v1", {**words, "version": 3, "questionnaire_id": other})
    (cycle,) = office.rows("select * from cycles")
    assert (cycle["questionnaire_id"].hex, cycle["closed"]) == (QUESTIONNAIRE[0].replace("-", ""), True)


def two_released(office: Office) -> None:
    """Two reviews, released, one of them with a signature."""
    office.ready()
    office.opened(OTHER, subject_id=OTHER_EMPLOYEE)
    office.submitted(OTHER)
    office.work()
    for review_id in (REVIEW, OTHER):
        assert office.release(review_id=review_id).status_code == 202


def apply(office: Office, records: list[Received], *, together: bool) -> None:
    for batch in [records] if together else [[each] for each in records]:
        with office.service.db.begin() as tx:
            office.service.applier().apply_batch(tx, batch)


def granted(office: Office, review_id: str, **changes: Any) -> Received:
    row = office.row(review_id)
    data = {
        "review_id": review_id,
        "holder": "release",
        "fence": 2,
        "epoch": 1,
        "manager_version": row["manager_version"],
        "manager_hash": row["content_hash"],
        "self_version": 5,
        "self_hash": row["content_hash"],
        "snapshot_hash": row["snapshot_hash"],
    }
    return office.received("hold.granted.v1", {**data, **changes})


def released(office: Office, review_id: str) -> Received:
    return office.received("hold.released.v1", {"review_id": review_id, "holder": "release", "fence": 3})


@pytest.mark.parametrize("together", [False, True], ids=["one by one", "together"])
def test_answers_of_several_reviews_have_the_same_effect_one_by_one_and_together(
    office: Office, *, together: bool
) -> None:
    two_released(office)
    mark = office.mark()
    records = [granted(office, REVIEW), granted(office, OTHER)]
    apply(office, records, together=together)
    assert [office.state(each) for each in (REVIEW, OTHER)] == ["released", "released"]
    apply(office, [granted(office, each, holder="signature:employee") for each in (REVIEW, OTHER)], together=together)
    for review_id in (REVIEW, OTHER):
        office.unrelease(review_id=review_id, revoke_signatures=True)
    apply(office, [released(office, REVIEW), released(office, OTHER)], together=together)
    said = [
        (kind, data["review_id"], data.get("version"), data.get("snapshot_hash") == office.row()["snapshot_hash"])
        for kind, data in office.events(since=mark)
    ]
    assert said == [
        ("packet.released.v1", REVIEW, 6, True),
        ("packet.released.v1", OTHER, 5, True),
        ("packet.unreleased.v1", REVIEW, 8, True),
        ("hold.requested.v1", REVIEW, None, False),
        ("packet.unreleased.v1", OTHER, 7, True),
        ("hold.requested.v1", OTHER, None, False),
        ("packet.ready.v1", REVIEW, 9, True),
        ("packet.ready.v1", OTHER, 8, True),
    ]
    headers = office.rows("select headers from outbox where id > %s order by id", mark)
    assert [each["headers"].get("ce_causationid") for each in headers[:2]] == [str(each.id) for each in records]
    for review_id in (REVIEW, OTHER):
        row = office.row(review_id)
        assert (row["state"], row["event_sequence"], row["waiting_since"]) == ("ready", 6, None)
        assert row["holds"] == [["signature:employee", 2, True]]


def test_no_text_rating_or_name_is_in_an_event_or_a_log_line(office: Office) -> None:
    with capture_logs() as logged:
        office.ready(question_ids=(GOALS, GROWTH), calibrated=True)
        session = office.row()["session_id"]
        assert office.get(CALIBRATOR, f"/v1/calibrations/{session}").status_code == 200
        assert office.get(EMPLOYEE, f"/v1/packets/{REVIEW}").status_code == 404
        assert office.change_rating(5).status_code == 200
        office.released()
        office.get(EMPLOYEE, f"/v1/packets/{REVIEW}/pdf")
        office.work()
        assert office.get(EMPLOYEE, f"/v1/packets/{REVIEW}/pdf").status_code == 200
        assert CANARY in office.get(EMPLOYEE, f"/v1/packets/{REVIEW}").text
        office.submitted(kind="revised", answers={**ANSWERS, GOALS: f"<p>{CANARY} more</p>"})
        office.work()
        office.unrelease()
    rows = office.rows("select headers::text as h, convert_from(body, 'UTF8') as b from outbox")
    assert len(rows) > 10
    assert CANARY not in str(rows)
    assert "Name of" not in str(rows)
    assert "request" in {line["event"] for line in logged}
    assert CANARY not in str(logged)
    kept = office.rows("select acknowledgement::text as a, location, etag from idempotency")
    assert CANARY not in str(kept)
