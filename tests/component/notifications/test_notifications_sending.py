"""Whether a mail goes out, and how often: at most once, and only where its reader can open what it points to."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import psycopg
import pytest

from component.notifications.mailbox import serving
from component.notifications.notifications_desk import CANARY, EMPLOYEE, HR, MANAGER
from notifications.domain.sending import RETRY_AFTER_S
from reviewbus.clock import new_id
from reviewbus.db import libpq_url
from reviewbus.jobs import ATTEMPTS_MAX
from reviewbus.testing.fixed_clock import START

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from component.notifications.notifications_desk import Desk

WORKER_THAT_DIES = """
from notifications.app import build
from reviewbus import crash
from reviewbus.jobs import Worker

crash.arm("mail-after-smtp")
service = build()
Worker(service.db, service.jobs).run_once()
"""


@pytest.mark.parametrize(
    ("hidden", "tell", "template"),
    [
        ("form", "opened", "kick-off"),
        ("packet", "released", "released"),
    ],
)
def test_a_mail_to_what_its_reader_cannot_open_any_more_is_suppressed(
    desk: Desk, hidden: str, tell: str, template: str
) -> None:
    getattr(desk, tell)()
    desk.peers.hidden.add((EMPLOYEE, hidden))
    desk.work()
    assert desk.mails() == []
    assert desk.outcomes() == [f"suppressed {template} {EMPLOYEE} no-longer-visible"]
    desk.peers.hidden.clear()
    desk.work()
    assert desk.mails() == [], "it does not come back"


def test_every_owner_is_asked_about_its_own(desk: Desk) -> None:
    desk.opened()
    desk.shared()
    desk.submitted()
    desk.released()
    desk.signing_opened()
    for person in (EMPLOYEE, MANAGER):
        desk.peers.hidden |= {(person, kind) for kind in ("form", "self-assessment", "packet", "signature")}
    desk.work()
    assert desk.mails() == []
    assert {one[2:] for one in desk.deliveries()} == {("suppressed", "no-longer-visible")}
    assert {(owner, kind) for owner, kind, _ in desk.peers.questions()} == {
        ("assessment", "form"),
        ("assessment", "self-assessment"),
        ("packets", "packet"),
        ("signing", "signature"),
    }


@pytest.mark.parametrize(
    ("person", "reason"),
    [
        ({"active": False}, "recipient-inactive"),
        (None, "recipient-inactive"),
        ({"email": ""}, "recipient-without-address"),
        ({"email": "Anna <anna@company.example>"}, "recipient-without-address"),
    ],
)
def test_nobody_is_mailed_who_left_or_has_no_address(desk: Desk, person: dict[str, Any] | None, reason: str) -> None:
    desk.peers.people[EMPLOYEE] = person
    desk.released()
    desk.work()
    assert desk.mails() == []
    assert desk.outcomes() == [f"suppressed released {EMPLOYEE} {reason}"]
    assert desk.deliveries() == [("released", EMPLOYEE, "suppressed", reason)]


def test_a_mail_goes_out_once_however_often_it_is_called_for_and_worked_on(desk: Desk) -> None:
    desk.released()
    desk.work()
    desk.released()
    assert desk.work() == 0, "called for already"
    delivery_id = desk.rows("select delivery_id::text from delivery")[0][0]
    desk.run("insert into jobs (kind, key, arguments, run_at) values ('mail', %s, '{}', %s)", delivery_id, desk.clock())
    assert desk.work() == 1
    assert len(desk.mails()) == 1
    assert desk.outcomes() == [f"sent released {EMPLOYEE}"]


def test_a_mail_that_was_suppressed_goes_out_when_a_later_fact_calls_for_it_again(desk: Desk) -> None:
    desk.peers.hidden.add((EMPLOYEE, "signature"))
    desk.signing_opened()
    desk.work()
    desk.peers.hidden.clear()
    desk.signing_opened()
    desk.tell("signing.closed.v1", {**desk.about(), "epoch": 1, "reason": "unreleased"})
    desk.work()
    desk.signing_opened()
    desk.work()
    assert desk.outcomes() == [
        f"suppressed signature-due {EMPLOYEE} no-longer-visible",
        f"sent signature-due {MANAGER}",
        f"sent signature-due {EMPLOYEE}",
    ]
    assert [one[0] for one in desk.mails()] == [MANAGER, EMPLOYEE]


def test_nobody_is_mailed_about_what_happened_before_the_watermark(desk: Desk) -> None:
    desk.clock.forward(seconds=-1)
    desk.released()
    desk.clock.forward(seconds=1)
    desk.work()
    assert desk.mails() == []
    assert desk.outcomes() == [f"suppressed released {EMPLOYEE} before-watermark"]


def test_after_a_restore_only_what_happens_from_then_on_is_mailed(desk: Desk) -> None:
    desk.released(1)
    desk.clock.forward(minutes=1)
    assert desk.service.move_restored() == 0
    desk.unreleased(1)
    desk.work()
    assert desk.outcomes() == [
        f"suppressed released {EMPLOYEE} before-watermark",
        f"sent unreleased {EMPLOYEE}",
        f"sent unreleased {MANAGER}",
    ]
    before = desk.rows("select effects_from from watermark")
    desk.clock.forward(minutes=-5)
    desk.service.move_restored()
    assert desk.rows("select effects_from from watermark") == before, "it never goes back"


def test_while_an_owner_is_away_nothing_is_sent_and_afterwards_it_is(desk: Desk) -> None:
    desk.peers.down.add("packets")
    desk.released()
    assert desk.work() == 1
    assert (desk.mails(), desk.outcomes()) == ([], [])
    assert desk.deliveries() == [("released", EMPLOYEE, "queued", None)]
    desk.peers.down.clear()
    desk.clock.forward(minutes=1)
    desk.work()
    assert desk.outcomes() == [f"sent released {EMPLOYEE}"]


def test_a_job_that_was_given_up_is_queued_again(desk: Desk) -> None:
    desk.peers.down.add("packets")
    desk.released()
    for _ in range(ATTEMPTS_MAX):
        assert desk.periodic("reconcile") == 0
        desk.work()
        desk.clock.forward(minutes=6)
    assert desk.rows("select status from jobs") == [("dead",)]
    desk.peers.down.clear()
    assert desk.periodic("reconcile") == 1
    assert desk.periodic("reconcile") == 0
    desk.work()
    assert desk.outcomes() == [f"sent released {EMPLOYEE}"]


def test_while_the_mail_server_is_away_mails_wait_and_then_go_out_once(mailless: Desk) -> None:
    desk = mailless
    desk.opened()
    desk.released()
    desk.work()
    assert [one[2] for one in desk.deliveries()] == ["queued", "queued"]
    assert desk.work() == 0, "not before its time"
    desk.clock.forward(seconds=RETRY_AFTER_S[0])
    with serving(desk.mailbox, desk.settings.smtp_port):
        desk.work()
    assert desk.outcomes() == [f"sent kick-off {EMPLOYEE}", f"sent released {EMPLOYEE}"]
    assert len(desk.mails()) == 2
    assert [data["attempt"] for _, data in desk.outbox()] == [2, 2]


def test_a_mail_server_that_stays_away_is_given_up_after_a_day(mailless: Desk) -> None:
    mailless.released()
    for pause in (*RETRY_AFTER_S, 0):
        assert mailless.outcomes() == []
        mailless.work()
        mailless.clock.forward(seconds=pause)
    assert mailless.outcomes() == [f"failed released {EMPLOYEE} server-unreachable"]
    assert mailless.deliveries() == [("released", EMPLOYEE, "failed", "server-unreachable")]
    assert mailless.rows("select count(*) from jobs") == [(0,)]


def test_what_was_hidden_while_the_mail_server_was_away_is_not_mailed_afterwards(mailless: Desk) -> None:
    desk = mailless
    desk.released()
    desk.work()
    desk.peers.hidden.add((EMPLOYEE, "packet"))
    desk.clock.forward(hours=1)
    with serving(desk.mailbox, desk.settings.smtp_port):
        desk.work()
    assert desk.mails() == []
    assert desk.outcomes() == [f"suppressed released {EMPLOYEE} no-longer-visible"]


@pytest.mark.parametrize(
    ("answers", "outcome", "kept"),
    [
        ({"rcpt": "550 no such user"}, f"failed released {EMPLOYEE} refused-by-server", 0),
        ({"data": "554 spam"}, f"failed released {EMPLOYEE} refused-by-server", 0),
        ({"data": "hang up"}, f"failed released {EMPLOYEE} outcome-unknown", 1),
    ],
)
def test_what_the_server_refuses_for_good_or_may_have_taken_is_never_sent_again(
    desk: Desk, answers: dict[str, str], outcome: str, kept: int
) -> None:
    desk.mailbox.answers = answers
    desk.released()
    desk.work()
    desk.mailbox.answers = {}
    desk.clock.forward(days=2)
    assert desk.work() == 0
    assert desk.outcomes() == [outcome]
    assert len(desk.mailbox.kept) == kept


@pytest.mark.parametrize("answers", [{"rcpt": "451 later"}, {"mail": "553 who are you"}, {"mail": "421 busy"}])
def test_what_the_server_may_take_later_is_tried_again(desk: Desk, answers: dict[str, str]) -> None:
    desk.mailbox.answers = answers
    desk.released()
    desk.work()
    desk.mailbox.answers = {}
    desk.clock.forward(seconds=RETRY_AFTER_S[0])
    desk.work()
    assert desk.outcomes() == [f"sent released {EMPLOYEE}"]
    assert len(desk.mails()) == 1


def test_the_others_of_a_batch_go_out_though_one_breaks_the_connection(desk: Desk) -> None:
    def once() -> None:
        desk.mailbox.answers = {}

    desk.opened()
    desk.released()
    desk.mailbox.answers = {"data": "hang up"}
    desk.mailbox.on_data = once
    desk.work()
    assert desk.outcomes() == [f"failed kick-off {EMPLOYEE} outcome-unknown", f"sent released {EMPLOYEE}"]
    assert len(desk.peers.questions()) == 3, "who is left was asked about again"


def test_a_mail_is_noted_as_sent_when_the_next_one_is_handed_over(desk: Desk) -> None:
    seen: list[list[str]] = []
    desk.opened()
    desk.released()
    desk.mailbox.on_data = lambda: seen.append([state for _, _, state, _ in desk.deliveries()])
    desk.work()
    assert sorted(map(sorted, seen)) == [["queued", "sending"], ["sending", "sent"]]
    assert desk.outcomes() == [f"sent kick-off {EMPLOYEE}", f"sent released {EMPLOYEE}"]


def test_a_mail_is_noted_as_sent_though_the_next_one_has_to_wait_for_its_review(desk: Desk) -> None:
    another = str(new_id())
    desk.opened()
    desk.opened(another)
    blocker = psycopg.connect(libpq_url(desk.url))

    def hold_the_other() -> None:
        desk.mailbox.on_data = lambda: None
        (left,) = desk.rows("select review_id from delivery where state = 'queued'")
        blocker.execute("select 1 from board where review_id = %s for update", left)

    desk.mailbox.on_data = hold_the_other
    with blocker:
        desk.work()
        assert sorted(state for _, _, state, _ in desk.deliveries()) == ["queued", "sent"]
    desk.clock.forward(minutes=10)
    desk.work()
    assert desk.outcomes() == [f"sent kick-off {EMPLOYEE}"] * 2
    assert len(desk.mails()) == 2


def test_rights_are_asked_for_again_when_the_answers_have_become_old(desk: Desk) -> None:
    def slow() -> None:
        desk.clock.forward(seconds=30)
        desk.peers.hidden.add((EMPLOYEE, "packet"))

    desk.opened()
    desk.released()
    desk.mailbox.on_data = slow
    desk.work()
    assert desk.outcomes() == [f"sent kick-off {EMPLOYEE}", f"suppressed released {EMPLOYEE} no-longer-visible"]


def test_rights_are_asked_for_when_the_mail_server_has_let_us_in(desk: Desk) -> None:
    def slow() -> None:
        desk.clock.forward(seconds=20)
        desk.peers.hidden.add((EMPLOYEE, "packet"))

    desk.released()
    desk.mailbox.on_hello = slow
    desk.work()
    assert desk.mails() == []
    assert desk.outcomes() == [f"suppressed released {EMPLOYEE} no-longer-visible"]


def test_nothing_goes_out_on_an_answer_that_was_long_in_coming(desk: Desk) -> None:
    desk.released()
    desk.peers.takes = lambda: desk.clock.forward(seconds=6)
    assert desk.work() == 1
    assert desk.mails() == []
    assert desk.deliveries() == [("released", EMPLOYEE, "queued", None)]
    desk.peers.takes = lambda: desk.clock.forward(seconds=4)
    desk.clock.forward(minutes=1)
    desk.work()
    assert desk.outcomes() == [f"sent released {EMPLOYEE}"]


def test_a_mail_whose_outcome_could_not_be_noted_is_not_sent_again(desk: Desk) -> None:
    def cut() -> None:
        desk.run(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity "
            "where datname = current_database() and usename = current_user and pid <> pg_backend_pid()"
        )

    desk.mailbox.on_data = cut
    desk.released()
    assert desk.work() == 1
    desk.mailbox.on_data = lambda: None
    assert desk.deliveries() == [("released", EMPLOYEE, "sending", None)]
    desk.clock.forward(minutes=10)
    desk.work()
    assert desk.outcomes() == [f"failed released {EMPLOYEE} outcome-unknown"]
    desk.released()
    assert desk.work() == 0, "not even when it is called for again"
    assert len(desk.mails()) == 1


@pytest.fixture
def peers_url(desk: Desk) -> Iterator[str]:
    """Serve what the other services answer over a socket, for a process of its own."""
    server = make_server("127.0.0.1", 0, desk.peers.app, handler_class=_Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_worker_that_dies_between_the_server_and_its_note_leaves_one_mail(
    desk: Desk, peers_url: str, tmp_path: Path
) -> None:
    desk.released()
    token_file = tmp_path / "service.token"
    token_file.write_text(desk.issuer.token("notifications", ("service",), scope="internal"))
    environment = {**_environment(desk, peers_url), "REVIEW_SERVICE_TOKEN_FILE": str(token_file)}
    died = subprocess.run([sys.executable, "-c", WORKER_THAT_DIES], env=environment, check=False, timeout=50)
    assert died.returncode == -9
    assert len(desk.mails()) == 1
    assert desk.deliveries() == [("released", EMPLOYEE, "sending", None)]
    desk.clock.now = datetime.now(UTC) + timedelta(minutes=10)
    desk.work()
    assert len(desk.mails()) == 1
    assert desk.outcomes() == [f"failed released {EMPLOYEE} outcome-unknown"]


def test_names_and_addresses_are_in_the_mail_and_nowhere_else(desk: Desk, capfd: pytest.CaptureFixture[str]) -> None:
    desk.opened()
    desk.mailbox.answers = {"rcpt": f"550 no {CANARY} here"}
    desk.work()
    desk.mailbox.answers = {}
    desk.released()
    desk.work()
    (message,) = desk.mailbox.kept
    assert CANARY in message["To"]
    assert CANARY not in str(desk.everything())
    assert CANARY not in str(desk.get(HR, "/v1/deliveries", "hr_admin").json)
    logged = capfd.readouterr()
    assert "delivery_moved" in logged.out + logged.err
    assert CANARY not in logged.out + logged.err


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- the base class's name
        """A test's own requests are nothing to tell."""


def _environment(desk: Desk, peers_url: str) -> dict[str, str]:
    bus = desk.settings.bus
    return {
        "PATH": os.environ["PATH"],
        "REVIEW_ENVIRONMENT": "test",
        "REVIEW_DATABASE_URL": bus.database_url,
        "REVIEW_OUTBOX_NOTIFY": "off",
        "REVIEW_JWT_ISSUER": bus.jwt_issuer,
        "REVIEW_JWT_AUDIENCE": bus.jwt_audience,
        "REVIEW_JWKS": bus.jwks,
        "REVIEW_PEERS": ",".join(f"{peer}={peers_url}" for peer in bus.peers),
        "REVIEW_NOTIFICATIONS_PUBLIC_URL": desk.settings.public_url,
        "REVIEW_NOTIFICATIONS_SMTP_HOST": desk.settings.smtp_host,
        "REVIEW_NOTIFICATIONS_SMTP_PORT": str(desk.settings.smtp_port),
        "REVIEW_NOTIFICATIONS_EFFECTS_FROM": START.isoformat(),
    }
