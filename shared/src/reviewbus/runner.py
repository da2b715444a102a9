"""Running a service: one console script, a verb for each kind of process.

`web` is gunicorn and never owns a Kafka client. `relay`, `consume` and `work` are loops; `background` runs the three as
threads of one process. `migrate` and `check` end by themselves. SIGTERM ends a loop after its present round.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from gunicorn.app.base import BaseApplication

from reviewbus import crash, dead_letters, inbox, loops, migrate, quarantine, settings, telemetry
from reviewbus.broker import BrokerDown, KafkaBroker
from reviewbus.consumer import Applier

if TYPE_CHECKING:
    from pathlib import Path

    from flask import Flask

    from reviewbus.catalogue import Catalogue
    from reviewbus.consumer import Subscriptions
    from reviewbus.db import Database
    from reviewbus.jobs import JobKind
    from reviewbus.settings import BusSettings

VERBS = ("web", "relay", "consume", "work", "background", "migrate", "check", "dlq")
_log = telemetry.logger("runner")


@dataclass(frozen=True, slots=True, kw_only=True)
class Periodic:
    """Something done every so often by `work`; `run_once` returns how much it did."""

    name: str
    every_s: float
    run_once: Callable[[], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A service, composed: what the runner runs and what tests drive by hand.

    `sweep` compares what this service holds with what it depends on, repairs, and returns what it found.
    `move_restored` moves every row of a restored database past what may still be in flight, and returns how many.
    """

    settings: BusSettings
    db: Database
    catalogue: Catalogue
    migrations: Path
    metadata: sa.MetaData
    wsgi: Callable[[], Flask]
    subscriptions: Subscriptions = field(default_factory=dict)
    jobs: Mapping[str, JobKind] = field(default_factory=dict)
    periodic: Sequence[Periodic] = ()
    sweep: Callable[[], Sequence[Mapping[str, Any]]] = tuple
    move_restored: Callable[[], int] = int
    close: Callable[[], None] = lambda: None

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics that this service reads."""
        return tuple(sorted({self.catalogue.topic_of(kind) for kind in self.subscriptions}))

    def applier(self) -> Applier:
        """Return what applies records by this service's handlers."""
        return Applier(self.subscriptions, self.catalogue)


Build = Callable[[], Service]


def main(name: str, build: Build, arguments: Sequence[str] | None = None) -> int:
    """Run the verb that the command line names; return the exit status."""
    chosen = _parser(name).parse_args(arguments)
    bus = settings.read_bus(name)
    telemetry.configure_logging(name, bus.log_level)
    if bus.crash_point and bus.is_production:
        sys.stderr.write("REVIEW_CRASH_POINT is set: refused in production\n")
        return 2
    crash.arm(bus.crash_point, bus.crash_marker)
    if chosen.verb == "web":
        _Web(build, bus).run()
        return 0
    service = build()
    try:
        return _run(chosen, service)
    finally:
        service.close()
        service.db.close()


def _run(chosen: argparse.Namespace, service: Service) -> int:
    if chosen.verb == "migrate":
        return _migrate(service)
    if chosen.verb == "check":
        return _restored(service) if chosen.restored else _check(service)
    if chosen.verb == "dlq":
        return _dlq(chosen, service)
    running = loops.Loops(service, KafkaBroker(service.settings))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: running.stop())
    return running.run(("relay", "consume", "work") if chosen.verb == "background" else (chosen.verb,))


def _parser(name: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"review-{name}", description=f"The {name} service.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("web", help="serve the HTTP API")
    verbs.add_parser("relay", help="send the outbox to Kafka")
    verbs.add_parser("consume", help="apply the records that this service reads")
    verbs.add_parser("work", help="do jobs, reconcile, sweep")
    verbs.add_parser("background", help="relay, consume and work in one process")
    verbs.add_parser("migrate", help="bring the database to the newest schema and create missing topics")
    check = verbs.add_parser("check", help="run the audit sweep once; exit 1 if it found anything")
    check.add_argument("--restored", action="store_true", help="after a restore, before anything else starts")
    dlq = verbs.add_parser("dlq", help="records that could not be applied or sent").add_subparsers(
        dest="act", required=True
    )
    dlq.add_parser("list", help="what lies there")
    for act, meaning in (
        ("show", "one record"),
        ("replay", "apply it and what waits behind it"),
        ("discard", "drop it"),
    ):
        one = dlq.add_parser(act, help=meaning)
        one.add_argument("id", type=int)
        one.add_argument("--out", action="store_true", help="an outgoing record that the broker refused")
        one.add_argument("--actor", default="operator", help="who does this, for the audit record")
    return parser


class _Web(BaseApplication):  # type: ignore[misc]
    """gunicorn with threads; the application is built in the worker, after the fork."""

    def __init__(self, build: Build, bus: BusSettings) -> None:
        self._build = build
        self._bus = bus
        super().__init__()

    def load_config(self) -> None:
        bus = self._bus
        chosen = {
            "bind": f"{bus.bind}:{bus.port}",
            "worker_class": "gthread",
            "workers": bus.web_workers,
            "threads": bus.web_threads,
            "proc_name": f"review-{bus.service}-web",
            "graceful_timeout": 20,
            "timeout": 60,
            "keepalive": 30,
            "max_requests": 0,
            "loglevel": "warning",
            "control_socket_disable": True,
        }
        for key, value in chosen.items():
            self.cfg.set(key, value)

    def load(self) -> Flask:
        return self._build().wsgi()


def _migrate(service: Service) -> int:
    """Schema first, then the inbox's partitions, then the topics; each step may be repeated."""
    url = service.settings.migration_url or service.settings.database_url
    migrate.upgrade(service.migrations, url)
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        changed = inbox.maintain(connection, service.db.clock())
    engine.dispose()
    _log.info("migrated", inbox_partitions_changed=changed)
    if service.settings.kafka_bootstrap:
        try:
            created = KafkaBroker(service.settings).ensure_topics(list(service.catalogue.topics.values()))
        except BrokerDown as error:
            _log.error("topics_not_created", error=error)
            sys.stderr.write("the database is migrated, but Kafka did not answer: run migrate again for the topics\n")
            return 1
        _log.info("topics_ensured", created=len(created))
    return 0


def _check(service: Service) -> int:
    findings = service.sweep()
    for finding in findings:
        sys.stdout.write(json.dumps(finding, default=str) + "\n")
    return 1 if findings else 0


def _restored(service: Service) -> int:
    """Nobody is served until every row has been moved; the flag stays if this is interrupted, and a repeat goes on."""
    with service.db.begin() as tx:
        quarantine.begin(tx)
    moved = service.move_restored()
    with service.db.begin() as tx:
        quarantine.lift(tx)
    sys.stdout.write(json.dumps({"moved": moved}) + "\n")
    return 0


def _dlq(chosen: argparse.Namespace, service: Service) -> int:
    apply = service.applier().apply_one
    try:
        with service.db.begin() as tx:
            if chosen.act == "list":
                shown: Any = dead_letters.listing(tx)
            elif chosen.act == "show":
                shown = dead_letters.show(tx, chosen.id, out=chosen.out)
            elif chosen.out:
                act = dead_letters.replay_outgoing if chosen.act == "replay" else dead_letters.discard_outgoing
                act(tx, chosen.id, actor=chosen.actor)
                shown = {"done": chosen.act}
            else:
                settle = dead_letters.replay if chosen.act == "replay" else dead_letters.discard
                shown = {"done": chosen.act, "applied": settle(tx, chosen.id, apply, actor=chosen.actor)}
    except dead_letters.NoSuchLetter as error:
        sys.stderr.write(f"{error}: see `review-{service.settings.service} dlq list`\n")
        return 1
    for line in shown if isinstance(shown, list) else [shown]:
        sys.stdout.write(json.dumps(line, default=str) + "\n")
    return 0
