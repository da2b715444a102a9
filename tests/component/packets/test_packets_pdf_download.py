"""Downloading a packet: rendered by the worker, kept under what it was made of, rights looked at last."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from pypdf import PdfReader

from component.packets.packets_office import CANARY, CYCLE, EMPLOYEE, GOALS, HR, MANAGER, OUTSIDER, REVIEW
from packets import store
from packets.pdf import TEMPLATE_VERSION
from packets.queries import packets as queries

if TYPE_CHECKING:
    from component.packets.packets_office import Office

PDF = f"/v1/packets/{REVIEW}/pdf"


def test_a_download_waits_for_the_rendering_and_gives_the_same_bytes_again(office: Office) -> None:
    office.ready()
    office.released()
    mark = office.mark()
    first = office.get(EMPLOYEE, PDF)
    assert (first.status_code, first.json, first.headers["Retry-After"]) == (202, {"state": "rendering"}, "1")
    assert office.types(since=mark) == []
    office.work()
    got = office.get(EMPLOYEE, PDF)
    assert (got.status_code, got.mimetype) == (200, "application/pdf")
    assert got.headers["Cache-Control"] == "no-store"
    assert f"Name of {EMPLOYEE}" in PdfReader(io.BytesIO(got.data)).pages[0].extract_text()
    assert office.types(since=mark) == ["packet.viewed.v1", "packet.downloaded.v1"]
    assert office.get(EMPLOYEE, PDF).data == got.data
    office.do("delete from pdf_files")
    office.get(EMPLOYEE, PDF)
    office.work()
    assert office.get(EMPLOYEE, PDF).data == got.data
    assert CANARY not in str(office.events(since=mark))


def test_a_file_that_is_there_is_not_given_to_those_who_may_not_read(office: Office) -> None:
    office.ready()
    office.released()
    office.get(HR, PDF)
    office.work()
    assert office.get(HR, PDF).status_code == 200
    assert office.get(OUTSIDER, PDF).status_code == 404
    office.unrelease()
    mark = office.mark()
    assert office.get(EMPLOYEE, PDF).status_code == 404
    assert office.get(MANAGER, PDF).status_code == 404
    assert office.types(since=mark) == []


def test_names_stay_as_they_were_when_the_snapshot_was_taken(office: Office) -> None:
    office.ready()
    office.assessment.names[EMPLOYEE] = "Another name"
    office.released()
    assert office.get(EMPLOYEE, f"/v1/packets/{REVIEW}").json["subject_name"] == f"Name of {EMPLOYEE} {CANARY}"


def test_the_header_names_the_cycle_as_it_was_called_when_the_names_were_frozen(office: Office) -> None:
    office.ready()
    office.released()
    office.get(HR, PDF)
    office.work()
    first = office.get(EMPLOYEE, PDF).data
    assert office.get(EMPLOYEE, f"/v1/packets/{REVIEW}").json["cycle_name"] == f"Year 2026 {CANARY}"
    words = " ".join(PdfReader(io.BytesIO(first)).pages[0].extract_text().split())
    assert f"Year 2026 {CANARY} · Annual review {CANARY}" in words
    office.assessment.cycles[CYCLE] = "Renamed"
    office.do("delete from pdf_files")
    office.get(HR, PDF)
    office.work()
    assert office.get(EMPLOYEE, PDF).data == first


def test_the_same_content_in_another_cycle_is_another_document(office: Office) -> None:
    office.ready()
    office.released()
    office.get(HR, PDF)
    office.work()
    assert office.get(HR, PDF).status_code == 200
    office.do("update snapshots set cycle_name = 'Year 2027'")
    assert office.get(HR, PDF).status_code == 202
    office.work()
    assert "Year 2027" in PdfReader(io.BytesIO(office.get(HR, PDF).data)).pages[0].extract_text()


def test_without_a_name_of_the_cycle_the_questionnaires_title_stands_alone(office: Office) -> None:
    office.people()
    office.assessment.cycles.clear()
    office.opened()
    office.work()
    office.share(GOALS)
    office.submitted()
    office.work()
    office.released()
    office.get(HR, PDF)
    office.work()
    words = " ".join(PdfReader(io.BytesIO(office.get(EMPLOYEE, PDF).data)).pages[0].extract_text().split())
    assert f"Annual review {CANARY}" in words
    assert "·" not in words.partition(f"Annual review {CANARY}")[0]


def test_the_managers_download_before_the_release_is_no_view(office: Office) -> None:
    office.ready()
    office.post(HR, f"/v1/packets/{REVIEW}/release-to-manager")
    office.get(MANAGER, PDF)
    office.work()
    mark, before = office.mark(), office.row()["row_version"]
    assert office.get(MANAGER, PDF).status_code == 200
    kind, fact = office.events(since=mark)[0]
    assert (kind, fact["by_role"], fact["reader_id"]) == ("packet.downloaded.v1", "manager", MANAGER)
    assert (office.row()["row_version"], office.row()["viewed_epoch"]) == (before, None)


def test_another_questionnaire_with_the_same_questions_is_another_document(office: Office) -> None:
    office.ready()
    office.released()
    office.get(HR, PDF)
    office.work()
    assert office.get(HR, PDF).status_code == 200
    office.do(
        "insert into questionnaires select id, 2, content_hash, 'Next year', questions, fetched_at from questionnaires"
    )
    office.do("update contents set questionnaire_version = 2")
    assert office.get(HR, PDF).status_code == 202
    office.work()
    assert office.get(HR, PDF).status_code == 200
    assert office.rows("select count(distinct body) as files from pdf_files") == [{"files": 2}]


def test_a_document_that_cannot_be_drawn_says_so(office: Office) -> None:
    office.ready()
    office.released()
    with office.service.db.begin() as tx:
        packet = store.read(tx, REVIEW)
        assert packet is not None
        paper = queries.paper(tx, packet, company="Example GmbH", template=TEMPLATE_VERSION)
        store.keep_pdf(tx, paper.key, snapshot_hash="x", body=None, failure="not-renderable")
    answer = office.get(EMPLOYEE, PDF)
    assert (answer.status_code, answer.json["code"]) == (503, "pdf-not-renderable")
