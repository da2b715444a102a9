"""What readers are shown: lists, statements, actions, and what other services ask."""

from __future__ import annotations

from component.signing.signing_desk import (
    CYCLE,
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
from reviewbus.clock import rfc3339


def _listed(desk: Desk, person: str, *roles: str, query: str = "") -> list[str]:
    answer = desk.get(person, f"/v1/signatures{query}", *roles)
    assert answer.status_code == 200
    return [item["review_id"] for item in answer.json["items"]]


def test_everybody_is_listed_the_reviews_whose_signatures_they_may_read(desk: Desk) -> None:
    desk.open()
    desk.shared(OTHER_REVIEW)
    assert _listed(desk, HR, "hr_admin") == [OTHER_REVIEW, REVIEW]
    assert _listed(desk, MANAGER) == [OTHER_REVIEW, REVIEW]
    assert _listed(desk, EMPLOYEE) == [REVIEW]
    assert _listed(desk, EMPLOYEE, "hr_admin") == [REVIEW]
    assert _listed(desk, OUTSIDER) == []
    assert _listed(desk, HR, "hr_assistant") == []


def test_a_list_goes_on_at_its_cursor_and_names_one_cycle_if_asked(desk: Desk) -> None:
    desk.open()
    desk.shared(OTHER_REVIEW)
    for person, roles in ((HR, ("hr_admin",)), (MANAGER, ())):
        first = desk.get(person, "/v1/signatures?limit=1", *roles).json
        assert [item["review_id"] for item in first["items"]] == [OTHER_REVIEW]
        rest = desk.get(person, f"/v1/signatures?limit=1&cursor={first['next_cursor']}", *roles).json
        assert [item["review_id"] for item in rest["items"]] == [REVIEW]
        assert rest["next_cursor"] is None
    assert _listed(desk, HR, "hr_admin", query=f"?cycle_id={CYCLE}") == [OTHER_REVIEW, REVIEW]
    assert _listed(desk, HR, "hr_admin", query=f"?cycle_id={REVIEW}") == []


def test_a_list_shows_no_comments_and_refuses_what_it_does_not_know(desk: Desk) -> None:
    desk.open()
    desk.sign(EMPLOYEE, comment="Thank you")
    desk.answer()
    item = desk.get(EMPLOYEE, "/v1/signatures").json["items"][0]
    assert item["signers"][0]["state"] == "signed"
    assert "comment" not in item["signers"][0]
    for query in ("cursor=abc", "cursor=WyJuby11dWlkIl0", "limit=0", "limit=201", "more=1", "cycle_id=x"):
        assert desk.get(EMPLOYEE, f"/v1/signatures?{query}").json["code"] == "invalid-request"


def test_a_signer_is_shown_the_exact_words_and_what_they_cover(desk: Desk) -> None:
    desk.open()
    path = f"/v1/signatures/{REVIEW}/statement"
    shown = desk.get(EMPLOYEE, path).json
    assert shown["statement_version"] == 1
    assert shown["covers"] == {"snapshot_hash": H1, "manager_version": 3, "self_version": 5}
    assert H1 in shown["text"]
    assert desk.get(MANAGER, path).json["text"] != shown["text"]
    desk.signed(EMPLOYEE)
    desk.unreleased()
    desk.released(2, snapshot_hash=H2)
    assert desk.get(EMPLOYEE, path).json == shown


def test_actions_say_who_may_do_what_and_what_stands_against_the_rest(desk: Desk) -> None:
    desk.open()
    path = f"/v1/signatures/{REVIEW}/actions"
    told = {one["name"]: one for one in desk.get(EMPLOYEE, path).json["actions"]}
    assert (told["sign"]["allowed"], told["sign"]["unmet"]) == (True, [])
    assert [one["code"] for one in told["revoke"]["unmet"]] == ["hr-only"]
    told = {one["name"]: one for one in desk.get(HR, path, "hr_admin").json["actions"]}
    assert [one["code"] for one in told["sign"]["unmet"]] == ["not-a-signer"]
    assert [one["code"] for one in told["revoke"]["unmet"]] == ["nothing-to-revoke"]
    assert told["complete"]["allowed"] is True


def test_hr_below_the_employee_sees_states_but_no_comment(desk: Desk) -> None:
    desk.open()
    desk.sign(EMPLOYEE, comment="Thank you")
    desk.answer()
    assert desk.show(HR)["signers"][0]["comment"] == "Thank you"
    assert desk.show(HR_BELOW, "hr_admin")["signers"][0]["comment"] is None


def test_other_services_page_through_all_registers(desk: Desk) -> None:
    desk.open()
    desk.shared(OTHER_REVIEW)
    desk.sign(EMPLOYEE)
    first = desk.get("packets", "/internal/states?limit=1", "service").json
    none = {"state": "none", "fence": 0, "epoch": 0, "snapshot_hash": None, "person_id": None}
    pending = {"state": "pending", "fence": 2, "epoch": 1, "snapshot_hash": H1, "person_id": EMPLOYEE}
    version, changed_at = desk.rows("select row_version, changed_at from record where review_id = %s", REVIEW)[0]
    assert first["items"] == [
        {
            "review_id": REVIEW,
            "row_version": version,
            "changed_at": rfc3339(changed_at),
            "packet_epoch": 1,
            "open_signers": ["employee", "manager"],
            "registers": {
                "signature:employee": pending,
                "signature:manager": none,
                "completion": none,
            },
        }
    ]
    rest = desk.get("packets", f"/internal/states?limit=1&cursor={first['next_cursor']}", "service").json
    assert [item["review_id"] for item in rest["items"]] == [OTHER_REVIEW]
    assert rest["next_cursor"] is None


def test_a_mail_about_a_signature_may_go_out_only_while_it_is_current(desk: Desk) -> None:
    desk.open()
    desk.signed(EMPLOYEE)

    def allowed(person: str, at: int, *, kind: str = "signature", review_id: str = REVIEW) -> bool:
        item = {"person_id": person, "kind": kind, "review_id": review_id, "at": at}
        answer = desk.post("notifications", "/internal/visibility", {"items": [item]}, "service", key=None)
        assert answer.status_code == 200
        told = answer.json["items"][0]["allowed"]
        assert isinstance(told, bool)
        return told

    assert allowed(EMPLOYEE, 2)
    assert allowed(MANAGER, 0)
    assert not allowed(EMPLOYEE, 0)
    assert not allowed(DIRECTOR, 0)
    assert not allowed(EMPLOYEE, 2, kind="packet")
    assert not allowed(EMPLOYEE, 2, review_id=OTHER_REVIEW)
    desk.unreleased()
    assert not allowed(EMPLOYEE, 2)
    assert not allowed(MANAGER, 0)
