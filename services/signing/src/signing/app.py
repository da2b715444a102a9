"""The composition root: the only place where real things are made."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from reviewbus.catalogue import Catalogue
from reviewbus.client import PeerClient
from reviewbus.clock import new_id, utc_now
from reviewbus.db import Database
from reviewbus.outbox import Notifier
from reviewbus.service import Periodic, Service
from signing import store, work
from signing.domain.refusals import Refusal
from signing.settings import Settings, read_settings
from signing.subscriptions import SUBSCRIPTIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx
    from flask import Flask

    from reviewbus.clock import Clock, Ids

MIGRATIONS = Path(__file__).parents[2] / "migrations"


def build(
    settings: Settings | None = None,
    *,
    clock: Clock = utc_now,
    ids: Ids = new_id,
    transports: Mapping[str, httpx.BaseTransport] | None = None,
) -> Service:
    """Compose the service. Nothing connects before it is used; without `settings` the environment is read."""
    chosen = settings or read_settings()
    bus = chosen.bus
    catalogue = Catalogue.load()
    notifier = Notifier(bus)
    db = Database(bus, catalogue=catalogue, clock=clock, ids=ids, notify=notifier.wake)
    reached = transports or {}
    assessment = PeerClient(bus, "assessment", transport=reached.get("assessment"))
    packets = PeerClient(bus, "packets", transport=reached.get("packets"))
    compare = partial(work.sweep_all, db, chosen, assessment, packets)

    def wsgi() -> Flask:
        from reviewbus import http  # noqa: PLC0415 -- only web answers requests
        from reviewbus.auth import Verifier  # noqa: PLC0415 -- only web answers requests
        from signing import api  # noqa: PLC0415 -- only web answers requests

        edge = http.Edge(settings=bus, db=db, verifier=Verifier(bus), actions=api.list_actions, actions_of="review_id")
        return http.create_app(edge, [api.routes], refusal=Refusal, title="Signing")

    def close() -> None:
        notifier.close()
        assessment.close()
        packets.close()

    return Service(
        settings=bus,
        db=db,
        catalogue=catalogue,
        migrations=MIGRATIONS,
        metadata=store.metadata,
        wsgi=wsgi,
        subscriptions=SUBSCRIPTIONS,
        periodic=(
            Periodic(name="reconcile", every_s=bus.reconcile_every_s, run_once=partial(work.reconcile, db, chosen)),
            Periodic(name="sweep", every_s=bus.sweep_every_s, run_once=lambda: len(compare())),
            Periodic(name="retention", every_s=chosen.retention_every_s, run_once=partial(work.forget, db, chosen)),
        ),
        sweep=compare,
        move_restored=partial(work.move_restored, db, chosen, assessment),
        # Who may read what goes before who may sign it.
        niceness=5,
        close=close,
    )
