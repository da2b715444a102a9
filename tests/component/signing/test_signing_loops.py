"""What is done without being asked: sending again, comparing, starting after a restore, forgetting."""

from __future__ import annotations

from typing import Any

import flask
import pytest

from component.signing.signing_desk import (
    EMPLOYEE,
    H1,
    H2,
    HR_BELOW,
    MANAGER,
    OTHER_REVIEW,
    REVIEW,
    Desk,
)
from reviewbus import quarantine
from reviewbus.client import PeerRefused
from signing import commands, store
from signing.domain.ids import ReviewId

FREE = {"fence": 0, "held": False, "epoch": None, "snapshot_hash": None}
HOLDERS = ("signature:employee", "signature:manager", "completion")


def _held(fence: int, *, epoch: int = 1, snapshot_hash: str = H1) -> dict[str, Any]:
    return {"fence": fence, "held": True, "epoch": epoch, "snapshot_hash": snapshot_hash}


def _review(desk: Desk, review_id: str = REVIEW, **registers: Any) -> dict[str, Any]:
    """Return assessment's row as far as signing looks at it; registers by `employee`, `manager`, `completion`."""
    holders = dict(zip(("employee", "manager", "completion"), HOLDERS, strict=True))
    given = {holders[name]: register for name, register in registers.items()}
    return {
        **desk.about(review_id),
        "row_version": next(desk.versions),
        "self_state": "shared",
        "self_version": 5,
        "closed": False,
        "cancelled": False,
        "registers": {"release": _held(2), **dict.fromkeys(HOLDERS, FREE), **given},
    }


def _packet(desk: Desk, review_id: str = REVIEW, **more: Any) -> dict[str, Any]:
    known = {"state": "released", "epoch": 1, "snapshot_hash": H1, "manager_version": 3, "revoked_epoch": 0}
    return {**desk.about(review_id), "row_version": 7, "selection_version": 1, **known, **more}


def _findings(desk: Desk) -> list[tuple[str, str | None]]:
    return [(one["kind"], one.get("holder")) for one in desk.service.sweep()]


def test_a_command_without_an_answer_is_sent_again_with_the_same_fence_less_and_less_often(desk: Desk) -> None:
    desk.open()
    desk.sign(EMPLOYEE)
    command = desk.commands()[-1]
    desk.drain()
    assert desk.periodic("reconcile") == 0
    desk.clock.forward(seconds=7)
    row = desk.rows("select row_version from record")
    assert desk.periodic("reconcile") == 1
    assert desk.commands() == [command]
    assert desk.rows("select row_version from record") == row
    desk.drain()
    desk.clock.forward(seconds=7)
    assert desk.periodic("reconcile") == 0
    desk.clock.forward(seconds=7)
    assert desk.periodic("reconcile") == 1
    desk.answer()
    desk.drain()
    desk.clock.forward(days=1)
    assert desk.periodic("reconcile") == 0


def test_the_fifth_event_of_a_review_has_the_fifth_number_also_after_sending_again(desk: Desk) -> None:
    desk.open()
    desk.sign(EMPLOYEE)
    desk.drain()
    desk.clock.forward(minutes=1)
    desk.periodic("reconcile")
    desk.answer()
    numbers = desk.rows("select (headers->>'ce_sequence')::int from outbox order by id")
    assert numbers == [(4,), (5,)]


def test_nothing_is_sent_again_while_a_command_is_unsent_or_the_outbox_is_behind(desk: Desk) -> None:
    desk.open()
    desk.sign(EMPLOYEE)
    desk.clock.forward(minutes=1)
    assert desk.periodic("reconcile") == 0
    desk.run("delete from outbox where type = 'hold.requested.v1'")
    desk.run("update outbox set created_at = clock_timestamp() - interval '6 s'")
    assert desk.periodic("reconcile") == 0
    desk.drain()
    assert desk.periodic("reconcile") == 1


def test_a_sweep_over_services_that_agree_finds_nothing(desk: Desk) -> None:
    desk.open()
    desk.signed(EMPLOYEE)
    desk.peers.rows = {"assessment": [_review(desk, employee=_held(2))], "packets": [_packet(desk)]}
    assert _findings(desk) == []
    emitted = desk.emitted()
    assert _findings(desk) == []
    assert desk.emitted() == emitted


def _told(version: int, **lines: str | None) -> list[dict[str, Any]]:
    return [
        {"person_id": f"p-{each}", "manager_id": manager, "active": True, "version": version}
        for each, manager in sorted(lines.items())
    ]


def test_who_reports_to_whom_is_learnt_by_the_sweep_where_facts_were_lost(desk: Desk) -> None:
    desk.open()
    desk.signed(EMPLOYEE)
    desk.run("delete from directory")
    assert desk.revoke().json["code"] == "unknown-person"
    desk.peers.rows = {"assessment": [_review(desk, employee=_held(2))], "packets": [_packet(desk)]}
    desk.peers.everybody = _told(1, anna="p-max", dora=None, helen="p-dora", hugo="p-anna", max="p-dora")
    assert desk.service.sweep() == [{"kind": "people-facts-repaired", "people": 5}]
    assert desk.service.sweep() == []
    assert desk.revoke(person=HR_BELOW).json["code"] == "self-dealing"
    assert desk.revoke().status_code == 202


def test_after_a_restore_the_line_above_is_that_of_today_before_anybody_is_served(desk: Desk) -> None:
    desk.open()
    desk.signed(EMPLOYEE)
    desk.peers.rows["assessment"] = [_review(desk, employee=_held(2))]
    desk.peers.everybody = _told(2, helen="p-anna")
    desk.service.move_restored()
    assert desk.revoke().json["code"] == "self-dealing"


def test_lost_facts_are_repaired_page_by_page_and_missing_rows_created(desk: Desk) -> None:
    others = [f"0198c0de-2000-7b20-9c3f-00000000001{n}" for n in range(4)]
    desk.peers.rows = {
        "assessment": [_review(desk, one) for one in others],
        "packets": [_packet(desk, one) for one in others],
    }
    assert _findings(desk) == [("facts-repaired", None)] * 8
    assert desk.emitted() == ["signing.opened.v1"] * 4
    assert desk.rows("select count(*), bool_and(released), min(self_version) from record") == [(4, True, 5)]
    assert _findings(desk) == []


def test_a_row_that_waits_for_nothing_is_not_sent_again(desk: Desk) -> None:
    desk.open()
    desk.signed(EMPLOYEE)
    with desk.service.db.begin() as tx:
        answered = store.load(tx, ReviewId(REVIEW))
        assert answered is not None
        assert commands.send_again(tx, [answered]) == 0
    assert desk.rows("select waiting_since, resends from record") == [(None, 0)]


def test_a_lost_wish_to_revoke_is_carried_out_by_the_sweep(desk: Desk) -> None:
    desk.open()
    desk.signed(EMPLOYEE)
    desk.peers.rows = {
        "assessment": [_review(desk, employee=_held(2))],
        "packets": [_packet(desk, state="ready", revoked_epoch=1)],
    }
    assert ("facts-repaired", None) in _findings(desk)
    assert desk.states()[0] == "revoking"


def test_a_register_held_for_which_nothing_is_on_record_becomes_lost_until_hr_revokes(desk: Desk) -> None:
    desk.open()
    desk.peers.rows = {"assessment": [_review(desk, employee=_held(6))], "packets": []}
    assert _findings(desk) == [("signature-lost", "signature:employee")]
    assert desk.states()[0] == "lost"
    assert desk.sign(EMPLOYEE).json["code"] == "signature-lost"
    assert desk.revoke("employee").status_code == 202
    assert desk.commands()[-1]["fence"] == 7
    desk.answer()
    assert desk.states()[0] == "open"


def test_a_signature_that_nothing_holds_raises_an_alarm_and_is_revoked(desk: Desk) -> None:
    desk.open()
    desk.signed(EMPLOYEE)
    desk.peers.rows = {"assessment": [_review(desk)], "packets": []}
    assert _findings(desk) == [("signed-without-hold", "signature:employee")]
    assert desk.states()[0] == "revoking"
    desk.answer()
    assert desk.states()[0] == "open"


def test_a_row_that_changed_between_its_reading_and_the_register_s_is_not_judged(desk: Desk) -> None:
    desk.open()
    desk.peers.rows = {"assessment": [_review(desk, employee=_held(2))], "packets": []}

    def meanwhile(owner: str, asked: int) -> None:
        # The first page of assessment has been read, and our own row; before the second somebody signs.
        if owner == "assessment" and asked == 4:
            desk.signed(MANAGER)

    desk.peers.before_answer = meanwhile
    desk.peers.restored = "a restore"
    assert _findings(desk) == []
    assert desk.states()[0] == "open"
    assert desk.peers.swept == []


def test_a_restored_assessment_is_told_of_a_sweep_once_all_its_rows_are_compared(desk: Desk) -> None:
    desk.open()
    desk.peers.rows = {"assessment": [_review(desk, employee=_held(2))], "packets": []}
    assert _findings(desk) == [("signature-lost", "signature:employee")]
    assert desk.peers.swept == []
    told: list[Any] = []

    def look(owner: str, _asked: int) -> None:
        told.append((owner, list(desk.peers.swept)))

    desk.peers.before_answer = look
    desk.peers.restored = "a restore"
    assert _findings(desk) == []
    assert told == [("packets", []), *[("assessment", [])] * 3]
    assert desk.peers.swept == ["a restore"]


def test_a_restored_assessment_is_told_of_no_sweep_while_somebody_signs(desk: Desk) -> None:
    desk.open()
    desk.sign(EMPLOYEE)
    desk.peers.rows = {"assessment": [_review(desk)], "packets": []}
    desk.peers.restored = "a restore"
    _findings(desk)
    assert desk.peers.swept == []
    desk.answer()
    desk.peers.rows = {"assessment": [_review(desk, employee=_held(2))], "packets": []}
    _findings(desk)
    assert desk.peers.swept == ["a restore"]


def test_a_restored_database_jumps_past_what_may_be_in_flight(desk: Desk) -> None:
    desk.open()
    desk.signed(MANAGER)
    desk.sign(EMPLOYEE)
    desk.drain()
    desk.peers.rows = {
        "assessment": [_review(desk), _review(desk, OTHER_REVIEW, completion=_held(4, snapshot_hash=H2))],
        "packets": [],
    }
    before = desk.rows("select row_version, event_sequence from record")[0]
    assert desk.service.move_restored() == 2
    rows = desk.rows(
        "select employee_state, employee_fence, manager_state, completion_state, row_version from record"
        " order by review_id"
    )
    assert rows[0][:4] == ("pending", 2004, "revoking", "none")
    assert rows[0][4] > before[0] + 1000
    assert rows[1][:4] == ("none", 0, "none", "lost")
    asked = {one["holder"]: (one["want"], one["fence"]) for one in desk.commands()}
    assert asked == {"signature:employee": ("held", 2004), "signature:manager": ("free", 2003)}
    numbers = [number for (number,) in desk.rows("select (headers->>'ce_sequence')::int from outbox order by id")]
    assert min(numbers) > before[1] + 1000
    assert numbers == sorted(set(numbers))
    assert desk.service.move_restored() == 2


def test_rows_that_assessment_does_not_name_are_moved_after_a_restore_too(desk: Desk) -> None:
    desk.open()
    before = desk.rows("select row_version from record")[0][0]
    assert desk.service.move_restored() == 1
    assert desk.rows("select row_version from record")[0][0] > before + 1000


def test_in_quarantine_neither_requests_nor_loops_touch_anything(desk: Desk) -> None:
    desk.open()
    with desk.service.db.begin() as tx:
        quarantine.begin(tx)
    before = desk.everything()
    desk.peers.rows = {"assessment": [_review(desk)], "packets": [_packet(desk, epoch=2)]}
    answer = desk.sign(EMPLOYEE)
    assert (answer.status_code, answer.json["code"]) == (503, "quarantined")
    assert desk.get(EMPLOYEE, f"/v1/signatures/{REVIEW}").status_code == 503
    for name in ("reconcile", "sweep"):
        with pytest.raises(quarantine.Quarantined):
            desk.periodic(name)
    assert desk.everything() == before


def test_a_sweep_that_another_service_does_not_answer_keeps_what_it_repaired(desk: Desk) -> None:
    desk.peers.rows = {"assessment": [_review(desk)], "packets": [_packet(desk)]}

    def refused(owner: str, asked: int) -> None:
        if owner == "assessment":
            flask.abort(403)

    desk.peers.before_answer = refused
    with pytest.raises(PeerRefused):
        desk.periodic("sweep")
    assert desk.rows("select released from record") == [(True,)]


def test_stored_answers_are_forgotten_after_a_week(desk: Desk) -> None:
    desk.open()
    desk.sign(EMPLOYEE)
    desk.run("update idempotency set created_at = %s", desk.clock())
    desk.clock.forward(days=6)
    assert desk.periodic("retention") == 0
    desk.clock.forward(days=2)
    assert desk.periodic("retention") == 1
