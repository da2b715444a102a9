"""The child process of `packets.pdf`: draws one document after the other, with nothing else within its reach.

It gets its limits as its only argument, answers once when it is warm, then each frame with a PDF or
`{"code", "detail"}`, and ends when its input ends. It opens no connection and starts no program, and no answer's HTML
makes it fetch anything.
"""

from __future__ import annotations

import gc
import json
import os
import re
import resource
import sys
from functools import cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, NoReturn

import jinja2
from markupsafe import Markup
from weasyprint import CSS, HTML

from packets.pdf import LENGTH, TEMPLATE_VERSION, PdfAnswer, PdfDocument, PdfRating, fingerprint, from_wire
from reviewbus.richtext import sanitise, single_line

if TYPE_CHECKING:
    from collections.abc import Callable

DRAFT: Final = "Draft, not released"
TEMPLATE_DATED: Final = "2026-01-01T00:00:00Z"
TEMPLATES: Final = Path(__file__).resolve().parent / "templates"
VARIANT: Final = "pdf/ua-1"
IDENTIFIER_BYTES: Final = 16
MIB: Final = 1024 * 1024
# What of libraries and fonts is in memory beside the process's own data.
MAPPED_MIB: Final = 20
GC_THRESHOLD: Final = 100_000
# A tag, or a word of a size that nobody writes, even where no spaces are written; and its pieces, with whole entities.
WORD_CHARS_MAX: Final = 2_000
PIECE_CHARS: Final = 500
_LONG: Final = re.compile(rf"<[^>]*>|[^<\s]{{{WORD_CHARS_MAX},}}")
_PIECES: Final = re.compile(rf"(?:&[^;&]{{1,32}};|.){{1,{PIECE_CHARS}}}", re.DOTALL)
FORBIDDEN_EVENTS: Final = ("socket.", "subprocess.", "os.exec", "os.posix_spawn", "os.system", "os.fork", "urllib.")


class FetchRefused(Exception):
    """Something in a document asked for a resource; there is none that it may have."""


class Refuse:
    """WeasyPrint's fetcher of images, style sheets and fonts: refuses every address and counts the attempts.

    All that a packet consists of is in the template, the style sheet and the font directory, which are not fetched.
    """

    # WeasyPrint asks for this attribute: without it, it goes on and leaves out what it could not fetch.
    _fail_on_errors = False

    def __init__(self) -> None:
        self.refused = 0

    def __call__(self, url: str) -> NoReturn:
        """Raise FetchRefused."""
        self.refused += 1
        raise FetchRefused(url.partition(":")[0][:16])


def draw(document: PdfDocument) -> bytes:
    """Return the PDF of a document, the same bytes each time."""
    identifier = bytes.fromhex(fingerprint(document))[:IDENTIFIER_BYTES]
    return to_pdf(to_html(document), identifier, Refuse(), draft=document.draft)


def to_html(document: PdfDocument) -> str:
    """Return the page's HTML: everything escaped, answers reduced to the allowed subset once more."""
    return _template().render(
        document=document, draft=DRAFT, template_version=TEMPLATE_VERSION, template_dated=TEMPLATE_DATED
    )


def to_pdf(html: str, identifier: bytes, fetcher: Callable[[str], NoReturn], *, draft: bool = False) -> bytes:
    """Return the tagged PDF of a page's HTML; of a draft, with the watermark on every page."""
    page = HTML(string=html, base_url=None, url_fetcher=fetcher)
    pdf: bytes = page.write_pdf(
        stylesheets=[_stylesheet("packet.css"), *([_stylesheet("draft.css")] if draft else [])],
        pdf_variant=VARIANT,
        pdf_identifier=identifier.hex().encode(),
        presentational_hints=False,
    )
    return pdf


def breakable(html: str) -> str:
    """Return sanitised HTML whose long words may be broken, so that drawing one takes no time with its square."""
    return _LONG.sub(lambda found: found[0] if found[0][0] == "<" else "<wbr>".join(_PIECES.findall(found[0])), html)


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=lambda value: single_line(value) if type(value) is str else value,
        auto_reload=False,
    )
    # Safe because the sanitiser stands between; it is the only way past the escaping.
    environment.filters["subset"] = lambda html: Markup(breakable(sanitise(html)))  # noqa: S704
    return environment.get_template("packet.html.jinja")


@cache
def _stylesheet(name: str) -> CSS:
    return CSS(string=(TEMPLATES / name).read_text(encoding="utf-8"), url_fetcher=Refuse())


def serve(limits: dict[str, Any], asked: IO[bytes], answered: IO[bytes]) -> None:
    """Answer frames until the input ends."""
    _warm_up()
    _confine(limits)
    _answer(answered, b"warm")
    while length := asked.read(LENGTH.size):
        _limit_cpu(limits["render_s_max"])
        _answer(answered, _drawn_or_failure(asked.read(LENGTH.unpack(length)[0])))
        gc.collect()


def _drawn_or_failure(body: bytes) -> bytes:
    try:
        return draw(from_wire(body))
    except MemoryError:
        return _failure("out-of-memory", "MemoryError")
    except SystemError:
        # The interpreter's own failure, seen when memory runs out within it: it says nothing about the document.
        return _failure("renderer-crashed", "SystemError")
    except Exception as error:  # noqa: BLE001
        # The process loop's last resort. The name only: an exception's words may quote the document.
        return _failure("not-renderable", type(error).__name__)


def _failure(code: str, detail: str) -> bytes:
    return json.dumps({"code": code, "detail": detail}).encode()


def _answer(answered: IO[bytes], body: bytes) -> None:
    answered.write(LENGTH.pack(len(body)) + body)
    answered.flush()


def _warm_up() -> None:
    rating = PdfRating(value=1, lowest=1, highest=2, labels=("a", "b"))
    html = "<h3>a</h3><h4>b</h4><ul><li><strong>c <em>d</em></strong></ul><ol><li>e</ol><a href=mailto:f@g>h</a>"
    answers = (PdfAnswer(question="q", html=html), PdfAnswer(question="r", rating=rating))
    names: dict[str, Any] = {"title": "t", "company": "c", "reviewee_name": "e", "manager_name": "m", "period": "p"}
    draw(PdfDocument(**names, questions=answers, rating=rating))
    gc.collect()
    gc.freeze()
    # A document makes some 100,000 objects that live as long as it does: looking for garbage among them is in vain.
    gc.set_threshold(GC_THRESHOLD, 10, 100)


def _confine(limits: dict[str, Any]) -> None:
    """From here on: no more memory than allowed, no file written, no core dump, no connection, no program."""
    # Of what is written to; the address space says little, because fonts and libraries are mapped and hardly touched.
    memory = (int(limits["memory_mib_max"]) - MAPPED_MIB) * MIB
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.addaudithook(_refuse_event)


def _refuse_event(event: str, _: tuple[object, ...]) -> None:
    if event.startswith(FORBIDDEN_EVENTS):
        raise FetchRefused(event)


def _limit_cpu(seconds: float) -> None:
    # The parent's watchdog comes first; this one ends a child whose parent is gone.
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime + seconds) + 2
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.RLIM_INFINITY))


def main() -> None:
    """Serve standard input and output, which nothing else in the process gets to write to."""
    answered = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    serve(json.loads(sys.argv[1]), sys.stdin.buffer, answered)


if __name__ == "__main__":
    main()
