"""The composition root of the assessment service."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from assessment import store, work
from assessment.domain.refusals import Refusal
from assessment.settings import Settings, read_settings
from assessment.subscriptions import SUBSCRIPTIONS
from reviewbus.catalogue import Catalogue
from reviewbus.clock import Clock, Ids, new_id, utc_now
from reviewbus.db import Database
from reviewbus.outbox import Notifier
from reviewbus.service import Periodic, Service

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx
    from flask import Flask

MIGRATIONS = Path(__file__).parents[2] / "migrations"


def build(
    settings: Settings | None = None,
    *,
    clock: Clock = utc_now,
    ids: Ids = new_id,
    transports: Mapping[str, httpx.BaseTransport] | None = None,  # noqa: ARG001 -- this service asks no other
) -> Service:
    """Compose the service; connects to nothing yet. Without settings they are read from the environment."""
    chosen = settings or read_settings()
    notifier = Notifier(chosen.bus)
    db = Database(chosen.bus, catalogue=Catalogue.load(), clock=clock, ids=ids, notify=notifier.wake)
    return Service(
        settings=chosen.bus,
        db=db,
        catalogue=db.catalogue,
        migrations=MIGRATIONS,
        metadata=store.metadata,
        wsgi=lambda: _wsgi(chosen, db),
        subscriptions=SUBSCRIPTIONS,
        jobs=work.jobs(db, chunk_rows=chosen.chunk_rows),
        periodic=(
            Periodic(
                name="retention",
                every_s=chosen.retention_every_s,
                run_once=lambda: work.forget_answers(db, days=chosen.idempotency_days),
            ),
            Periodic(
                name="operation-retention",
                every_s=chosen.retention_every_s,
                run_once=lambda: work.forget_operations(db, days=chosen.operation_keep_days),
            ),
            Periodic(
                name="operations",
                every_s=chosen.bus.sweep_every_s,
                run_once=lambda: work.go_on_with_operations(db),
            ),
        ),
        move_restored=lambda: work.move_restored(db),
        close=notifier.close,
    )


def _wsgi(settings: Settings, db: Database) -> Flask:
    from flask import request  # noqa: PLC0415 -- only web answers requests

    from assessment.api import ROUTES  # noqa: PLC0415 -- only web answers requests
    from assessment.api.edge import SETTINGS  # noqa: PLC0415 -- only web answers requests
    from assessment.api.people import IMPORT_PATH  # noqa: PLC0415 -- only web answers requests
    from assessment.api.reviews import actions  # noqa: PLC0415 -- only web answers requests
    from reviewbus.auth import Verifier  # noqa: PLC0415 -- only web answers requests
    from reviewbus.http import Edge, create_app  # noqa: PLC0415 -- only web answers requests

    edge = Edge(
        settings=settings.bus,
        db=db,
        verifier=Verifier(settings.bus),
        services={SETTINGS: settings},
        actions=actions,
        actions_of="review_id",
    )
    app = create_app(edge, ROUTES, refusal=Refusal, title="Assessment")

    @app.before_request
    def _allow_large_imports() -> None:
        if request.path == IMPORT_PATH:
            request.max_content_length = settings.import_bytes_max

    return app
