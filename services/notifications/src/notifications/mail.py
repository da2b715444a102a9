"""Mails: built from a template, a name and a link, and handed to an SMTP server.

A mail says to its recipient that something happened and where to look. It holds no name but the recipient's, and no
text, rating or comment.
"""

from __future__ import annotations

import hashlib
import re
import smtplib
import ssl
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import quote, urlsplit

import jinja2

from notifications.domain.mails import Template as Template
from reviewbus.richtext import single_line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

TEMPLATES: Final = Path(__file__).resolve().parent / "templates"
DEFAULT_LANGUAGE: Final = "en"
NAME_CHARS_MAX: Final = 128
ADDRESS_CHARS_MAX: Final = 254
PERMANENT_FROM: Final = 500
_ADDRESS = re.compile(r"[a-zA-Z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@(?!-)[a-zA-Z0-9-]+(?:\.[a-zA-Z0-9-]+)*", re.ASCII)


# Where each mail leads: below the public address, `{}` the review's id.
PATHS: Final = {
    Template.KICK_OFF: "/reviews/{}/self-assessment",
    Template.SHARED: "/reviews/{}/self-assessment",
    Template.RELEASED_TO_MANAGER: "/reviews/{}/packet",
    Template.RELEASED: "/reviews/{}/packet",
    Template.RELEASED_BY_HR: "/reviews/{}/packet",
    Template.SIGNATURE_DUE: "/reviews/{}/signature",
    Template.SIGNED: "/reviews/{}/signature",
    Template.UNRELEASED: "/reviews/{}",
    # Signing may be closed by then, and its page with it.
    Template.REVOKED: "/reviews/{}",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """One mail: `key` is what makes it this mail and no other (recipient, template, review, occasion)."""

    key: str
    template: Template
    review_id: str
    name: str
    address: str
    language: str = DEFAULT_LANGUAGE


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Who writes, and where the links lead (`https://reviews.example`, no slash at the end)."""

    address: str
    name: str
    public_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpServer:
    """Where mails are handed in. `tls`: from the start, by STARTTLS, or none; with a user it may not be none."""

    host: str
    port: int = 25
    tls: Literal["none", "starttls", "tls"] = "none"
    user: str = ""
    password: str = ""
    timeout_s: float = 20.0

    def __post_init__(self) -> None:
        if self.user and self.tls == "none":
            raise ValueError("an SMTP login needs TLS: set tls to starttls or tls")

    def __repr__(self) -> str:
        return f"SmtpServer({self.host}:{self.port}, tls={self.tls})"


class MailFailure(Exception):
    """A mail was not handed over. `code` is stable; `status` is the server's three digits, or 0. Holds no address."""

    def __init__(self, code: str, status: int = 0) -> None:
        super().__init__(f"{code} {status}" if status else code)
        self.code = code
        self.status = status


class TransientMailFailure(MailFailure):
    """Not now: the server is away, busy, or says 4xx. The mail was not accepted and may be handed in again."""


class PermanentMailFailure(MailFailure):
    """Not ever: the address is no address, or the server says 5xx. Handing it in again is no use."""


class UncertainMailFailure(MailFailure):
    """The connection broke after the text was on its way: the server may have accepted it.

    Handing it in again may deliver it twice; both copies have the same Message-ID.
    """


def build(mail: Mail, sender: Sender, *, date: datetime) -> EmailMessage:
    """Return the message, the same bytes for the same arguments. `date` is aware.

    Line breaks, control and bidi characters in names become spaces or go. Raises PermanentMailFailure `bad-address`.
    """
    message = EmailMessage(policy=SMTP_POLICY)
    message["From"] = _mailbox(sender.name, sender.address)
    message["To"] = _mailbox(mail.name, mail.address)
    words = {"name": _name(mail.name), "link": link(mail, sender), "company": _name(sender.name)}
    message["Subject"] = single_line(_words(mail, "subject", words))
    message["Date"] = format_datetime(date)
    message["Message-ID"] = message_id(mail.key, sender)
    message["List-Id"] = f"<review-notifications.{_host(sender)}>"
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message.set_content(_words(mail, "txt", words))
    message.add_alternative(_words(mail, "html", words), subtype="html")
    # The library's own boundary is random.
    message.set_boundary("=_" + _digest(mail.key))
    return message


def is_address(text: str) -> bool:
    """Say whether a mail can be addressed to this."""
    return len(text) <= ADDRESS_CHARS_MAX and _ADDRESS.fullmatch(text) is not None


def message_id(key: str, sender: Sender) -> str:
    """Return the Message-ID of the mail with this key: the same each time, so that a repeat is recognised."""
    return f"<{_digest(key)}@{_host(sender)}>"


def link(mail: Mail, sender: Sender) -> str:
    """Return the address that the mail leads to."""
    return sender.public_url.rstrip("/") + PATHS[mail.template].format(quote(mail.review_id, safe=""))


@contextmanager
def connected(server: SmtpServer) -> Iterator[smtplib.SMTP]:
    """Open a connection for one mail or several, and end it. Raises TransientMailFailure if there is none.

    A server that refuses us (login, no STARTTLS) is no reason to give up a mail, so that this is transient as well.
    """
    try:
        smtp = _connect(server)
    except smtplib.SMTPResponseException as error:
        raise TransientMailFailure("smtp-refused", max(error.smtp_code, 0)) from error
    except smtplib.SMTPNotSupportedError as error:
        raise TransientMailFailure("smtp-not-supported") from error
    except (OSError, smtplib.SMTPException) as error:
        raise TransientMailFailure("smtp-unreachable") from error
    try:
        yield smtp
    finally:
        _quit(smtp)


def send(smtp: smtplib.SMTP, message: EmailMessage) -> None:
    """Hand one message to the server; returning means that it took responsibility for it. Raises MailFailure.

    After a refusal the connection serves the next message; after a lost connection it does not.
    """
    try:
        _hand_over(smtp, message)
    except MailFailure as failure:
        if failure.status:
            with suppress(OSError, smtplib.SMTPException):  # the refusal is the news, not what follows it
                smtp.rset()
        raise


def _hand_over(smtp: smtplib.SMTP, message: EmailMessage) -> None:
    try:
        _accepted("sender-refused", smtp.mail(message["From"].addresses[0].addr_spec))
        _accepted("recipient-refused", smtp.rcpt(message["To"].addresses[0].addr_spec))
    except (OSError, smtplib.SMTPException) as error:
        raise TransientMailFailure("smtp-connection-lost") from error
    try:
        _accepted("content-refused", smtp.data(message.as_bytes()))
    except smtplib.SMTPDataError as error:
        raise _failure("content-refused", error.smtp_code) from error
    except (OSError, smtplib.SMTPException) as error:
        raise UncertainMailFailure("smtp-connection-lost") from error


def _connect(server: SmtpServer) -> smtplib.SMTP:
    if server.tls == "tls":
        smtp: smtplib.SMTP = smtplib.SMTP_SSL(server.host, server.port, timeout=server.timeout_s, context=_trust())
    else:
        smtp = smtplib.SMTP(server.host, server.port, timeout=server.timeout_s)
    try:
        if server.tls == "starttls":
            smtp.starttls(context=_trust())
        if server.user:
            smtp.login(server.user, server.password)
        smtp.ehlo_or_helo_if_needed()
    except BaseException:
        smtp.close()
        raise
    return smtp


@cache
def _trust() -> ssl.SSLContext:
    """The authorities that the machine trusts, whom to read takes longer than sending a mail."""
    return ssl.create_default_context()


def _quit(smtp: smtplib.SMTP) -> None:
    try:
        smtp.quit()
    except (OSError, smtplib.SMTPException):
        smtp.close()


def _accepted(code: str, reply: tuple[int, bytes]) -> None:
    if not 200 <= reply[0] < 300:  # noqa: PLR2004
        raise _failure(code, reply[0])


def _failure(code: str, status: int) -> MailFailure:
    # A negative status is smtplib's word for a reply that was none: nothing was accepted.
    kind = PermanentMailFailure if status >= PERMANENT_FROM else TransientMailFailure
    return kind(code, max(status, 0))


def _mailbox(name: str, address: str) -> Address:
    if not is_address(address):
        raise PermanentMailFailure("bad-address")
    return Address(display_name=_name(name), addr_spec=address)


def _name(name: str) -> str:
    # The header parser decodes an encoded word in a name, line breaks in it included: no name may look like one.
    return single_line(name).replace("=?", "= ?")[:NAME_CHARS_MAX].rstrip()


def _host(sender: Sender) -> str:
    return urlsplit(sender.public_url).hostname or "localhost"


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:40]


def _words(mail: Mail, part: str, words: dict[str, str]) -> str:
    names = [f"{language}/{mail.template}.{part}.jinja" for language in (_known(mail.language), DEFAULT_LANGUAGE)]
    return _environment().select_template(names).render(words).strip() + "\n"


def _known(language: str) -> str:
    return language if re.fullmatch(r"[a-z]{2}(-[A-Z]{2})?", language) else DEFAULT_LANGUAGE


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=lambda name: bool(name and name.endswith(".html.jinja")),  # noqa: S701 - a subject is no HTML
        undefined=jinja2.StrictUndefined,
        auto_reload=False,
    )
