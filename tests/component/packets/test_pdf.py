"""The PDF: what it says, the same bytes for the same document, tagged, and no larger than it may be."""

from __future__ import annotations

import io
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from pypdf import PdfReader

from component.packets.pdf_documents import a_document, answering, child_id, text_of
from packets import pdf_worker
from packets.pdf import (
    PdfAnswer,
    PdfRating,
    Renderer,
    RenderFailed,
    RenderLimits,
    fingerprint,
    from_wire,
    to_wire,
)
from packets.work import rendering

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def renderer() -> Iterator[Renderer]:
    with closing(Renderer()) as warm:
        yield warm


def test_a_document_rendered_twice_is_the_same_bytes(renderer: Renderer) -> None:
    first = renderer.render(a_document())
    renderer.render(answering("<p>something else in between</p>"))
    assert renderer.render(a_document()) == first


def test_a_document_rendered_in_two_processes_is_the_same_bytes(renderer: Renderer) -> None:
    with closing(Renderer()) as other:
        assert other.render(a_document()) == renderer.render(a_document())
        assert child_id(other) != child_id(renderer)


@pytest.mark.parametrize(
    "changes",
    [
        {"manager_name": "Other"},
        {"period": "Other"},
        {"rating": None},
        {"rating": PdfRating(value=3, lowest=1, highest=5)},
    ],
)
def test_another_document_is_another_file_under_another_key(renderer: Renderer, changes: dict[str, Any]) -> None:
    assert fingerprint(a_document(**changes)) != fingerprint(a_document())
    assert renderer.render(a_document(**changes)) != renderer.render(a_document())


def test_a_packet_shows_who_what_and_how_well(renderer: Renderer) -> None:
    text = text_of(renderer.render(a_document()))
    for words in (
        "Example GmbH",
        "Performance review",
        "First half of 2026",
        "Employee Änne Müller",
        "Manager Željko O'Neill",
        "What was achieved?",
        "The migration.",
        "Runbook",
        "2 Below on the scale from 1 to 5",
        "What next? No answer",
        "Final rating 4 Exceeds expectations on the scale from 1 to 5 1 Unsatisfactory 2 Below 3 Meets 4 Exceeds",
        "Page 1 of 1",
    ):
        assert words in text
    assert "sign" not in text.lower()


def test_a_packet_without_its_rating_shows_none(renderer: Renderer) -> None:
    text = text_of(renderer.render(a_document(rating=None, questions=(PdfAnswer(question="Q", html="<p>A</p>"),))))
    assert "ating" not in text
    assert " to 5" not in text


def test_pages_are_numbered_and_name_the_person(renderer: Renderer) -> None:
    pages = PdfReader(io.BytesIO(renderer.render(answering("<p>line</p>" * 150)))).pages
    assert len(pages) > 2
    for number, page in enumerate(pages, start=1):
        text = page.extract_text()
        assert f"Page {number} of {len(pages)}" in text
        assert "Änne Müller" in text


def test_a_packet_is_tagged_and_says_its_language_and_title(renderer: Renderer) -> None:
    reader = PdfReader(io.BytesIO(renderer.render(a_document())))
    catalog: Any = reader.trailer["/Root"]
    assert catalog["/MarkInfo"]["/Marked"]
    assert catalog["/StructTreeRoot"]["/K"]
    assert catalog["/Lang"] == "en"
    assert catalog["/ViewerPreferences"]["/DisplayDocTitle"]
    assert b'pdfuaid:part="1"' in catalog["/Metadata"].get_data()
    assert reader.metadata is not None
    assert reader.metadata.title == "Performance review: Änne Müller, First half of 2026"
    assert str(reader.metadata["/CreationDate"]) == "D:20260101000000Z"


def test_plain_words_are_never_markup(renderer: Renderer) -> None:
    question = PdfAnswer(question="<b>1 < 2</b> & <img src=x>", html="<p>1 &lt; 2</p>")
    text = text_of(renderer.render(a_document(manager_name="<script>x</script>", questions=(question,))))
    assert "<b>1 < 2</b> & <img src=x>" in text
    assert "Manager <script>x</script>" in text
    assert "1 < 2" in text


def test_bidi_and_control_characters_do_not_change_what_is_read(renderer: Renderer) -> None:
    spoilt = a_document(manager_name="Žel\u202ejko\x00 O'Neill\u2066\n", period="First half\x07 of 2026")
    assert text_of(renderer.render(spoilt)) == text_of(renderer.render(a_document()))


def test_a_document_survives_the_wire() -> None:
    assert from_wire(to_wire(a_document())) == a_document()


@pytest.mark.parametrize("event", ["socket.connect", "socket.getaddrinfo", "subprocess.Popen", "os.exec", "os.system"])
def test_the_child_refuses_connections_and_programs(event: str) -> None:
    with pytest.raises(pdf_worker.FetchRefused):
        pdf_worker._refuse_event(event, ())


def test_the_child_may_open_its_own_files() -> None:
    pdf_worker._refuse_event("open", ())


def test_a_document_beyond_the_input_limit_is_refused_at_once() -> None:
    with closing(Renderer(RenderLimits(input_bytes_max=10_000))) as small:
        with pytest.raises(RenderFailed) as failure:
            small.render(answering("x" * 10_000))
        assert (failure.value.code, failure.value.permanent) == ("document-too-large", True)
        assert small._child is None


def test_a_file_beyond_the_output_limit_is_not_taken() -> None:
    with closing(Renderer(RenderLimits(output_bytes_max=1_000))) as small:
        with pytest.raises(RenderFailed) as failure:
            small.render(a_document())
        assert (failure.value.code, failure.value.permanent) == ("pdf-too-large", True)


@pytest.mark.parametrize("value", [0, 6, -1])
def test_a_rating_off_its_scale_is_refused(value: int) -> None:
    with pytest.raises(RenderFailed, match="rating-off-scale"):
        PdfRating(value=value, lowest=1, highest=5)


@pytest.mark.parametrize(
    ("value", "scale", "words"),
    [
        (8, {"lowest": 0, "highest": 10}, "8 on the scale from 0 to 10 0 1 2 3 4 5 6 7 8 9 10 "),
        (0, {"lowest": -2, "highest": 2}, "0 on the scale from -2 to 2 -2 -1 0 1 2 "),
        (
            1,
            {"lowest": 0, "highest": 2, "labels": ["no", "so so", "yes"]},
            "1 so so on the scale from 0 to 2 0 no 1 so so 2 yes ",
        ),
        (2, {"lowest": 1, "highest": 3, "labels": ["poor", "", "good"]}, "2 on the scale from 1 to 3 1 poor 2 3 good "),
        (3, {"lowest": 1, "highest": 5, "labels": ["poor", "fair", "good"]}, "3 on the scale from 1 to 5 1 2 3 4 5 "),
        (1, {"lowest": 1, "highest": 2, "labels": ["poor", "fair", "good"]}, "1 on the scale from 1 to 2 1 2 "),
        (73, {"lowest": 1, "highest": 100}, "73 on the scale from 1 to 100 1 100 "),
        (5, {"lowest": 1, "highest": 10**9}, "5 on the scale from 1 to 1000000000 1 1000000000 "),
        (7, {"lowest": 7, "highest": 7, "labels": ["only"]}, "7 only on the scale from 7 to 7 7 only "),
    ],
)
def test_a_rating_is_printed_as_it_was_given_whatever_its_scale(
    renderer: Renderer, value: int, scale: dict[str, Any], words: str
) -> None:
    rating = rendering._rating(value, scale, "Final rating")
    text = text_of(renderer.render(a_document(questions=(), rating=rating)))
    assert f"Final rating {words}First half" in text
