"""A packet of twelve questions as PDF, warm."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Never

from bench.figures import Figure, median, percentile
from packets.pdf import PdfAnswer, PdfDocument, PdfRating, Renderer
from packets.pdf_worker import FetchRefused, to_html, to_pdf

if TYPE_CHECKING:
    from pathlib import Path

    from harness.stack import Stack

TIMES = 25
LABELS = ("unsatisfactory", "below", "meets", "above", "outstanding")
PARAGRAPH = (
    "<p>Delivered the <strong>migration</strong> two weeks early and kept everybody informed on the way. "
    "The numbers speak for themselves, and so do the colleagues who were coached.</p>"
)


def render(_: Stack, __: Path) -> list[Figure]:
    """Render in the child as shipped, and by WeasyPrint alone in this process, in turn."""
    document = PdfDocument(
        title="Performance review",
        company="Company",
        reviewee_name="Anna Author",
        manager_name="Max Manager",
        period="2026",
        questions=tuple(PdfAnswer(question=f"Question {n}", html=PARAGRAPH * 3) for n in range(1, 13)),
        rating=PdfRating(value=4, lowest=1, highest=5, labels=LABELS),
    )
    page = to_html(document)
    renderer = Renderer()
    renderer.warm()
    renderer.render(document)
    child, alone = [], []
    for _turn in range(TIMES):
        began = time.perf_counter()
        renderer.render(document)
        child.append((time.perf_counter() - began) * 1000)
        began = time.perf_counter()
        to_pdf(page, b"0" * 16, _refuse)
        alone.append((time.perf_counter() - began) * 1000)
    renderer.close()
    return [
        Figure(name="PDF of 12 questions, warm, median", value=median(child), unit="ms", raw=median(alone), bar=200),
        Figure(
            name="PDF of 12 questions, warm, p95", value=percentile(child, 95), unit="ms", raw=percentile(alone, 95)
        ),
    ]


def _refuse(url: str) -> Never:
    raise FetchRefused(url)
