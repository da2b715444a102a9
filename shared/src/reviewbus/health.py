"""Health, metrics and the description of the API: the same five addresses in every service.

`/healthz` says that the process answers; `/readyz` that its database does. Neither asks Kafka: HTTP works without it.
"""

from __future__ import annotations

import html
import threading
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import sqlalchemy as sa
from flask import Flask, Response

from reviewbus import telemetry

if TYPE_CHECKING:
    from collections.abc import Callable

    import flask_smorest

    from reviewbus.db import Database


def register(app: Flask, db: Database, api: flask_smorest.Api | None = None) -> None:
    """Add the addresses to an app; one without an API is that of loops, and its metrics are theirs too."""

    @app.get("/healthz")
    def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/readyz")
    def readyz() -> tuple[dict[str, str], int]:
        try:
            with db.engine.connect() as connection:
                connection.execute(sa.text("select 1"))
        except sa.exc.SQLAlchemyError:
            return {"status": "database unavailable"}, 503
        return {"status": "ok"}, 200

    @app.get("/metrics")
    def metrics() -> Response:
        page, content_type = telemetry.render_metrics(loops=api is None)
        return Response(page, content_type=content_type)

    if api is not None:

        @app.get("/docs")
        def docs() -> Response:
            return Response(_page(api.spec.to_dict()), mimetype="text/html")


def serve(host: str, port: int, db: Database, alive: Callable[[], bool]) -> WSGIServer:
    """Serve health and metrics of a process without an HTTP API, from a thread; `/healthz` is 503 once not `alive`."""
    app = Flask("health", static_folder=None)
    register(app, db)

    @app.before_request
    def check() -> tuple[dict[str, str], int] | None:
        return None if alive() else ({"status": "stuck"}, 503)

    server = make_server(host, port, app, handler_class=_Quiet)
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
    return server


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- the base class's name
        """Probes come every few seconds and say nothing new."""


def _page(spec: dict[str, Any]) -> str:
    rows = [
        f"<tr><td><code>{method.upper()}</code></td><td><code>{html.escape(path)}</code></td>"
        f"<td>{html.escape(operation.get('summary', ''))}</td></tr>"
        for path, operations in sorted(spec.get("paths", {}).items())
        for method, operation in operations.items()
        if isinstance(operation, dict)
    ]
    title = html.escape(spec["info"]["title"])
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title><h1>{title}</h1>"
        "<p>The whole description is at <a href=/openapi.json>/openapi.json</a>.</p>"
        f"<table>{''.join(rows)}</table></html>"
    )
