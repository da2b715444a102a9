"""What people asked and were answered, with the order in time: for judging afterwards what was seen when."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.clients import Session

NO_ANSWER = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A request and its answer. `began` and `ended` are seconds of one clock; `status` is 0 where no answer came."""

    act: str
    review_id: str
    began: float
    ended: float
    status: int
    body: Any = None
    etag: str = ""

    @property
    def ok(self) -> bool:
        """Say whether it was done."""
        return httpx.codes.is_success(self.status)


@dataclass(slots=True)
class History:
    """Keeps every exchange of several threads."""

    exchanges: list[Exchange] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def ask(self, who: Session, act: str, method: str, path: str, review_id: str, **options: Any) -> Exchange:
        """Send a request and keep what came of it; a lost connection is an answer of status 0."""
        began = time.monotonic()
        try:
            answer = who.call(method, path, **options)
        except httpx.TransportError:
            found = Exchange(act=act, review_id=review_id, began=began, ended=time.monotonic(), status=NO_ANSWER)
        else:
            found = Exchange(
                act=act,
                review_id=review_id,
                began=began,
                ended=time.monotonic(),
                status=answer.status_code,
                body=_json(answer),
                etag=answer.headers.get("ETag", "").strip('"'),
            )
        with self._lock:
            self.exchanges.append(found)
        return found

    def of(self, act: str) -> list[Exchange]:
        """Return every exchange of an act, in the order in which they ended."""
        with self._lock:
            return [one for one in self.exchanges if one.act == act]

    def statuses(self, act: str) -> set[int]:
        """Return the statuses that an act was answered with."""
        return {one.status for one in self.of(act)}


def read_after(reads: Iterable[Exchange], hidden: Iterable[Exchange]) -> list[Exchange]:
    """Return the reads that succeeded though they began after the same review had been hidden for good."""
    ended = {one.review_id: one.ended for one in hidden if one.ok}
    return [one for one in reads if one.ok and one.began > ended.get(one.review_id, float("inf"))]


def _json(answer: httpx.Response) -> Any:
    return answer.json() if "json" in answer.headers.get("Content-Type", "") else None
