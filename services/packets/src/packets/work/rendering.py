"""Rendering: a packet as a PDF, drawn in a process of its own and kept under what it was made of."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from packets import store
from packets.pdf import TEMPLATE_VERSION, PdfAnswer, PdfDocument, PdfRating, Renderer, RenderFailed
from packets.queries import packets as queries
from reviewbus import jobs, telemetry
from reviewbus.crash import crash_point
from reviewbus.richtext import single_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from packets.queries.packets import Paper
    from packets.work.fetching import Fetcher
    from reviewbus.db import Database
    from reviewbus.jobs import Job

TITLE = "Performance review"
# What ended the renderer that often, or took all its time, is the document's own doing.
TRIES_MAX = 3
_log = telemetry.logger("packets")


@dataclass(frozen=True, slots=True, kw_only=True)
class Printer:
    """Does the jobs that render; those that nobody asked for yet only if `ahead` says so."""

    db: Database
    fetcher: Fetcher
    renderer: Renderer
    company: str
    ahead: bool

    def render(self, batch: Sequence[Job]) -> None:
        """Render each packet as it is shown now, unless that is done; raises RenderFailed where it may work later."""
        for job in batch:
            paper = self._paper(job.arguments["review_id"])
            if paper is not None:
                self._render(job, paper)

    def render_ahead(self, batch: Sequence[Job]) -> None:
        """The same for what nobody asked for yet."""
        if self.ahead:
            self.render(batch)

    def is_busy(self) -> bool:
        """Say whether many packets are on their way, so that what nobody asked for yet has to wait."""
        with self.db.begin() as tx:
            return store.operations_run(tx)

    def _render(self, job: Job, paper: Paper) -> None:
        failure, body = None, None
        try:
            body = self.renderer.render(document(paper, company=self.company))
        except RenderFailed as failed:
            if not failed.permanent and (not failed.may_be_the_document or job.attempts < TRIES_MAX):
                raise
            failure = failed.code
            _log.error("pdf_not_renderable", review_id=paper.packet.review_id, code=failure)
        crash_point("packets-pdf-rendered")
        # Kept even if the job was asked for again meanwhile, as every waiting reader does: the bytes are the same.
        with self.db.begin() as tx:
            store.keep_pdf(tx, paper.key, snapshot_hash=paper.view["snapshot_hash"], body=body, failure=failure)
        with self.db.begin() as tx:
            jobs.finish(tx, job)

    def _paper(self, review_id: str) -> Paper | None:
        """What is to be printed; None if there is nothing to print, or it is printed already."""
        if not self._has_names(review_id):
            self.fetcher.freeze([review_id])
        with self.db.begin() as tx:
            packet = store.read(tx, review_id)
            if packet is None or packet.snapshot is None:
                return None
            paper = queries.paper(tx, packet, company=self.company, template=TEMPLATE_VERSION)
            return None if store.has_pdf(tx, paper.key) else paper

    def _has_names(self, review_id: str) -> bool:
        with self.db.begin() as tx:
            packet = store.read(tx, review_id)
            return packet is not None and store.names(tx, packet).subject is not None


def document(paper: Paper, *, company: str) -> PdfDocument:
    """A packet as the renderer takes it."""
    names, view = paper.names, paper.view
    return PdfDocument(
        title=TITLE,
        company=single_line(company),
        reviewee_name=single_line(names.subject or view["subject_id"]),
        manager_name=single_line(names.manager or view["manager_id"]),
        period=" · ".join(dict.fromkeys(single_line(each) for each in (names.cycle, paper.title) if each)),
        questions=tuple(_answer(each) for each in view["questions"]),
        rating=_final(view["rating"]),
        language=names.language or "en",
        draft=paper.draft,
    )


def _answer(question: Mapping[str, Any]) -> PdfAnswer:
    text, value = single_line(question["text"]), question["value"]
    if value is None:
        return PdfAnswer(question=text)
    if question["kind"] == "rating":
        return PdfAnswer(question=text, rating=_rating(value, question["scale"], "Rating"))
    if question["kind"] == "single_choice":
        words = {each["id"]: each["text"] for each in question["options"] or []}
        return PdfAnswer(question=text, html=f"<p>{escape(words.get(value, value), quote=False)}</p>")
    return PdfAnswer(question=text, html=value)


def _final(rating: Mapping[str, Any] | None) -> PdfRating | None:
    if rating is None:
        return None
    return _rating(rating["value"], rating["scale"], "Final rating")


def _rating(value: int, scale: Mapping[str, Any], caption: str) -> PdfRating:
    labels = tuple(single_line(each) for each in scale.get("labels") or [])
    return PdfRating(value=value, lowest=scale["lowest"], highest=scale["highest"], labels=labels, caption=caption)
