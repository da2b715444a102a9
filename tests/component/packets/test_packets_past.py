"""A packet's history and what a release corrected, through HTTP: told whole, to whom they are, and nothing beside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from component.packets.packets_office import (
    ASSISTANT,
    CALIBRATOR,
    EMPLOYEE,
    GOALS,
    GROWTH,
    HR,
    HR_BELOW,
    MANAGER,
    NOWHERE,
    OUTSIDER,
    OVERALL,
    OWN,
    REASON,
    REVIEW,
)
from component.packets.test_packets_refusals import refused
from packets import store
from packets.commands.keeping import keep_many
from packets.domain import holds
from packets.domain.history import Act
from packets.domain.ids import OperationId, PersonId
from packets.domain.packet import Part, preview_tag
from packets.domain.people import Standing
from packets.domain.release import release, send_to_manager
from reviewbus.clock import rfc3339

if TYPE_CHECKING:
    import pytest

    from component.packets.packets_office import Office
    from packets.domain.facts import Record
    from packets.domain.packet import Packet

PACKET = f"/v1/packets/{REVIEW}"
HISTORY = f"{PACKET}/history"
CORRECTIONS = f"{PACKET}/corrections"
SECRET = "Nothing that HR has chosen to share."


def history(office: Office) -> Any:
    answer = office.get(HR, HISTORY)
    assert answer.status_code == 200, answer.json
    return answer.json


def corrections(office: Office, person: str = HR) -> Any:
    answer = office.get(person, CORRECTIONS)
    assert answer.status_code == 200, answer.json
    return answer.json


def taken_back(office: Office, **body: Any) -> None:
    epoch = office.row()["epoch"]
    answer = office.unrelease(**body)
    assert answer.status_code == 202, answer.json
    office.answer("released", holds.unlock_fence(epoch))


def drawn(words: list[dict[str, str]]) -> str:
    signs = {"same": "", "deleted": "-", "inserted": "+"}
    return "|".join(f"{signs[each['mark']]}{each['text'].strip()}" for each in words)


def test_a_history_tells_who_asked_released_and_took_back_and_why(office: Office) -> None:
    office.ready()
    office.post(HR, f"{PACKET}/release-to-manager")
    tag, row = office.tag(person=MANAGER), office.row()
    office.clock.forward(minutes=1)
    asked_at = rfc3339(office.clock())
    office.post(MANAGER, f"{PACKET}/release", version=tag)
    office.clock.forward(minutes=1)
    released_at = rfc3339(office.clock())
    office.answer("granted", 2)
    office.clock.forward(minutes=1)
    ended_at = rfc3339(office.clock())
    taken_back(office, revoke_signatures=True)
    office.released()
    told = history(office)
    assert (told["state"], told["epoch"], told["complete"]) == ("released", 2, True)
    first, second = told["releases"]
    nobody = {"code": None, "reason": None, "operation_id": None}
    assert first == {
        "epoch": 1,
        "outcome": "unreleased",
        "snapshot_hash": row["snapshot_hash"],
        "manager_version": 1,
        "selection_version": 1,
        "rating_version": 0,
        "asked": {"at": asked_at, "by": MANAGER, "by_role": "manager", **nobody},
        "released_at": released_at,
        "ended": {"at": ended_at, "by": HR, "by_role": "hr_admin", **nobody, "code": "correction", "reason": REASON},
        "revoked_signatures": True,
    }
    assert (second["outcome"], second["asked"]["by"], second["asked"]["reason"]) == ("released", HR, REASON)
    assert (second["snapshot_hash"], second["ended"]) == (row["snapshot_hash"], None)
    (stay,) = told["sendings"]
    assert (stay["sent"]["by"], stay["ended"]["code"], stay["ended"]["at"]) == (HR, "correction", ended_at)


def test_a_history_tells_how_each_attempt_ended(office: Office) -> None:
    office.ready()
    office.release()
    office.answer("rejected", 2, reason="content-changed")
    office.release()
    office.unrelease()
    office.answer("granted", 4)
    office.answer("released", 5)
    office.release()
    office.answer("superseded", 6, last_fence=40, held=False)
    told = history(office)
    assert [(each["epoch"], each["outcome"]) for each in told["releases"]] == [
        (1, "refused"),
        (2, "cancelled"),
        (3, "superseded"),
        (21, "in-flight"),
    ]
    assert told["releases"][0]["ended"]["code"] == "content-changed"
    assert [each["released_at"] for each in told["releases"]] == [None] * 4
    assert told["sendings"] == told["conversations"] == told["overrides"] == []


def test_a_history_tells_of_sends_overrides_and_conversations(office: Office) -> None:
    office.people()
    office.opened(calibrated=True)
    office.work()
    office.share(GOALS)
    office.submitted()
    office.work()
    office.post(HR, f"{PACKET}/override-calibration", {"reason": REASON})
    office.post(HR, f"{PACKET}/release-to-manager")
    office.post(MANAGER, f"{PACKET}/conversation-held")
    office.unrelease(reason="Sent too early.")
    told = history(office)
    (stay,) = told["sendings"]
    assert (stay["ended"]["by"], stay["ended"]["code"], stay["ended"]["reason"]) == (
        HR,
        "unreleased",
        "Sent too early.",
    )
    assert [(each["by"], each["reason"]) for each in told["overrides"]] == [(HR, REASON)]
    assert [(each["by"], each["by_role"]) for each in told["conversations"]] == [(MANAGER, "manager")]


def test_a_history_tells_how_the_rating_changed_after_its_session_and_nothing_of_the_session(office: Office) -> None:
    office.ready(calibrated=True)
    assert history(office)["ratings"] == []
    at = rfc3339(office.clock())
    assert office.change_rating(5, reason="Another customer praised it.").status_code == 200
    assert office.change_rating(5, reason="Nothing new.").status_code == 200
    assert office.change_rating(2, person=CALIBRATOR, reason="Mistaken.").status_code == 200
    told = history(office)["ratings"]
    assert [(each["by"], each["by_role"], each["old"], each["new"], each["reason"]) for each in told] == [
        (HR, "hr_admin", 4, 5, "Another customer praised it."),
        (CALIBRATOR, "calibrator", 5, 2, "Mistaken."),
    ]
    assert [each["rating_version"] for each in told] == [2, 3]
    assert {each["at"] for each in told} == {at}


def test_a_restore_stands_in_the_history(office: Office) -> None:
    office.ready()
    office.released()
    office.do("insert into service_flag (name) values ('quarantine')")
    office.service.move_restored()
    office.do("delete from service_flag")
    (one,) = history(office)["releases"]
    assert (one["epoch"], one["outcome"], one["ended"]["code"], one["ended"]["by"]) == (
        1,
        "unreleased",
        "restored",
        None,
    )


def test_a_history_is_hrs_alone(office: Office) -> None:
    office.ready(calibrated=True)
    office.released()
    for person in (EMPLOYEE, MANAGER, ASSISTANT, CALIBRATOR):
        refused(office, 403, "forbidden-role", office.get, person, HISTORY)
    for person in (OUTSIDER, HR_BELOW):
        refused(office, 404, "not-found", office.get, person, HISTORY)
    refused(office, 404, "not-found", office.get, HR, f"/v1/packets/{NOWHERE}/history")
    office.do("delete from directory where person_id = %s", HR)
    refused(office, 403, "unknown-person", office.get, HR, HISTORY)


def test_a_history_too_long_to_read_says_that_its_beginning_is_left_out(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("packets.store.history.LINES_MAX", 4)
    office.ready()
    for _ in range(2):
        office.released()
        taken_back(office)
    told = history(office)
    assert (told["complete"], [each["epoch"] for each in told["releases"]]) == (False, [1, 2])
    assert [each["asked"] is None for each in told["releases"]] == [True, False]


def released(packet: Packet, by: Standing) -> tuple[Packet, tuple[Record, ...]]:
    return release(packet, by, previewed=preview_tag(packet), has_reason=True)


def test_many_packets_take_one_statement_and_tell_whose_act_it_was(office: Office) -> None:
    office.ready()
    more = [f"0198c0de-2000-7b20-9c3f-00000000{number:04}" for number in range(20, 26)]
    for number, each in enumerate(more):
        office.opened(each, subject_id=f"p-{number}")
        office.submitted(each)
    office.work()
    operation = OperationId("0198c0de-5000-7e50-8f6a-000000000001")
    by = Standing(person_id=PersonId(HR), parts=frozenset({Part.HR_ADMIN}))
    statements: list[str] = []
    with office.service.db.begin() as tx:
        packets = store.load_many(tx, [REVIEW, *more])
        sa.event.listen(tx.connection, "before_cursor_execute", lambda *told: statements.append(told[2]))
        steps = [(each, *send_to_manager(each, by)) for each in packets.values()]
        keep_many(tx, steps, act=Act(by=PersonId(HR), reason=REASON, operation_id=operation))
    assert len([each for each in statements if "history" in each]) == 1
    lines = office.rows('select review_id, number, kind, "by", reason, operation_id from history order by review_id')
    assert {(each["kind"], each["by"], each["reason"], str(each["operation_id"])) for each in lines} == {
        ("sent", HR, REASON, operation)
    }
    numbers = {str(each["review_id"]): each["number"] for each in lines}
    told = office.rows(
        "select key, headers ->> 'ce_sequence' as n from outbox where type = 'packet.released-to-manager.v1'"
    )
    assert numbers == {each["key"]: int(each["n"]) for each in told}
    # What comes about for many at once leaves the instants of what came about before.
    sent_at = {each["sent_at"] for each in office.rows("select sent_at from packets")}
    office.clock.forward(minutes=1)
    with office.service.db.begin() as tx:
        packets = store.load_many(tx, [REVIEW, *more])
        keep_many(tx, [(each, *released(each, by)) for each in packets.values()])
    assert {each["sent_at"] for each in office.rows("select sent_at from packets where state = 'releasing'")} == sent_at
    assert None not in sent_at


def test_a_correction_is_told_question_by_question_and_the_employee_learns_only_when(office: Office) -> None:
    office.ready(question_ids=(GOALS, GROWTH))
    office.released()
    assert office.get(EMPLOYEE, PACKET).json["corrected_at"] is None
    nothing: dict[str, Any] = {"review_id": REVIEW, "before": None, "after": None, "questions": [], "rating": None}
    assert corrections(office) == corrections(office, MANAGER) == nothing
    first = office.row()
    taken_back(office)
    answers = {
        GOALS: f"<p>The <em>migration</em>.</p><ul><li>And<ul><li>{SECRET.lower()}</li></ul></li></ul>",
        GROWTH: "o-stay",
        OVERALL: 5,
    }
    office.submitted(kind="revised", answers=answers)
    office.work()
    office.clock.forward(minutes=1)
    office.released()
    at = rfc3339(office.clock())
    told = corrections(office, MANAGER)
    assert told == corrections(office, HR)
    assert (told["before"]["epoch"], told["before"]["snapshot_hash"]) == (1, first["snapshot_hash"])
    assert told["after"] == {"epoch": 2, "released_at": at, "snapshot_hash": office.row()["snapshot_hash"]}
    goals, growth = told["questions"]
    assert (goals["question_id"], goals["change"], goals["before"], goals["after"]) == (GOALS, "changed", None, None)
    assert drawn(goals["words"]).startswith("The migration.|-canary")
    assert drawn(goals["words"]).endswith(f"|+And\n{SECRET.lower()}")
    assert (growth["question_id"], growth["before"], growth["after"], growth["words"]) == (
        GROWTH,
        "o-lead",
        "o-stay",
        [],
    )
    assert told["rating"] is None
    seen = {each: office.get(each, PACKET).json for each in (EMPLOYEE, MANAGER, HR)}
    assert {each["corrected_at"] for each in seen.values()} == {at}
    assert "canary-7f3a-nobody-writes-this.</p>" not in str(seen[EMPLOYEE]["questions"])
    refused(office, 403, "forbidden-role", office.get, EMPLOYEE, CORRECTIONS)
    # The same released again is no new correction, and the one before stays one.
    taken_back(office)
    office.clock.forward(minutes=1)
    office.released()
    assert office.get(EMPLOYEE, PACKET).json["corrected_at"] == at
    assert corrections(office) == told


def test_the_same_released_again_is_not_corrected(office: Office) -> None:
    office.ready()
    office.released()
    taken_back(office)
    office.released()
    assert office.get(EMPLOYEE, PACKET).json["corrected_at"] is None
    assert corrections(office)["after"] is None


def test_questions_that_were_shared_or_are_no_longer_are_told_and_others_never(office: Office) -> None:
    office.ready(question_ids=(GOALS,))
    office.released()
    office.share(GROWTH)
    taken_back(office)
    revised = {GOALS: f"<p>{SECRET}</p>", GROWTH: "o-stay", OVERALL: 1, OWN: SECRET}
    office.submitted(kind="revised", answers=revised)
    office.work()
    office.released()
    told = corrections(office)
    assert [(each["question_id"], each["change"]) for each in told["questions"]] == [
        (GROWTH, "added"),
        (GOALS, "removed"),
    ]
    assert SECRET not in str(told)
    assert told["rating"] is None


def test_a_rating_is_told_as_the_packets_showed_it_and_never_as_it_was_before_calibration(office: Office) -> None:
    office.ready(question_ids=(GOALS, OVERALL), calibrated=True)
    office.released()
    taken_back(office)
    office.change_rating(5)
    office.change_rating(2)
    office.released()
    told = corrections(office)
    assert told["rating"] == {"change": "changed", "before": 4, "after": 2}
    assert (told["questions"], REASON in str(told)) == ([], False)
    taken_back(office)
    office.share(GOALS, OVERALL, rating=False)
    office.released()
    told = corrections(office)
    assert (told["rating"], told["questions"]) == ({"change": "removed", "before": 2, "after": None}, [])


def test_words_that_look_like_markup_are_words(office: Office) -> None:
    office.ready(question_ids=(GOALS,))
    office.released()
    taken_back(office)
    office.submitted(kind="revised", answers={GOALS: "<p>1 &lt; 2 <script>alert(1)</script>&lt;b&gt;</p>"})
    office.work()
    office.released()
    (told,) = corrections(office)["questions"]
    assert drawn(told["words"]).partition("|+")[2] == "1 < 2 <b>"


def test_corrections_are_for_those_who_may_read_the_packet_and_made_it(office: Office) -> None:
    office.ready(calibrated=True)
    refused(office, 404, "not-found", office.get, MANAGER, CORRECTIONS)
    refused(office, 404, "not-found", office.get, EMPLOYEE, CORRECTIONS)
    office.released()
    refused(office, 403, "forbidden-role", office.get, EMPLOYEE, CORRECTIONS)
    refused(office, 403, "forbidden-role", office.get, ASSISTANT, CORRECTIONS)
    for person in (OUTSIDER, CALIBRATOR, HR_BELOW):
        refused(office, 404, "not-found", office.get, person, CORRECTIONS)
    refused(office, 404, "not-found", office.get, HR, f"/v1/packets/{NOWHERE}/corrections")
    taken_back(office)
    refused(office, 404, "not-found", office.get, MANAGER, CORRECTIONS)
