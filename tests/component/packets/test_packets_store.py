"""The tables, the rows, and the reads for other services."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from component.packets.packets_office import (
    ASSISTANT,
    CYCLE,
    EMPLOYEE,
    GOALS,
    HR,
    MANAGER,
    OTHER,
    OTHER_EMPLOYEE,
    OUTSIDER,
    REVIEW,
)
from packets import app, store
from packets.domain.packet import PacketState
from packets.store.rows import from_row, to_row
from reviewbus import tables
from reviewbus.migrate import downgrade, upgrade

if TYPE_CHECKING:
    from component.packets.packets_office import Office
    from harness.stack import ServiceDatabase

SERVICE = "notifications"


def _difference(url: str) -> list[object]:
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "compare_type": True,
                "include_object": lambda _, name, kind, *__: not (kind == "table" and str(name).startswith("inbox_")),
            },
        )
        both = sa.MetaData()
        for metadata in (tables.metadata, store.metadata):
            for table in metadata.tables.values():
                table.to_metadata(both)
        found: list[object] = list(compare_metadata(context, both))
    engine.dispose()
    return [each for each in found if "alembic_version" not in str(each)]


def test_the_migrated_tables_are_those_of_the_code_up_down_and_up_again(own_packets_database: ServiceDatabase) -> None:
    url = own_packets_database.migrations_url
    assert _difference(url) == []
    downgrade(app.MIGRATIONS, url, "base")
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    assert set(sa.inspect(engine).get_table_names()) <= {"alembic_version"}
    upgrade(app.MIGRATIONS, url)
    assert _difference(url) == []


def test_a_row_gives_back_the_packet_that_was_written(office: Office) -> None:
    office.ready(calibrated=True)
    office.released()
    office.answer("granted", 2, holder="completion")
    row = office.row()
    packet = from_row({**row, "review_id": str(row["review_id"])})
    assert from_row(to_row(packet)) == packet


def test_a_row_that_was_written_meanwhile_is_not_overwritten(office: Office) -> None:
    office.ready()
    with office.service.db.begin() as tx:
        packet = store.load(tx, REVIEW)
    assert packet is not None
    office.post(HR, f"/v1/packets/{REVIEW}/release-to-manager")
    change = store.Change(old=packet, new=replace(packet, state=PacketState.NONE), records=0)
    with pytest.raises(store.VersionMissed), office.service.db.begin() as tx:
        store.save(tx, change)
    with pytest.raises(store.VersionMissed), office.service.db.begin() as tx:
        store.save_many(tx, [change, change])


def test_lists_show_each_what_is_theirs(office: Office) -> None:
    office.ready()
    office.opened(OTHER, subject_id=OTHER_EMPLOYEE)

    def listed(person: str, query: str = "") -> list[str]:
        answer = office.get(person, f"/v1/packets{query}")
        assert answer.status_code == 200, answer.json
        return [each["review_id"] for each in answer.json["items"]]

    assert listed(HR) == listed(ASSISTANT) == listed(MANAGER) == [REVIEW, OTHER]
    assert listed(EMPLOYEE) == listed(OUTSIDER) == []
    assert listed(HR, "?state=ready") == [REVIEW]
    assert listed(HR, f"?cycle_id={CYCLE}&person_id={OTHER_EMPLOYEE}") == [OTHER]
    assert listed(HR, f"?manager_id={OUTSIDER}") == []
    page = office.get(HR, "/v1/packets?limit=1").json
    assert [each["review_id"] for each in page["items"]] == [REVIEW]
    page = office.get(HR, f"/v1/packets?limit=1&cursor={page['next_cursor']}").json
    assert ([each["review_id"] for each in page["items"]], page["next_cursor"]) == ([OTHER], None)
    office.released()
    (own,) = office.get(EMPLOYEE, "/v1/packets").json["items"]
    assert (own["state"], own["calibration"], own["last_refusal"]) == ("released", None, None)
    seen = {one: office.get(one, f"/v1/packets?person_id={EMPLOYEE}").json["items"] for one in (HR, MANAGER, EMPLOYEE)}
    versions = {one: items[0]["row_version"] for one, items in seen.items()}
    assert versions == {HR: office.row()["row_version"], MANAGER: None, EMPLOYEE: None}


def test_actions_agree_with_what_the_commands_do_and_tell_the_employee_nothing(office: Office) -> None:
    office.ready()

    def allowed(person: str) -> set[str]:
        answer = office.get(person, f"/v1/packets/{REVIEW}/actions")
        assert answer.status_code == 200, answer.json
        return {each["name"] for each in answer.json["actions"] if each["allowed"]}

    assert allowed(HR) == {"read", "release-to-manager", "release"}
    assert allowed(MANAGER) == set()
    assert allowed(EMPLOYEE) == set()
    told = office.get(EMPLOYEE, f"/v1/packets/{REVIEW}/actions").json
    assert (told["state"], told["row_version"]) == (None, None)
    assert {each["code"] for action in told["actions"] for each in action["unmet"]} == {
        "not-released",
        "forbidden-role",
    }
    assert office.get(OUTSIDER, f"/v1/packets/{REVIEW}/actions").status_code == 404
    assert office.get(ASSISTANT, f"/v1/packets/{REVIEW}/actions").status_code == 403
    known = office.row()["row_version"]
    assert [office.get(one, f"/v1/packets/{REVIEW}/actions").json["row_version"] for one in (HR, MANAGER)] == [
        known,
        None,
    ]
    office.released()
    assert office.get(EMPLOYEE, f"/v1/packets/{REVIEW}/actions").json["row_version"] is None
    assert allowed(HR) == {"read", "release", "unrelease", "unrelease-and-revoke"}
    assert allowed(EMPLOYEE) == {"read"}


def test_other_services_see_every_row_in_pages(office: Office) -> None:
    office.ready()
    office.opened(OTHER, subject_id=OTHER_EMPLOYEE)
    office.released()
    office.answer("granted", 2, holder="signature:employee")
    office.unrelease(revoke_signatures=True)
    first = office.get(SERVICE, "/internal/states?limit=1").json
    (row,) = first["items"]
    assert (row["review_id"], row["state"], row["epoch"], row["revoked_epoch"]) == (REVIEW, "unreleasing", 1, 1)
    assert row["row_version"] == office.row()["row_version"]
    second = office.get(SERVICE, f"/internal/states?limit=1&cursor={first['next_cursor']}").json
    assert [(each["review_id"], each["revoked_epoch"]) for each in second["items"]] == [(OTHER, 0)]


def test_a_mail_about_a_packet_is_allowed_only_at_its_epoch_to_who_can_open_it(office: Office) -> None:
    office.ready()
    office.released()
    asked = [
        (EMPLOYEE, "packet", REVIEW, 1),
        (EMPLOYEE, "packet", REVIEW, 0),
        (MANAGER, "packet", REVIEW, 1),
        (OUTSIDER, "packet", REVIEW, 1),
        (EMPLOYEE, "packet", OTHER, 1),
        (EMPLOYEE, "form", REVIEW, 1),
    ]
    body = {"items": [{"person_id": who, "kind": kind, "review_id": which, "at": at} for who, kind, which, at in asked]}

    def answers() -> list[bool]:
        answer = office.client.post("/internal/visibility", json=body, headers=office.token(SERVICE))
        assert answer.status_code == 200, answer.json
        return [each["allowed"] for each in answer.json["items"]]

    assert answers() == [True, False, True, False, False, False]
    office.unrelease()
    assert not any(answers())


def test_a_cycles_selection_says_what_there_is_to_choose_from(office: Office) -> None:
    office.people()
    office.opened()
    path = f"/v1/shared-questions/{CYCLE}"
    empty = office.get(HR, path)
    assert (empty.json["questions"], empty.json["question_ids"], empty.headers["ETag"]) == (None, [], '"0"')
    office.work()
    assert [each["kind"] for each in office.get(HR, path).json["questions"]] == ["text", "single_choice", "rating"]
    changed = office.put(HR, path, {"question_ids": [GOALS]}, version=0)
    assert (changed.json["version"], changed.headers["ETag"]) == (1, '"1"')
    mark = office.mark()
    same = office.put(HR, path, {"question_ids": [GOALS]}, version=1)
    assert (same.json["version"], office.mark()) == (1, mark)
