"""The verb `web`: gunicorn with threads. It never owns a Kafka client, which would not survive the fork."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunicorn.app.base import BaseApplication

if TYPE_CHECKING:
    from flask import Flask

    from reviewbus.service import Build
    from reviewbus.settings import BusSettings


def serve(build: Build, bus: BusSettings) -> int:
    """Serve until told to stop; the master loads nothing of the service."""
    _Web(build, bus).run()
    return 0


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
