"""The lines between the services: Kafka's producers and subscriptions, HTTP between processes, the mail server.

Each does what the real one may do at its worst, when it is told to, and keeps what passed for those who judge.
"""

from __future__ import annotations

import smtplib
from dataclasses import dataclass, field
from email import message_from_bytes
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import httpx

from reviewbus.broker import Failure
from simulation.kill import AFTER_SEND, Killed, KillSwitch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from reviewbus.broker import Outgoing, Place, Producer, Record

PERSON = "person"
_NO_ANSWER = Failure("RequestTimedOut", permanent=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A record that the broker took, and in which life of its sender's database."""

    service: str
    topic: str
    key: str
    headers: Mapping[str, str]
    body: bytes
    life: int

    @property
    def id(self) -> str:
        """The event's id."""
        return self.headers["ce_id"]

    @property
    def type(self) -> str:
        """The event's type, with its version."""
        return self.headers["ce_type"]

    @property
    def sequence(self) -> int | None:
        """The number that the source gave it among its key's events."""
        number = self.headers.get("ce_sequence")
        return None if number is None else int(number)


@dataclass(slots=True)
class Producing:
    """A relay's producer. What it is told in `mishap` happens to the next batch that it sends."""

    service: str
    inner: Producer
    kill: KillSwitch
    taken: Callable[[str, Sequence[Outgoing]], None]
    mishap: str = ""
    meanwhile: Callable[[], None] | None = None

    def publish(self, records: Sequence[Outgoing]) -> list[Failure | None]:
        mishap, self.mishap = self.mishap, ""
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            meanwhile()
        results: list[Failure | None] = []
        if mishap == "half":
            # The connection breaks in the middle: the rest was never sent.
            whole, records = records, records[: len(records) // 2]
            results = self._publish(records)
            return [*results, *[_NO_ANSWER] * (len(whole) - len(records))]
        results = self._publish(records)
        self.kill.passes(AFTER_SEND)
        return [_NO_ANSWER] * len(results) if mishap == "no-answer" else results

    def _publish(self, records: Sequence[Outgoing]) -> list[Failure | None]:
        results = self.inner.publish(records)
        self.taken(self.service, [one for one, failure in zip(records, results, strict=True) if failure is None])
        return results

    def close(self) -> None:
        self.inner.close()


@dataclass(slots=True)
class Reading:
    """A consumer's subscription. `only` narrows the next poll to some topics, so that others come later."""

    inner: Any
    only: frozenset[str] | None = None
    limit: int | None = None

    def poll(self, timeout_s: float, limit: int) -> list[Record]:
        every = self.inner.places
        if self.only is not None:
            self.inner.places = {place for place in every if place[0] in self.only}
        try:
            found: list[Record] = self.inner.poll(timeout_s, min(limit, self.limit or limit))
        finally:
            self.inner.places = every
        return found

    def waiting(self) -> dict[str, int]:
        """How many records of each topic this member has not been given yet."""
        broker = self.inner.broker
        found: dict[str, int] = {}
        for place in self.inner.places:
            start = self.inner.positions.get(place, broker.committed.get((self.inner.group, place), 0))
            left = len(broker.logs.get(place, ())) - start
            if left > 0:
                found[place[0]] = found.get(place[0], 0) + left
        return found

    def keys(self) -> set[str]:
        """What the records are about that this member has not been given yet."""
        broker = self.inner.broker
        return {
            (record.key or b"").decode(errors="replace")
            for place in self.inner.places
            for record in broker.logs.get(place, ())[
                self.inner.positions.get(place, broker.committed.get((self.inner.group, place), 0)) :
            ]
        }

    def commit(self, offsets: Mapping[Place, int]) -> None:
        self.inner.commit(offsets)

    def pause(self) -> None:
        self.inner.pause()

    def resume(self) -> None:
        self.inner.resume()

    def lost(self) -> set[Place]:
        lost: set[Place] = self.inner.lost()
        return lost

    def close(self) -> None:
        self.inner.close()


@dataclass(slots=True)
class Wire(httpx.BaseTransport):
    """HTTP to one service's web process, from a person or (`caller`) from another service.

    `asked` sees each question of a service; `meanwhile` is done once, before or after the answer is made.
    """

    to: str
    caller: str
    apps: Mapping[str, Any]
    down: set[str]
    died: Callable[[str], None]
    asked: Callable[[str, str, httpx.Request, httpx.Response], None] | None = None
    meanwhile: Callable[[str], None] | None = None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if self.to in self.down and self.caller != PERSON:
            raise httpx.ConnectError(self.to)
        if self.meanwhile is not None:
            self.meanwhile("before")
        try:
            response = httpx.WSGITransport(app=self.apps[self.to]).handle_request(request)
        except Killed:
            self.died(self.to)
            raise httpx.ReadError(f"{self.to} died") from None
        if self.asked is not None:
            self.asked(self.caller, self.to, request, response)
        if self.meanwhile is not None:
            self.meanwhile("after")
        return response


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """A mail that the server took."""

    message_id: str
    to: str
    subject: str


@dataclass(slots=True)
class MailServer:
    """A mail server. Its mood: `away`, `refuses`, `busy`, `breaks-before` or `breaks-after` it took a mail, or none."""

    took: Callable[[Delivered], None]
    mood: str = ""
    moods: list[str] = field(default_factory=list)

    def library(self) -> SimpleNamespace:
        """Return what a client of ours imports as `smtplib`, connected to nobody but this server."""
        return SimpleNamespace(**{**vars(smtplib), "SMTP": lambda *_, **__: _Conversation(self)})

    def meet(self) -> str:
        """Return how the server behaves to the next mail."""
        if self.mood:
            self.moods.append(self.mood)
        return self.mood


class _Conversation:
    """One client's connection, as smtplib shows it."""

    def __init__(self, server: MailServer) -> None:
        if server.meet() == "away":
            raise ConnectionRefusedError
        self._server = server
        self._to = ""

    def ehlo_or_helo_if_needed(self) -> None:
        """Say hello."""

    def mail(self, _sender: str) -> tuple[int, bytes]:
        return 250, b"go on"

    def rcpt(self, to: str) -> tuple[int, bytes]:
        self._to = to
        refusals = {"refuses": (550, b"no such mailbox"), "busy": (451, b"try later")}
        return refusals.get(self._server.meet(), (250, b"go on"))

    def data(self, message: bytes) -> tuple[int, bytes]:
        if self._server.mood == "breaks-before":
            raise smtplib.SMTPServerDisconnected("gone before it took the mail")
        parsed = message_from_bytes(message)
        self._server.took(Delivered(message_id=parsed["Message-ID"], to=self._to, subject=parsed["Subject"]))
        if self._server.mood == "breaks-after":
            raise smtplib.SMTPServerDisconnected("gone after it took the mail")
        return 250, b"taken"

    def rset(self) -> tuple[int, bytes]:
        return 250, b"go on"

    def quit(self) -> tuple[int, bytes]:
        return 221, b"bye"

    def close(self) -> None:
        """Nothing is held."""
