"""An SMTP server that keeps what it accepts and answers as a test says."""

from __future__ import annotations

import email
from contextlib import contextmanager
from email.policy import default
from typing import TYPE_CHECKING, Any

from aiosmtpd.controller import Controller

from harness.stack.ports import free_port
from notifications.mail import SmtpServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from email.message import EmailMessage


class Mailbox:
    """A server that keeps what it accepts and answers as the test says; `on_…` is called before it answers."""

    def __init__(self, **answers: str) -> None:
        self.answers = answers
        self.kept: list[EmailMessage] = []
        self.on_hello: Callable[[], None] = lambda: None
        self.on_data: Callable[[], None] = lambda: None

    async def handle_EHLO(  # noqa: N802
        self, _server: Any, session: Any, _envelope: Any, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        self.on_hello()
        return responses

    async def handle_MAIL(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802
        envelope.mail_from = address
        return self.answers.get("mail", "250 OK")

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802
        envelope.rcpt_tos.append(address)
        return self.answers.get("rcpt", "250 OK")

    async def handle_DATA(self, server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        if self.answers.get("data") == "hang up":
            server.transport.abort()
        answer = self.answers.get("data", "250 OK")
        if not answer.startswith(("4", "5")):
            self.kept.append(email.message_from_bytes(envelope.content, policy=default))
        self.on_data()
        return answer


@contextmanager
def serving(mailbox: Mailbox, port: int = 0) -> Iterator[SmtpServer]:
    port = port or free_port()
    controller = Controller(mailbox, hostname="127.0.0.1", port=port, server_hostname="mail.test")
    controller.start()
    try:
        yield SmtpServer(host="127.0.0.1", port=port, timeout_s=5)
    finally:
        controller.stop()
