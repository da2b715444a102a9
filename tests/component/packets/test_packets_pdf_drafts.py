"""Previews as PDF: marked as drafts on every page, files of their own, and rendered before anybody asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from component.packets.many import turn
from component.packets.packets_office import EMPLOYEE, HR, MANAGER, OTHER, OTHER_EMPLOYEE, REVIEW, empty, open_office
from component.packets.pdf_documents import pages_of
from packets import pdf, store
from packets.commands import reading
from packets.commands.keeping import PDF as PDF_JOBS
from packets.domain.people import Actor
from packets.pdf import RenderLimits
from packets.work.rendering import TRIES_MAX, Printer
from reviewbus.jobs import Worker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from component.packets.packets_office import Office
    from harness.stack import ServiceDatabase

PDF = f"/v1/packets/{REVIEW}/pdf"
DRAFT = "Draft, not released"


@pytest.fixture
def ahead(packets_database: ServiceDatabase, tmp_path: Path) -> Iterator[Office]:
    """Give an office whose PDFs are rendered before anybody asks."""
    empty(packets_database)
    opened = open_office(packets_database, tmp_path, render_ahead=True)
    yield opened
    opened.close()


def drawn(office: Office, person: str) -> tuple[list[str], str]:
    """Return the pages of somebody's download, rendered if need be, and the name of the file."""
    office.get(person, PDF)
    office.work()
    answer = office.get(person, PDF)
    assert answer.status_code == 200, answer.json
    return pages_of(answer.data), answer.headers["Content-Disposition"]


def printer_of(office: Office) -> Printer:
    printer = office.service.jobs[PDF_JOBS].run.__self__  # type: ignore[attr-defined]
    assert isinstance(printer, Printer)
    return printer


def test_what_is_not_released_is_a_draft_on_every_page_and_the_released_one_nowhere(office: Office) -> None:
    office.ready()
    pages, name = drawn(office, HR)
    assert all(DRAFT in each for each in pages)
    assert "-draft.pdf" in name
    office.post(HR, f"/v1/packets/{REVIEW}/release-to-manager")
    assert office.get(MANAGER, PDF).status_code == 200
    office.released()
    for person in (EMPLOYEE, MANAGER, HR):
        pages, name = drawn(office, person)
        assert DRAFT not in " ".join(pages)
        assert name == f'attachment; filename="packet-{REVIEW}.pdf"'
    assert len(office.rows("select key from pdf_files")) == 2


def test_the_same_packet_released_twice_is_the_same_file(office: Office) -> None:
    office.ready()
    office.released()
    office.get(EMPLOYEE, PDF)
    office.work()
    first = office.get(EMPLOYEE, PDF)
    office.unrelease()
    office.answer("released", 3)
    assert DRAFT in drawn(office, HR)[0][0]
    office.released()
    again = office.get(EMPLOYEE, PDF)
    assert (again.status_code, again.data) == (200, first.data)
    assert office.row()["epoch"] == 2


def test_while_it_is_taken_back_hr_reads_a_draft(office: Office) -> None:
    office.ready()
    office.released()
    office.get(HR, PDF)
    office.work()
    office.unrelease()
    assert office.state() == "unreleasing"
    assert office.get(HR, PDF).status_code == 202
    assert DRAFT in drawn(office, HR)[0][0]


@pytest.mark.parametrize("turn", ["released", "taken back"])
def test_a_file_of_the_other_kind_is_not_given_away_when_the_packet_turns_meanwhile(office: Office, turn: str) -> None:
    office.ready()
    if turn == "taken back":
        office.released()
    with office.service.db.begin() as tx:
        authorised = store.read(tx, REVIEW)
    assert authorised is not None
    if turn == "taken back":
        office.unrelease()
    else:
        office.released()
    mark = office.mark()
    with office.service.db.begin() as tx:
        actor = Actor(person_id=HR, roles=frozenset({"hr_admin"}))  # type: ignore[arg-type]
        assert reading.download(tx, authorised, actor) is None
    assert office.types(since=mark) == []


def test_drafts_and_released_ones_are_there_when_they_are_first_asked_for(ahead: Office) -> None:
    ahead.ready()
    assert ahead.rows("select key from pdf_files") == []
    ahead.post(HR, f"/v1/packets/{REVIEW}/release-to-manager")
    ahead.work()
    assert DRAFT in pages_of(ahead.get(MANAGER, PDF).data)[0]
    ahead.released()
    ahead.work()
    assert DRAFT not in pages_of(ahead.get(EMPLOYEE, PDF).data)[0]


def test_a_draft_that_nobody_saw_before_the_release_is_never_rendered(ahead: Office) -> None:
    ahead.ready()
    ahead.post(HR, f"/v1/packets/{REVIEW}/release-to-manager")
    ahead.released()
    ahead.work()
    assert ahead.get(EMPLOYEE, PDF).status_code == 200
    assert len(ahead.rows("select key from pdf_files")) == 1


def test_a_file_that_somebody_waits_for_is_rendered_before_those_that_nobody_asked_for(ahead: Office) -> None:
    ahead.ready()
    ahead.opened(OTHER, subject_id=OTHER_EMPLOYEE)
    ahead.submitted(OTHER)
    ahead.work()
    for review_id in (REVIEW, OTHER):
        ahead.post(HR, f"/v1/packets/{review_id}/release-to-manager")
    ahead.do("delete from jobs where kind not in ('pdf', 'pdf-ahead')")
    assert ahead.get(MANAGER, f"/v1/packets/{OTHER}/pdf").status_code == 202
    Worker(ahead.service.db, ahead.service.jobs).run_once()
    assert ahead.get(MANAGER, f"/v1/packets/{OTHER}/pdf").status_code == 200


def test_while_a_command_for_many_is_carried_out_only_files_are_drawn_that_somebody_waits_for(ahead: Office) -> None:
    ahead.ready()
    wanted = {"action": "release-to-manager", "selection": {"review_ids": [REVIEW]}, "reason": "All of them."}
    assert ahead.post(HR, "/v1/packets/bulk", wanted).status_code == 202
    turn(ahead)
    assert ahead.rows("select key from jobs where kind = 'pdf-ahead'") == [{"key": REVIEW}]
    ahead.do("update operations set state = 'running'")
    ahead.work()
    assert ahead.rows("select key from pdf_files") == []
    assert ahead.get(MANAGER, PDF).status_code == 202
    ahead.work()
    assert ahead.get(MANAGER, PDF).status_code == 200
    ahead.do("delete from pdf_files")
    ahead.do("update operations set state = 'completed'")
    ahead.work()
    assert ahead.get(MANAGER, PDF).status_code == 200


def test_a_document_that_takes_all_time_is_given_up_with_its_reason_and_tried_again_the_next_day(
    office: Office,
) -> None:
    office.ready()
    office.released()
    renderer = printer_of(office).renderer
    renderer._limits = RenderLimits(render_s_max=0.001)
    for _ in range(TRIES_MAX):
        answer = office.get(EMPLOYEE, PDF)
        assert answer.status_code == 202
        office.work()
    answer = office.get(EMPLOYEE, PDF)
    assert (answer.status_code, answer.json["code"]) == (503, "pdf-not-renderable")
    assert office.rows("select body, failure from pdf_files") == [{"body": None, "failure": "render-timeout"}]
    assert office.rows("select * from jobs") == []
    renderer._limits = RenderLimits()
    office.clock.forward(days=1, seconds=1)
    assert office.periodic("retention") == 1
    assert DRAFT not in drawn(office, EMPLOYEE)[0][0]


def test_a_renderer_that_does_not_start_is_no_fault_of_the_document(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.ready()
    office.released()
    with monkeypatch.context() as broken:
        broken.setattr(pdf, "START_S_MAX", 0.001)
        for _ in range(TRIES_MAX + 1):
            assert office.get(EMPLOYEE, PDF).status_code == 202
            office.work()
    assert office.rows("select key from pdf_files") == []
    assert drawn(office, EMPLOYEE)[0]
