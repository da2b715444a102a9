"""What other services ask for, what they never get, and the repair after a restore."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from component.assessment.assessment_service import MANAGER_ANSWERS, SELF_ANSWERS, Running
from harness.people import ANNA, BEN, CAST, HELEN, MAX, OLGA
from reviewbus.canonical import digest

if TYPE_CHECKING:
    from typing import Any

    import pytest

CANARY = "quetzalcoatlus"


def _contents(service: Running, kind: str, thing: str, version: int) -> dict[str, Any]:
    body = {"items": [{"kind": kind, "id": thing, "version": version}]}
    (item,) = service.done(service.call("packets", "POST", "/internal/contents", body))["items"]
    return dict(item)


def test_a_submitted_version_is_told_with_hashes_that_can_be_computed_again(service: Running) -> None:
    review_id = service.review()
    service.submitted(review_id)
    item = _contents(service, "manager-assessment", review_id, 1)
    assert {one["question_id"]: one["value"] for one in item["answers"]} == MANAGER_ANSWERS
    assert [one["question_id"] for one in item["answers"]] == ["m-text", "m-rating", "m-choice"]
    assert all(one["answer_hash"] == digest(one["value"]) for one in item["answers"])
    hashed = {
        "questionnaire_id": item["questionnaire_id"],
        "questionnaire_version": item["questionnaire_version"],
        "answers": [{"question_id": one["question_id"], "answer_hash": one["answer_hash"]} for one in item["answers"]],
    }
    assert item["content_hash"] == digest(hashed)
    (submitted,) = service.events(review_id, "manager-assessment.submitted.v1")
    assert submitted["content_hash"] == item["content_hash"]


def test_a_draft_that_was_never_submitted_is_nobody_elses(service: Running) -> None:
    review_id = service.review()
    path = f"/v1/reviews/{review_id}/manager-assessment"
    service.done(service.put(MAX, path, {"answers": MANAGER_ANSWERS}, version=0))
    assert _contents(service, "manager-assessment", review_id, 1)["found"] is False


def test_a_questionnaire_is_told_with_its_scales_and_hashes(service: Running) -> None:
    review_id = service.review()
    item = _contents(service, "questionnaire", service.row(review_id)["questionnaire_id"], 1)
    assert item["content_hash"] == digest(item["questions"])
    rating = item["questions"][1]
    assert rating["scale"] == {"lowest": 1, "highest": 5, "labels": ["low", "high"]}
    assert rating["text_hash"] == digest(rating["text"])
    assert _contents(service, "questionnaire", review_id, 1)["found"] is False


def test_names_are_told_of_those_who_are_known(service: Running) -> None:
    service.import_cast()
    body = {"person_ids": [ANNA.id, "p-nobody"]}
    (item,) = service.done(service.call("notifications", "POST", "/internal/people", body))["items"]
    assert item == {
        "person_id": ANNA.id,
        "name": ANNA.name,
        "email": ANNA.email,
        "active": True,
        "manager_id": MAX.id,
        "language": "en",
    }


def test_the_names_are_told_of_cycles_that_there_are(service: Running) -> None:
    review_id = service.review()
    cycle_id = str(service.row(review_id)["cycle_id"])
    body = {"cycle_ids": [cycle_id, review_id]}
    (item,) = service.done(service.call("packets", "POST", "/internal/cycles", body))["items"]
    assert item == {"cycle_id": cycle_id, "name": service.done(service.get(HELEN, f"/v1/cycles/{cycle_id}"))["name"]}


def test_everybody_is_told_in_pages_with_lines_and_versions_and_without_names(service: Running) -> None:
    service.import_cast()
    found: list[dict[str, Any]] = []
    path = "/internal/directory?limit=3"
    while True:
        page = service.done(service.get("packets", path))
        found += page["items"]
        if page["next_cursor"] is None:
            break
        path = f"/internal/directory?limit=3&cursor={page['next_cursor']}"
    assert [one["person_id"] for one in found] == sorted(each.id for each in CAST)
    (anna,) = [one for one in found if one["person_id"] == ANNA.id]
    (row,) = service.rows("select version from person where person_id = 'p-anna'")
    assert anna == {"person_id": ANNA.id, "manager_id": MAX.id, "active": True, "version": row["version"]}
    assert service.get(HELEN, "/internal/directory").status_code == 403
    assert service.get("packets", "/internal/directory?cursor=ours").status_code == 422


def test_after_a_restore_people_and_cycles_are_told_above_what_others_know(own_service: Running) -> None:
    own_service.review()
    query = (
        "select version from person union all select row_version from cycle union all select event_sequence from cycle"
    )
    before = sum(row["version"] for row in own_service.rows(query))
    rows = len(own_service.rows(query))
    own_service.service.move_restored()
    assert sum(row["version"] for row in own_service.rows(query)) == before + 1_000 * rows
    body = {"person_id": "p-new", "name": "N", "email": "n@company.example", "manager_id": MAX.id}
    own_service.done(own_service.post(HELEN, "/v1/people/import", {"people": [body]}))
    (told,) = own_service.events("p-new", "person.changed.v1")
    assert told["version"] == 1_001


def test_states_are_told_in_pages_with_every_register(service: Running) -> None:
    mine = [service.review(subject=one) for one in (ANNA, BEN)]
    unopened = service.review(started=False)
    service.submitted(mine[0])
    service.released(mine[0])
    found: dict[str, Any] = {}
    cursor: str | None = ""
    while cursor is not None:
        path = "/internal/states?limit=1" + (f"&cursor={cursor}" if cursor else "")
        page = service.done(service.get("packets", path))
        found |= {one["review_id"]: one for one in page["items"]}
        cursor = page["next_cursor"]
    assert list(found) == sorted(found)
    assert set(mine) <= set(found)
    assert unopened not in found
    one = found[mine[0]]
    assert one["registers"]["release"]["held"]
    assert one["registers"]["completion"] == {"fence": 0, "held": False, "epoch": None, "snapshot_hash": None}
    assert (one["manager_state"], one["content_hash"]) == ("submitted", service.row(mine[0])["manager_hash"])


def test_what_a_mail_points_to_is_allowed_only_while_it_is_still_current(service: Running) -> None:
    review_id = service.review()
    service.shared(review_id)

    def allowed(person_id: str, kind: str, at: int) -> bool:
        item = {"person_id": person_id, "kind": kind, "review_id": review_id, "at": at}
        told = service.done(service.call("notifications", "POST", "/internal/visibility", {"items": [item]}))
        return bool(told["items"][0]["allowed"])

    assert allowed(MAX.id, "self-assessment", 1)
    assert not allowed(MAX.id, "self-assessment", 2)
    assert not allowed(OLGA.id, "self-assessment", 1)
    assert not allowed(MAX.id, "packet", 1)
    assert allowed(ANNA.id, "form", 0)
    service.done(service.post(ANNA, f"/v1/reviews/{review_id}/self-assessment/unshare"))
    assert not allowed(MAX.id, "self-assessment", 1)
    service.done(service.post(HELEN, f"/v1/reviews/{review_id}/cancel"))
    assert not allowed(ANNA.id, "form", 0)


def test_no_text_rating_or_name_gets_into_an_event_or_a_log_line(
    own_service: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    review_id = own_service.review(instructions=f"<p>{CANARY}-instructions</p>")
    body = {"person_id": ANNA.id, "name": f"{CANARY} name", "email": f"{CANARY}@company.example", "manager_id": MAX.id}
    own_service.done(own_service.post(HELEN, "/v1/people/import", {"people": [body]}))
    own = f"/v1/reviews/{review_id}/self-assessment"
    own_service.done(own_service.put(ANNA, own, {"answers": SELF_ANSWERS | {"s-text": CANARY}}, version=0))
    own_service.put(ANNA, own, {"answers": {"s-text": f"{CANARY} refused"}}, version=0)
    own_service.put(ANNA, own, {"answers": {"s-text": 5, CANARY: CANARY}}, version=1)
    own_service.done(own_service.post(ANNA, f"{own}/share"))
    theirs = f"/v1/reviews/{review_id}/manager-assessment"
    own_service.done(own_service.put(MAX, theirs, {"answers": MANAGER_ANSWERS | {"m-text": CANARY}}, version=0))
    own_service.done(own_service.post(MAX, f"{theirs}/submit"))
    own_service.done(own_service.post(HELEN, f"{theirs}/reopen", {"reason": f"{CANARY} reason"}))
    told = own_service.rows("select convert_from(body, 'UTF8') || headers::text as words from outbox")
    assert told
    assert not [row for row in told if CANARY in row["words"]]
    stored = own_service.rows("select acknowledgement::text as words from idempotency")
    assert not [row for row in stored if CANARY in row["words"]]
    assert CANARY not in "".join(capsys.readouterr())


def _restored(service: Running) -> str | None:
    told: str | None = service.done(service.get("packets", "/internal/states?limit=1"))["restored"]
    return told


def _swept(service: Running, sweeper: str, restored: str | None) -> Any:
    return service.done(service.call(sweeper, "POST", "/internal/swept", {"restored": restored}))["counted"]


def test_a_restored_service_refuses_edits_until_both_others_have_swept(own_service: Running) -> None:
    free, held = own_service.review(), own_service.review(subject=BEN)
    own_service.shared(free)
    for one in (free, held):
        own_service.submitted(one)
    own_service.released(held)
    before = {one: own_service.row(one) for one in (free, held)}
    assert own_service.service.move_restored() == 2
    after = {one: own_service.row(one) for one in (free, held)}
    assert all(after[one]["row_version"] == before[one]["row_version"] + 1_000 for one in (free, held))
    assert (after[held]["manager_version"], after[free]["manager_version"]) == (1, 1_001)
    assert after[free]["manager_submitted_version"] == 1_001
    path = f"/v1/reviews/{free}/manager-assessment"
    form = own_service.done(own_service.get(MAX, path))
    assert (form["version"], form["answers"]) == (1_001, MANAGER_ANSWERS)
    assert own_service.done(own_service.get(ANNA, f"/v1/reviews/{free}/self-assessment"))["answers"] == SELF_ANSWERS
    restored = _restored(own_service)
    for sweeper in ("packets", "signing"):
        for _ in range(2):
            refused = own_service.put(MAX, path, {"answers": MANAGER_ANSWERS}, version=1_001)
            assert (refused.status_code, refused.get_json()["code"]) == (503, "quarantined")
            assert _restored(own_service) == restored, "asking for states changes nothing"
        assert _swept(own_service, sweeper, restored) is True
        assert _swept(own_service, sweeper, restored) is False
    assert _restored(own_service) is None
    saved = own_service.put(MAX, path, {"answers": MANAGER_ANSWERS}, version=1_001)
    assert saved.headers["ETag"] == '"1002"'
    # Commands of the others are answered all the time: that is how they repair.
    own_service.hold(held, fence=3)
    assert own_service.events(held, "hold.released.v1")


def test_a_sweep_that_began_before_the_last_restore_does_not_count(own_service: Running) -> None:
    review_id = own_service.review()
    assert _restored(own_service) is None
    own_service.service.move_restored()
    first = _restored(own_service)
    own_service.service.move_restored()
    second = _restored(own_service)
    assert first != second
    for sweeper in ("packets", "signing"):
        assert _swept(own_service, sweeper, first) is False
    path = f"/v1/reviews/{review_id}/self-assessment"
    assert own_service.put(ANNA, path, {"answers": SELF_ANSWERS}, version=0).status_code == 503
    for sweeper in ("packets", "signing"):
        assert _swept(own_service, sweeper, second) is True
    own_service.done(own_service.put(ANNA, path, {"answers": SELF_ANSWERS}, version=0))


def test_only_packets_and_signing_report_sweeps(own_service: Running) -> None:
    own_service.import_cast()
    own_service.service.move_restored()
    body = {"restored": _restored(own_service)}
    for caller in ("notifications", HELEN):
        refused = own_service.call(caller, "POST", "/internal/swept", body)
        assert (refused.status_code, refused.get_json()["code"]) == (403, "forbidden-role")
    malformed = own_service.call("packets", "POST", "/internal/swept", {"restored": "yesterday"})
    assert malformed.status_code == 422
    assert _restored(own_service) == body["restored"]


def test_stored_answers_to_repeats_are_forgotten_after_a_week(own_service: Running) -> None:
    own_service.import_cast()
    (retention,) = [one for one in own_service.service.periodic if one.name == "retention"]
    assert retention.run_once() == 0
    (row,) = own_service.rows("select max(created_at) as newest from idempotency")
    own_service.clock.now = row["newest"] + timedelta(days=8)
    assert retention.run_once() == 1
