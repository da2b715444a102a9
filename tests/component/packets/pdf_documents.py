"""Documents to draw, and what is looked at in a renderer's child and in its files."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from pypdf import PdfReader

from packets.pdf import PdfAnswer, PdfDocument, PdfRating, Renderer

LABELS = ("Unsatisfactory", "Below", "Meets", "Exceeds expectations", "Outstanding")
ENDLESS = "<p>" + "word " * 200_000 + "</p>"


def a_document(**changes: Any) -> PdfDocument:
    rating = PdfRating(value=4, lowest=1, highest=5, labels=LABELS)
    answers = (
        PdfAnswer(
            question="What was achieved?", html="<p>The <strong>migration</strong>.</p><ul><li>Runbook</li></ul>"
        ),
        PdfAnswer(question="How well?", rating=PdfRating(value=2, lowest=1, highest=5, labels=LABELS)),
        PdfAnswer(question="What next?"),
    )
    return PdfDocument(
        **{
            "title": "Performance review",
            "company": "Example GmbH",
            "reviewee_name": "Änne Müller",
            "manager_name": "Željko O'Neill",
            "period": "First half of 2026",
            "questions": answers,
            "rating": rating,
            **changes,
        }
    )


def answering(html: str) -> PdfDocument:
    return a_document(questions=(PdfAnswer(question="Question", html=html),))


def text_of(pdf: bytes) -> str:
    words = " ".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages)
    return " ".join(words.split())


def pages_of(pdf: bytes) -> list[str]:
    return [" ".join(page.extract_text().split()) for page in PdfReader(io.BytesIO(pdf)).pages]


def child_id(renderer: Renderer) -> int:
    assert renderer._child is not None
    return renderer._child._process.pid


def processor_ticks(process: int) -> int:
    """How long a process has been at work: its time in user space, in the kernel's ticks (proc(5), `utime`)."""
    return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[11])
