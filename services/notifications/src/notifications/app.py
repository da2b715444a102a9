"""The composition root: the only place where real things are made."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast, get_args

from notifications import commands, store, work
from notifications.domain.refusals import Refusal
from notifications.mail import Sender, SmtpServer
from notifications.settings import Settings, read_settings
from notifications.subscriptions import SUBSCRIPTIONS
from reviewbus.catalogue import Catalogue
from reviewbus.client import PeerClient
from reviewbus.clock import new_id, utc_now
from reviewbus.db import Database
from reviewbus.jobs import JobKind
from reviewbus.outbox import Notifier
from reviewbus.service import Periodic, Service

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx
    from flask import Flask

    from reviewbus.clock import Clock, Ids

MIGRATIONS = Path(__file__).parents[2] / "migrations"
ASKED = ("assessment", "packets", "signing")
_Tls = Literal["none", "starttls", "tls"]


def build(
    settings: Settings | None = None,
    *,
    clock: Clock = utc_now,
    ids: Ids = new_id,
    transports: Mapping[str, httpx.BaseTransport] | None = None,
) -> Service:
    """Compose the service. Nothing connects before it is used; without `settings` the environment is read.

    Raises:
        ValueError: a setting is no instant, no kind of TLS, or a login without TLS.
    """
    chosen = settings or read_settings()
    bus = chosen.bus
    catalogue = Catalogue.load()
    notifier = Notifier(bus)
    db = Database(bus, catalogue=catalogue, clock=clock, ids=ids, notify=notifier.wake)
    reached = transports or {}
    clients = {peer: PeerClient(bus, peer, transport=reached.get(peer)) for peer in ASKED}
    postman = work.Postman(
        db=db,
        clients=clients,
        server=_server(chosen),
        sender=Sender(address=chosen.sender_address, name=chosen.sender_name, public_url=chosen.public_url),
        effects_from=_instant(chosen.effects_from),
    )
    sweeper = work.Sweeper(db=db, clients=clients, quiet_s=bus.sweep_every_s)

    def wsgi() -> Flask:
        from notifications import api  # noqa: PLC0415 -- only web answers requests
        from reviewbus import http  # noqa: PLC0415 -- only web answers requests
        from reviewbus.auth import Verifier  # noqa: PLC0415 -- only web answers requests

        services = {api.PUBLIC_URL: chosen.public_url}
        edge = http.Edge(settings=bus, db=db, verifier=Verifier(bus), services=services)
        return http.create_app(edge, [api.routes], refusal=Refusal, title="Notifications")

    def close() -> None:
        notifier.close()
        for client in clients.values():
            client.close()

    return Service(
        settings=bus,
        db=db,
        catalogue=catalogue,
        migrations=MIGRATIONS,
        metadata=store.metadata,
        wsgi=wsgi,
        subscriptions=SUBSCRIPTIONS,
        jobs={commands.MAIL: JobKind(run=postman.run, batch=work.BATCH)},
        periodic=(
            Periodic(name="reconcile", every_s=bus.sweep_every_s, run_once=partial(work.requeue, db)),
            Periodic(name="sweep", every_s=bus.sweep_every_s, run_once=lambda: len(sweeper.sweep())),
        ),
        sweep=sweeper.sweep,
        move_restored=sweeper.move_restored,
        # Who may read what goes before telling people about it.
        niceness=10,
        close=close,
    )


def _server(chosen: Settings) -> SmtpServer:
    if chosen.smtp_tls not in get_args(_Tls):
        raise ValueError(f"smtp_tls must be one of {', '.join(get_args(_Tls))}")
    return SmtpServer(
        host=chosen.smtp_host,
        port=chosen.smtp_port,
        tls=cast(_Tls, chosen.smtp_tls),
        user=chosen.smtp_user,
        password=chosen.smtp_password,
        timeout_s=chosen.smtp_timeout_s,
    )


def _instant(words: str) -> datetime | None:
    if not words:
        return None
    instant = datetime.fromisoformat(words)
    if instant.tzinfo is None:
        raise ValueError("effects_from must be an instant with its offset")
    return instant
