"""Tracking through HTTP: counts, lists and files; who follows what; and that a conversation was held."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

from component.packets.packets_office import (
    ASSISTANT,
    CALIBRATOR,
    CYCLE,
    DIRECTOR,
    EMPLOYEE,
    GOALS,
    HR,
    HR_BELOW,
    MANAGER,
    NOWHERE,
    OTHER,
    OTHER_EMPLOYEE,
    OUTSIDER,
    REASON,
    REVIEW,
)
from component.packets.test_packets_refusals import refused
from reviewbus.clock import rfc3339
from reviewbus.sheets import cell

if TYPE_CHECKING:
    import pytest

    from component.packets.packets_office import Office

TRACKING = f"/v1/packets/tracking/{CYCLE}"
PEOPLE = f"{TRACKING}/people"
PACKET = f"/v1/packets/{REVIEW}"
HELD = f"{PACKET}/conversation-held"


def counts(office: Office, person: str = HR, query: str = "") -> dict[str, int]:
    """Return the counts that are not 0."""
    answer = office.get(person, f"{TRACKING}{query}")
    assert answer.status_code == 200, answer.json
    return {name: count for name, count in answer.json["counts"].items() if count}


def tracked(office: Office, person: str = HR, query: str = "") -> list[dict[str, Any]]:
    answer = office.get(person, f"{PEOPLE}{query}")
    assert answer.status_code == 200, answer.json
    items: list[dict[str, Any]] = answer.json["items"]
    return items


def rows_of(answer: Any) -> list[dict[str, str]]:
    assert answer.status_code == 200, answer.json
    assert answer.mimetype == "text/csv"
    return list(csv.DictReader(io.StringIO(answer.data.decode(), newline="")))


def by_manager(office: Office) -> None:
    """From ready to released, by the manager."""
    office.post(HR, f"{PACKET}/release-to-manager")
    asked = office.post(MANAGER, f"{PACKET}/release", version=office.tag(person=MANAGER))
    assert asked.status_code == 202, asked.json
    office.answer("granted", 2 * asked.json["epoch"])


def test_a_packet_is_counted_step_by_step_and_not_when_it_was_taken_back(office: Office) -> None:
    office.ready()
    office.opened(OTHER, subject_id=OTHER_EMPLOYEE)
    both = {"packets": 2, "none": 1}
    assert counts(office) == both | {"ready": 1}
    office.post(HR, f"{PACKET}/release-to-manager")
    assert counts(office) == both | {"with_manager": 1, "sent": 1}
    assert office.post(MANAGER, HELD).status_code == 200
    assert counts(office) == both | {"with_manager": 1, "sent": 1, "conversations": 1}
    by_manager(office)
    released = both | {"released": 1, "sent": 1, "released_by_manager": 1, "conversations": 1}
    assert counts(office) == released
    office.get(EMPLOYEE, PACKET)
    assert counts(office) == released | {"viewed": 1}
    for holder in ("signature:employee", "signature:manager", "completion"):
        office.answer("granted", 2, holder=holder)
    signed = {"signed_by_employee": 1, "signed_by_manager": 1, "completed": 1}
    assert counts(office) == released | {"viewed": 1} | signed
    office.unrelease(revoke_signatures=True)
    assert counts(office) == both | {"unreleasing": 1} | signed
    for holder in ("signature:employee", "signature:manager", "completion"):
        office.answer("released", 3, holder=holder)
    office.answer("released", 3)
    assert counts(office) == both | {"ready": 1}
    office.released()
    assert counts(office) == both | {"released": 1, "released_by_hr": 1}


def test_the_list_tells_when_each_thing_came_about(office: Office) -> None:
    office.ready()
    moments = {}

    def at(name: str) -> None:
        office.clock.forward(minutes=1)
        moments[name] = rfc3339(office.clock())

    at("sent_at")
    office.post(HR, f"{PACKET}/release-to-manager")
    at("conversation_at")
    office.post(MANAGER, HELD)
    at("asked_at")
    asked = office.post(MANAGER, f"{PACKET}/release", version=office.tag(person=MANAGER))
    at("released_at")
    office.answer("granted", 2)
    at("viewed_at")
    office.get(EMPLOYEE, PACKET)
    del moments["asked_at"]
    (item,) = tracked(office)
    nothing = {"downloaded_at": None, "last_refusal": None, "override": None, "overridden": False, "completed": False}
    assert item == moments | nothing | {
        "review_id": REVIEW,
        "subject_id": EMPLOYEE,
        "manager_id": MANAGER,
        "state": "released",
        "epoch": asked.json["epoch"],
        "calibration": "not_required",
        "released_by": MANAGER,
        "released_as": "manager",
        "signed_by_employee": False,
        "signed_by_manager": False,
    }
    office.unrelease()
    (item,) = tracked(office)
    instants = {name: value for name, value in item.items() if name.endswith("_at")}
    assert set(instants.values()) | {item["released_by"], item["released_as"]} == {None}
    office.answer("released", 3)
    at("released_again")
    office.released()
    (item,) = tracked(office)
    assert (item["released_at"], item["released_as"], item["sent_at"]) == (moments["released_again"], "hr_admin", None)
    assert (item["viewed_at"], item["conversation_at"]) == (None, None)


def test_a_download_by_the_employee_counts_and_by_nobody_else(office: Office) -> None:
    office.ready()
    office.released()
    for person, downloaded in ((HR, 0), (MANAGER, 0), (EMPLOYEE, 1), (EMPLOYEE, 1)):
        assert office.get(person, f"{PACKET}/pdf").status_code in {200, 202}
        office.work()
        assert office.get(person, f"{PACKET}/pdf").status_code == 200
        assert counts(office).get("downloaded", 0) == downloaded
    (item,) = tracked(office)
    assert item["downloaded_at"] == item["viewed_at"] == rfc3339(office.clock())


def test_why_a_packet_needs_no_calibration_is_told_to_hr_alone_and_not_of_a_superior(office: Office) -> None:
    office.people()
    office.opened(calibrated=True)
    office.work()
    office.share(GOALS)
    office.submitted()
    office.work()
    for reason in ("The first reason.", REASON):
        office.post(HR, f"{PACKET}/override-calibration", {"reason": reason})
        office.submitted(kind="revised", answers={GOALS: f"<p>{reason}</p>"})
        office.work()
    assert counts(office).get("overridden") is None
    office.post(HR, f"{PACKET}/override-calibration", {"reason": REASON})
    assert counts(office)["overridden"] == 1
    told = {"at": rfc3339(office.clock()), "by": HR, "reason": REASON}
    whys = {each: tracked(office, each)[0]["override"] for each in (HR, HR_BELOW, ASSISTANT, MANAGER)}
    assert whys == {HR: told, HR_BELOW: None, ASSISTANT: None, MANAGER: None}
    assert all(tracked(office, each)[0]["overridden"] for each in whys)
    (line,) = rows_of(office.get(HR, f"{PEOPLE}?format=csv"))
    assert (line["override_by"], line["override_reason"]) == (HR, REASON)
    (line,) = rows_of(office.get(ASSISTANT, f"{PEOPLE}?format=csv"))
    assert (line["overridden"], line["override_by"], line["override_reason"]) == ("yes", "", "")


def test_everybody_follows_what_is_theirs(office: Office) -> None:
    office.ready()
    office.opened(OTHER, subject_id=OTHER_EMPLOYEE, manager_id=DIRECTOR)
    for person in (HR, HR_BELOW, ASSISTANT):
        assert [each["review_id"] for each in tracked(office, person)] == [REVIEW, OTHER]
        assert counts(office, person)["packets"] == 2
    assert [each["review_id"] for each in tracked(office, MANAGER)] == [REVIEW]
    assert counts(office, MANAGER) == {"packets": 1, "ready": 1}
    assert counts(office, DIRECTOR) == {"packets": 1, "none": 1}
    assert counts(office, DIRECTOR, f"?manager_id={MANAGER}") == {}
    assert tracked(office, DIRECTOR, f"?manager_id={MANAGER}") == []
    for person in (EMPLOYEE, OTHER_EMPLOYEE, CALIBRATOR, OUTSIDER):
        for path in (TRACKING, PEOPLE, f"{TRACKING}?format=csv", f"{PEOPLE}?format=csv"):
            refused(office, 404, "not-found", office.get, person, path)
    for person in (HR, MANAGER):
        refused(office, 404, "not-found", office.get, person, f"/v1/packets/tracking/{NOWHERE}")
        refused(office, 404, "not-found", office.get, person, f"/v1/packets/tracking/{NOWHERE}/people")


def test_nobody_of_hr_follows_the_own_review(office: Office) -> None:
    office.people()
    office.opened()
    office.opened(OTHER, subject_id=HR, manager_id=DIRECTOR)
    assert [each["review_id"] for each in tracked(office, HR)] == [REVIEW]
    assert counts(office, HR)["packets"] == 1
    assert [each["manager_id"] for each in office.get(HR, TRACKING).json["managers"]] == [MANAGER]
    assert [each["subject_id"] for each in rows_of(office.get(HR, f"{PEOPLE}?format=csv"))] == [EMPLOYEE]
    assert counts(office, ASSISTANT)["packets"] == 2


def test_malformed_questions_are_refused(office: Office) -> None:
    office.ready()
    for path in (TRACKING, PEOPLE):
        for query in ("?limit=0", "?limit=201", "?format=xml", "?what=else", "?cursor=zzz", "?manager_id="):
            refused(office, 422, "invalid-request", office.get, HR, f"{path}{query}")
    refused(office, 422, "invalid-request", office.get, HR, f"{PEOPLE}?state=lost")
    refused(office, 422, "invalid-request", office.get, HR, f"{TRACKING}?state=ready")
    refused(office, 404, "not-found", office.get, HR, "/v1/packets/tracking/no-uuid")


def crowd(office: Office, teams: dict[str, int]) -> list[str]:
    """Open reviews, so many for each manager; return their ids in order."""
    office.people()
    found = []
    for team, (manager, size) in enumerate(teams.items()):
        for number in range(size):
            found.append(f"0198c0de-2000-7b20-9c3f-0000{team:04}{number:04}")
            office.opened(found[-1], subject_id=f"p-{team}-{number}", manager_id=manager)
    return sorted(found)


def test_pages_of_managers_and_of_people_are_whole_and_in_order(office: Office) -> None:
    teams = {"p-a": 2, "p-b": 1, "p-c": 3, "p-d": 1}
    ids = crowd(office, teams)
    assert {limit: people_by(office, limit) for limit in (1, 3, 7, 8)} == dict.fromkeys((1, 3, 7, 8), ids)
    for limit in (1, 2, 4, 5):
        found: dict[str, int] = {}
        cursor: str | None = ""
        pages = 0
        while cursor is not None:
            page = office.get(HR, f"{TRACKING}?limit={limit}{cursor}").json
            assert page["counts"]["packets"] == 7
            found |= {each["manager_id"]: each["packets"] for each in page["managers"]}
            cursor = page["next_cursor"] and f"&cursor={page['next_cursor']}"
            pages += 1
        assert (list(found.items()), pages) == (list(teams.items()), -(-4 // limit))


def people_by(office: Office, limit: int, query: str = "") -> list[str]:
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = office.get(HR, f"{PEOPLE}?limit={limit}{query}{cursor}").json
        assert len(page["items"]) <= limit
        found += [each["review_id"] for each in page["items"]]
        cursor = page["next_cursor"] and f"&cursor={page['next_cursor']}"
    return found


def test_files_hold_all_pages_as_the_lists_do(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("packets.api.tracking.PAGE_ROWS", 2)
    ids = crowd(office, {"p-a": 2, "p-b": 1, "=cmd()": 2})
    lines = rows_of(office.get(HR, f"{PEOPLE}?format=csv&limit=1"))
    assert [each["review_id"] for each in lines] == ids
    for line, item in zip(lines, tracked(office), strict=True):
        plain = {name: value for name, value in item.items() if name != "override"}
        assert {name: line[name] for name in plain} == {name: cell(value) for name, value in plain.items()}
    managers = rows_of(office.get(HR, f"{TRACKING}?format=csv"))
    assert sorted((each["manager_id"], each["packets"]) for each in managers) == [
        ("'=cmd()", "2"),
        ("p-a", "2"),
        ("p-b", "1"),
    ]
    narrowed = rows_of(office.get(HR, f"{PEOPLE}?format=csv&manager_id=p-b"))
    assert [each["manager_id"] for each in narrowed] == ["p-b"]
    assert people_by(office, 2, "&state=ready") == []
    assert people_by(office, 2, "&state=none&manager_id=p-a") == ids[:2]


def test_a_file_names_people_in_its_last_columns_as_far_as_they_are_called_anything_here(office: Office) -> None:
    office.people()
    office.assessment.names = {EMPLOYEE: "Anna Ångström", MANAGER: "=Max()", DIRECTOR: "Dora"}
    office.opened()
    office.opened(OTHER, subject_id=OTHER_EMPLOYEE, manager_id=DIRECTOR)
    office.work()
    office.share(GOALS)
    office.submitted()
    office.work()
    columns = ("subject_id", "subject_name", "manager_id", "manager_name")
    for person in (HR, ASSISTANT):
        lines = rows_of(office.get(person, f"{PEOPLE}?format=csv"))
        assert [tuple(line[each] for each in columns) for line in lines] == [
            (EMPLOYEE, "Anna Ångström", MANAGER, "'=Max()"),
            (OTHER_EMPLOYEE, "", DIRECTOR, ""),
        ]
    assert list(lines[0])[:3] == ["review_id", "subject_id", "manager_id"]
    assert list(lines[0])[-2:] == ["subject_name", "manager_name"]
    managers = rows_of(office.get(HR, f"{TRACKING}?format=csv"))
    assert (next(iter(managers[0])), list(managers[0])[-1]) == ("manager_id", "manager_name")
    assert [(each["manager_id"], each["manager_name"]) for each in managers] == [(DIRECTOR, ""), (MANAGER, "'=Max()")]
    # Another manager has another name, which is not known before the packet shows something under it.
    office.do("update packets set manager_id = %s where review_id = %s", OUTSIDER, REVIEW)
    assert [each["manager_name"] for each in rows_of(office.get(HR, f"{PEOPLE}?format=csv"))] == ["", ""]
    for path in (PEOPLE, TRACKING):
        assert "Anna" not in office.get(HR, path).text


def test_a_conversation_is_recorded_once_and_told_to_hr_and_the_manager(office: Office) -> None:
    office.ready()
    refused(office, 404, "not-found", office.post, MANAGER, HELD)
    office.post(HR, f"{PACKET}/release-to-manager")
    mark, tag = office.mark(), office.tag()
    done = office.post(MANAGER, HELD)
    assert (done.status_code, done.json) == (200, {"review_id": REVIEW, "state": "with_manager", "epoch": 0})
    ((kind, fact),) = office.events(since=mark)
    assert (kind, fact["by"], fact["state"], fact["epoch"]) == ("conversation.recorded.v1", MANAGER, "with_manager", 0)
    (line,) = office.rows("select actor, role from audit where action = 'packet.conversation-held'")
    assert line == {"actor": MANAGER, "role": "manager"}
    mark, at = office.mark(), rfc3339(office.clock())
    office.clock.forward(minutes=1)
    assert office.post(MANAGER, HELD).status_code == 200
    assert office.mark() == mark
    assert office.tag() == tag
    by_manager(office)
    shown = {each: office.get(each, PACKET).json["conversation_at"] for each in (HR, MANAGER, EMPLOYEE)}
    assert shown == {HR: at, MANAGER: at, EMPLOYEE: None}
    office.unrelease()
    office.answer("released", 3)
    assert office.get(HR, PACKET).json["conversation_at"] is None


def test_a_conversation_is_the_managers_to_record_and_not_in_a_closed_cycle(office: Office) -> None:
    office.ready(calibrated=True)
    office.released()
    for person in (EMPLOYEE, HR, HR_BELOW, ASSISTANT, CALIBRATOR):
        refused(office, 403, "forbidden-role", office.post, person, HELD)
    refused(office, 404, "not-found", office.post, OUTSIDER, HELD)
    refused(office, 404, "not-found", office.post, MANAGER, f"/v1/packets/{NOWHERE}/conversation-held")
    refused(office, 422, "invalid-request", office.post, MANAGER, HELD, {"reason": "None is asked for."})
    refused(office, 400, "idempotency-key-missing", office.post, MANAGER, HELD, key=None)
    office.tell("review.closed.v1", office.about())
    refused(office, 409, "cycle-closed", office.post, MANAGER, HELD)


def test_a_repeated_key_records_one_conversation(office: Office) -> None:
    office.ready()
    office.released()
    mark = office.mark()
    first = office.post(MANAGER, HELD, key="the-key")
    again = office.post(MANAGER, HELD, key="the-key")
    assert (first.status_code, first.json) == (again.status_code, again.json)
    assert office.types(since=mark) == ["conversation.recorded.v1"]
    refused(office, 422, "idempotency-key-reused", office.post, MANAGER, HELD, key="the-key", raw=b" {}")
