"""The four services as processes that can die one by one: web, relays, a consumer, a worker each, all in one thread."""

from __future__ import annotations

import contextlib
import importlib
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

import httpx
import stamina

from harness.clients import Gateway
from harness.people import SERVICES
from harness.world import AUDIENCE, settings_for
from notifications import mail
from reviewbus import loops
from reviewbus.auth import INTERNAL_SCOPE, DevelopmentIssuer
from reviewbus.consumer import Consumer
from reviewbus.jobs import Worker
from reviewbus.relay import LOCK_CLASS, PRESENCE, Relay
from reviewbus.testing.fixed_clock import START, FixedClock
from reviewbus.testing.memory_broker import MemoryBroker
from simulation.between import Between
from simulation.kill import Broken, Killed, KillSwitch, replaced
from simulation.lines import Delivered, MailServer, Producing, Reading, Sent, Wire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from reviewbus.broker import Outgoing
    from reviewbus.service import Service
    from simulation.ground import Ground

LOOPS = ("relay", "consume", "work")
BATCH = 500
NOTICED_S_MAX = 30
_PRESENT = (
    "select count(*) from pg_locks where locktype = 'advisory' and classid = %s and objid = %s and granted "
    "and database = (select oid from pg_database where datname = current_database())"
)
# A thread prolongs a lease after a third of it, in real time: none of ours takes so long.
LEASE_S = 600.0
# Who meets a lock meets one of somebody who waits for us: it would never go away.
LOCK_MS = 25


@dataclass(slots=True)
class Ids:
    """Identifiers as the real ones are ordered, by the clock's millisecond, and the same in every run of a seed."""

    clock: FixedClock
    seed: int = 0
    count: int = 0

    def __call__(self) -> UUID:
        self.count += 1
        low = (self.seed & 0x3FFFFFFF) << 32 | self.count
        return UUID(int=int(self.clock.now.timestamp() * 1000) << 80 | 0x7 << 76 | 0b10 << 62 | low)


@dataclass(slots=True)
class Machine:
    """The processes of one service. Several relays may run at once."""

    service: Service
    sending: list[Producing]
    relays: list[Relay]
    reading: Reading
    consumer: Consumer
    worker: Worker
    # Since relays came or went they share the shards anew.
    unbalanced: bool = False
    sends: bool = False

    def periodic(self, name: str) -> int:
        """Run one of the periodic tasks of `work`."""
        return next(one for one in self.service.periodic if one.name == name).run_once()


@dataclass(slots=True)
class System:
    """All machines on one ground, one broker, one clock. `ended` names loops that ended for an unforeseen reason."""

    ground: Ground
    kill: KillSwitch
    between: Between
    clock: FixedClock
    ids: Ids
    broker: MemoryBroker
    gateway: Gateway
    apps: dict[str, Any]
    down: set[str]
    wires: list[Wire]
    mails: MailServer
    services: Mapping[str, Service]
    machines: dict[str, Machine] = field(default_factory=dict)
    sent: list[Sent] = field(default_factory=list)
    lives: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SERVICES, 0))
    ended: list[str] = field(default_factory=list)

    def restart(self, name: str, verb: str) -> None:
        """Start a process anew that died: nothing of what it had in memory is left."""
        machine = self.machines[name]
        if verb == "web":
            self.apps[name] = machine.service.wsgi()
        elif verb == "relay":
            while machine.relays:
                self.stop_relay(name)
            self.add_relay(name)
        elif verb == "consume":
            machine.reading.close()
            self._join(machine)
        else:
            machine.worker = Worker(machine.service.db, machine.service.jobs, LEASE_S)

    def add_relay(self, name: str) -> None:
        """Start a relay, beside those that run."""
        machine = self.machines[name]
        sending = Producing(name, self.broker.producer(), self.kill, self._taken)
        machine.sending.append(sending)
        machine.relays.append(Relay(machine.service.settings, sending))
        machine.unbalanced = True

    def stop_relay(self, name: str) -> None:
        """Stop the relay that came last."""
        machine = self.machines[name]
        machine.relays.pop().close()
        machine.sending.pop()
        machine.unbalanced = True

    def turn(self, name: str, verb: str, which: int = 0) -> int:
        """Let one loop of one service turn once, as its process does; return how much it did.

        What may pass makes the loop wait; what may not ends its process, and a new one is started.
        """
        machine = self.machines[name]
        try:
            if verb == "relay":
                return self._relay(machine, which)
            if verb == "consume":
                return machine.consumer.run_once(0)
            if verb == "work":
                return machine.worker.run_once()
            return machine.periodic(verb)
        except (Killed, Broken):
            # Where even putting a record aside fails, the process ends, and another one begins anew.
            self.restart(name, verb if verb in LOOPS else "work")
        except Exception as error:  # noqa: BLE001 -- a real process ends as well, and it is kept for the judge
            if loops._may_pass(error):
                if verb == "relay":
                    machine.relays[which].close()
                    machine.unbalanced = True
            else:
                self.ended.append(f"{name} {verb}: {type(error).__name__}: {error}")
                self.restart(name, verb if verb in LOOPS else "work")
        return 0

    def settle(self, rounds_max: int = 400, *, deaf: str = "") -> bool:
        """Turn all loops until nothing is left to do now; return False if they never come to rest.

        A service that is `deaf` reads no records.
        """
        places = [(name, verb) for name in SERVICES for verb in LOOPS if (name, verb) != (deaf, "consume")]
        return any(not sum(self.turn(*place) for place in places) for _ in range(rounds_max))

    def start(self, seed: int, broker: MemoryBroker, *, now: datetime = START) -> None:
        """Start every process anew on the rows that are there, at this broker and this time."""
        self.kill.disarm()
        self.between.disarm()
        self.down.clear()
        self.clock.now, self.ids.seed, self.ids.count = now, seed, 0
        self.broker = broker
        self.sent, self.lives, self.ended = [], dict.fromkeys(SERVICES, 0), []
        for wire in self.wires:
            wire.asked = wire.meanwhile = None
        for name, service in self.services.items():
            broker.ensure_topics(list(service.catalogue.topics.values()))
            self._start_one(name, service)

    def close(self) -> None:
        """Give everything back."""
        for machine in self.machines.values():
            for relay in machine.relays:
                relay.close()
        for service in self.services.values():
            service.close()
            service.db.close()
        for client in self.gateway.clients.values():
            client.close()

    def _start_one(self, name: str, service: Service) -> None:
        before = self.machines.get(name)
        if before is not None and len(before.relays) == 1:
            # A relay holds nothing but its connection and its shards: those may as well stay.
            relays, sending = before.relays, before.sending
            sending[0] = Producing(name, self.broker.producer(), self.kill, self._taken)
            relays[0]._producer = sending[0]
        else:
            for relay in before.relays if before is not None else ():
                relay.close()
            relays, sending = [], []
        subscription = Reading(self.broker.subscribe(service.settings.group, service.topics))
        self.machines[name] = Machine(
            service=service,
            sending=sending,
            relays=relays,
            reading=subscription,
            consumer=self._consumer(service, subscription),
            worker=Worker(service.db, service.jobs, LEASE_S),
        )
        if not relays:
            self.add_relay(name)

    def _join(self, machine: Machine) -> None:
        machine.reading = Reading(self.broker.subscribe(machine.service.settings.group, machine.service.topics))
        machine.consumer = self._consumer(machine.service, machine.reading)

    def _consumer(self, service: Service, reading: Reading) -> Consumer:
        def monotonic() -> float:
            return self.clock.now.timestamp()

        return Consumer(service.db, reading, service.applier(), batch=BATCH, monotonic=monotonic)

    def _relay(self, machine: Machine, which: int) -> int:
        if machine.unbalanced and not machine.sends:
            self._wait_for_the_dead(machine)
            # Two rounds: those who have too many give some up before the others can take them.
            for _ in range(2):
                for relay in machine.relays:
                    relay._balance(relay._connected())
                    relay._balanced_at = 0.0
            machine.unbalanced = False
        nested, machine.sends = machine.sends, True
        try:
            return machine.relays[which % len(machine.relays)].run_once()
        finally:
            machine.sends = nested

    def _wait_for_the_dead(self, machine: Machine) -> None:
        """Let PostgreSQL notice that relays are gone: it does so in its own time, which is none of the story's."""
        for relay in machine.relays:
            relay._connected()
        rows, until = self.ground.rows[machine.service.settings.service], time.monotonic() + NOTICED_S_MAX
        while rows.ask(_PRESENT, LOCK_CLASS, PRESENCE) > len(machine.relays):
            assert time.monotonic() < until, "a relay's connection stays though it was closed"
            time.sleep(0.001)

    def _taken(self, service: str, records: Sequence[Outgoing]) -> None:
        for one in records:
            headers = {name: value.decode() for name, value in one.headers}
            self.sent.append(
                Sent(
                    service=service,
                    topic=one.topic,
                    key=one.key.decode(),
                    headers=headers,
                    body=one.value,
                    life=self.lives[service],
                )
            )


@contextlib.contextmanager
def running(ground: Ground, folder: Path, *, took: Callable[[Delivered], None]) -> Iterator[System]:
    """Give the four services as they ship, composed by their own roots; `took` sees every mail that is handed over."""
    issuer = DevelopmentIssuer(folder / "issuer", AUDIENCE)
    clock, kill, between, apps, down = FixedClock(), KillSwitch(), Between(), dict[str, Any](), set[str]()
    ids = Ids(clock)
    wires: list[Wire] = []
    services: dict[str, Service] = {}
    system: System | None = None

    def died(name: str) -> None:
        assert system is not None
        system.restart(name, "web")

    def wire(to: str, caller: str) -> Wire:
        wires.append(Wire(to, caller, apps, down, died))
        return wires[-1]

    options: dict[str, dict[str, Any]] = {"packets": {"render_ahead": False}}
    for name in SERVICES:
        token_file = folder / f"{name}.token"
        token_file.write_text(issuer.token(name, ("service",), scope=INTERNAL_SCOPE), encoding="utf-8")
        bus = settings_for(
            name, ground.rows[name].database, issuer, token_file, log_level="CRITICAL", lock_timeout_ms=LOCK_MS
        )
        chosen = importlib.import_module(f"{name}.settings").Settings(bus=bus, **options.get(name, {}))
        transports = {peer: wire(peer, name) for peer in SERVICES}
        services[name] = importlib.import_module(f"{name}.app").build(
            chosen, clock=clock, ids=ids, transports=transports
        )
        kill.watch(services[name].db)
        between.watch(name, services[name].db)
        apps[name] = services[name].wsgi()
    clients = {
        name: httpx.Client(transport=wire(name, "person"), base_url=f"http://{name}.invalid") for name in SERVICES
    }
    mails = MailServer(took)
    system = System(
        ground=ground,
        kill=kill,
        between=between,
        clock=clock,
        ids=ids,
        broker=MemoryBroker(),
        gateway=Gateway(clients, issuer),
        apps=apps,
        down=down,
        wires=wires,
        mails=mails,
        services=services,
    )
    try:
        with kill.installed(), replaced(mail, "smtplib", mails.library()), stamina.set_testing(True):
            yield system
    finally:
        system.close()
