"""The PDF: the same bytes for the same document, nothing fetched, and every document comes to an end."""

from __future__ import annotations

import io
import threading
from contextlib import closing, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from pypdf import PdfReader
from pypdf.errors import LimitReachedError
from weasyprint import HTML

from component.packets.pdf_documents import ENDLESS, a_document, answering, child_id, text_of
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
    from collections.abc import Iterator, Sequence
    from pathlib import Path

HOSTILE_S_MAX = 4.0


# What takes minutes to draw, and is no larger than what people may send.
@pytest.fixture(scope="module")
def renderer() -> Iterator[Renderer]:
    with closing(Renderer()) as warm:
        yield warm


@pytest.fixture(scope="module")
def hasty_renderer() -> Iterator[Renderer]:
    with closing(Renderer(RenderLimits(render_s_max=HOSTILE_S_MAX))) as warm:
        yield warm


@contextmanager
def counting_requests() -> Iterator[tuple[str, list[str]]]:
    """A server on the loopback and the list of the paths that were asked for."""
    paths: list[str] = []

    class Count(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Count)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", paths
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


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
        "Employee: Änne Müller",
        "Manager: Željko O'Neill",
        "What was achieved?",
        "The migration.",
        "Runbook",
        "2 on the scale from 1 to 5: Below",
        "What next? No answer",
        "Final rating 4 on the scale from 1 to 5: Exceeds expectations 1 2 3 4 5",
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
    assert "Manager: <script>x</script>" in text
    assert "1 < 2" in text


def test_bidi_and_control_characters_do_not_change_what_is_read(renderer: Renderer) -> None:
    spoilt = a_document(manager_name="Žel\u202ejko\x00 O'Neill\u2066\n", period="First half\x07 of 2026")
    assert text_of(renderer.render(spoilt)) == text_of(renderer.render(a_document()))


def test_a_document_survives_the_wire() -> None:
    assert from_wire(to_wire(a_document())) == a_document()


HOSTILE = {
    "local file": "<img src=file:///etc/passwd><p>x</p>",
    "http image": "<img src={server}/img>",
    "import": "<style>@import url({server}/css);</style>",
    "style attribute": '<p style="background: url({server}/bg)">x</p>',
    "linked style sheet": "<link rel=stylesheet href={server}/link>",
    "attachment": "<link rel=attachment href=file:///etc/passwd>",
    "base": "<base href={server}/><img src=relative>",
    "svg": '<svg xmlns="http://www.w3.org/2000/svg"><image href="{server}/svg"/><use href="file:///etc/passwd#x"/></svg>',
    "svg in data": "<img src='data:image/svg+xml,<svg><image href={server}/d /></svg>'>",
    "object": "<object data={server}/object></object><embed src={server}/embed><iframe src={server}/frame></iframe>",
    "font": "<style>@font-face {{ font-family: x; src: url({server}/font) }}</style><p style='font-family: x'>x</p>",
    "content": "<style>p::before {{ content: url({server}/content) }}</style><p>x</p>",
    "script": "<script>fetch('{server}/script')</script>",
    "picture": "<picture><source srcset={server}/a><img srcset='{server}/b 2x'></picture>",
    "link": "<a href='{server}/a'>x</a><a href='javascript:x'>y</a><a href=file:///etc/passwd>z</a>",
    "form": "<form action={server}/f><input type=image src={server}/i></form>",
    "data bomb": "<img src='data:image/png;base64," + "A" * 500_000 + "'>",
    "entity bomb": "&amp;" * 100_000,
    "doctype": '<!DOCTYPE x [<!ENTITY y SYSTEM "file:///etc/passwd">]><p>&y;</p>',
    "deep nesting": "<blockquote>" * 20_000 + "x",
    "deep lists": "<ul><li>" * 20_000 + "x",
    "deep inline": "<strong><em>" * 20_000 + "x",
    "huge table": "<table>" + ("<tr>" + "<td>x</td>" * 50 + "</tr>") * 1_000,
    "long word": "x" * 1_048_576,
    "many words": ENDLESS,
    "many paragraphs": "<p>x</p>" * 1_900,
    "combining marks": "a" + "\u0301" * 100_000,
    "bidi": "<p>" + "\u202e\u2066abc\u200f" * 2_000 + "مرحبا שלום" * 100 + "</p>",
    "controls": "<p>" + "".join(map(chr, range(0x20))) + "&#0;&#x1b;\ufffe\uffff\x85</p>",
    "invisible": "\u200d\u00ad\ufeff" * 10_000,
    "private use": "\ue000\U000f0000" * 1_000,
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_answer_fetches_nothing_and_ends(hasty_renderer: Renderer, case: str) -> None:
    with counting_requests() as (server, paths):
        html = HOSTILE[case].replace("{server}", server).replace("{{", "{").replace("}}", "}")
        try:
            pdf = hasty_renderer.render(answering(html))
        except RenderFailed as failure:
            assert failure.code in {"render-timeout", "not-renderable", "out-of-memory", "renderer-crashed"}  # noqa: PT017
        else:
            reader = PdfReader(io.BytesIO(pdf))
            assert "/EmbeddedFiles" not in str(reader.trailer["/Root"])
            with suppress(LimitReachedError):  # the reader gives up on a word of a megabyte
                assert "root:" not in text_of(pdf)
        assert paths == []


def test_a_normal_document_after_the_hostile_ones_is_what_it_always_is(
    hasty_renderer: Renderer, renderer: Renderer
) -> None:
    for case in ("deep nesting", "svg", "controls"):
        hasty_renderer.render(answering(HOSTILE[case]))
    assert hasty_renderer.render(a_document()) == renderer.render(a_document())


@pytest.mark.parametrize("case", [case for case, html in HOSTILE.items() if "{server}" in html or "file:" in html])
def test_even_unsanitised_html_fetches_nothing(case: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("canary-phrase")
    with counting_requests() as (server, paths):
        html = HOSTILE[case].replace("{server}", server).replace("{{", "{").replace("}}", "}")
        html = html.replace("file:///etc/passwd", secret.as_uri())
        pdf = pdf_worker.to_pdf(f"<html lang=en><title>t</title>{html}", b"0" * 32, pdf_worker.Refuse())
    assert paths == []
    assert b"canary" not in pdf
    assert "canary" not in text_of(pdf)


def test_the_fetcher_is_asked_and_refuses() -> None:
    fetcher = pdf_worker.Refuse()
    pdf_worker.to_pdf("<html lang=en><title>t</title><img src=http://127.0.0.1:9/x alt=x>", b"0" * 32, fetcher)
    assert fetcher.refused == 1


def test_the_counting_server_counts_when_something_does_fetch() -> None:
    with counting_requests() as (server, paths):
        HTML(string=f"<img src={server}/seen>").write_pdf()
    assert paths == ["/seen"]


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
    ("value", "scale", "words", "boxes"),
    [
        (8, {"lowest": 0, "highest": 10}, "Final rating 8 on the scale from 0 to 10", range(11)),
        (0, {"lowest": -2, "highest": 2}, "Final rating 0 on the scale from -2 to 2", range(-2, 3)),
        (
            1,
            {"lowest": 0, "highest": 2, "labels": ["no", "so so", "yes"]},
            "Final rating 1 on the scale from 0 to 2: so so",
            range(3),
        ),
        (73, {"lowest": 1, "highest": 100}, "Final rating 73 on the scale from 1 to 100", ()),
        (5, {"lowest": 1, "highest": 10**9}, "Final rating 5 on the scale from 1 to 1000000000", ()),
    ],
)
def test_a_rating_is_printed_as_it_was_given_whatever_its_scale(
    renderer: Renderer, value: int, scale: dict[str, Any], words: str, boxes: Sequence[int]
) -> None:
    rating = rendering._rating(value, scale, "Final rating")
    text = text_of(renderer.render(a_document(rating=rating)))
    assert " ".join([words, *map(str, boxes)]) in text
    assert len(rating.boxes) == len(boxes)
