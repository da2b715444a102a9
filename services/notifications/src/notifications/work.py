"""What is done beside requests: sending mails, and queueing again what nobody works on any more."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import DBAPIError

from notifications import commands, mail, peers, store
from notifications.domain import sending
from notifications.domain.board import new_board
from notifications.domain.comparison import ReviewRow, from_packet, from_review, from_signing
from notifications.domain.ids import DeliveryId
from notifications.domain.sending import Failure, Suppress
from reviewbus import quarantine, telemetry
from reviewbus.client import pages
from reviewbus.crash import crash_point

if TYPE_CHECKING:
    import smtplib
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime
    from email.message import EmailMessage

    from notifications.domain.board import Board
    from notifications.domain.comparison import PacketRow, SigningRow
    from notifications.domain.delivery import Delivery
    from notifications.domain.mails import MailKey
    from notifications.domain.news import News
    from notifications.peers import Recipient, Row
    from reviewbus.client import PeerClient
    from reviewbus.db import Database, Tx
    from reviewbus.jobs import Job

    Finding = Mapping[str, Any]

BATCH = 50
# An owner's answer older than this is asked for anew: what it is about may have been hidden meanwhile.
ANSWER_S_MAX = 5
STRANDED_AFTER_S = 600
STRANDED_ROWS_MAX = 500
SWEEP_ROWS = 200
# The server does not accept our own address: a mistake in the settings, which somebody will put right.
_OURS = "sender-refused"
_log = telemetry.logger("work")


class AnswersTooOld(TimeoutError):
    """The owners take so long to answer that a mail would go out on what may no longer be so; try again later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A delivery that is to be sent now."""

    delivery: Delivery
    message: EmailMessage
    job: Job


@dataclass(frozen=True, slots=True, kw_only=True)
class Postman:
    """Sends mails. `clients` are the other services by name; `effects_from` None: the watermark in the database."""

    db: Database
    clients: Mapping[str, PeerClient]
    server: mail.SmtpServer
    sender: mail.Sender
    effects_from: datetime | None = None

    def run(self, batch: Sequence[Job]) -> None:
        """Send what these jobs are for, at most once each.

        Raises:
            PeerUnavailable, PeerRefused, AnswersTooOld: it is not known who may open what; nothing is sent until it is.
        """
        jobs = {DeliveryId(job.key): job for job in batch}
        with self.db.begin() as tx:
            quarantine.refuse(tx)
            waiting = commands.take_up(tx, list(jobs))
            effects_from = self.effects_from or store.effects_from(tx)
        while waiting:
            left = self._round(waiting, jobs, effects_from)
            if len(left) == len(waiting):
                raise AnswersTooOld(str(len(left)))
            waiting = left

    def _round(
        self, waiting: Sequence[Delivery], jobs: Mapping[DeliveryId, Job], effects_from: datetime
    ) -> list[Delivery]:
        """Connect, ask, and send what may go out; return what is left to decide anew.

        In this order: while the server keeps us waiting, an answer would become old.
        """
        with ExitStack() as stack:
            try:
                smtp = stack.enter_context(mail.connected(self.server))
            except mail.TransientMailFailure as failure:
                _log.warning("mail_server_unreachable", code=failure.code, status=failure.status)
                self._all_failed(waiting, jobs)
                return []
            letters, asked_at = self._decided(waiting, jobs, effects_from)
            return self._sent(smtp, letters, asked_at)

    def _decided(
        self, waiting: Sequence[Delivery], jobs: Mapping[DeliveryId, Job], effects_from: datetime
    ) -> tuple[list[Letter], datetime]:
        """Return the mails that are to go out, and when it was asked whether they may; the others are settled."""
        asked_at = self.db.clock()
        known = peers.recipients(self.clients["assessment"], [one.intent.key.recipient_id for one in waiting])
        allowed = peers.allowed(self.clients, waiting)
        letters: list[Letter] = []
        unwanted: list[tuple[Delivery, Suppress]] = []
        for one in waiting:
            recipient = known.get(one.intent.key.recipient_id)
            decision = sending.decide(
                one.intent,
                allowed=allowed.get(one.delivery_id, False),
                recipient_active=recipient is not None and recipient.active,
                has_address=recipient is not None and mail.is_address(recipient.address),
                effects_from=effects_from,
            )
            if isinstance(decision, Suppress):
                unwanted.append((one, decision))
            else:
                assert recipient is not None
                message = self._message(one, recipient, asked_at)
                letters.append(Letter(delivery=one, message=message, job=jobs[one.delivery_id]))
        if unwanted:
            with self.db.begin() as tx:
                commands.suppress(tx, unwanted)
        return letters, asked_at

    def _sent(self, smtp: smtplib.SMTP, letters: Sequence[Letter], asked_at: datetime) -> list[Delivery]:
        """Send over one connection; return what is left where it broke, or where the answers became too old.

        That an attempt begins is committed before the server hears of it, together with the end of the one before:
        whatever happens in between, nobody sends this mail a second time.
        """
        ended: Delivery | None = None
        left: list[Delivery] = []
        for number, letter in enumerate(letters):
            if (self.db.clock() - asked_at).total_seconds() > ANSWER_S_MAX:
                left = [one.delivery for one in letters[number:]]
                break
            begun = self._passed_on(ended, letter.delivery)
            ended = None
            if begun is None:
                continue
            try:
                mail.send(smtp, letter.message)
            except mail.MailFailure as failure:
                with self.db.begin() as tx:
                    commands.failed(tx, begun, _class_of(failure), letter.job)
                if not failure.status:
                    return [one.delivery for one in letters[number + 1 :]]
                continue
            crash_point("mail-after-smtp")
            ended = begun
        if ended is not None:
            with self.db.begin() as tx:
                commands.pass_on(tx, ended, None)
        return left

    def _passed_on(self, sent: Delivery | None, following: Delivery) -> Delivery | None:
        """As `commands.pass_on`; where the following one cannot begin, that the other was sent is noted alone."""
        try:
            with self.db.begin() as tx:
                return commands.pass_on(tx, sent, following)
        except DBAPIError:
            if sent is not None:
                with self.db.begin() as tx:
                    commands.pass_on(tx, sent, None)
            raise

    def _all_failed(self, waiting: Sequence[Delivery], jobs: Mapping[DeliveryId, Job]) -> None:
        """Count an attempt for each: there is no server."""
        for one in waiting:
            with self.db.begin() as tx:
                begun = commands.pass_on(tx, None, one)
                if begun is not None:
                    commands.failed(tx, begun, Failure.TRANSIENT, jobs[one.delivery_id])

    def _message(self, one: Delivery, recipient: Recipient, date: datetime) -> EmailMessage:
        key = one.intent.key
        letter = mail.Mail(
            key=_words(key),
            template=key.template,
            review_id=key.review_id,
            name=recipient.name,
            address=recipient.address,
            language=recipient.language,
        )
        return mail.build(letter, self.sender, date=date)


def requeue(db: Database) -> int:
    """Queue deliveries again that nobody works on any more, their jobs having been given up; return how many."""
    with db.begin() as tx:
        quarantine.refuse(tx)
        stranded = store.stranded(tx, commands.MAIL, after_s=STRANDED_AFTER_S, rows_max=STRANDED_ROWS_MAX)
        commands.queue(tx, stranded)
    if stranded:
        telemetry.RECONCILED.labels(kind="mail").inc(len(stranded))
        _log.info("deliveries_queued_again", deliveries=len(stranded))
    return len(stranded)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweeper:
    """Compares the boards with the rows of those who know. `clients` are the other services by name.

    A row that changed less than `quiet_s` ago is left alone: the facts may still be on their way.
    """

    db: Database
    clients: Mapping[str, PeerClient]
    quiet_s: float

    def sweep(self) -> list[Finding]:
        """Repair boards and tasks, call for the mails that nobody called for, and return what was found.

        Raises:
            PeerUnavailable, PeerRefused: another service does not answer; what was repaired so far stays.
        """
        with self.db.begin() as tx:
            quarantine.refuse(tx)
        return self._compare(self.db.clock() - timedelta(seconds=self.quiet_s), silently=False)

    def move_restored(self) -> int:
        """Bring restored boards to the present, and return how many were behind; raises as `sweep` does.

        Nobody knows which mails went out since the backup: none about what happened before now will. What changes from
        now on is left to its facts.
        """
        with self.db.begin() as tx:
            store.move_watermark(tx)
            watermark = store.effects_from(tx)
        return len(self._compare(watermark, silently=True))

    def _compare(self, before: datetime, *, silently: bool) -> list[Finding]:
        findings = self._pages("assessment", peers.review_row, from_review, before, silently=silently)
        findings += self._pages("packets", peers.packet_row, from_packet, before, silently=silently)
        findings += self._pages("signing", peers.signing_row, from_signing, before, silently=silently)
        if findings:
            telemetry.RECONCILED.labels(kind="board").inc(len(findings))
            _log.warning("boards_repaired", boards=len(findings))
        return findings

    def _pages(
        self,
        owner: str,
        read: Callable[[Mapping[str, Any]], Row],
        lacking: Callable[[Board, Row], Iterator[News]],
        before: datetime,
        *,
        silently: bool,
    ) -> list[Finding]:
        findings: list[Finding] = []
        for _, seen in pages(lambda cursor: peers.states(self.clients[owner], cursor, SWEEP_ROWS, read)):
            with self.db.begin() as tx:
                for one in seen:
                    if one.changed_at > before:
                        continue
                    found = _board_of(tx, one.row)
                    told = list(lacking(found, one.row)) if found else []
                    for news in told:
                        commands.learn(tx, [(news, one.changed_at)], silently=silently)
                    if found and told:
                        findings.append({"review_id": found.review_id, "kind": "facts-repaired", "owner": owner})
        return findings


def _board_of(tx: Tx, row: ReviewRow | PacketRow | SigningRow) -> Board | None:
    """Return the board, locked; assessment's word is enough to make one."""
    if isinstance(row, ReviewRow):
        return store.load_or_create(tx, [new_board(row.about)])[row.about.review_id]
    return store.load(tx, row.review_id)


def _class_of(failure: mail.MailFailure) -> Failure:
    if isinstance(failure, mail.UncertainMailFailure):
        return Failure.UNCERTAIN
    if isinstance(failure, mail.PermanentMailFailure) and failure.code != _OURS:
        return Failure.PERMANENT
    return Failure.TRANSIENT


def _words(key: MailKey) -> str:
    return f"{key.recipient_id}:{key.template}:{key.review_id}:{key.occasion}"
