"""The loops of a background process: thin, each around a `run_once` that holds the logic.

A loop that meets a fault that may pass — database or broker away — backs off and goes on. Anything else ends the
process, so that whoever supervises it starts a new one. A loop that has not turned for too long ends it as well.
"""

from __future__ import annotations

import os
import threading
import time
from functools import partial
from typing import TYPE_CHECKING

import psycopg

from reviewbus import health, memory, quarantine, telemetry
from reviewbus.broker import BrokerDown
from reviewbus.client import PeerRefused, PeerUnavailable
from reviewbus.consumer import Consumer
from reviewbus.db import is_transient
from reviewbus.jobs import Worker
from reviewbus.quarantine import Quarantined
from reviewbus.relay import COALESCE_S, POLL_S, Relay

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reviewbus.broker import Broker
    from reviewbus.service import Periodic, Service

# `work` may be in the middle of a sweep over everything.
STUCK_S = {"relay": 60.0, "consume": 60.0, "work": 900.0}
STOP_S_MAX = 20.0
BACKOFF_S_MAX = 5.0
WORK_IDLE_S = 0.2
RETRY_S = 30.0
MEASURE_S = 5.0
FORCED_EXIT_STATUS = 70
_log = telemetry.logger("loops")


class Loops:
    """Runs the chosen loops as threads until one is told to stop or one fails for good."""

    def __init__(self, service: Service, broker: Broker) -> None:
        self._service = service
        self._broker = broker
        self._told_to_stop = False
        self._stopping = threading.Event()
        self._failed = False
        self._beats: dict[str, float] = {}

    def stop(self) -> None:
        """End every loop after its present round; takes no lock, so that a signal's handler may call it."""
        self._told_to_stop = True

    def alive(self) -> bool:
        """Say whether every loop has turned lately."""
        now = time.monotonic()
        return all(now - beat < STUCK_S.get(name, STUCK_S["work"]) for name, beat in list(self._beats.items()))

    def run(self, names: Sequence[str]) -> int:
        """Run the loops named; return 0 when told to stop, 1 when one failed for good or got stuck."""
        bodies: dict[str, Callable[[], None]] = {"relay": self._relay, "consume": self._consume, "work": self._work}
        settings = self._service.settings
        server = (
            health.serve(settings.bind, settings.health_port, self._service.db, self.alive)
            if settings.health_port
            else None
        )
        chosen = {name: bodies[name] for name in names}
        if "work" in names:
            chosen |= {one.name: partial(self._always, one) for one in self._service.periodic if not one.every_s}
        memory.settle()
        self._beats = dict.fromkeys(chosen, time.monotonic())
        threads = [threading.Thread(target=self._guard, args=each, name=each[0]) for each in chosen.items()]
        for thread in threads:
            thread.daemon = True
            thread.start()
        _log.info("loops_started", loops=list(names))
        while not self._told_to_stop and not self._stopping.wait(0.5):
            if not self.alive():
                _log.error(
                    "loop_stuck", beats={name: round(time.monotonic() - beat) for name, beat in self._beats.items()}
                )
                os._exit(FORCED_EXIT_STATUS)
        self._stopping.set()
        for thread in threads:
            thread.join(timeout=STOP_S_MAX)
        if server is not None:
            server.shutdown()
        _log.info("loops_stopped", failed=self._failed)
        return 1 if self._failed else 0

    def _guard(self, name: str, body: Callable[[], None]) -> None:
        try:
            body()
        except Exception as error:  # noqa: BLE001 -- the process ends, so that its supervisor starts a new one
            _log.error("loop_failed", loop=name, error=error)
            self._failed = True
            self._stopping.set()

    def _turn(self, name: str, step: Callable[[], None], recover: Callable[[], None]) -> None:
        """Repeat `step` until told to stop, backing off from faults that may pass."""
        failures = 0
        while not self._stopping.is_set():
            self._beats[name] = time.monotonic()
            try:
                step()
                failures = 0
            except Exception as error:
                if not _may_pass(error):
                    raise
                failures += 1
                _log.warning("loop_waits", loop=name, failures=failures, error=error)
                recover()
                self._stopping.wait(min(BACKOFF_S_MAX, 0.1 * 2 ** min(failures, 8)))

    def _relay(self) -> None:
        producer = self._broker.producer()
        relay = Relay(self._service.settings, producer)
        measured_at = 0.0

        def step() -> None:
            nonlocal measured_at
            if relay.run_once():
                # While rows keep coming, a short pause lets them gather: publishing each alone starves the writers.
                self._stopping.wait(COALESCE_S)
            else:
                relay.wait(POLL_S)
            if time.monotonic() - measured_at > MEASURE_S:
                measured_at = time.monotonic()
                relay.measure()

        try:
            self._turn("relay", step, relay.close)
        finally:
            relay.close()
            producer.close()

    def _consume(self) -> None:
        service = self._service
        if not service.topics:
            self._turn("consume", lambda: _idle(self._stopping), lambda: None)
            return
        subscription = self._broker.subscribe(service.settings.group, service.topics)
        consumer = Consumer(service.db, subscription, service.applier(), batch=service.settings.consume_batch)

        def step() -> None:
            consumer.run_once()

        try:
            self._turn("consume", step, lambda: None)
        finally:
            subscription.close()

    def _work(self) -> None:
        worker = Worker(self._service.db, self._service.jobs)
        periodic = [one for one in self._service.periodic if one.every_s]
        due = {one.name: 0.0 for one in periodic}

        def step() -> None:
            busy = worker.run_once()
            for one in periodic:
                if time.monotonic() >= due[one.name]:
                    with self._service.db.begin() as tx:
                        quarantine.refuse(tx)
                    # One that fails is tried again soon, and must not keep the others from their turn.
                    due[one.name] = time.monotonic() + min(one.every_s, RETRY_S)
                    one.run_once()
                    due[one.name] = time.monotonic() + one.every_s
                    self._beats["work"] = time.monotonic()
            if not busy:
                self._stopping.wait(WORK_IDLE_S)

        self._turn("work", step, lambda: None)

    def _always(self, one: Periodic) -> None:
        def step() -> None:
            with self._service.db.begin() as tx:
                quarantine.refuse(tx)
            if not one.run_once():
                self._stopping.wait(WORK_IDLE_S)

        self._turn(one.name, step, lambda: None)


def _idle(stopping: threading.Event) -> None:
    stopping.wait(1.0)


def _may_pass(error: Exception) -> bool:
    passing = (BrokerDown, Quarantined, PeerUnavailable, PeerRefused, psycopg.OperationalError, psycopg.InterfaceError)
    return isinstance(error, passing) or is_transient(error)
