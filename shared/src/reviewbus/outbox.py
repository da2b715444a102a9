"""Waking the relay: one debounced `NOTIFY` a process, after the commit.

A `NOTIFY` inside the transaction takes a lock on the whole database at commit. So a thread of its own, on a connection
of its own, says it afterwards, once for all commits of the last few milliseconds. Losing one costs nothing but the
relay's next poll.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import psycopg

from reviewbus.db import libpq_url
from reviewbus.telemetry import logger

if TYPE_CHECKING:
    from reviewbus.settings import BusSettings

CHANNEL = "outbox"
DEBOUNCE_S = 0.002
_log = logger("outbox")


class Notifier:
    """Says `NOTIFY outbox` soon after `wake` was called; starts its thread at the first call, hence after any fork."""

    def __init__(self, settings: BusSettings) -> None:
        self._url = libpq_url(settings.database_url)
        self._enabled = settings.outbox_notify
        self._woken = threading.Event()
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def wake(self) -> None:
        """Ask for a notification; never waits and never fails."""
        if not self._enabled:
            return
        if self._thread is None:
            with self._lock:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._run, name="outbox-notify", daemon=True)
                    self._thread.start()
        self._woken.set()

    def close(self) -> None:
        """Stop the thread."""
        self._stopped.set()
        self._woken.set()
        if self._thread is not None:
            self._thread.join(timeout=5)

    def _run(self) -> None:
        connection: psycopg.Connection | None = None
        while not self._stopped.is_set():
            self._woken.wait()
            self._woken.clear()
            try:
                if connection is None or connection.closed:
                    connection = psycopg.connect(self._url, autocommit=True, connect_timeout=2)
                connection.execute(f"NOTIFY {CHANNEL}")
            except psycopg.Error as error:
                _log.warning("notify_failed", error=error)
                connection = None
            self._stopped.wait(DEBOUNCE_S)
        if connection is not None:
            connection.close()
