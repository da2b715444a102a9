"""The whole way of a packet through the service, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from component.packets.packets_office import (
    CALIBRATOR,
    CANARY,
    CYCLE,
    EMPLOYEE,
    GOALS,
    GROWTH,
    HR,
    MANAGER,
    OVERALL,
    REASON,
    REVIEW,
)

if TYPE_CHECKING:
    from component.packets.packets_office import Office

PACKET = f"/v1/packets/{REVIEW}"


def test_a_packet_is_ready_once_its_content_is_fetched_and_questions_are_shared(office: Office) -> None:
    office.ready()
    assert office.state() == "ready"
    assert [kind for kind in office.types() if kind.startswith("packet")] == ["packet.ready.v1"]
    seen = office.get(HR, f"{PACKET}/preview")
    assert seen.status_code == 200
    assert [(each["question_id"], each["value"]) for each in seen.json["questions"]] == [
        (GOALS, f"<p>The migration. {CANARY}</p>"),
        (GROWTH, "o-lead"),
    ]
    assert seen.json["subject_name"] == f"Name of {EMPLOYEE} {CANARY}"
    assert office.get(EMPLOYEE, PACKET).status_code == 404
    assert office.get(MANAGER, PACKET).status_code == 404


def test_a_packet_goes_to_the_manager_and_from_there_to_the_employee(office: Office) -> None:
    office.ready()
    sent = office.post(HR, f"{PACKET}/release-to-manager")
    assert (sent.status_code, sent.json["state"]) == (200, "with_manager")
    tag = office.tag(person=MANAGER)
    asked = office.post(MANAGER, f"{PACKET}/release", version=tag)
    assert (asked.status_code, asked.json["state"], asked.json["epoch"]) == (202, "releasing", 1)
    assert asked.headers["Location"] == PACKET
    kind, lock = office.events()[-1]
    assert kind == "hold.requested.v1"
    assert (lock["fence"], lock["want"], lock["manager_id"]) == (2, "held", MANAGER)
    assert office.get(EMPLOYEE, PACKET).status_code == 404
    office.answer("granted", 2)
    mark = office.mark()
    read = office.get(EMPLOYEE, PACKET)
    assert (read.status_code, read.json["state"], read.json["read_as"]) == (200, "released", "employee")
    assert read.headers["Cache-Control"] == "no-store"
    assert office.types(since=mark) == ["packet.viewed.v1"]
    assert office.get(EMPLOYEE, PACKET).json["viewed"] is True
    assert office.types(since=mark) == ["packet.viewed.v1"]


def test_unrelease_hides_at_once_and_release_again_gives_the_same_hash_under_a_new_epoch(office: Office) -> None:
    office.ready()
    office.released()
    first = office.row()
    hidden = office.unrelease()
    assert (hidden.status_code, hidden.json["state"]) == (202, "unreleasing")
    assert office.get(EMPLOYEE, PACKET).status_code == 404
    assert office.get(MANAGER, PACKET).status_code == 404
    office.answer("released", 3)
    assert office.state() == "ready"
    office.released()
    again = office.row()
    assert (again["state"], again["epoch"]) == ("released", 2)
    assert again["snapshot_hash"] == first["snapshot_hash"]
    assert office.get(EMPLOYEE, PACKET).json["viewed"] is True


def test_a_rejected_release_comes_back_with_its_reason(office: Office) -> None:
    office.ready()
    office.release()
    office.answer("rejected", 2, reason="content-changed")
    assert (office.state(), office.row()["last_refusal"]) == ("ready", "content-changed")
    assert office.types()[-1] == "packet.release-failed.v1"


def test_a_calibrated_packet_shows_the_calibrated_rating_and_no_rating_answer(office: Office) -> None:
    office.ready(question_ids=(GOALS, OVERALL), calibrated=True)
    assert office.state() == "ready"
    shown = office.get(HR, PACKET).json
    assert [each["question_id"] for each in shown["questions"]] == [GOALS]
    assert (shown["rating"]["value"], shown["rating"]["shown"]) == (4, "calibrated")


def test_a_rating_changed_after_calibration_rebuilds_the_packet(office: Office) -> None:
    office.ready(calibrated=True)
    before = office.row()["snapshot_hash"]
    changed = office.change_rating(5)
    assert (changed.status_code, changed.json["rating_version"], changed.headers["ETag"]) == (200, 2, '"2"')
    assert office.row()["snapshot_hash"] != before
    assert office.types()[-2:] == ["calibration.rating-changed.v1", "packet.rebuilt.v1"]
    written = office.rows("select old, new, justification, session_id from calibration_ratings order by id")
    assert [(each["old"], each["new"]) for each in written] == [(None, "4"), ("4", "5")]
    assert written[1] == {"old": "4", "new": "5", "justification": REASON, "session_id": None}


def test_confirming_what_stands_is_nobodys_act_though_a_newer_list_reaches_the_packet_with_it(office: Office) -> None:
    office.ready(calibrated=True)
    session = office.row()["session_id"]
    version = office.get(HR, f"/v1/shared-questions/{CYCLE}").json["version"]
    office.put(HR, f"/v1/shared-questions/{CYCLE}", {"question_ids": [GOALS], "rating": True}, version=version)
    answer = office.post(HR, f"/v1/calibrations/{session}/confirm", {"review_ids": [REVIEW]})
    assert (answer.status_code, office.row()["selection_version"]) == (200, version + 1)
    assert office.rows("select * from audit where action = 'calibration.confirm'") == []


def test_a_revised_calibrated_review_is_stale_until_it_is_confirmed(office: Office) -> None:
    office.ready(calibrated=True)
    session = office.row()["session_id"]
    office.submitted(kind="revised", answers={GOALS: "<p>More</p>", GROWTH: "o-stay", OVERALL: 3})
    office.work()
    assert (office.state(), office.row()["calibration"]) == ("none", "stale")
    body = {"review_ids": [REVIEW]}
    assert office.post(CALIBRATOR, f"/v1/calibrations/{session}/confirm", body).status_code == 403
    assert office.post(HR, f"/v1/calibrations/{session}/confirm", body).status_code == 200
    assert (office.state(), office.row()["calibration"]) == ("ready", "calibrated")


def test_an_overridden_packet_shows_the_managers_rating_as_final(office: Office) -> None:
    office.people()
    office.opened(calibrated=True)
    office.work()
    office.share(GOALS)
    office.submitted()
    office.work()
    assert office.state() == "none"
    done = office.post(HR, f"{PACKET}/override-calibration", {"reason": REASON})
    assert (done.status_code, done.json["state"]) == (200, "ready")
    assert office.get(HR, PACKET).json["rating"]["shown"] == "manager_final"
    assert office.get(HR, PACKET).json["rating"]["value"] == 3


def test_a_new_selection_rebinds_ready_packets_but_not_released_ones(office: Office) -> None:
    office.ready(question_ids=(GOALS,))
    before = office.row()["snapshot_hash"]
    office.share(GOALS, GROWTH)
    assert office.row()["snapshot_hash"] != before
    office.released()
    bound = office.row()
    office.share(GROWTH)
    assert office.row() == bound
    office.unrelease()
    office.answer("released", 3)
    assert office.row()["selection_version"] == 3


def test_an_emptied_selection_withdraws_the_packet(office: Office) -> None:
    office.ready()
    office.share()
    assert office.state() == "none"
    kind, fact = office.events()[-1]
    assert (kind, fact["reason"]) == ("packet.withdrawn.v1", "no-shared-questions")


def test_manager_direct_gives_the_packet_to_the_manager_when_it_is_ready(office: Office) -> None:
    office.people()
    office.opened(release_mode="manager_direct")
    office.work()
    office.share(GOALS)
    office.submitted()
    office.work()
    assert office.state() == "with_manager"
    assert office.get(MANAGER, PACKET).status_code == 200


def test_signatures_block_unrelease_until_hr_revokes_them_with_it(office: Office) -> None:
    office.ready()
    office.released()
    office.answer("granted", 2, holder="signature:employee")
    refused = office.unrelease()
    assert (refused.status_code, refused.json["code"]) == (409, "signatures-present")
    assert refused.json["holders"] == ["signature:employee"]
    done = office.unrelease(revoke_signatures=True)
    assert done.status_code == 202
    assert office.row()["revoked_epoch"] == 1
    _, fact = next(each for each in office.events() if each[0] == "packet.unreleased.v1")
    assert (fact["revoke_signatures"], fact["was"], fact["by"]) == (True, "released", HR)
    assert REASON not in str(fact)
