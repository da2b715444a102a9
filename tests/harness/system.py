"""The real system: the four services as processes, on real servers.

    with Stack.start(var_dir=var) as stack, System.on(stack, var_dir=var) as system:
        system.gateway().as_(HELEN).get("/v1/packets")
        system.kill("packets", "background")
        system.start("packets", "background")

Each service is started as `python -m <service> <verb>`, as in production, and is told everything by its environment.
Everything that is started ends with us, however we end.
"""

from __future__ import annotations

import contextlib
import signal
import sys
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Self

import httpx
import psycopg
from kafka.errors import KafkaError

from harness.clients import Gateway
from harness.eventually import eventually
from harness.observer import Observer, Written, read_by
from harness.people import SERVICES
from harness.stack.children import Child, spawn
from harness.stack.ports import LOOPBACK, free_port
from harness.stack.progress import step
from reviewbus.auth import DEVELOPMENT_ISSUER, INTERNAL_SCOPE, DevelopmentIssuer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from email.message import EmailMessage
    from pathlib import Path
    from types import TracebackType

    from harness.stack import ServiceDatabase, Stack

AUDIENCE = "review-system"
TOGETHER = ("web", "background")
APART = ("web", "relay", "consume", "work")
START_S_MAX = 150.0
STOP_S_MAX = 25.0
REQUEST_TIMEOUT_S = 10.0

_CHASSIS_AT_REST = {
    "outbox rows": "select count(*) from outbox",
    "jobs": "select count(*) from jobs where status = 'queued' and (run_at <= now() or attempts > 0)",
}
_AT_REST = {
    "packets": {"packets on the way": "select count(*) from packets where state in ('releasing', 'unreleasing')"},
    "signing": {
        "signatures on the way": "select count(*) from record where array[employee_state, manager_state, "
        "completion_state] && array['pending', 'revoking', 'completing']"
    },
    "notifications": {"mails on the way": "select count(*) from delivery where state in ('queued', 'sending')"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast the system notices and repairs what went wrong; faster than in production, so that tests need not wait.

    `web_workers` and `web_threads` are gunicorn's, per service.
    """

    kafka_session_timeout_ms: int = 6_000
    reconcile_after_s: float = 5.0
    reconcile_backoff_s_max: float = 5.0
    sweep_every_s: float = 10.0
    web_workers: int = 1
    web_threads: int = 4

    def environment(self) -> dict[str, str]:
        """Return it as variables that all services read."""
        return {f"REVIEW_{name.upper()}": str(getattr(self, name)) for name in self.__slots__}


class System:
    """The four services, running. `verbs` are the processes of each."""

    def __init__(
        self, stack: Stack, *, var_dir: Path, verbs: Sequence[str], pace: Pace, issuer_dir: Path | None = None
    ) -> None:
        """Prepare without starting anything; `on` is the usual way."""
        self.stack = stack
        self.verbs = tuple(verbs)
        self.log_dir = (var_dir / "log").absolute()
        folder = (issuer_dir or var_dir / "issuer").absolute()
        self.issuer = DevelopmentIssuer(folder, AUDIENCE)
        self._databases = stack.postgres.create_service_databases(SERVICES)
        self._ports = {(name, verb): free_port() for name in SERVICES for verb in verbs}
        self.urls = {name: f"http://{LOOPBACK}:{self._ports[name, 'web']}" for name in SERVICES}
        self.health_urls = {which: f"http://{LOOPBACK}:{port}" for which, port in self._ports.items()}
        self._environment = self._shared_environment(folder, pace)
        self._processes: dict[tuple[str, str], Child] = {}
        self._gateway: Gateway | None = None
        self._probe = httpx.Client(timeout=2.0)
        self._observer = Observer(stack.kafka.bootstrap)

    @classmethod
    def on(
        cls,
        stack: Stack,
        *,
        var_dir: Path,
        verbs: Sequence[str] = TOGETHER,
        pace: Pace | None = None,
        issuer_dir: Path | None = None,
        say: Callable[[str], None] | None = None,
    ) -> Self:
        """Make databases and topics, start every process of every service, and return when all of them answer.

        Args:
            stack: PostgreSQL, Kafka and a mail server, running.
            var_dir: gets the logs (`log/<service>-<verb>.log`), the issuer's key and the services' tokens.
            verbs: the processes of each service: `TOGETHER`, or `APART` to kill each by itself.
            pace: how fast it repairs.
            issuer_dir: where the issuer's key is, or is made, if not in `var_dir`.
            say: takes the lines about progress instead of standard error.

        Raises:
            RuntimeError: a process ended; the message has the end of its log.
        """
        system = cls(stack, var_dir=var_dir, verbs=verbs, pace=pace or Pace(), issuer_dir=issuer_dir)
        try:
            with step("creating tables and topics", say):
                system.migrate()
            with step(f"starting {', '.join(SERVICES)}", say):
                for name in SERVICES:
                    for verb in system.verbs:
                        system.launch(name, verb)
                system.wait_until_ready()
        except BaseException:
            system.stop()
            raise
        return system

    # -- processes ---------------------------------------------------------------------------------------------------

    def migrate(self) -> None:
        """Run every service's `migrate`, side by side; one of them creates the topics for all.

        Raises:
            RuntimeError: one failed; the message has the end of its log.
        """
        without_kafka = {"REVIEW_KAFKA_BOOTSTRAP": ""}
        running = [
            self._spawn(name, "migrate", environment={} if name == SERVICES[0] else without_kafka) for name in SERVICES
        ]
        for one in running:
            if code := one.wait(START_S_MAX):
                raise RuntimeError(f"{one.name} ended with {code}; the end of {one.log}:\n{one.log_tail()}")

    def run(self, service: str, *arguments: str, timeout_s: float = START_S_MAX) -> int:
        """Run a verb that ends by itself, such as `check` or `dlq list`, and return its exit status."""
        return self._spawn(service, *arguments).wait(timeout_s)

    def process(self, service: str, verb: str) -> Child:
        """Return a process, which runs or has ended."""
        return self._processes[service, verb]

    @property
    def places(self) -> list[tuple[str, str]]:
        """The service and the verb of every process that was started, whether it runs or not."""
        return list(self._processes)

    def launch(self, service: str, verb: str, **environment: str) -> Child:
        """Start a process without waiting until it answers; `environment` are variables for it alone."""
        variable = "PORT" if verb == "web" else "HEALTH_PORT"
        address = {f"REVIEW_{service.upper()}_{variable}": str(self._ports[service, verb])}
        child = self._spawn(service, verb, environment=address | environment)
        self._processes[service, verb] = child
        return child

    def start(self, service: str, verb: str, **environment: str) -> Child:
        """Start a process and return when it answers."""
        child = self.launch(service, verb, **environment)
        self.wait_until_ready((service, verb))
        return child

    def kill(self, service: str, verb: str) -> None:
        """End a process and all that it started at once, as a power cut would."""
        self.process(service, verb).kill()

    def stop_process(self, service: str, verb: str) -> None:
        """Ask a process to end, and wait for it."""
        self.process(service, verb).stop(timeout_s=STOP_S_MAX)

    def restart(self, service: str, verb: str, **environment: str) -> Child:
        """Stop a process and start it again on the same port."""
        self.stop_process(service, verb)
        return self.start(service, verb, **environment)

    def wait_until_ready(self, *which: tuple[str, str], timeout_s: float = START_S_MAX) -> None:
        """Return when the processes named (default: all) say that they are ready.

        Raises:
            RuntimeError: one of them ended.
            TimeoutError: one of them does not answer.
        """
        for service, verb in which or tuple(self._processes):
            child = self.process(service, verb)
            url = f"http://{LOOPBACK}:{self._ports[service, verb]}/readyz"
            eventually(
                partial(self._ready, child, url),
                timeout_s,
                what=f"the first answer of {child.name}",
                why=child.log_tail,
            )

    def ended(self) -> list[tuple[str, str]]:
        """Return the processes that do not run, for whatever reason, by service and verb."""
        return [which for which, child in self._processes.items() if child.exit_code is not None]

    def stop(self) -> None:
        """Ask every process to end, all at once, and wait for them; the stack goes on."""
        for child in self._processes.values():
            child.send(signal.SIGTERM)
        for child in self._processes.values():
            child.stop(timeout_s=STOP_S_MAX)
        if self._gateway is not None:
            for client in self._gateway.clients.values():
                client.close()
        self._probe.close()
        with contextlib.suppress(Exception):
            self._observer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # -- looking -----------------------------------------------------------------------------------------------------

    def environment(self, service: str) -> dict[str, str]:
        """Return the variables by which a program of the service reaches all that it needs; no other service's."""
        others = tuple(f"REVIEW_{name.upper()}_" for name in SERVICES if name != service)
        return {
            name: value
            for name, value in self._environment.items()
            if name.startswith("REVIEW_") and not name.startswith(others)
        }

    def gateway(self) -> Gateway:
        """Return clients of all services over sockets; the same ones at every call."""
        if self._gateway is None:
            clients = {
                name: httpx.Client(base_url=url, timeout=REQUEST_TIMEOUT_S, transport=httpx.HTTPTransport(retries=2))
                for name, url in self.urls.items()
            }
            self._gateway = Gateway(clients, self.issuer)
        return self._gateway

    def database(self, service: str) -> ServiceDatabase:
        """Return a service's database."""
        return self._databases[service]

    def rows(self, service: str, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Carry out one statement in a service's database, as its owner, and return the rows, if it gives any."""
        url = self.database(service).migrations_url.replace("+psycopg", "", 1)
        with psycopg.connect(url, autocommit=True) as connection:
            found = connection.execute(statement.encode(), parameters or None)
            return found.fetchall() if found.description else []

    def mails(self) -> list[EmailMessage]:
        """Return every mail that was sent, in order."""
        return self.stack.smtp.mails()

    def records(self) -> list[Written]:
        """Return every record of every topic: in order within a partition, by time between partitions."""
        return self._observer.records()

    def disconnect(self) -> None:
        """Give up our own connections to Kafka; who asks next gets new ones."""
        self._observer.close()

    def unsettled(self) -> dict[str, int]:
        """Return what is still to be done, by name and number; nothing when all is quiet."""
        found: dict[str, int] = {}
        for service in SERVICES:
            statements = _CHASSIS_AT_REST | _AT_REST.get(service, {})
            together = " union all ".join(f"select '{what}', ({one})" for what, one in statements.items())
            found |= {f"{service}: {what}": number for what, number in self.rows(service, together)}
        try:
            lag = self._observer.lag({name: read_by(name) for name in SERVICES})
        except KafkaError as error:
            lag = {f"Kafka ({type(error).__name__})": 1}
        found |= {f"{name}: records not applied": number for name, number in lag.items()}
        return {what: number for what, number in found.items() if number}

    def settled(self) -> bool:
        """Say whether all is quiet: nothing to send, apply or do, and no row on its way from one state to another.

        Looked at twice, because what leaves one place may not have come to the next.
        """
        return not self.unsettled() and not self.unsettled()

    def settle(self, timeout_s: float = 60.0) -> None:
        """Return when all is quiet; raises TimeoutError saying what is not."""
        eventually(self.settled, timeout_s, what="quiet", why=self.unsettled)

    # -- inside ------------------------------------------------------------------------------------------------------

    def _ready(self, child: Child, url: str) -> bool:
        child.check()
        try:
            return self._probe.get(url).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    def _spawn(self, service: str, *arguments: str, environment: Mapping[str, str] | None = None) -> Child:
        command = [sys.executable, "-m", service, *arguments]
        log = self.log_dir / f"{service}-{arguments[0]}.log"
        return spawn(
            f"{service} {arguments[0]}",
            command,
            log=log,
            env=self._environment | dict(environment or {}),
            # gunicorn ends its workers when it is asked to end, not when it is killed.
            at_our_death=signal.SIGTERM if arguments[0] == "web" else signal.SIGKILL,
        )

    def _shared_environment(self, folder: Path, pace: Pace) -> dict[str, str]:
        smtp = self.stack.smtp
        found = {
            "REVIEW_ENVIRONMENT": "development",
            "REVIEW_KAFKA_BOOTSTRAP": self.stack.kafka.bootstrap,
            "REVIEW_JWT_ISSUER": DEVELOPMENT_ISSUER,
            "REVIEW_JWT_AUDIENCE": AUDIENCE,
            "REVIEW_JWKS": str(self.issuer.jwks),
            "REVIEW_PEERS": ",".join(f"{name}={url}" for name, url in self.urls.items()),
            "REVIEW_PACKETS_COMPANY_NAME": "Example Company",
            "REVIEW_NOTIFICATIONS_SMTP_HOST": smtp.host,
            "REVIEW_NOTIFICATIONS_SMTP_PORT": str(smtp.port),
            "PYTHONUNBUFFERED": "1",
            **pace.environment(),
        }
        for name in SERVICES:
            token = folder / f"{name}.token"
            token.touch(mode=0o600)
            words = self.issuer.token(name, ("service",), scope=INTERNAL_SCOPE, lifetime_s=90 * 86_400)
            token.write_text(words, encoding="utf-8")
            scope = f"REVIEW_{name.upper()}"
            found[f"{scope}_DATABASE_URL"] = self._databases[name].url
            found[f"{scope}_MIGRATION_URL"] = self._databases[name].migrations_url
            found[f"{scope}_SERVICE_TOKEN_FILE"] = str(token)
        return found
