"""The packet as a PDF: what goes in, and the renderer that keeps the drawing in a process of its own.

The bytes are a function of the document and the template version alone: the same document gives the same file.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import signal
import struct
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, ClassVar, Final, cast

import reviewbus

# Raised with every change of the template, the style sheet, the fonts or the library: rendered files are kept under it.
TEMPLATE_VERSION: Final = "4"

RENDER_S_MAX: Final = 20.0
START_S_MAX: Final = 30.0
MEMORY_MIB_MAX: Final = 300
INPUT_BYTES_MAX: Final = 2 * 1024 * 1024
OUTPUT_BYTES_MAX: Final = 32 * 1024 * 1024
DOCUMENTS_PER_CHILD: Final = 500
STOP_S_MAX: Final = 5.0
STEPS_MAX: Final = 11
LENGTH: Final = struct.Struct(">I")
ENDS: Final = 2
FONTS: Final = Path(__file__).resolve().parent / "fonts" / "fonts.conf"


@dataclass(frozen=True, slots=True, kw_only=True)
class PdfRating:
    """A value on its scale, as it was given.

    `labels` are the names of all steps, lowest first, or of the two ends. A list of any other length does not say whose
    names these are, and none of them is printed.
    """

    value: int
    lowest: int
    highest: int
    labels: tuple[str, ...] = ()
    caption: str = "Final rating"

    def __post_init__(self) -> None:
        if not self.lowest <= self.value <= self.highest:
            raise RenderFailed("rating-off-scale")

    def name(self, step: int) -> str:
        """The name of a step; empty where it has none."""
        if len(self.labels) == self.highest - self.lowest + 1:
            return self.labels[step - self.lowest]
        ends = dict(zip((self.lowest, self.highest), self.labels, strict=True)) if len(self.labels) == ENDS else {}
        return ends.get(step, "")

    @property
    def label(self) -> str | None:
        """The name of the step that was given, if it has one."""
        return self.name(self.value) or None

    @property
    def steps(self) -> range:
        """The steps, if a line has room for all of them; else none."""
        return range(self.lowest, self.highest + 1) if self.highest - self.lowest < STEPS_MAX else range(0)

    @property
    def place(self) -> float:
        """How far up the scale the value is, in percent."""
        return round(100 * (self.value - self.lowest) / max(1, self.highest - self.lowest), 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class PdfAnswer:
    """One shared question, with the answer's rich text, or a rating on its scale, or both, or neither ("No answer")."""

    question: str
    html: str | None = None
    rating: PdfRating | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PdfDocument:
    """All that is printed.

    `period` names the cycle and the questionnaire; `rating` is the calibrated or final one, if included. `draft`: every
    page says that the packet is not released.
    """

    title: str
    company: str
    reviewee_name: str
    manager_name: str
    period: str
    questions: tuple[PdfAnswer, ...]
    rating: PdfRating | None = None
    language: str = "en"
    draft: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderLimits:
    """What one document, and one child, may use."""

    render_s_max: float = RENDER_S_MAX
    memory_mib_max: int = MEMORY_MIB_MAX
    input_bytes_max: int = INPUT_BYTES_MAX
    output_bytes_max: int = OUTPUT_BYTES_MAX
    documents_per_child: int = DOCUMENTS_PER_CHILD


class RenderFailed(Exception):
    """No PDF came of a document. `permanent`: the same document fails again, so that trying again is no use.

    Codes: `rating-off-scale`, `document-too-large`, `pdf-too-large`, `not-renderable`, `out-of-memory` (permanent);
    `render-timeout`, `renderer-crashed`, `renderer-unavailable`, `renderer-closed`. Memory that runs out within a C
    library ends the child, so that it mostly shows as `renderer-crashed`: tries must be limited. `may_be_the_document`:
    the document may be the cause, which tells from a machine that has too much to do only if it happens again.
    """

    PERMANENT: ClassVar = frozenset(
        {"rating-off-scale", "document-too-large", "pdf-too-large", "not-renderable", "out-of-memory"}
    )

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail
        self.permanent = code in self.PERMANENT
        self.may_be_the_document = self.permanent or code in {"render-timeout", "renderer-crashed"}


def fingerprint(document: PdfDocument) -> str:
    """Return the key under which a rendered file may be kept: 64 hexadecimal digits."""
    return hashlib.sha256(TEMPLATE_VERSION.encode() + b"\n" + to_wire(document)).hexdigest()


def to_wire(document: PdfDocument) -> bytes:
    """Return the document as JSON, always the same bytes for the same document. Raises RenderFailed."""
    try:
        return json.dumps(dataclasses.asdict(document), ensure_ascii=False, sort_keys=True).encode()
    except UnicodeEncodeError as error:
        raise RenderFailed("not-renderable", "lone surrogate") from error


def from_wire(body: bytes) -> PdfDocument:
    """Return the document of `to_wire`."""
    fields = json.loads(body)
    questions = tuple(
        PdfAnswer(question=each["question"], html=each["html"], rating=_rating(each["rating"]))
        for each in fields.pop("questions")
    )
    return PdfDocument(**{**fields, "questions": questions, "rating": _rating(fields["rating"])})


class Renderer:
    """Renders documents one after the other in a warm child process; any thread may call it.

    The child sees no environment of ours and is limited in memory, time and what it may open. After a failure, and
    after `documents_per_child` documents, the next document gets a new child.
    """

    def __init__(self, limits: RenderLimits | None = None) -> None:
        self._limits = limits or RenderLimits()
        self._lock = threading.Lock()
        self._child: _Child | None = None
        self._closed = False

    def render(self, document: PdfDocument) -> bytes:
        """Return the PDF/UA-1 file, or raise RenderFailed within the limits."""
        body = to_wire(document)
        if len(body) > self._limits.input_bytes_max:
            raise RenderFailed("document-too-large")
        with self._lock:
            child = self._ready_child()
            try:
                pdf = child.ask(body)
            except RenderFailed:
                self._discard()
                raise
            if child.answered >= self._limits.documents_per_child:
                self._discard()
            return pdf

    def warm(self) -> None:
        """Start the child now, so that the first document does not wait for it. Raises RenderFailed."""
        with self._lock:
            self._ready_child()

    def close(self) -> None:
        """End the child; later documents are refused. May be called more than once."""
        with self._lock:
            self._closed = True
            self._discard()

    def _ready_child(self) -> _Child:
        if self._closed:
            raise RenderFailed("renderer-closed")
        if self._child is not None and not self._child.alive:
            self._discard()
        if self._child is None:
            self._child = _Child(self._limits)
        return self._child

    def _discard(self) -> None:
        if self._child is not None:
            self._child.end()
            self._child = None


class _Child:
    """The process on the other end: frames of a length (4 bytes, big-endian) and a body, over its two pipes."""

    def __init__(self, limits: RenderLimits) -> None:
        self._limits = limits
        self.answered = 0
        self._expired = False
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-s", "-m", "packets.pdf_worker", json.dumps(dataclasses.asdict(limits))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env=_environment(),
            close_fds=True,
        )
        self._asking = cast(IO[bytes], self._process.stdin)
        self._answering = cast(IO[bytes], self._process.stdout)
        try:
            self._exchange(None, seconds=START_S_MAX)
        except RenderFailed as failure:
            self.end()
            raise RenderFailed("renderer-unavailable", str(failure)) from failure

    @property
    def alive(self) -> bool:
        return not self._expired and self._process.poll() is None

    def ask(self, body: bytes) -> bytes:
        pdf = self._exchange(body, seconds=self._limits.render_s_max)
        self.answered += 1
        return pdf

    def end(self) -> None:
        # The child holds nothing worth saving, so that it is never asked to stop, only stopped.
        self._process.kill()
        self._process.wait(timeout=STOP_S_MAX)
        for pipe in (self._asking, self._answering):
            with contextlib.suppress(OSError):  # what could not be written any more does not matter
                pipe.close()

    def _exchange(self, body: bytes | None, *, seconds: float) -> bytes:
        watchdog = threading.Timer(seconds, self._expire)
        watchdog.daemon = True
        watchdog.start()
        try:
            if body is not None:
                _write_frame(self._asking, body)
            return self._read_answer()
        except (OSError, EOFError) as error:
            if self._expired:
                raise RenderFailed("render-timeout", f"{seconds:g} s") from error
            status = self._process.wait(STOP_S_MAX)
            code = "render-timeout" if status == -signal.SIGXCPU else "renderer-crashed"
            raise RenderFailed(code, f"exit status {status}") from error
        finally:
            watchdog.cancel()
            watchdog.join()

    def _expire(self) -> None:
        self._expired = True
        self._process.kill()

    def _read_answer(self) -> bytes:
        (length,) = LENGTH.unpack(_read_exactly(self._answering, LENGTH.size))
        if length > self._limits.output_bytes_max:
            raise RenderFailed("pdf-too-large")
        answer = _read_exactly(self._answering, length)
        if answer.startswith(b"{"):
            failure = json.loads(answer)
            raise RenderFailed(failure["code"], failure["detail"])
        return answer


def _environment() -> dict[str, str]:
    here = Path(__file__).resolve().parent
    sources = [here.parent, Path(reviewbus.__file__).resolve().parents[1]]
    return {
        "LANG": "C.UTF-8",
        "PYTHONPATH": os.pathsep.join(map(str, sources)),
        "PYTHONDONTWRITEBYTECODE": "1",
        "FONTCONFIG_FILE": str(FONTS),
    }


def _write_frame(pipe: IO[bytes], body: bytes) -> None:
    pipe.write(LENGTH.pack(len(body)) + body)
    pipe.flush()


def _read_exactly(pipe: IO[bytes], length: int) -> bytes:
    body = pipe.read(length)
    if len(body) < length:
        raise EOFError
    return body


def _rating(fields: dict[str, Any] | None) -> PdfRating | None:
    return None if fields is None else PdfRating(**{**fields, "labels": tuple(fields["labels"])})
