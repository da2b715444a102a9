"""Mails against an SMTP server that answers what it is told to."""

from __future__ import annotations

import re
import socket
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from component.notifications.mailbox import Mailbox, serving
from notifications.mail import (
    Mail,
    MailFailure,
    PermanentMailFailure,
    Sender,
    SmtpServer,
    Template,
    TransientMailFailure,
    UncertainMailFailure,
    build,
    connected,
    link,
    message_id,
    send,
)

if TYPE_CHECKING:
    from email.message import EmailMessage

DATE = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
SENDER = Sender(address="reviews@company.example", name="Example GmbH", public_url="https://reviews.company.example")


def a_mail(**changes: Any) -> Mail:
    return Mail(
        **{
            "key": "p-1:released:r-1:3",
            "template": Template.RELEASED,
            "review_id": "r-1",
            "name": "Eve Müller",
            "address": "eve@company.example",
            **changes,
        }
    )


def deliver(mailbox: Mailbox, *mails: Mail) -> None:
    with serving(mailbox) as server, connected(server) as smtp:
        for mail in mails:
            send(smtp, build(mail, SENDER, date=DATE))


def bodies(message: EmailMessage) -> tuple[str, str]:
    plain, rich = message.get_body(("plain",)), message.get_body(("html",))
    assert plain is not None
    assert rich is not None
    return plain.get_content(), rich.get_content()


@pytest.mark.parametrize("template", list(Template))
def test_a_mail_of_each_kind_arrives_with_name_and_link_in_both_forms(template: Template) -> None:
    mailbox = Mailbox()
    deliver(mailbox, a_mail(template=template))
    (message,) = mailbox.kept
    assert message.get_content_type() == "multipart/alternative"
    for body in bodies(message):
        assert "Hello Eve Müller," in body
        assert "https://reviews.company.example/reviews/r-1" in body
        assert "{" not in body
    assert message["To"] == "Eve Müller <eve@company.example>"
    assert message["Subject"]
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Date"].datetime == DATE
    assert not message.defects


@pytest.mark.parametrize("template", list(Template))
def test_both_forms_of_a_mail_say_the_same(template: Template) -> None:
    message = build(a_mail(template=template), SENDER, date=DATE)
    plain, rich = bodies(message)
    (happened,) = re.findall(r"</p>\n<p>(.+?)</p>\n<p><a ", rich)
    ((address, verb),) = re.findall(r'<a href="([^"]+)">(.+?)</a>', rich)
    assert f"\n\n{happened}\n\n{verb}: {address}\n" in plain
    assert happened.endswith(".")


@pytest.mark.parametrize("template", [Template.SIGNED, Template.REVOKED, Template.SIGNATURE_DUE])
def test_who_gets_a_mail_about_a_signature_reads_that_it_is_their_own(template: Template) -> None:
    message = build(a_mail(template=template), SENDER, date=DATE)
    assert message["Subject"].startswith("Your signature")
    assert "your signature" in bodies(message)[0].partition(",")[2]


def test_several_mails_go_over_one_connection() -> None:
    mailbox = Mailbox()
    deliver(mailbox, a_mail(key="1"), a_mail(key="2"))
    assert len({message["Message-ID"] for message in mailbox.kept}) == 2


def test_a_mail_built_twice_is_the_same_bytes() -> None:
    first, second = (build(a_mail(), SENDER, date=DATE).as_bytes() for _ in range(2))
    assert first == second


def test_the_message_id_follows_from_the_key_alone() -> None:
    again = build(a_mail(name="Eve Other"), SENDER, date=datetime(2026, 5, 1, tzinfo=UTC))
    assert again["Message-ID"] == message_id("p-1:released:r-1:3", SENDER)
    assert build(a_mail(key="other"), SENDER, date=DATE)["Message-ID"] != again["Message-ID"]


@pytest.mark.parametrize(
    "name",
    [
        "Eve\r\nBcc: all@company.example",
        "Eve\nSubject: other\n\nbody",
        "Eve\x00\x0b\x0cX: y",
        "Eve\u2028Bcc: all@company.example\u0085Cc: z@company.example",
        "\u202eevE",
        '"Eve" <x@evil.example>, b',
        "=?utf-8?q?Eve=0d=0aBcc=3a_all=40company.example?=",
        "x" * 5000,
    ],
)
def test_a_name_cannot_add_a_header_or_a_recipient(name: str) -> None:
    mailbox = Mailbox()
    deliver(mailbox, a_mail(name=name))
    (message,) = mailbox.kept
    plain = build(a_mail(), SENDER, date=DATE)
    assert sorted(set(message.keys()) - {"X-Peer", "X-MailFrom", "X-RcptTo"}) == sorted(plain.keys())
    assert [each.addr_spec for each in message["To"].addresses] == ["eve@company.example"]
    assert message["Subject"] == plain["Subject"]
    assert "\u202e" not in bodies(message)[0]


@pytest.mark.parametrize(
    "address",
    [
        "",
        "eve",
        "eve@company.example\r\nBcc: all@company.example",
        "eve@company.example, all@company.example",
        "eve@company.example> SIZE=1",
        "Eve <eve@company.example>",
        "eve @company.example",
        "éve@company.example",
        "a" * 250 + "@company.example",
    ],
)
def test_what_is_no_single_address_is_refused(address: str) -> None:
    with pytest.raises(PermanentMailFailure) as failure:
        build(a_mail(address=address), SENDER, date=DATE)
    assert failure.value.code == "bad-address"


def test_markup_in_a_name_is_text() -> None:
    plain, rich = bodies(build(a_mail(name="<a href=//x>Eve</a>"), SENDER, date=DATE))
    assert "<a href=//x>Eve</a>" in plain
    assert "&lt;a href=//x&gt;Eve" in rich


def test_a_review_id_cannot_lead_elsewhere() -> None:
    assert link(a_mail(review_id="../x?y=<z>"), SENDER) == (
        "https://reviews.company.example/reviews/..%2Fx%3Fy%3D%3Cz%3E/packet"
    )


def test_an_unknown_language_is_english() -> None:
    english = build(a_mail(), SENDER, date=DATE).as_bytes()
    for language in ("xx", "../../etc", "de-DE", ""):
        assert build(a_mail(language=language), SENDER, date=DATE).as_bytes() == english


@pytest.mark.parametrize(
    ("answers", "kind", "code", "status"),
    [
        ({"rcpt": "550 no such user"}, PermanentMailFailure, "recipient-refused", 550),
        ({"rcpt": "451 try again"}, TransientMailFailure, "recipient-refused", 451),
        ({"mail": "553 not you"}, PermanentMailFailure, "sender-refused", 553),
        ({"mail": "421 busy"}, TransientMailFailure, "sender-refused", 421),
        ({"data": "554 spam"}, PermanentMailFailure, "content-refused", 554),
        ({"data": "452 full"}, TransientMailFailure, "content-refused", 452),
        ({"data": "hang up"}, UncertainMailFailure, "smtp-connection-lost", 0),
    ],
)
def test_a_failure_says_whether_trying_again_may_help(
    answers: dict[str, str], kind: type[MailFailure], code: str, status: int
) -> None:
    with pytest.raises(kind) as failure:
        deliver(Mailbox(**answers), a_mail())
    assert (failure.value.code, failure.value.status) == (code, status)
    assert "eve@" not in str(failure.value)


def test_a_mail_after_a_refused_one_still_goes_over_the_connection() -> None:
    mailbox = Mailbox(rcpt="550 no such user")
    with serving(mailbox) as server, connected(server) as smtp:
        with pytest.raises(PermanentMailFailure):
            send(smtp, build(a_mail(), SENDER, date=DATE))
        mailbox.answers.clear()
        send(smtp, build(a_mail(key="2"), SENDER, date=DATE))
    assert [message["Message-ID"] for message in mailbox.kept] == [message_id("2", SENDER)]


def test_no_server_is_transient() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        server = SmtpServer(host="127.0.0.1", port=free.getsockname()[1], timeout_s=2)
        with pytest.raises(TransientMailFailure, match="smtp-unreachable"), connected(server):
            pass


def test_a_server_without_starttls_is_not_spoken_to_in_the_clear() -> None:
    with serving(Mailbox()) as plain:
        server = SmtpServer(host=plain.host, port=plain.port, tls="starttls", timeout_s=5)
        with pytest.raises(TransientMailFailure, match="smtp-not-supported"), connected(server):
            pass


def test_a_password_is_never_sent_in_the_clear_nor_shown() -> None:
    with pytest.raises(ValueError, match="needs TLS"):
        SmtpServer(host="mail.test", user="u", password="secret")
    assert "secret" not in repr(SmtpServer(host="mail.test", user="u", password="secret", tls="tls"))
