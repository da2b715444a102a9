"""The servers that the services stand on: PostgreSQL, Kafka and a mail server, each the real thing.

    with Stack.start(var_dir=Path("var/demo")) as stack:
        databases = stack.postgres.create_service_databases(["assessment", "packets"])
        producer = KafkaProducer(bootstrap_servers=stack.kafka.bootstrap)

Where each comes from is decided once, here. An address in the environment wins:

    REVIEW_POSTGRES_URL      of a role that may make databases and roles, with its password
    REVIEW_KAFKA_BOOTSTRAP   host:port
    REVIEW_SMTP_URL          smtp://host:port
    REVIEW_SMTP_DIR          the folder where that server keeps mails as .eml files, if there is one

Otherwise a process is started, on a free port of the loopback interface, and ended with us. REVIEW_POSTGRES_BIN and
REVIEW_JAVA name other programs for it, REVIEW_POSTGRES_USER the user as whom root runs PostgreSQL.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

import psycopg

from harness.stack.children import end_on_signals
from harness.stack.kafka import Kafka, LocalKafka
from harness.stack.kafka_jars import KAFKA_VERSION
from harness.stack.local_postgres import LocalPostgres
from harness.stack.postgres import Postgres, ServiceDatabase
from harness.stack.progress import step
from harness.stack.smtp import LocalSmtp, Smtp

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

__all__ = ["Kafka", "LocalKafka", "LocalPostgres", "LocalSmtp", "Postgres", "ServiceDatabase", "Smtp", "Stack"]


class Stack:
    """Those of the servers that were asked for, running.

    Asking for one that was not is a mistake of the caller and raises AssertionError.
    """

    def __init__(
        self, *, postgres: Postgres | None = None, kafka: Kafka | None = None, smtp: Smtp | None = None
    ) -> None:
        """Take servers that run already; `start` is the usual way."""
        self._postgres = postgres
        self._kafka = kafka
        self._smtp = smtp

    @classmethod
    def start(
        cls,
        *,
        var_dir: Path,
        postgres: bool = True,
        kafka: bool = True,
        smtp: bool = True,
        durable: bool = False,
        keep: bool = False,
        say: Callable[[str], None] | None = None,
    ) -> Self:
        """Find or start the servers, side by side, and return when all of them answer.

        Nothing is started, and RuntimeError says why, where the PostgreSQL that was named does not answer.

        Args:
            var_dir: the folder for logs (`log/`), rows, records and mails (`mails/`).
            postgres: whether PostgreSQL is wanted.
            kafka: whether Kafka is wanted.
            smtp: whether the mail server is wanted.
            durable: whether rows survive the fall of the machine.
            keep: go on with what an earlier run left in `var_dir`, and leave it at the end.
            say: takes the lines about progress instead of standard error.
        """
        end_on_signals()
        stack = cls()
        var_dir = var_dir.absolute()
        try:
            if postgres:
                stack._postgres = _given_postgres() or LocalPostgres(var_dir, durable=durable, keep=keep)
            if kafka:
                stack._kafka = _given_kafka() or LocalKafka(var_dir, keep=keep, say=say)
            if smtp:
                stack._smtp = _given_smtp() or LocalSmtp(var_dir, keep=keep)
            with step(f"starting {stack.describe()}", say):
                for server in stack._own():
                    server.launch()
                for server in stack._own():
                    server.wait_until_ready()
        except BaseException:
            stack.stop()
            raise
        return stack

    @property
    def postgres(self) -> Postgres:
        """The PostgreSQL server."""
        assert self._postgres is not None, "the stack was started without PostgreSQL"
        return self._postgres

    @property
    def kafka(self) -> Kafka:
        """The broker."""
        assert self._kafka is not None, "the stack was started without Kafka"
        return self._kafka

    @property
    def smtp(self) -> Smtp:
        """The mail server."""
        assert self._smtp is not None, "the stack was started without a mail server"
        return self._smtp

    @property
    def local_postgres(self) -> LocalPostgres:
        """The PostgreSQL server as a process of ours, which can be stopped, killed and started again."""
        assert isinstance(self._postgres, LocalPostgres), "this needs a PostgreSQL of our own"
        return self._postgres

    @property
    def local_kafka(self) -> LocalKafka:
        """The broker as a process of ours, which can be stopped, killed, wiped and started again."""
        assert isinstance(self._kafka, LocalKafka), "this needs a Kafka of our own"
        return self._kafka

    @property
    def local_smtp(self) -> LocalSmtp:
        """The mail server as a process of ours, which can be stopped, killed and started again."""
        assert isinstance(self._smtp, LocalSmtp), "this needs a mail server of our own"
        return self._smtp

    def describe(self) -> str:
        """Name the servers and where they are, for people."""
        servers = {"PostgreSQL": self._postgres, f"Kafka {KAFKA_VERSION}": self._kafka, "the mail server": self._smtp}
        own = self._own()
        words = [name if server in own else f"{name} (given)" for name, server in servers.items() if server]
        return ", ".join(words) or "nothing"

    def stop(self) -> None:
        """Stop what was started, the last first, and put its rows and records away unless they are kept."""
        for server in reversed(self._own()):
            server.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _own(self) -> list[LocalPostgres | LocalKafka | LocalSmtp]:
        servers = (self._postgres, self._kafka, self._smtp)
        return [server for server in servers if isinstance(server, LocalPostgres | LocalKafka | LocalSmtp)]


def _given_postgres() -> Postgres | None:
    url = os.environ.get("REVIEW_POSTGRES_URL")
    if not url:
        return None
    given = Postgres(url)
    try:
        answers = given.answers()
    except psycopg.ProgrammingError:
        # Its message would repeat what may hold a password.
        raise RuntimeError("REVIEW_POSTGRES_URL is to be postgresql://user:password@host:port/database") from None
    if not answers:
        raise RuntimeError("the PostgreSQL that REVIEW_POSTGRES_URL names does not answer, or not to its role")
    return given


def _given_kafka() -> Kafka | None:
    bootstrap = os.environ.get("REVIEW_KAFKA_BOOTSTRAP")
    return Kafka(bootstrap) if bootstrap else None


def _given_smtp() -> Smtp | None:
    url = os.environ.get("REVIEW_SMTP_URL")
    if not url:
        return None
    address = urlsplit(url)
    assert address.hostname, "REVIEW_SMTP_URL is smtp://host:port"
    folder = os.environ.get("REVIEW_SMTP_DIR")
    return Smtp(address.hostname, address.port or 25, folder=Path(folder) if folder else None)
