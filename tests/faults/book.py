"""The history of a run as files: every call with its start and end on one clock, every fault, every record, all rows.

    run.json      what ran: seed, reviews with their people, how long it took to settle; what the calendar is ahead
    calls.jsonl   every HTTP call: who, what, under which key and trace, sent, when, what was answered
    faults.jsonl  what was done to which process or connection, from when to when
    records.jsonl every record of every topic, in the order of its partition; `life` counts how often Kafka forgot all
    mails.jsonl   every mail that the mail server took, and when
    documents.json which of the managers' texts stand in which PDF that somebody was given, by its digest
    rows/         the final rows of every database, a file each: {"packets": {"packets": [...], "audit": [...]}, ...}

Times are seconds of one monotonic clock. What other processes noted by the calendar (records, mails) was shifted to it.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import threading
import time
from typing import TYPE_CHECKING, Any

from pypdf import PdfReader

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

# Large and without meaning for the judge: the inbox' partitions, drawn documents.
TABLES_LEFT_OUT = ("inbox", "pdf_files", "idempotency")
# What each text has that a manager writes here, and no other.
_KEY = re.compile(r"w\d+w")


class Book:
    """Writes the files of one run; may be used by several threads."""

    def __init__(self, folder: Path) -> None:
        """Begin in a folder, which is made."""
        self.folder = folder
        (folder / "rows").mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._calls = (folder / "calls.jsonl").open("w", encoding="utf-8")
        self._faults = (folder / "faults.jsonl").open("w", encoding="utf-8")
        self._records = (folder / "records.jsonl").open("w", encoding="utf-8")
        self._documents: dict[str, bytes] = {}
        self._calendar = time.time() - time.monotonic()

    def call(self, **words: Any) -> None:
        """Note a call."""
        self._line(self._calls, words)

    def document(self, content: bytes) -> str:
        """Keep a document that somebody was given, and return its digest."""
        digest = hashlib.sha256(content).hexdigest()
        with self._lock:
            self._documents[digest] = content
        return digest

    def documents(self) -> int:
        """Note of every document which texts stand in it; return how many there are."""
        found = {digest: sorted(set(_KEY.findall(_text(content)))) for digest, content in self._documents.items()}
        (self.folder / "documents.json").write_text(json.dumps(found, indent=0), encoding="utf-8")
        return len(found)

    def fault(self, **words: Any) -> None:
        """Note a fault."""
        self._line(self._faults, words)

    def records(self, life: int, documents: Iterable[Mapping[str, Any]]) -> int:
        """Note the records of one life of Kafka; return how many."""
        lines = [{"life": life, **one} for one in documents]
        for line in lines:
            self._line(self._records, line)
        return len(lines)

    def mails(self, mails: Iterable[Mapping[str, Any]]) -> None:
        """Note the mails."""
        with (self.folder / "mails.jsonl").open("w", encoding="utf-8") as file:
            for one in mails:
                file.write(json.dumps(one) + "\n")

    def rows(self, service: str, tables: Mapping[str, list[Any]]) -> None:
        """Note the final rows of a database."""
        file = self.folder / "rows" / f"{service}.json"
        file.write_text(json.dumps(tables, indent=0), encoding="utf-8")

    def run(self, **words: Any) -> None:
        """Note what ran, and close the other files."""
        for file in (self._calls, self._faults, self._records):
            file.close()
        (self.folder / "run.json").write_text(
            json.dumps({**words, "calendar": self._calendar}, indent=1), encoding="utf-8"
        )

    def at(self, calendar_s: float) -> float:
        """Return a time of the calendar, in seconds since 1970, on the clock of the history."""
        return calendar_s - self._calendar

    def _line(self, file: Any, words: Mapping[str, Any]) -> None:
        line = json.dumps(words)
        with self._lock:
            file.write(line + "\n")


def _text(content: bytes) -> str:
    return "".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages)
