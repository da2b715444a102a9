"""Four services in one process: their own databases on a real PostgreSQL, one broker in memory, a clock that stands.

`settle()` turns relays, consumers and workers until everything is quiet. By default every record arrives twice.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx

from harness.clients import Gateway
from harness.people import SERVICES
from reviewbus.auth import DEVELOPMENT_ISSUER, INTERNAL_SCOPE, DevelopmentIssuer
from reviewbus.clock import new_id
from reviewbus.consumer import Consumer
from reviewbus.jobs import Worker
from reviewbus.relay import Relay
from reviewbus.settings import BusSettings
from reviewbus.testing.fixed_clock import FixedClock
from reviewbus.testing.memory_broker import MemoryBroker

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from harness.stack.postgres import ServiceDatabase
    from reviewbus.broker import Producer, Subscription
    from reviewbus.service import Service

ROUNDS_MAX = 400
AUDIENCE = "review-system"


class NeverQuiet(Exception):
    """The services went on and on: something answers itself for ever."""


@dataclass(slots=True)
class Running:
    """One service with its loops, turned by hand."""

    service: Service
    producer: Producer
    subscription: Subscription
    relay: Relay
    consumer: Consumer
    worker: Worker

    def turn(self) -> int:
        """Turn each loop once; return how much was done."""
        always = (one for one in self.service.periodic if one.every_s == 0)
        return (
            self.relay.run_once()
            + self.consumer.run_once(0)
            + self.worker.run_once()
            + sum(one.run_once() for one in always)
        )

    def periodic(self, name: str) -> int:
        """Run one of the service's periodic tasks now."""
        return next(one for one in self.service.periodic if one.name == name).run_once()


@dataclass(slots=True)
class World:
    """The system under test."""

    running: Mapping[str, Running]
    broker: MemoryBroker
    clock: FixedClock
    gateway: Gateway
    apps: Mapping[str, Any]
    closing: list[Any] = field(default_factory=list)

    def settle(self, *, without: Iterable[str] = ()) -> None:
        """Turn every service's loops until nothing is left to do; those in `without` stand still.

        Raises `NeverQuiet` if it does not come to rest.
        """
        resting = set(without)
        for _ in range(ROUNDS_MAX):
            if not sum(one.turn() for name, one in self.running.items() if name not in resting):
                return
        raise NeverQuiet

    def service(self, name: str) -> Service:
        """Return a composed service."""
        return self.running[name].service

    def close(self) -> None:
        """Give everything back."""
        for one in self.running.values():
            one.relay.close()
            one.subscription.close()
            one.service.close()
            one.service.db.close()
        for client in self.gateway.clients.values():
            client.close()


def settings_for(
    service: str, database: ServiceDatabase, issuer: DevelopmentIssuer, token_file: Path, **changes: Any
) -> BusSettings:
    """Return chassis settings for tests: everything local, quiet and quick."""
    values: dict[str, Any] = {
        "service": service,
        "environment": "test",
        "database_url": database.url,
        "migration_url": database.migrations_url,
        "database_pool": 5,
        "outbox_notify": False,
        "jwt_issuer": DEVELOPMENT_ISSUER,
        "jwt_audience": AUDIENCE,
        "jwks": str(issuer.jwks),
        "service_token_file": str(token_file),
        "peers": {name: f"http://{name}.invalid" for name in SERVICES},
    }
    return BusSettings(**{**values, **changes})


class _Late(httpx.BaseTransport):
    """Reaches another service's app, which is built after this one; unreachable while `down`."""

    def __init__(self, apps: Mapping[str, Any], name: str, down: set[str]) -> None:
        self._apps, self._name, self._down = apps, name, down

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if self._name in self._down:
            raise httpx.ConnectError(self._name)
        return httpx.WSGITransport(app=self._apps[self._name]).handle_request(request)


def build_world(
    databases: Mapping[str, ServiceDatabase],
    folder: Path,
    *,
    twice: bool = True,
    options: Mapping[str, Any] | None = None,
) -> World:
    """Compose the four services as they ship.

    `databases` are migrated and empty; `folder` is for the issuer's key and for mails. `options[service]` are further
    settings of a service's own.
    """
    issuer = DevelopmentIssuer(folder / "issuer", AUDIENCE)
    clock, broker = FixedClock(), MemoryBroker(twice=twice)
    apps: dict[str, Any] = {}
    down: set[str] = set()
    running: dict[str, Running] = {}
    for name in SERVICES:
        token_file = folder / f"{name}.token"
        token_file.write_text(issuer.token(name, ("service",), scope=INTERNAL_SCOPE), encoding="utf-8")
        bus = settings_for(name, databases[name], issuer, token_file)
        app = importlib.import_module(f"{name}.app")
        settings = importlib.import_module(f"{name}.settings").Settings(bus=bus, **dict((options or {}).get(name, {})))
        transports = {peer: _Late(apps, peer, down) for peer in SERVICES}
        running[name] = _run(app.build(settings, clock=clock, ids=new_id, transports=transports), broker)
        apps[name] = running[name].service.wsgi()
    clients = {
        name: httpx.Client(transport=httpx.WSGITransport(app=apps[name]), base_url=f"http://{name}.invalid")
        for name in SERVICES
    }
    return World(running=running, broker=broker, clock=clock, gateway=Gateway(clients, issuer), apps=apps)


def _run(service: Service, broker: MemoryBroker) -> Running:
    broker.ensure_topics(list(service.catalogue.topics.values()))
    producer = broker.producer()
    subscription = broker.subscribe(service.settings.group, service.topics)
    return Running(
        service=service,
        producer=producer,
        subscription=subscription,
        relay=Relay(service.settings, producer),
        consumer=Consumer(
            service.db, subscription, service.applier(), monotonic=lambda: service.db.clock().timestamp()
        ),
        worker=Worker(service.db, service.jobs),
    )
