"""The ground of a fault run: real servers and services, with a proxy between all of them that can break connections.

Kafka listens twice: for the services it advertises the proxy's address, for the observer its own. So whoever observes
sees every record, also while the services are cut off.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from faults.plan import SECOND_RELAY
from faults.proxy import Proxy
from harness.eventually import eventually
from harness.people import SERVICES
from harness.stack import LocalPostgres, LocalSmtp, Stack
from harness.stack.children import end_on_signals, spawn
from harness.stack.kafka import _LOGGING, LocalKafka, _java_command, _write_settings
from harness.stack.ports import LOOPBACK, answers, free_port
from harness.stack.progress import step
from harness.system import APART, Pace, System

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from harness.stack.children import Child

PACE = Pace(reconcile_after_s=5.0, reconcile_backoff_s_max=5.0, sweep_every_s=10.0, kafka_session_timeout_ms=6_000)
SMTP_TIMEOUT_S = 5.0
TOPICS_S_MAX = 120.0
OPERATIONS_UNDER_WAY = "select count(*) from operations where state not in ('planned', 'completed', 'cancelled')"
_LISTENERS = """
listeners=PLAINTEXT://{host}:{port},SERVICES://{host}:{inner},CONTROLLER://{host}:{controller}
advertised.listeners=PLAINTEXT://{host}:{port},SERVICES://{host}:{outer}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SERVICES:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
"""


class ProxiedKafka(LocalKafka):
    """A broker with a second listener, whose advertised address is the proxy's."""

    def __init__(self, var_dir: Path, *, outer: int, say: Callable[[str], None] | None = None) -> None:
        """`outer` is the port on which the proxy listens for the services."""
        self.inner = free_port()
        self._outer = outer
        super().__init__(var_dir, say=say)

    def launch(self) -> None:
        """Start the broker without waiting until it answers."""
        self._log.parent.mkdir(parents=True, exist_ok=True)
        settings = _write_settings(self._home, self.port, self._controller_port)
        ports = {"port": self.port, "inner": self.inner, "outer": self._outer, "controller": self._controller_port}
        # What stands last in the file counts.
        with settings.open("a") as file:
            file.write(_LISTENERS.format(host=LOOPBACK, **ports))
        logging = self._home / "log4j2.properties"
        logging.write_text(_LOGGING.format(file=self._log))
        command = [*_java_command(self._java, self._jars, f"-Dlog4j2.configurationFile={logging}"), "kafka.Kafka"]
        self._child = spawn("Kafka", [*command, str(settings)], log=self._log)


class ProxiedStack(Stack):
    """PostgreSQL, Kafka and a mail server of our own, and the proxy in front of them."""

    def __init__(self, var_dir: Path, say: Callable[[str], None] | None = None) -> None:
        """Prepare everything; `running` is the usual way."""
        self.proxy = Proxy(var_dir / "log")
        outer = free_port()
        postgres = LocalPostgres(var_dir)
        kafka = ProxiedKafka(var_dir, outer=outer, say=say)
        smtp = LocalSmtp(var_dir)
        self.kafka_port = self.proxy.route("kafka", kafka.inner, port=outer)
        self.smtp_port = self.proxy.route("smtp", smtp.port)
        self.postgres_ports = {name: self.proxy.route(f"postgres-{name}", postgres.port) for name in SERVICES}
        super().__init__(postgres=postgres, kafka=kafka, smtp=smtp)

    def start_all(self) -> None:
        """Start the servers side by side and return when all of them answer."""
        for server in self._own():
            server.launch()
        for server in self._own():
            server.wait_until_ready()

    def stop(self) -> None:
        """Stop the proxy and the servers, and put their rows and records away."""
        self.proxy.stop()
        super().stop()


class ProxiedSystem(System):
    """The four services, which reach everything but the clients through the proxy."""

    stack: ProxiedStack

    def __init__(
        self,
        stack: Stack,
        *,
        var_dir: Path,
        verbs: Sequence[str] = APART,
        pace: Pace = PACE,
        issuer_dir: Path | None = None,
    ) -> None:
        """Prepare without starting anything."""
        assert isinstance(stack, ProxiedStack)
        self._proxied = stack
        super().__init__(stack, var_dir=var_dir, verbs=verbs, pace=pace, issuer_dir=issuer_dir)
        self._ports[SECOND_RELAY] = free_port()

    def _spawn(self, service: str, *arguments: str, environment: Mapping[str, str] | None = None) -> Child:
        verb = arguments[0].removesuffix("-2")
        return super()._spawn(service, verb, *arguments[1:], environment=environment)

    def _shared_environment(self, folder: Path, pace: Pace) -> dict[str, str]:
        found = super()._shared_environment(folder, pace)
        stack = self._proxied
        peers = {name: stack.proxy.route(f"peer-{name}", int(url.rsplit(":", 1)[1])) for name, url in self.urls.items()}
        found |= {
            "REVIEW_KAFKA_BOOTSTRAP": f"{LOOPBACK}:{stack.kafka_port}",
            "REVIEW_PEERS": ",".join(f"{name}=http://{LOOPBACK}:{port}" for name, port in peers.items()),
            "REVIEW_NOTIFICATIONS_SMTP_PORT": str(stack.smtp_port),
            "REVIEW_NOTIFICATIONS_SMTP_TIMEOUT_S": str(SMTP_TIMEOUT_S),
            # A PDF costs a fifth of a second of a core: drawn for those only who ask.
            "REVIEW_PACKETS_RENDER_AHEAD": "false",
        }
        for name, port in stack.postgres_ports.items():
            variable = f"REVIEW_{name.upper()}_DATABASE_URL"
            found[variable] = found[variable].replace(f":{stack.local_postgres.port}/", f":{port}/")
        return found

    def unsettled(self) -> dict[str, int]:
        """Return what is still to be done; a mail that waits for its next attempt, minutes later, is not counted."""
        found = super().unsettled()
        waiting = self.mails_waiting()
        for what in ("notifications: jobs", "notifications: mails on the way"):
            found[what] = found.get(what, 0) - waiting
        found["packets: operations"] = int(self.rows("packets", OPERATIONS_UNDER_WAY)[0][0])
        return {what: number for what, number in found.items() if number > 0}

    def answers(self, service: str, verb: str) -> bool:
        """Say whether a process that was started is ready; looked at no longer than a moment."""
        child = self.process(service, verb)
        url = f"http://{LOOPBACK}:{self._ports[service, verb]}/readyz"
        with contextlib.suppress(RuntimeError):  # it ended meanwhile
            return answers(self._ports[service, verb]) and self._ready(child, url)
        return False

    def mails_waiting(self) -> int:
        """Return how many mails the mail server did not take, and wait for their next attempt."""
        statement = "select count(*) from jobs where kind = 'mail' and status = 'queued' and run_at > now()"
        return int(self.rows("notifications", f"{statement} and attempts > 0")[0][0])


@contextlib.contextmanager
def ground(var_dir: Path, say: Callable[[str], None]) -> Iterator[ProxiedSystem]:
    """Within the block everything runs; at its end everything is stopped. The logs stay in `var_dir/log`."""
    end_on_signals()
    stack = ProxiedStack(var_dir, say)
    try:
        with step("starting PostgreSQL, Kafka and the mail server", say):
            stack.start_all()
        system = ProxiedSystem(stack, var_dir=var_dir)
        stack.proxy.start()
        try:
            with step("creating tables and topics", say):
                system.migrate()
            with step("starting the services", say):
                for name in SERVICES:
                    for verb in system.verbs:
                        system.launch(name, verb)
                system.launch(*SECOND_RELAY)
                system.wait_until_ready()
            yield system
        finally:
            system.stop()
    finally:
        stack.stop()


def topics_again(system: System) -> None:
    """Make the topics that a broker has forgotten, as an operator would: by a service's own command, until it does."""
    eventually(lambda: system.run(SERVICES[0], "migrate") == 0, TOPICS_S_MAX, what="the making of topics")


def addresses(system: System) -> Mapping[str, int]:
    """Return the port of each service, which clients reach without the proxy."""
    return {name: int(url.rsplit(":", 1)[1]) for name, url in system.urls.items()}
