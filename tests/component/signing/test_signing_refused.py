"""What is refused: with which problem, and that nothing has changed by it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from component.signing.signing_desk import (
    ASSISTANT,
    CANARY,
    DIRECTOR,
    EMPLOYEE,
    H1,
    H2,
    HR,
    HR_BELOW,
    MANAGER,
    OTHER_REVIEW,
    OUTSIDER,
    REVIEW,
    Desk,
)

if TYPE_CHECKING:
    from collections.abc import Callable

SIGN = {"statement_version": 1, "snapshot_hash": H1}
REVOKE = {"signer": "all", "reason": "Wrong text"}
COMPLETE = {"reason": "Left us"}
COMMANDS: list[tuple[str, dict[str, Any]]] = [("sign", SIGN), ("revoke", REVOKE), ("complete", COMPLETE)]
READS = ["", "/statement", "/actions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Somebody's command in a situation, and its answer."""

    act: str
    person: str
    status: int
    code: str
    arrange: Callable[[Desk], Any] = Desk.open
    role: str = ""
    body: dict[str, Any] | None = None


def _closed(desk: Desk) -> None:
    desk.open()
    desk.tell("review.closed.v1", desk.about())


def _cancelled(desk: Desk) -> None:
    desk.open()
    desk.tell("review.cancelled.v1", desk.about())


def _not_released(desk: Desk) -> None:
    desk.people()
    desk.shared()


def _not_shared(desk: Desk) -> None:
    desk.people()
    desk.released()


def _signed(desk: Desk) -> None:
    desk.open()
    desk.signed(EMPLOYEE)


def _pending(desk: Desk) -> None:
    desk.open()
    desk.sign(EMPLOYEE)


def _completed(desk: Desk) -> None:
    desk.open()
    desk.complete()
    desk.answer()


def _revoking(desk: Desk) -> None:
    desk.open()
    desk.signed(EMPLOYEE)
    desk.revoke()


def _people_unknown(desk: Desk) -> None:
    desk.shared()
    desk.released()


CASES = {
    "outsider": Case(act="sign", person=OUTSIDER, status=404, code="not-found"),
    "manager's superior": Case(act="sign", person=DIRECTOR, status=404, code="not-found"),
    "HR signs": Case(act="sign", person=HR, role="hr_admin", status=403, code="not-a-signer"),
    "assistant signs": Case(act="sign", person=ASSISTANT, role="hr_assistant", status=403, code="forbidden-role"),
    "service signs": Case(act="sign", person="packets", role="service", status=404, code="not-found"),
    "not released": Case(act="sign", person=EMPLOYEE, arrange=_not_released, status=409, code="not-released"),
    "self-assessment not shared": Case(
        act="sign", person=EMPLOYEE, arrange=_not_shared, status=409, code="self-assessment-not-shared"
    ),
    "cycle closed": Case(act="sign", person=EMPLOYEE, arrange=_closed, status=409, code="cycle-closed"),
    "cancelled": Case(act="sign", person=EMPLOYEE, arrange=_cancelled, status=409, code="cancelled"),
    "completed": Case(act="sign", person=EMPLOYEE, arrange=_completed, status=409, code="completed"),
    "being revoked": Case(act="sign", person=EMPLOYEE, arrange=_revoking, status=409, code="revocation-in-progress"),
    "signed with another comment": Case(
        act="sign", person=EMPLOYEE, arrange=_signed, body={"comment": CANARY}, status=409, code="already-signed"
    ),
    "on its way with another comment": Case(
        act="sign",
        person=EMPLOYEE,
        arrange=_pending,
        body={"comment": CANARY},
        status=409,
        code="signature-in-progress",
    ),
    "other packet seen": Case(
        act="sign", person=EMPLOYEE, body={"snapshot_hash": H2}, status=412, code="packet-changed"
    ),
    "other statement seen": Case(
        act="sign", person=EMPLOYEE, body={"statement_version": 2}, status=412, code="statement-changed"
    ),
    "other self-assessment seen": Case(
        act="sign", person=EMPLOYEE, body={"self_version": 4}, status=412, code="stale-version"
    ),
    "employee revokes": Case(act="revoke", person=EMPLOYEE, arrange=_signed, status=403, code="hr-only"),
    "manager revokes": Case(act="revoke", person=MANAGER, arrange=_signed, status=403, code="hr-only"),
    "outsider revokes": Case(act="revoke", person=OUTSIDER, arrange=_signed, status=404, code="not-found"),
    "assistant revokes": Case(
        act="revoke", person=ASSISTANT, role="hr_assistant", arrange=_signed, status=403, code="forbidden-role"
    ),
    "employee with HR's role revokes": Case(
        act="revoke", person=EMPLOYEE, role="hr_admin", arrange=_signed, status=403, code="hr-only"
    ),
    "HR revokes on a superior's review": Case(
        act="revoke", person=HR_BELOW, role="hr_admin", arrange=_signed, status=403, code="self-dealing"
    ),
    "HR whom the directory lacks revokes": Case(
        act="revoke", person="p-new", role="hr_admin", arrange=_signed, status=403, code="unknown-person"
    ),
    "nothing to revoke": Case(act="revoke", person=HR, role="hr_admin", status=409, code="nothing-to-revoke"),
    "employee completes": Case(act="complete", person=EMPLOYEE, status=403, code="forbidden-role"),
    "outsider completes": Case(act="complete", person=OUTSIDER, status=404, code="not-found"),
    "HR completes a superior's review": Case(
        act="complete", person=HR_BELOW, role="hr_admin", status=403, code="self-dealing"
    ),
    "nobody in the directory": Case(
        act="complete", person=HR, role="hr_admin", arrange=_people_unknown, status=403, code="unknown-person"
    ),
    "complete before the release": Case(
        act="complete", person=HR, role="hr_admin", arrange=_not_released, status=409, code="not-released"
    ),
    "complete in a closed cycle": Case(
        act="complete", person=HR, role="hr_admin", arrange=_closed, status=409, code="cycle-closed"
    ),
    "complete while being revoked": Case(
        act="complete", person=HR, role="hr_admin", arrange=_revoking, status=409, code="revocation-in-progress"
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_refused_command_says_why_and_changes_nothing(desk: Desk, case: Case) -> None:
    case.arrange(desk)
    if case.act == "complete" and case.code == "revocation-in-progress":
        desk.answer()
        desk.complete()
        desk.answer()
        desk.revoke()
    before = desk.everything()
    body = {**dict(COMMANDS)[case.act], **(case.body or {})}
    answer = desk.post(case.person, f"/v1/signatures/{REVIEW}/{case.act}", body, *([case.role] if case.role else []))
    assert (answer.status_code, answer.json["code"]) == (case.status, case.code)
    assert answer.mimetype == "application/problem+json"
    assert answer.json["unmet"][0]["code"] == case.code
    assert desk.everything() == before


@pytest.mark.parametrize(("act", "body"), COMMANDS)
@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        (b"{", 400, "malformed-request"),
        (b"[]", 422, "invalid-request"),
        (b"{}", 422, "invalid-request"),
        (None, 422, "invalid-request"),
    ],
    ids=["no JSON", "no object", "nothing in it", "an unknown field"],
)
def test_a_malformed_body_is_refused_and_changes_nothing(
    desk: Desk, act: str, body: dict[str, Any], sent: bytes | None, status: int, code: str
) -> None:
    desk.open()
    desk.signed(MANAGER)
    before = desk.everything()
    person, roles = (EMPLOYEE, ()) if act == "sign" else (HR, ("hr_admin",))
    answer = desk.post(person, f"/v1/signatures/{REVIEW}/{act}", {**body, "more": 1}, *roles, raw=sent)
    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert desk.everything() == before


@pytest.mark.parametrize(
    ("act", "field", "value"),
    [
        ("sign", "statement_version", "1"),
        ("sign", "statement_version", 0),
        ("sign", "statement_version", 2**31),
        ("sign", "snapshot_hash", "1" * 64),
        ("sign", "snapshot_hash", H1 + "\n"),
        ("sign", "comment", "x" * 20_001),
        ("sign", "comment", "a\x00b"),
        ("sign", "comment", 7),
        ("sign", "self_version", -1),
        ("revoke", "signer", "somebody"),
        ("revoke", "reason", "   "),
        ("revoke", "reason", "x" * 2_001),
        ("complete", "reason", None),
    ],
)
def test_a_field_out_of_its_range_is_pointed_at_and_changes_nothing(
    desk: Desk, act: str, field: str, value: object
) -> None:
    desk.open()
    before = desk.everything()
    answer = desk.post(HR, f"/v1/signatures/{REVIEW}/{act}", {**dict(COMMANDS)[act], field: value}, "hr_admin")
    assert (answer.status_code, answer.json["code"]) == (422, "invalid-request")
    assert answer.json["errors"][0]["pointer"] == f"/{field}"
    assert desk.everything() == before


@pytest.mark.parametrize(("act", "body"), COMMANDS)
def test_a_command_on_an_unknown_review_or_without_a_token_is_refused(
    desk: Desk, act: str, body: dict[str, Any]
) -> None:
    desk.open()
    before = desk.everything()
    unknown = desk.post(HR, f"/v1/signatures/{OTHER_REVIEW}/{act}", body, "hr_admin")
    assert (unknown.status_code, unknown.json["code"]) == (404, "not-found")
    assert desk.post(HR, f"/v1/signatures/no-uuid/{act}", body, "hr_admin").status_code == 404
    anonymous = desk.client.post(f"/v1/signatures/{REVIEW}/{act}", json=body)
    assert (anonymous.status_code, anonymous.json["code"]) == (401, "unauthorized")
    assert desk.everything() == before


@pytest.mark.parametrize(("act", "body"), COMMANDS)
def test_a_command_without_an_idempotency_key_is_refused(desk: Desk, act: str, body: dict[str, Any]) -> None:
    desk.open()
    before = desk.everything()
    answer = desk.post(HR, f"/v1/signatures/{REVIEW}/{act}", body, "hr_admin", key=None)
    assert (answer.status_code, answer.json["code"]) == (400, "idempotency-key-missing")
    assert desk.everything() == before


def test_a_repeated_command_gets_its_first_answer_again_and_another_body_under_its_key_is_refused(desk: Desk) -> None:
    desk.open()
    path = f"/v1/signatures/{REVIEW}/sign"
    first = desk.post(EMPLOYEE, path, SIGN, key="once")
    desk.answer()
    before = desk.everything()
    again = desk.post(EMPLOYEE, path, SIGN, key="once")
    assert (again.status_code, again.json) == (first.status_code, first.json)
    assert again.headers["Location"] == first.headers["Location"]
    other = desk.post(EMPLOYEE, path, {**SIGN, "comment": "more"}, key="once")
    assert (other.status_code, other.json["code"]) == (422, "idempotency-key-reused")
    assert desk.everything() == before


def test_signing_again_with_the_same_words_changes_nothing_and_says_what_stands(desk: Desk) -> None:
    desk.open()
    desk.sign(EMPLOYEE, comment="<p>Thank you</p>")
    assert desk.sign(EMPLOYEE, comment="<p>Thank you</p>").status_code == 202
    desk.answer()
    record = desk.rows("select * from record")
    assert desk.sign(EMPLOYEE, comment="<p>Thank you</p>").status_code == 200
    assert desk.rows("select * from record") == record
    assert desk.rows("select count(*) from audit") == [(1,)]


@pytest.mark.parametrize("read", READS)
def test_signatures_of_an_unreleased_packet_do_not_exist_for_the_employee_and_never_for_outsiders(
    desk: Desk, read: str
) -> None:
    _not_released(desk)
    path = f"/v1/signatures/{REVIEW}{read}"
    assert desk.get(OUTSIDER, path).status_code == 404
    assert desk.get(OUTSIDER, f"/v1/signatures/{OTHER_REVIEW}{read}").status_code == 404
    assert desk.get(ASSISTANT, path, "hr_assistant").json["code"] == "forbidden-role"
    if read == "":
        assert desk.get(EMPLOYEE, path).status_code == 404
    if read == "/statement":
        assert desk.get(EMPLOYEE, path).json["code"] == "not-released"
        assert desk.get(HR, path, "hr_admin").json["code"] == "not-a-signer"


@pytest.mark.parametrize("path", ["/internal/states", "/internal/visibility"])
def test_an_internal_address_is_for_service_tokens_only(desk: Desk, path: str) -> None:
    call = desk.get if path.endswith("states") else lambda *args: desk.post(args[0], args[1], {"items": []}, *args[2:])
    answer = call(HR, path, "hr_admin")
    assert (answer.status_code, answer.json["code"]) == (403, "forbidden-role")
    assert call("packets", path, "service").status_code == 200
