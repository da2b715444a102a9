"""What somebody might write to break the PDF: nothing is fetched or run, and every document comes to an end."""

from __future__ import annotations

import io
import threading
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pypdf import PdfReader
from pypdf.errors import LimitReachedError
from weasyprint import HTML

from component.packets.hostile_documents import ANSWERS, DOCUMENTS, hostile_documents
from component.packets.pdf_documents import a_document, answering, child_id, text_of
from harness.pdfs import dictionaries_of
from packets import pdf_worker
from packets.pdf import PdfAnswer, PdfDocument, PdfRating, Renderer, RenderFailed, RenderLimits

if TYPE_CHECKING:
    from collections.abc import Iterator

HOSTILE_S_MAX = 2.0
PARTS = 4
FAILURES = {"render-timeout", "not-renderable", "out-of-memory", "renderer-crashed"}
# What makes a reader do more than show pages.
DOING = {"/JavaScript", "/JS", "/Launch", "/OpenAction", "/AA", "/EmbeddedFiles", "/GoToR", "/SubmitForm", "/AcroForm"}


@pytest.fixture(scope="module")
def hasty() -> Iterator[Renderer]:
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


def assert_harmless(pdf: bytes) -> None:
    """The file does nothing but show pages, links aside."""
    reader = PdfReader(io.BytesIO(pdf))
    assert reader.pages
    for found in dictionaries_of(reader):
        assert not DOING & found.keys()
        assert str(found.get("/URI", "https:")).startswith(("https:", "mailto:"))


def asking(document: PdfDocument, server: str) -> PdfDocument:
    """The document with the server's address wherever it asks for one."""

    def fill(words: str) -> str:
        return words.replace("{server}", server).replace("{{", "{").replace("}}", "}")

    def fill_rating(rating: PdfRating | None) -> PdfRating | None:
        if rating is None:
            return None
        return replace(rating, labels=tuple(map(fill, rating.labels)), caption=fill(rating.caption))

    answers = tuple(
        PdfAnswer(question=fill(each.question), html=each.html and fill(each.html), rating=fill_rating(each.rating))
        for each in document.questions
    )
    return replace(
        document,
        questions=answers,
        rating=fill_rating(document.rating),
        company=fill(document.company),
        reviewee_name=fill(document.reviewee_name),
        manager_name=fill(document.manager_name),
        period=fill(document.period),
        language=fill(document.language),
    )


def peak_mib(process: int) -> float:
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:"))


@pytest.mark.parametrize("part", range(PARTS))
def test_hostile_documents_fetch_nothing_and_end_within_their_limits(part: int) -> None:
    limits = RenderLimits()
    assert (limits.render_s_max, limits.memory_mib_max) == (20, 300)
    failed = {}
    with counting_requests() as (server, paths), closing(Renderer(limits)) as renderer:
        for name, document in hostile_documents()[part::PARTS]:
            try:
                pdf = renderer.render(asking(document, server))
            except RenderFailed as failure:
                failed[name] = failure.code
            else:
                assert peak_mib(child_id(renderer)) <= limits.memory_mib_max, name
                assert_harmless(pdf)
            assert paths == [], name
    # On a machine that has much else to do, the largest may run out of time.
    assert set(failed.values()) <= {"render-timeout"}
    assert len(failed) < DOCUMENTS // PARTS // 10


def test_the_same_hostile_documents_are_made_each_time() -> None:
    assert hostile_documents() == hostile_documents()
    assert len({name for name, _ in hostile_documents()}) == DOCUMENTS == 200


@pytest.mark.parametrize("case", ANSWERS)
def test_a_hostile_answer_fetches_nothing_and_ends(hasty: Renderer, case: str) -> None:
    with counting_requests() as (server, paths):
        html = ANSWERS[case].replace("{server}", server).replace("{{", "{").replace("}}", "}")
        try:
            pdf = hasty.render(answering(html))
        except RenderFailed as failure:
            assert failure.code in FAILURES  # noqa: PT017
        else:
            assert_harmless(pdf)
            with suppress(LimitReachedError):  # the reader gives up on a word of a megabyte
                assert "root:" not in text_of(pdf)
        assert paths == []


def test_a_normal_document_after_the_hostile_ones_is_what_it_always_is(hasty: Renderer) -> None:
    for case in ("deep nesting", "svg", "controls"):
        hasty.render(answering(ANSWERS[case]))
    with closing(Renderer()) as other:
        assert other.render(a_document()) == hasty.render(a_document())


@pytest.mark.parametrize("case", [case for case, html in ANSWERS.items() if "{server}" in html or "file:" in html])
def test_even_unsanitised_html_fetches_nothing(case: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("canary-phrase")
    with counting_requests() as (server, paths):
        html = ANSWERS[case].replace("{server}", server).replace("{{", "{").replace("}}", "}")
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
