"""What people get to see and to read along the way of one review; every record comes four times."""

from __future__ import annotations

from typing import TYPE_CHECKING

from component.notifications.notifications_desk import (
    CYCLE,
    EMPLOYEE,
    HASH,
    HR,
    MANAGER,
    OTHER_MANAGER,
    OUTSIDER,
    PUBLIC_URL,
    REVIEW,
)

if TYPE_CHECKING:
    from component.notifications.notifications_desk import Desk

FORM, SIGNATURE, PACKET = (f"/reviews/{REVIEW}/{page}" for page in ("self-assessment", "signature", "packet"))


def test_each_step_brings_its_task_and_its_mail_and_takes_the_former_task_away(desk: Desk) -> None:
    desk.opened()
    assert (desk.tasks(EMPLOYEE), desk.tasks(MANAGER)) == (["self-assessment"], [])
    desk.shared()
    assert (desk.tasks(EMPLOYEE), desk.tasks(MANAGER)) == ([], ["manager-assessment"])
    desk.submitted()
    assert desk.tasks(MANAGER) == []
    desk.sent_to_manager()
    assert desk.tasks(MANAGER) == ["release"]
    desk.released()
    desk.signing_opened()
    assert (desk.tasks(EMPLOYEE), desk.tasks(MANAGER)) == (["sign"], ["sign"])
    desk.signed()
    assert (desk.tasks(EMPLOYEE), desk.tasks(MANAGER)) == ([], ["sign"])
    desk.work()
    assert desk.mails() == [
        (EMPLOYEE, FORM),
        (MANAGER, FORM),
        (MANAGER, PACKET),
        (EMPLOYEE, PACKET),
        (EMPLOYEE, SIGNATURE),
        (MANAGER, SIGNATURE),
        (EMPLOYEE, SIGNATURE),
    ]
    assert desk.outcomes() == [
        f"sent kick-off {EMPLOYEE}",
        f"sent shared {MANAGER}",
        f"sent released-to-manager {MANAGER}",
        f"sent released {EMPLOYEE}",
        f"sent signature-due {EMPLOYEE}",
        f"sent signature-due {MANAGER}",
        f"sent signed {EMPLOYEE}",
    ]
    assert desk.peers.questions() == [
        ("assessment", "form", 0),
        ("assessment", "self-assessment", 5),
        ("packets", "packet", 0),
        ("packets", "packet", 1),
        ("signing", "signature", 0),
        ("signing", "signature", 0),
        ("signing", "signature", 2),
    ]


def test_a_correction_tells_both_and_the_next_release_mails_again(desk: Desk) -> None:
    desk.released(1)
    desk.work()
    desk.mailbox.kept.clear()
    desk.unreleased(1)
    desk.revoked()
    desk.released(2)
    desk.work()
    review = f"/reviews/{REVIEW}"
    assert desk.mails() == [(EMPLOYEE, review), (MANAGER, review), (EMPLOYEE, review), (EMPLOYEE, PACKET)]
    assert [one[0] for one in desk.deliveries()] == ["released", "unreleased", "unreleased", "revoked", "released"]


def test_a_task_is_shown_with_its_link_deadline_and_urgency(desk: Desk) -> None:
    desk.opened()
    assert desk.get(EMPLOYEE, "/v1/tasks").json == {
        "items": [
            {
                "kind": "self-assessment",
                "review_id": REVIEW,
                "link": f"{PUBLIC_URL}{FORM}",
                "deadline": {
                    "date": "2026-03-03",
                    "zone": "Europe/Berlin",
                    "instant": "2026-03-03T23:00:00.000000Z",
                },
                "urgency": "soon",
            }
        ]
    }
    desk.clock.forward(days=2)
    assert desk.get(EMPLOYEE, "/v1/tasks").json["items"][0]["urgency"] == "overdue"


def test_tasks_move_with_the_manager_of_record_and_end_with_the_cycle(desk: Desk) -> None:
    desk.opened()
    desk.shared()
    desk.tell("review.reassigned.v1", {**desk.about(), "manager_id": OTHER_MANAGER, "former_manager_id": MANAGER})
    assert (desk.tasks(MANAGER), desk.tasks(OTHER_MANAGER)) == ([], ["manager-assessment"])
    desk.tell("review.closed.v1", {**desk.about(), "manager_id": OTHER_MANAGER})
    assert desk.tasks(OTHER_MANAGER) == []


def test_a_fact_that_comes_late_changes_nothing(desk: Desk) -> None:
    early = desk.about()
    desk.opened()
    desk.shared()
    before = desk.everything()
    desk.tell("self-assessment.unshared.v1", {**early, "self_version": 4, "manager_had_read": False})
    assert desk.everything() == before


def test_an_event_says_codes_and_counts_in_its_order(desk: Desk) -> None:
    desk.opened()
    desk.shared()
    desk.work()
    delivery_id = desk.get(HR, "/v1/deliveries?state=sent", "hr_admin").json["items"][-1]["delivery_id"]
    assert desk.outbox()[0] == (
        "notification.sent.v1",
        {
            "review_id": REVIEW,
            "delivery_id": delivery_id,
            "recipient_id": EMPLOYEE,
            "template": "kick-off",
            "occasion": CYCLE,
            "attempt": 1,
        },
    )
    numbers = desk.rows("select key, headers->>'ce_sequence' from outbox order by id")
    assert numbers == [(REVIEW, "000000000001"), (REVIEW, "000000000002")]


def test_other_services_are_told_what_is_outstanding_page_by_page(desk: Desk) -> None:
    other = REVIEW.replace("0001", "0002")
    desk.opened(other)
    desk.opened()
    desk.tell("self-assessment.waived.v1", desk.about())
    first = desk.get("packets", "/internal/states?limit=1", "service").json
    assert first["items"] == [
        {"review_id": REVIEW, "open_tasks": [{"person_id": MANAGER, "kind": "manager-assessment"}]}
    ]
    second = desk.get("packets", f"/internal/states?cursor={first['next_cursor']}", "service").json
    assert second == {
        "items": [{"review_id": other, "open_tasks": [{"person_id": EMPLOYEE, "kind": "self-assessment"}]}],
        "next_cursor": None,
    }
    asked = {"person_id": EMPLOYEE, "kind": "form", "review_id": REVIEW, "at": 0}
    told = desk.post("packets", "/internal/visibility", {"items": [asked, {**asked, "kind": "task"}]}, "service")
    assert told.json == {"items": [{"allowed": False}, {"allowed": False}]}
    assert desk.tasks(OUTSIDER) == []
    assert HASH not in str(desk.everything())
