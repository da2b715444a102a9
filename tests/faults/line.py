"""A thin HTTP client that writes down each call: one connection a service and thread, as little work as possible."""

from __future__ import annotations

import http.client
import itertools
import json
import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.clients import OWNERS
from harness.stack.ports import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Mapping

    from faults.book import Book
    from harness.people import Person

NO_ANSWER = 0
TIMEOUT_S = 10.0
# The services close what was idle for half a minute, perhaps just when the next request comes.
IDLE_S_MAX = 20.0
# After these nobody knows yet, or it may be done later: a client repeats its command under the same key.
UNDECIDED = frozenset({NO_ANSWER, 500, 502, 503, 504})
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What came of a call; `status` is 0 where no answer came."""

    status: int
    body: Any = None
    etag: str = ""
    content: bytes = b""

    @property
    def ok(self) -> bool:
        """Whether it was done."""
        return 200 <= self.status < 300

    @property
    def decided(self) -> bool:
        """Whether there is no use in asking again."""
        return self.status not in UNDECIDED and self.word != "request-in-progress"

    @property
    def word(self) -> str:
        """The code of a refusal."""
        return str(self.body.get("code", "")) if isinstance(self.body, dict) else ""


@dataclass(slots=True)
class Line:
    """The calls of one thread. `tokens` by person id, `ports` by service."""

    book: Book
    ports: Mapping[str, int]
    tokens: Mapping[str, str]
    _connections: dict[str, http.client.HTTPConnection] = field(default_factory=dict)
    _used: dict[str, float] = field(default_factory=dict)

    def call(
        self,
        who: Person,
        act: str,
        method: str,
        path: str,
        *,
        review: str,
        body: Any = None,
        key: str = "",
        tag: str = "",
    ) -> Answered:
        """Send a request and write down what came of it.

        Args:
            who: the person.
            act: what it is called in the history.
            method: the method.
            path: under `/v1`.
            review: the review that it is about.
            body: what is sent, as JSON.
            key: the idempotency key of a command; for a save, what its text alone has.
            tag: the version that it was made from.
        """
        trace = secrets.token_hex(16)
        headers = {
            "Authorization": f"Bearer {self.tokens[who.id]}",
            "traceparent": f"00-{trace}-{trace[:16]}-01",
            "Content-Type": "application/json",
        }
        if method == "POST":
            headers["Idempotency-Key"] = key
        if tag:
            headers["If-Match"] = f'"{tag}"'
        began = time.monotonic()
        answer = self._send(OWNERS[path.split("/")[2]], method, path, headers, body)
        self.book.call(
            n=next(_numbers),
            who=who.id,
            act=act,
            review=review,
            key=key,
            trace=trace,
            tag=tag,
            sent=body,
            began=began,
            ended=time.monotonic(),
            status=answer.status,
            body=answer.body,
            etag=answer.etag,
            document=self.book.document(answer.content) if answer.content else "",
        )
        return answer

    def close(self) -> None:
        """Close the connections."""
        for one in self._connections.values():
            one.close()

    def _send(self, service: str, method: str, path: str, headers: Mapping[str, str], body: Any) -> Answered:
        connection = self._connections.get(service)
        if connection is None:
            connection = http.client.HTTPConnection(LOOPBACK, self.ports[service], timeout=TIMEOUT_S)
            self._connections[service] = connection
        content = None if body is None else json.dumps(body).encode()
        now = time.monotonic()
        if now - self._used.get(service, now) > IDLE_S_MAX:
            connection.close()
        self._used[service] = now
        try:
            connection.request(method, path, body=content, headers=dict(headers))
            response = connection.getresponse()
            came = response.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            return Answered(status=NO_ANSWER)
        etag = (response.getheader("ETag") or "").strip('"')
        kind = response.getheader("Content-Type") or ""
        if "json" in kind:
            return Answered(status=response.status, body=json.loads(came), etag=etag)
        return Answered(status=response.status, etag=etag, content=came)
