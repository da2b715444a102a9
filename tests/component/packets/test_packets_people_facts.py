"""Who reports to whom decides what HR may do, also where the facts about it were lost or came after the backup."""

from __future__ import annotations

from typing import TYPE_CHECKING

from component.packets.packets_office import EMPLOYEE, HR, HR_BELOW, MANAGER, REVIEW
from reviewbus import quarantine

if TYPE_CHECKING:
    from component.packets.packets_office import Office

PACKET = f"/v1/packets/{REVIEW}"


def told(version: int, **lines: str | None) -> list[dict[str, object]]:
    return [
        {"person_id": f"p-{each}", "manager_id": manager, "active": True, "version": version}
        for each, manager in sorted(lines.items())
    ]


def test_who_reports_to_whom_is_learnt_by_the_sweep_where_facts_were_lost(office: Office) -> None:
    office.ready()
    office.do("delete from directory where person_id <> %s", EMPLOYEE)
    send = f"{PACKET}/release-to-manager"
    assert office.post(HR, send).get_json()["code"] == "unknown-person"
    lines = {"dora": None, "helen": "p-dora", "hugo": "p-anna", "max": "p-dora"}
    # What is said of the employee is older than what is known.
    office.assessment.everybody = sorted(
        told(1, **lines) + told(0, anna="p-olga"), key=lambda one: str(one["person_id"])
    )
    assert office.service.sweep() == [{"finding": "people-facts-repaired", "people": 4}]
    assert office.service.sweep() == []
    assert office.rows("select manager_id from directory where person_id = %s", EMPLOYEE) == [{"manager_id": MANAGER}]
    assert office.post(HR_BELOW, send).get_json()["code"] == "self-dealing"
    assert office.post(HR, send).status_code == 200


def test_after_a_restore_the_line_above_is_that_of_today_before_anybody_is_served(office: Office) -> None:
    office.ready()
    office.assessment.everybody = told(2, helen="p-anna")
    with office.service.db.begin() as tx:
        quarantine.begin(tx)
    office.service.move_restored()
    with office.service.db.begin() as tx:
        quarantine.lift(tx)
    assert office.post(HR, f"{PACKET}/release-to-manager").get_json()["code"] == "self-dealing"
