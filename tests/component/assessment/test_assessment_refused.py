"""What is refused: with which problem, and that nothing has changed by it."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from component.assessment.assessment_service import MANAGER_ANSWERS, QUESTIONS, SELF_ANSWERS, Running
from harness.people import AMY, ANNA, BEN, HELEN, KAI, MAX, OLGA

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.people import Person

NOWHERE = "0198c0de-ffff-7b20-9c3f-4d6e8f0a1b02"
PEOPLE = {"people": [{"person_id": "r-1", "name": "N", "email": "n@company.example"}]}
QUESTIONNAIRE = {"title": "T", "questions": QUESTIONS}
CYCLE = {
    "name": "C",
    "zone": "UTC",
    "self_deadline": "2026-03-31",
    "manager_deadline": "2026-04-30",
    "questionnaire_id": NOWHERE,
}
REASON = {"reason": "because"}
# Every command with a body that has the right form, and people who may give it in some state.
COMMANDS: list[tuple[str, Any, Person]] = [
    ("/v1/people/import", PEOPLE, HELEN),
    ("/v1/questionnaires", QUESTIONNAIRE, HELEN),
    ("/v1/cycles", CYCLE, HELEN),
    ("/v1/cycles/{cycle}/participants", {"participants": [{"subject_id": BEN.id}]}, HELEN),
    ("/v1/cycles/{cycle}/start", {}, HELEN),
    ("/v1/cycles/{cycle}/close", REASON, HELEN),
    ("/v1/reviews/{review}/reassign", {"manager_id": KAI.id, **REASON}, HELEN),
    ("/v1/reviews/{review}/cancel", REASON, HELEN),
    ("/v1/reviews/{review}/self-assessment/share", {}, ANNA),
    ("/v1/reviews/{review}/self-assessment/unshare", {}, ANNA),
    ("/v1/reviews/{review}/self-assessment/waive", REASON, HELEN),
    ("/v1/reviews/{review}/self-assessment/unwaive", REASON, HELEN),
    ("/v1/reviews/{review}/self-assessment/backups/1/restore", {}, ANNA),
    ("/v1/reviews/{review}/manager-assessment/submit", {}, MAX),
    ("/v1/reviews/{review}/manager-assessment/reopen", REASON, HELEN),
    ("/v1/reviews/{review}/manager-assessment/backups/1/restore", {}, MAX),
]
SAVES: list[tuple[str, Any, Person]] = [
    ("/v1/questionnaires/{questionnaire}", QUESTIONNAIRE, HELEN),
    ("/v1/reviews/{review}/self-assessment", {"answers": SELF_ANSWERS}, ANNA),
    ("/v1/reviews/{review}/self-assessment/backup", {"answers": SELF_ANSWERS}, ANNA),
    ("/v1/reviews/{review}/manager-assessment", {"answers": MANAGER_ANSWERS}, MAX),
    ("/v1/reviews/{review}/manager-assessment/backup", {"answers": MANAGER_ANSWERS}, MAX),
]
READS = [
    "",
    "/actions",
    "/self-assessment",
    "/self-assessment/backups",
    "/self-assessment/backups/1",
    "/self-assessment/versions/1",
    "/manager-assessment",
    "/manager-assessment/backups",
    "/manager-assessment/backups/1",
]
CHANGES: list[tuple[str, Any, Person]] = [("/v1/cycles/{cycle}", {"name": "Other"}, HELEN)]
METHODS = [(method, *one) for method, acts in (("POST", COMMANDS), ("PUT", SAVES), ("PATCH", CHANGES)) for one in acts]
NAMES = [f"{method} {path}" for method, path, _, _ in METHODS]


@pytest.fixture(scope="module")
def places(service: Running) -> dict[str, str]:
    """Return the ids of a started review, its cycle and its questionnaire."""
    review_id = service.review()
    row = service.row(review_id)
    return {"review": review_id, "cycle": row["cycle_id"], "questionnaire": row["questionnaire_id"]}


@pytest.mark.parametrize(("method", "path", "body", "who"), METHODS, ids=NAMES)
def test_bad_input_is_refused_and_changes_nothing(
    service: Running, places: dict[str, str], method: str, path: str, body: Any, who: Person
) -> None:
    address = path.format_map(places)
    before = service.everything()
    unknown = service.call(who, method, address, {**body, "surprise": 1})
    assert (unknown.status_code, unknown.get_json()["code"]) == (422, "invalid-request")
    assert [one["pointer"] for one in unknown.get_json()["errors"]] == ["/surprise"]
    wrong = service.call(who, method, address, ["not", "an", "object"])
    assert wrong.status_code in {400, 422}
    for raw, kind, status in ((b"{", "application/json", 400), (b"{}", "text/plain", 415)):
        headers = {
            "Authorization": f"Bearer {service.issuer.token(who.id, who.roles)}",
            "Idempotency-Key": "raw",
            "Content-Type": kind,
        }
        answer = service.client.open(address, method=method, data=raw, headers=headers)
        assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
    assert service.client.open(address, method=method, json=body).status_code == 401
    assert service.everything() == before


@pytest.mark.parametrize(("path", "body", "who"), COMMANDS, ids=[path for path, _, _ in COMMANDS])
def test_a_command_without_an_idempotency_key_changes_nothing(
    service: Running, places: dict[str, str], path: str, body: Any, who: Person
) -> None:
    before = service.everything()
    answer = service.call(who, "POST", path.format_map(places), body, key=None)
    assert (answer.status_code, answer.get_json()["code"]) == (400, "idempotency-key-missing")
    assert service.everything() == before


@pytest.mark.parametrize(("method", "path", "body", "who"), METHODS, ids=NAMES)
def test_outsiders_find_nothing_and_change_nothing(
    service: Running, places: dict[str, str], method: str, path: str, body: Any, who: Person
) -> None:
    before = service.everything()
    answer = service.call(OLGA, method, path.format_map(places), body, version=0)
    of_a_review = "/reviews/" in path
    assert (answer.status_code, answer.get_json()["code"]) == (
        (404, "not-found") if of_a_review else (403, "forbidden-role")
    )
    assert service.everything() == before
    if of_a_review:
        nowhere = path.format_map({**places, "review": NOWHERE})
        assert service.call(who, method, nowhere, body, version=0).get_json()["code"] == "not-found"


@pytest.mark.parametrize("path", READS)
def test_outsiders_read_nothing_of_a_review(service: Running, places: dict[str, str], path: str) -> None:
    assert service.get(OLGA, f"/v1/reviews/{places['review']}{path}").status_code == 404
    assert service.get(KAI, f"/v1/reviews/{NOWHERE}{path}").status_code == 404


@pytest.mark.parametrize("path", ["", "/backups", "/backups/1"])
def test_the_employee_finds_no_manager_assessment(service: Running, places: dict[str, str], path: str) -> None:
    assert service.get(ANNA, f"/v1/reviews/{places['review']}/manager-assessment{path}").status_code == 404


def test_people_are_refused_between_services(service: Running) -> None:
    for method, path in (
        ("POST", "contents"),
        ("POST", "people"),
        ("GET", "states"),
        ("POST", "visibility"),
    ):
        bodies = {"contents": {"items": [{"kind": "questionnaire", "id": NOWHERE, "version": 1}]}}
        body = bodies.get(path, {"person_ids": ["a"]} if path == "people" else None)
        if path == "visibility":
            body = {"items": [{"person_id": "a", "kind": "form", "review_id": NOWHERE, "at": 0}]}
        answer = service.call(HELEN, method, f"/internal/{path}", body)
        assert (answer.status_code, answer.get_json()["code"]) == (403, "forbidden-role")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Somebody's command in a situation, and its answer."""

    act: str
    who: Person
    status: int
    code: str
    arrange: Callable[[Running, str], Any] = lambda _service, _review: None
    body: Any = None
    method: str = "POST"
    version: int | None = None
    started: bool = True


def _shared(service: Running, review_id: str) -> None:
    service.shared(review_id)


def _submitted(service: Running, review_id: str) -> None:
    service.submitted(review_id)


def _released(service: Running, review_id: str) -> None:
    service.shared(review_id)
    service.submitted(review_id)
    service.released(review_id)


def _signed(service: Running, review_id: str) -> None:
    _released(service, review_id)
    service.hold(review_id, source="/signing", holder="signature:employee", manager_version=1, self_version=1)


def _cancelled(service: Running, review_id: str) -> None:
    service.done(service.post(HELEN, f"/v1/reviews/{review_id}/cancel"))


OWN = {"answers": SELF_ANSWERS}
THEIRS = {"answers": MANAGER_ANSWERS}
CASES = [
    Case(
        act="self-assessment",
        method="PUT",
        body=OWN,
        version=0,
        who=ANNA,
        status=409,
        code="not-started",
        started=False,
    ),
    Case(act="self-assessment", method="PUT", body=OWN, who=ANNA, status=428, code="version-missing"),
    Case(act="self-assessment", method="PUT", body=OWN, version=7, who=ANNA, status=412, code="stale-version"),
    Case(act="self-assessment", method="PUT", body=OWN, version=0, who=MAX, status=404, code="not-found"),
    Case(act="self-assessment", method="PUT", body=OWN, version=0, who=HELEN, status=404, code="not-found"),
    Case(
        act="self-assessment",
        method="PUT",
        body=OWN,
        version=1,
        who=ANNA,
        status=409,
        code="unshare-first",
        arrange=_shared,
    ),
    Case(
        act="self-assessment", method="PUT", body=OWN, version=1, who=ANNA, status=423, code="locked", arrange=_released
    ),
    Case(
        act="self-assessment",
        method="PUT",
        body=OWN,
        version=0,
        who=ANNA,
        status=409,
        code="review-cancelled",
        arrange=_cancelled,
    ),
    Case(act="self-assessment/share", who=ANNA, status=409, code="nothing-to-share"),
    Case(act="self-assessment/share", who=ANNA, status=409, code="already-shared", arrange=_shared),
    Case(act="self-assessment/share", who=MAX, status=403, code="forbidden-role"),
    Case(act="self-assessment/unshare", who=ANNA, status=409, code="not-shared"),
    Case(act="self-assessment/unshare", who=HELEN, status=403, code="author-only", arrange=_shared),
    Case(act="self-assessment/unshare", who=MAX, status=403, code="forbidden-role", arrange=_shared),
    Case(act="self-assessment/unshare", who=ANNA, status=423, code="locked", arrange=_released),
    Case(act="self-assessment/unshare", who=ANNA, status=423, code="locked-signed", arrange=_signed),
    Case(act="self-assessment/waive", body=REASON, who=AMY, status=403, code="forbidden-role"),
    Case(act="self-assessment/waive", body=REASON, who=HELEN, status=409, code="already-shared", arrange=_shared),
    Case(act="self-assessment/unwaive", who=HELEN, status=409, code="not-waived"),
    Case(act="manager-assessment", method="PUT", body=THEIRS, version=0, who=ANNA, status=404, code="not-found"),
    Case(act="manager-assessment", method="PUT", body=THEIRS, version=0, who=HELEN, status=404, code="not-found"),
    Case(act="manager-assessment", method="PUT", body=THEIRS, version=0, who=AMY, status=403, code="forbidden-role"),
    Case(act="manager-assessment", method="PUT", body=THEIRS, who=MAX, status=428, code="version-missing"),
    Case(
        act="manager-assessment",
        method="PUT",
        body=THEIRS,
        version=1,
        who=MAX,
        status=423,
        code="locked-signed",
        arrange=_signed,
    ),
    Case(
        act="manager-assessment",
        method="PUT",
        body={"answers": {}},
        version=1,
        who=MAX,
        status=422,
        code="answers-missing",
        arrange=_submitted,
    ),
    Case(act="manager-assessment/submit", who=MAX, status=409, code="nothing-to-submit"),
    Case(act="manager-assessment/submit", who=MAX, status=409, code="already-submitted", arrange=_submitted),
    Case(act="manager-assessment/submit", who=HELEN, status=403, code="forbidden-role"),
    Case(act="manager-assessment/reopen", body=REASON, who=HELEN, status=409, code="manager-assessment-not-submitted"),
    Case(
        act="manager-assessment/reopen", body=REASON, who=HELEN, status=423, code="locked-released", arrange=_released
    ),
    Case(act="reassign", body={"manager_id": ANNA.id}, who=HELEN, status=422, code="reviewer-is-reviewee"),
    Case(act="reassign", body={"manager_id": "p-nobody"}, who=HELEN, status=422, code="unknown-participant"),
    Case(act="reassign", body={"manager_id": KAI.id}, who=HELEN, status=423, code="locked-released", arrange=_released),
    Case(act="reassign", body={"manager_id": KAI.id}, who=MAX, status=403, code="forbidden-role"),
    Case(act="cancel", who=HELEN, status=423, code="locked-signed", arrange=_signed),
    Case(act="cancel", who=AMY, status=403, code="forbidden-role"),
    Case(act="cancel", who=HELEN, status=409, code="review-cancelled", arrange=_cancelled),
]


@pytest.mark.parametrize("case", CASES, ids=[f"{one.method} {one.act} by {one.who.id}: {one.code}" for one in CASES])
def test_a_command_in_the_wrong_state_or_by_the_wrong_person_is_refused(service: Running, case: Case) -> None:
    review_id = service.review(started=case.started)
    case.arrange(service, review_id)
    before = service.everything()
    answer = service.call(
        case.who, case.method, f"/v1/reviews/{review_id}/{case.act}", case.body or {}, version=case.version
    )
    assert (answer.status_code, answer.get_json()["code"]) == (case.status, case.code)
    assert answer.get_json()["unmet"][0]["code"] == case.code
    after = service.everything()
    # A refused text is kept for its author; nothing else may have changed.
    before.pop("backup"), after.pop("backup")
    assert after == before


def test_a_repeated_command_is_answered_again_and_done_once(service: Running) -> None:
    review_id = service.review()
    path = f"/v1/reviews/{review_id}/self-assessment"
    service.done(service.put(ANNA, path, {"answers": SELF_ANSWERS}, version=0))
    first = service.post(ANNA, f"{path}/share", key="once")
    before = service.everything()
    again = service.post(ANNA, f"{path}/share", key="once")
    assert (again.get_json(), again.headers["ETag"]) == (first.get_json(), first.headers["ETag"])
    assert service.everything() == before
    waive = f"{path}/waive"
    service.post(HELEN, waive, {"reason": "a"}, key="twice")
    service.done(service.post(HELEN, f"/v1/reviews/{review_id}/cancel", {"reason": "a"}, key="c"))
    other = service.post(HELEN, f"/v1/reviews/{review_id}/cancel", {"reason": "b"}, key="c")
    assert (other.status_code, other.get_json()["code"]) == (422, "idempotency-key-reused")


def test_an_if_match_that_is_no_version_is_refused(service: Running) -> None:
    review_id = service.review()
    path = f"/v1/reviews/{review_id}/self-assessment"
    answer = service.put(ANNA, path, {"answers": SELF_ANSWERS}, version="abc")
    assert (answer.status_code, answer.get_json()["code"]) == (400, "if-match-malformed")


@pytest.mark.parametrize("path", ["/v1/cycles", "/v1/questionnaires", "/v1/reviews", "/internal/states"])
@pytest.mark.parametrize("parts", [["nonsense"], [7], [NOWHERE, NOWHERE]])
def test_a_forged_cursor_is_refused(service: Running, path: str, parts: list[Any]) -> None:
    forged = base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")
    who = "packets" if path.startswith("/internal") else HELEN
    answer = service.get(who, f"{path}?cursor={forged}")
    assert (answer.status_code, answer.get_json()["code"]) == (422, "invalid-request")


@pytest.mark.parametrize("path", ["self-assessment/versions", "self-assessment/backups", "manager-assessment/backups"])
def test_a_number_beyond_every_counter_is_not_found(service: Running, places: dict[str, str], path: str) -> None:
    for number in (2**31, 10**30):
        answer = service.get(MAX, f"/v1/reviews/{places['review']}/{path}/{number}")
        assert (answer.status_code, answer.get_json()["code"]) == (404, "not-found")
