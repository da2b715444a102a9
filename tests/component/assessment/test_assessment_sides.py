"""The two forms: versions, texts, backups, sharing and taking back, and who reads what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from component.assessment.assessment_service import MANAGER_ANSWERS, SELF_ANSWERS, Running
from harness.people import AMY, ANNA, HELEN, HUGO, MAX, MIRA, OLGA
from harness.words import ADVICE
from reviewbus.canonical import digest

if TYPE_CHECKING:
    from harness.people import Person

ELSEWHERE = "0198c0de-ffff-7b20-9c3f-4d6e8f0a1b02"


def _self(review_id: str) -> str:
    return f"/v1/reviews/{review_id}/self-assessment"


def _manager(review_id: str) -> str:
    return f"/v1/reviews/{review_id}/manager-assessment"


def _save(service: Running, review_id: str, version: int, **answers: Any) -> Any:
    return service.done(service.put(ANNA, _self(review_id), {"answers": answers or SELF_ANSWERS}, version=version))


def test_drafts_of_the_other_side_and_holds_leave_no_trace_in_what_participants_read(service: Running) -> None:
    review_id = service.review()
    path = f"/v1/reviews/{review_id}"

    def seen(who: Person) -> Any:
        return service.done(service.get(who, path))

    before = seen(MAX)
    hr = seen(HELEN)["row_version"]
    saved = _save(service, review_id, 0)
    assert "row_version" not in saved
    assert seen(MAX) == before
    before = seen(ANNA)
    service.submitted(review_id)
    service.hold(review_id, fence=2, manager_version=99)
    assert seen(ANNA) == before
    assert seen(HELEN)["row_version"] > hr


def test_texts_are_sanitised_and_empty_ones_are_no_answers(service: Running) -> None:
    review_id = service.review()
    dangerous = '<p onclick="x()">Hi<script>alert(1)</script> <a href="javascript:x">link</a><img src=x></p>'
    saved = _save(service, review_id, 0, **{"s-text": dangerous, "s-rating": None})
    assert saved["answers"] == {"s-text": '<p>Hi <a rel="noopener noreferrer">link</a></p>'}
    assert _save(service, review_id, 1, **{"s-text": "<p> </p>"})["answers"] == {}


def test_answers_that_do_not_fit_are_named_and_nothing_is_kept(service: Running) -> None:
    review_id = service.review()
    wrong = {"s-rating": 9, "m-text": "not mine", "s-text": 4}
    answer = service.put(ANNA, _self(review_id), {"answers": wrong}, version=0)
    assert (answer.status_code, answer.get_json()["code"]) == (422, "answers-invalid")
    assert {one["question_id"]: one["code"] for one in answer.get_json()["problems"]} == {
        "s-rating": "not-on-scale",
        "m-text": "unknown-question",
        "s-text": "wrong-kind",
    }
    assert all(ADVICE.fullmatch(one["detail"]) for one in answer.get_json()["problems"])
    assert service.done(service.get(ANNA, f"{_self(review_id)}/backups"))["items"] == []


def test_every_save_is_a_version_for_good_with_its_hashes(service: Running) -> None:
    review_id = service.review()
    _save(service, review_id, 0)
    _save(service, review_id, 1, **{"s-text": "<p>Second</p>"})
    rows = service.rows(
        "select version, answers, content_hash from content where review_id = :r order by version", r=review_id
    )
    assert [row["version"] for row in rows] == [1, 2]
    (second,) = rows[1]["answers"]
    assert second["answer_hash"] == digest("<p>Second</p>")
    assert rows[1]["content_hash"] == service.row(review_id)["self_hash"]
    first = service.done(service.get(ANNA, f"{_self(review_id)}/versions/1"))
    assert (first["answers"], first["superseded"]) == (SELF_ANSWERS, True)


def test_a_stale_save_is_refused_with_the_current_version_and_its_text_kept(service: Running) -> None:
    review_id = service.review()
    _save(service, review_id, 0)
    answer = service.put(ANNA, _self(review_id), {"answers": {"s-text": "mine"}}, version=0)
    assert (answer.status_code, answer.get_json()["code"]) == (412, "stale-version")
    assert answer.get_json()["current_version"] == 1
    (kept,) = service.done(service.get(ANNA, f"{_self(review_id)}/backups"))["items"]
    shown = service.done(service.get(ANNA, f"{_self(review_id)}/backups/{kept['number']}"))
    assert (shown["kind"], shown["answers"]) == ("refused", {"s-text": "mine"})
    assert service.get(MAX, f"{_self(review_id)}/backups").status_code == 404
    assert service.row(review_id)["self_version"] == 1


def test_a_backup_comes_back_as_a_new_version(service: Running) -> None:
    review_id = service.review()
    service.done(service.put(ANNA, f"{_self(review_id)}/backup", {"answers": {"s-text": "unsaved"}}))
    _save(service, review_id, 0)
    path = f"{_self(review_id)}/backups/1/restore"
    assert service.post(ANNA, path, version=0).get_json()["code"] == "stale-version"
    assert len(service.done(service.get(ANNA, f"{_self(review_id)}/backups"))["items"]) == 1
    assert service.post(ANNA, path, version=1).headers["ETag"] == '"2"'
    assert service.done(service.get(ANNA, _self(review_id)))["answers"] == {"s-text": "unsaved"}
    assert service.done(service.get(ANNA, f"{_self(review_id)}/versions/1"))["answers"] == SELF_ANSWERS


def test_autosaves_are_taken_in_any_state_once_each_and_the_last_fifty_stay(service: Running) -> None:
    review_id = service.review()
    service.shared(review_id)
    path = f"{_self(review_id)}/backup"
    texts = ["try 0", "try 0", *(f"try {index}" for index in range(1, 52))]
    numbers = [service.done(service.put(ANNA, path, {"answers": {"s-text": text}}))["number"] for text in texts]
    assert numbers == [1, *range(1, 53)]
    kept = service.done(service.get(ANNA, f"{_self(review_id)}/backups"))["items"]
    assert (len(kept), kept[0]["number"], kept[-1]["number"]) == (50, 52, 3)
    assert service.row(review_id)["self_version"] == 1


def test_required_answers_must_be_there_to_share(service: Running) -> None:
    review_id = service.review()
    _save(service, review_id, 0, **{"s-rating": 2})
    answer = service.post(ANNA, f"{_self(review_id)}/share")
    assert (answer.status_code, answer.get_json()["code"]) == (422, "answers-missing")
    assert answer.get_json()["question_ids"] == ["s-text"]


def test_unsharing_hides_at_once_and_tells_whether_it_was_read(service: Running) -> None:
    review_id = service.review()
    service.shared(review_id)
    assert service.get(MAX, _self(review_id)).status_code == 200
    assert service.get(MAX, _self(review_id)).status_code == 200
    service.done(service.post(ANNA, f"{_self(review_id)}/unshare"))
    assert service.get(MAX, _self(review_id)).status_code == 404
    assert service.get(MAX, f"{_self(review_id)}/versions/1").status_code == 404
    assert len(service.events(review_id, "self-assessment.read.v1")) == 1
    assert service.events(review_id, "self-assessment.unshared.v1")[0]["manager_had_read"]


def test_the_manager_sees_the_version_that_was_read_marked_as_superseded(service: Running) -> None:
    review_id = service.review()
    service.shared(review_id)
    service.get(MAX, _self(review_id))
    service.done(service.post(ANNA, f"{_self(review_id)}/unshare"))
    _save(service, review_id, 1, **{"s-text": "<p>Secret draft</p>"})
    _save(service, review_id, 2, **{"s-text": "<p>Third</p>"})
    service.done(service.post(ANNA, f"{_self(review_id)}/share"))
    read = service.done(service.get(MAX, f"{_self(review_id)}/versions/1"))
    assert (read["answers"], read["superseded"]) == (SELF_ANSWERS, True)
    assert service.get(MAX, f"{_self(review_id)}/versions/2").status_code == 404
    assert service.done(service.get(MAX, f"{_self(review_id)}/versions/3"))["superseded"] is False


def test_sharing_again_without_an_edit_is_a_version_of_the_same_content(service: Running) -> None:
    review_id = service.review()
    service.shared(review_id)
    service.done(service.post(ANNA, f"{_self(review_id)}/unshare"))
    again = service.post(ANNA, f"{_self(review_id)}/share")
    assert again.headers["ETag"] == '"2"'
    first, second = service.events(review_id, "self-assessment.shared.v1")
    assert (first["self_version"], second["self_version"]) == (1, 2)
    assert first["content_hash"] == second["content_hash"]
    assert service.done(service.get(MAX, _self(review_id)))["answers"] == SELF_ANSWERS


def test_a_cycle_may_hide_the_self_assessment_until_the_manager_has_submitted(service: Running) -> None:
    review_id = service.review(self_visibility="after_manager_submit")
    service.shared(review_id)
    assert service.get(MAX, _self(review_id)).status_code == 404
    service.submitted(review_id)
    assert service.get(MAX, _self(review_id)).status_code == 200
    assert service.events(review_id, "manager-assessment.submitted.v1")[0]["visible_self_version"] == 1


def test_hr_reads_what_is_shared_and_of_a_draft_only_that_it_is_there(service: Running) -> None:
    review_id = service.review()
    _save(service, review_id, 0)
    assert service.get(HELEN, _self(review_id)).status_code == 404
    seen = service.done(service.get(HELEN, f"/v1/reviews/{review_id}"))
    assert (seen["self_state"], seen["self_chars"]) == ("draft", len("I built it"))
    service.done(service.post(ANNA, f"{_self(review_id)}/share"))
    assert service.get(HELEN, _self(review_id)).status_code == 200
    assert service.events(review_id, "self-assessment.read.v1")[0]["by_role"] == "hr_admin"


def test_a_waiver_is_given_and_withdrawn_with_its_reason_in_the_audit(service: Running) -> None:
    review_id = service.review()
    assert service.post(HELEN, f"{_self(review_id)}/waive", {"reason": "On leave"}).get_json()["self_state"] == "waived"
    assert (
        service.put(ANNA, _self(review_id), {"answers": {}}, version=0).get_json()["code"] == "self-assessment-waived"
    )
    assert service.done(service.post(HELEN, f"{_self(review_id)}/unwaive"))["self_state"] == "none"
    noted = service.rows("select actor, role, action, reason from audit where object_id = :r order by id", r=review_id)
    assert noted == [
        {"actor": HELEN.id, "role": "hr_admin", "action": "self-assessment.waive", "reason": "On leave"},
        {"actor": HELEN.id, "role": "hr_admin", "action": "self-assessment.unwaive", "reason": None},
    ]


def test_after_the_deadline_a_draft_stays_readable_and_the_text_is_kept(service: Running) -> None:
    review_id = service.review()
    _save(service, review_id, 0)
    before = service.clock.now
    service.clock.forward(days=40)
    try:
        late = service.put(ANNA, _self(review_id), {"answers": {"s-text": "late"}}, version=1)
        assert (late.status_code, late.get_json()["code"]) == (409, "deadline-passed")
        assert service.post(ANNA, f"{_self(review_id)}/share").get_json()["code"] == "deadline-passed"
        assert service.done(service.get(ANNA, _self(review_id)))["answers"] == SELF_ANSWERS
        assert len(service.done(service.get(ANNA, f"{_self(review_id)}/backups"))["items"]) == 1
    finally:
        service.clock.now = before


def test_an_edit_after_submission_names_what_has_changed(service: Running) -> None:
    review_id = service.review()
    service.submitted(review_id)
    changed = {**MANAGER_ANSWERS, "m-rating": 5}
    service.done(service.put(HELEN, _manager(review_id), {"answers": changed}, version=1))
    (revised,) = service.events(review_id, "manager-assessment.revised.v1")
    assert (revised["changed_question_ids"], revised["by_role"], revised["manager_version"]) == (
        ["m-rating"],
        "hr_admin",
        2,
    )


def test_submitting_with_an_unread_self_assessment_warns(service: Running) -> None:
    review_id = service.review()
    service.shared(review_id)
    service.done(service.put(MAX, _manager(review_id), {"answers": MANAGER_ANSWERS}, version=0))
    told = service.done(service.post(MAX, f"{_manager(review_id)}/submit"))
    assert told["warnings"] == ["newest-self-assessment-unread"]


def test_hr_reopens_and_the_manager_submits_a_version_of_its_own(service: Running) -> None:
    review_id = service.review()
    service.submitted(review_id)
    refused = service.post(MAX, f"{_manager(review_id)}/reopen", {"reason": "again"})
    assert (refused.status_code, refused.get_json()["code"]) == (409, "already-submitted")
    service.done(service.post(HELEN, f"{_manager(review_id)}/reopen", {"reason": "Too short"}))
    service.done(service.post(MAX, f"{_manager(review_id)}/submit"))
    assert [one["manager_version"] for one in service.events(review_id, "manager-assessment.submitted.v1")] == [1, 2]
    assert service.done(service.get(MAX, _manager(review_id)))["answers"] == MANAGER_ANSWERS


def test_the_former_manager_keeps_the_row_in_the_list_and_no_more(service: Running) -> None:
    review_id = service.review()
    service.done(service.put(MAX, _manager(review_id), {"answers": MANAGER_ANSWERS}, version=0))
    path = f"/v1/reviews/{review_id}/reassign"
    assert service.post(HELEN, path, {"manager_id": MIRA.id}).get_json()["code"] == "reason-missing"
    service.done(service.post(HELEN, path, {"manager_id": MIRA.id, "reason": "Max is ill"}))
    assert service.get(MAX, _manager(review_id)).status_code == 404
    assert service.done(service.get(MIRA, _manager(review_id)))["answers"] == MANAGER_ANSWERS
    listed = {one["review_id"]: one for one in service.done(service.get(MAX, "/v1/reviews?limit=200"))["items"]}
    assert (listed[review_id]["role"], listed[review_id]["manager_state"]) == ("former_reviewer", None)
    assert service.events(review_id, "review.reassigned.v1")[0]["former_manager_id"] == MAX.id


@pytest.mark.parametrize(("who", "roles"), [(ANNA, {"reviewee"}), (MAX, {"reviewer"}), (OLGA, set())])
def test_people_list_the_reviews_that_they_take_part_in(service: Running, who: Person, roles: set[str]) -> None:
    review_id = service.review()
    listed = service.done(service.get(who, "/v1/reviews?limit=200"))["items"]
    assert {one["role"] for one in listed if one["review_id"] == review_id} == roles


def test_a_list_narrowed_by_state_reads_many_rows_at_once_however_short_its_pages(own_service: Running) -> None:
    mine = [own_service.review() for _ in range(6)]
    own_service.shared(mine[0])
    lists: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        lists.extend([statement] if "FROM review JOIN cycle" in statement else [])

    engine = own_service.service.db.engine
    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        shown = own_service.done(own_service.get(ANNA, "/v1/reviews?state=manager_assessment&limit=1"))
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)
    assert [one["review_id"] for one in shown["items"]] == [mine[0]]
    assert (len(lists), shown["next_cursor"]) == (1, None)


def test_a_list_is_narrowed_by_state_and_cycle_and_paged(service: Running) -> None:
    mine = [service.review() for _ in range(3)]
    service.shared(mine[1])
    cycle_id = service.row(mine[1])["cycle_id"]
    path = "/v1/reviews?role=reviewee&year=2026&limit=1"
    shown = service.done(service.get(ANNA, f"{path}&state=manager_assessment&cycle_id={cycle_id}"))
    assert [one["review_id"] for one in shown["items"]] == [mine[1]]
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = service.done(service.get(ANNA, path + (f"&cursor={cursor}" if cursor else "")))
        found += [one["review_id"] for one in page["items"]]
        cursor = page["next_cursor"]
    assert found == sorted(set(found), reverse=True)
    assert set(mine) <= set(found)


def test_actions_are_what_the_commands_would_answer(service: Running) -> None:
    review_id = service.review()
    _save(service, review_id, 0, **{"s-rating": 1})
    told = service.done(service.get(ANNA, f"/v1/reviews/{review_id}/actions"))["actions"]
    share = next(one for one in told if one["name"] == "share-self-assessment")
    assert (share["allowed"], [one["code"] for one in share["unmet"]]) == (False, ["answers-missing"])
    assert share["unmet"][0]["question_ids"] == ["s-text"]
    submit = next(one for one in told if one["name"] == "submit-manager-assessment")
    assert [one["code"] for one in submit["unmet"]] == ["forbidden-role"]
    assert [one["name"] for one in told if not all(ADVICE.fullmatch(each["detail"]) for each in one["unmet"])] == []
    reopen = service.post(MAX, f"{_manager(review_id)}/reopen", {"reason": "x"}).get_json()
    listed = service.done(service.get(MAX, f"/v1/reviews/{review_id}/actions"))["actions"]
    said = next(one["unmet"] for one in listed if one["name"] == "reopen-manager-assessment")
    assert [(one["code"], one["detail"]) for one in said] == [(one["code"], one["detail"]) for one in reopen["unmet"]]


def test_whom_an_act_is_not_for_is_told_whose_it_is_and_what_the_own_review_is(service: Running) -> None:
    review_id = service.review()
    cancel = f"/v1/reviews/{review_id}/cancel"
    told = {who: service.post(who, cancel, {"reason": "x"}).get_json() for who in (ANNA, MAX, AMY)}
    assert {each["code"] for each in told.values()} == {"forbidden-role"}
    assert told[ANNA]["detail"].startswith("This is your own review")
    assert told[MAX]["detail"] == told[AMY]["detail"] == "This is for HR Admins only: ask them for it."


def test_hr_below_the_reviewee_does_not_act(service: Running) -> None:
    review_id = service.review(subject=MAX)
    answer = service.post(HUGO, f"{_self(review_id)}/waive", {"reason": "x"})
    assert (answer.status_code, answer.get_json()["code"]) == (403, "self-dealing")
    assert service.get(HUGO, _self(review_id)).status_code == 404


def test_an_assistant_sees_states_and_no_text(service: Running) -> None:
    review_id = service.review()
    service.shared(review_id)
    service.submitted(review_id)
    seen = service.done(service.get(AMY, f"/v1/reviews/{review_id}"))
    assert (seen["self_state"], seen["manager_state"], seen["self_chars"]) == ("shared", "submitted", None)
    assert seen["links"] == {"self_assessment": None, "manager_assessment": None}
    assert service.get(AMY, _self(review_id)).status_code == 404
    assert service.get(AMY, _manager(review_id)).status_code == 403


def _told(service: Running, review_id: str, what: str, version: int) -> None:
    ids = {"review_id": review_id, "cycle_id": ELSEWHERE, "subject_id": ANNA.id, "manager_id": MAX.id}
    said = {**ids, "session_id": ELSEWHERE, "manager_version": 1, "version": version}
    more = {"confirmed": {"by": HELEN.id}, "marked-stale": {"reason": "manager-assessment-revised"}}.get(what, {})
    record = service.received(f"calibration.{what}.v1", {**said, **more}, source="/packets")
    service.apply([record])


def test_a_manager_does_not_change_the_rating_while_it_is_calibrated(service: Running) -> None:
    review_id = service.review()
    service.submitted(review_id)
    path = f"/v1/reviews/{review_id}/manager-assessment"
    rated, worded = {**MANAGER_ANSWERS, "m-rating": 4}, {**MANAGER_ANSWERS, "m-text": "<p>Builds</p>"}
    _told(service, review_id, "completed", 12)
    # What is told late says nothing new.
    _told(service, review_id, "started", 11)
    before = service.row(review_id)
    refused = service.put(MAX, path, {"answers": rated}, version=1)
    assert (refused.status_code, refused.get_json()["code"]) == (409, "rating-calibrated")
    assert refused.get_json()["question_ids"] == ["m-rating"]
    assert service.row(review_id) == before
    (kept,) = service.done(service.get(MAX, f"{path}/backups"))["items"]
    restored = service.post(MAX, f"{path}/backups/{kept['number']}/restore", version=1)
    assert restored.get_json()["code"] == "rating-calibrated"
    service.done(service.put(MAX, path, {"answers": worded}, version=1))
    for what, version, status in (("marked-stale", 13, 200), ("confirmed", 14, 409), ("cancelled", 15, 200)):
        _told(service, review_id, what, version)
        answers = {**rated, "m-rating": 5 if what == "marked-stale" else 2}
        current = service.row(review_id)["manager_version"]
        assert service.put(MAX, path, {"answers": answers}, version=current).status_code == status
    _told(service, review_id, "completed", 16)
    current = service.row(review_id)["manager_version"]
    service.done(service.put(HELEN, path, {"answers": rated}, version=current))
