"""Jobs, reconciler, sweep, restore: what is lost is asked for again, and what differs is set right."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from component.packets.packets_office import (
    EMPLOYEE,
    GOALS,
    HR,
    OTHER,
    OTHER_EMPLOYEE,
    QUESTIONNAIRE,
    REVIEW,
)
from packets.work.upkeep import READ_ROWS
from reviewbus import quarantine, telemetry
from reviewbus.jobs import ATTEMPTS_MAX

if TYPE_CHECKING:
    from component.packets.packets_office import Office

PACKET = f"/v1/packets/{REVIEW}"


def violations(kind: str) -> float:
    return float(telemetry.INVARIANT_VIOLATIONS.labels(kind=kind)._value.get())


def sent(office: Office) -> None:
    """The relay has sent everything."""
    office.do("delete from outbox")


def test_content_whose_hashes_differ_is_not_taken(office: Office) -> None:
    office.people()
    office.opened()
    office.work()
    office.share(GOALS)
    office.submitted()
    item = office.assessment.items["manager-assessment", REVIEW, 1]
    honest = item["answers"][0]["value"]
    item["answers"][0]["value"] = "<p>Other words</p>"
    office.work()
    assert office.rows("select * from contents") == []
    assert office.state() == "none"
    item["answers"][0]["value"] = honest
    office.clock.forward(minutes=10)
    office.work()
    assert office.state() == "ready"


def test_content_that_is_not_what_was_announced_makes_no_packet(office: Office) -> None:
    office.people()
    office.opened()
    office.work()
    office.share(GOALS)
    office.submitted()
    office.assessment.write(REVIEW, 1, QUESTIONNAIRE, {GOALS: "<p>Another version</p>"})
    office.work()
    assert office.state() == "none"


def test_one_version_that_is_missing_does_not_hold_up_the_others(office: Office) -> None:
    office.people()
    office.opened()
    office.opened(OTHER, subject_id=OTHER_EMPLOYEE)
    office.work()
    office.share(GOALS)
    office.submitted()
    office.submitted(OTHER)
    del office.assessment.items["manager-assessment", REVIEW, 1]
    office.work()
    assert (office.state(), office.state(OTHER)) == ("none", "ready")
    assert [each["key"] for each in office.rows("select key from jobs where kind = 'content'")] == [f"{REVIEW}:1"]


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("/internal/contents", "content"),
        ("/internal/people", "people"),
        ("/internal/cycles", "people"),
        ("/internal/contents", "questionnaire"),
    ],
)
def test_what_was_given_up_is_fetched_later(office: Office, address: str, kind: str) -> None:
    office.people()
    office.opened()
    if kind != "questionnaire":
        office.work()
        office.share(GOALS)
        office.submitted()
    office.assessment.refused = address
    for _ in range(ATTEMPTS_MAX):
        assert office.periodic("fetches") == 0
        office.work()
        office.clock.forward(minutes=6)
    assert office.rows("select kind, status from jobs where kind <> 'pdf'") == [{"kind": kind, "status": "dead"}]
    office.assessment.refused = None
    assert office.periodic("fetches") == 1
    assert office.periodic("fetches") == 0
    office.work()
    assert office.rows("select * from jobs") == []
    if kind == "questionnaire":
        office.share(GOALS)
        office.submitted()
        office.work()
    assert office.state() == "ready"
    assert office.rows("select subject_name is null as nameless from snapshots") == [{"nameless": False}]
    assert office.periodic("fetches") == 0


def test_an_older_version_that_arrives_late_is_kept_and_changes_nothing(office: Office) -> None:
    office.people()
    office.opened()
    office.work()
    office.share(GOALS)
    office.submitted()
    office.submitted(kind="revised", answers={GOALS: "<p>Newer</p>"})
    office.work()
    assert len(office.rows("select * from contents")) == 2
    assert (office.state(), office.row()["snapshot_manager_version"]) == ("ready", 2)


def test_a_release_that_waits_is_asked_for_again_with_the_same_fence_and_more_and_more_seldom(office: Office) -> None:
    office.ready()
    office.release()
    (_, lock) = office.events()[-1]
    office.clock.forward(seconds=6)
    assert office.periodic("reconcile") == 0, "its command has not left yet"
    sent(office)
    before = office.row()
    assert office.periodic("reconcile") == 1
    assert office.events() == [("hold.requested.v1", lock)]
    after = office.row()
    assert (after["row_version"], after["event_sequence"]) == (before["row_version"], before["event_sequence"] + 1)
    sent(office)
    assert office.periodic("reconcile") == 0
    office.clock.forward(seconds=16)
    assert office.periodic("reconcile") == 1
    sent(office)
    office.clock.forward(seconds=14)
    assert office.periodic("reconcile") == 0
    office.answer("granted", 2)
    sent(office)
    office.clock.forward(hours=1)
    assert office.periodic("reconcile") == 0


def test_nothing_is_asked_again_while_the_outbox_lags(office: Office) -> None:
    office.ready()
    office.release()
    office.do("delete from outbox where type = 'hold.requested.v1'")
    office.do("update outbox set created_at = clock_timestamp() - interval '6 seconds'")
    office.clock.forward(seconds=6)
    assert office.periodic("reconcile") == 0
    sent(office)
    assert office.periodic("reconcile") == 1


def test_an_unrelease_that_waits_is_asked_for_again(office: Office) -> None:
    office.ready()
    office.released()
    office.unrelease()
    sent(office)
    office.clock.forward(seconds=6)
    assert office.periodic("reconcile") == 1
    ((_, unlock),) = office.events()
    assert (unlock["fence"], unlock["want"]) == (3, "free")


def test_a_sweep_finds_nothing_where_all_agree(office: Office) -> None:
    office.ready()
    office.released()
    before = office.contents()
    assert list(office.service.sweep()) == []
    assert office.contents() == before


def test_a_register_held_for_no_release_is_freed_at_a_newer_epoch(office: Office) -> None:
    office.ready()
    office.assessment.hold(REVIEW, "release", 8, held=True, epoch=4, snapshot_hash=office.row()["snapshot_hash"])
    kind = "register-without-release"
    counted = violations(kind)
    assert office.service.sweep() == [{"review_id": REVIEW, "finding": kind}]
    assert (office.state(), office.row()["epoch"]) == ("unreleasing", 4)
    assert violations(kind) == counted
    (_, fact), (_, unlock) = office.events()[-2:]
    assert (fact["reason"], fact["was"], fact["by_role"]) == ("register-without-release", "unknown", "system")
    assert unlock["fence"] == 9


def test_a_released_packet_whose_register_is_free_is_hidden_and_an_old_one_raises_the_alarm(office: Office) -> None:
    office.ready()
    office.released()
    office.assessment.hold(REVIEW, "release", 2, held=False)
    office.clock.forward(minutes=11)
    kind = "release-without-register"
    counted = violations(kind)
    assert office.periodic("sweep") == 1
    assert office.state() == "unreleasing"
    assert office.get(EMPLOYEE, PACKET).status_code == 404
    assert violations(kind) == counted + 1


def test_a_released_packet_whose_review_assessment_does_not_have_is_hidden(office: Office) -> None:
    office.ready()
    office.released()
    office.opened(OTHER, subject_id=OTHER_EMPLOYEE)
    del office.assessment.rows[REVIEW]
    assert office.service.sweep() == [{"review_id": REVIEW, "finding": "release-without-register"}]
    assert (office.state(), office.state(OTHER)) == ("unreleasing", "none")
    assert office.get(EMPLOYEE, PACKET).status_code == 404
    (_, fact), (_, unlock) = office.events()[-2:]
    assert (fact["reason"], unlock["want"], unlock["fence"]) == ("release-without-register", "free", 3)
    assert list(office.service.sweep()) == []


def test_a_packet_written_while_the_sweep_looked_elsewhere_is_left_alone(office: Office) -> None:
    office.ready()
    office.assessment.hold(REVIEW, "release", 8, held=True)

    def meanwhile() -> None:
        office.assessment.before_answer = None
        office.post(HR, f"{PACKET}/release-to-manager")

    office.assessment.restored = "a restore"
    office.assessment.before_answer = lambda: setattr(office.assessment, "before_answer", meanwhile)
    assert list(office.service.sweep()) == []
    assert office.state() == "with_manager"
    assert office.assessment.swept == []


def test_a_restored_assessment_is_told_of_a_sweep_once_what_it_lost_is_hidden(office: Office) -> None:
    office.ready()
    office.release()
    office.assessment.restored = "a restore"
    assert list(office.service.sweep()) == []
    assert office.assessment.swept == [], "what was granted before the restore may still come in"
    office.answer("granted", 2)
    office.assessment.hold(REVIEW, "release", 0, held=False)
    states: list[str] = []
    office.assessment.before_swept = lambda: states.append(office.state())
    assert office.periodic("sweep") == 1
    assert (states, office.assessment.swept) == (["unreleasing"], ["a restore"])
    office.assessment.restored = None
    office.service.sweep()
    assert office.assessment.swept == ["a restore"]


def test_lost_facts_are_made_up_for_and_missing_rows_made(office: Office) -> None:
    office.people()
    office.opened()
    office.opened(OTHER, subject_id=OTHER_EMPLOYEE)
    office.work()
    office.share(GOALS)
    office.submitted(told=False)
    office.submitted(OTHER, told=False)
    office.assessment.hold(OTHER, "signature:employee", 2, held=True)
    office.do("delete from packets where review_id = %s", OTHER)
    found = {(each["review_id"], each["finding"]) for each in office.service.sweep()}
    assert found == {
        (REVIEW, "projection-late"),
        (OTHER, "packet-missing"),
        (OTHER, "projection-late"),
        (OTHER, "holds-late"),
    }
    office.work()
    assert (office.state(), office.row(OTHER)["holds"]) == ("ready", [["signature:employee", 2, True]])
    assert list(office.service.sweep()) == []


def test_a_sweep_goes_through_all_pages(office: Office) -> None:
    office.people()
    ids = [f"0198c0de-2000-7b20-9c3f-{number:012x}" for number in range(1, 206)]
    office.opened(ids[0])
    row = office.assessment.rows[ids[0]]
    office.assessment.rows |= {each: {**row, "review_id": each} for each in ids[1:]}
    assert len(office.service.sweep()) == 204
    assert list(office.service.sweep()) == []
    assert office.rows("select count(*) as rows from packets") == [{"rows": 205}]


def test_a_sweep_reaches_every_row_of_ours_though_assessment_lacks_most(office: Office) -> None:
    office.ready()
    office.released()
    prefix, rows = REVIEW[:-4], READ_ROWS + 50
    office.do(
        "insert into packets select (jsonb_populate_record(known, jsonb_build_object("
        "'review_id', %s || lpad(to_hex(number), 4, '0')))).* from packets known, generate_series(2, %s) number",
        prefix,
        rows,
    )
    last = f"{prefix}{rows:04x}"
    office.assessment.rows[last] = {**office.assessment.rows[REVIEW], "review_id": last}
    found = office.service.sweep()
    assert [each["review_id"] for each in found] == [f"{prefix}{number:04x}" for number in range(2, rows)]
    assert {each["finding"] for each in found} == {"release-without-register"}
    assert list(office.service.sweep()) == []


def test_a_restored_database_moves_every_row_past_what_is_in_flight(office: Office) -> None:
    office.ready()
    office.released()
    office.opened(OTHER, subject_id=OTHER_EMPLOYEE)
    office.assessment.hold(REVIEW, "release", 8, held=True)
    office.assessment.hold(REVIEW, "signature:employee", 2, held=True)
    lost = "0198c0de-2000-7b20-9c3f-000000000003"
    office.opened(lost, subject_id=OTHER_EMPLOYEE)
    office.assessment.hold(lost, "release", 4, held=True)
    unknown = "0198c0de-2000-7b20-9c3f-000000000004"
    office.opened(unknown)
    del office.assessment.rows[unknown]
    office.do("delete from packets where review_id = %s", lost)
    versions = {each: office.row(each)["row_version"] for each in (REVIEW, OTHER, unknown)}
    with office.service.db.begin() as tx:
        quarantine.begin(tx)
    assert office.get(EMPLOYEE, PACKET).status_code == 503
    assert office.unrelease().status_code == 503
    mark = office.mark()
    assert office.service.move_restored() == 4
    assert office.row()["holds"] == [["signature:employee", 2, True]]
    assert office.service.move_restored() == 0, "a repeat after a crash moves nothing twice"
    rows = {each: office.row(each) for each in (REVIEW, OTHER, lost, unknown)}
    assert {row["state"] for row in rows.values()} == {"unreleasing"}
    assert [row["epoch"] for row in rows.values()] == [1004, 1000, 1002, 1000]
    assert all(rows[each]["row_version"] > versions[each] + 900_000 for each in versions)
    assert sorted(office.types(since=mark)) == ["hold.requested.v1"] * 4 + ["packet.unreleased.v1"] * 4
    assert {data["reason"] for kind, data in office.events(since=mark) if kind == "packet.unreleased.v1"} == {
        "restored"
    }
    with office.service.db.begin() as tx:
        quarantine.lift(tx)
    office.answer("granted", 8)
    assert office.state() == "unreleasing", "an answer from before the restore is not believed"
    office.answer("released", 2009)
    assert office.state() == "ready"


def test_rows_are_moved_under_quarantine_only(office: Office) -> None:
    office.ready()
    with pytest.raises(AssertionError, match="quarantine"):
        office.service.move_restored()


def test_retention_forgets_answers_after_a_week_and_files_after_their_time(office: Office) -> None:
    office.ready()
    office.released()
    office.get(HR, f"{PACKET}/pdf")
    office.work()
    assert office.periodic("retention") == 0
    office.do("update idempotency set created_at = created_at - interval '400 days'")
    office.clock.forward(days=91)
    assert office.periodic("retention") == 2
    assert office.rows("select key from pdf_files") == []


def test_names_are_asked_for_once_and_pdfs_rendered_ahead_only_where_that_is_wished(office: Office) -> None:
    office.ready()
    office.post(HR, f"{PACKET}/release-to-manager")
    office.work()
    assert office.assessment.asked.count("/internal/people") == 1
    assert office.rows("select key from pdf_files") == []
    assert office.rows("select * from jobs") == []
