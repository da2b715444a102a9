"""The composition root: the only place where real things are made."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from packets import store
from packets.commands.keeping import CONTENT, PDF, PDF_AHEAD, PEOPLE, QUESTIONNAIRE, REBIND
from packets.domain.refusals import Refusal
from packets.pdf import Renderer
from packets.peers import Assessment
from packets.settings import Settings, read_settings
from packets.subscriptions import SUBSCRIPTIONS
from packets.work.fetching import Fetcher
from packets.work.operations import Operator
from packets.work.rebuild import Rebuild
from packets.work.rendering import Printer
from packets.work.upkeep import Keeper
from reviewbus.catalogue import Catalogue
from reviewbus.clock import new_id, utc_now
from reviewbus.consumer import Applier
from reviewbus.db import Database
from reviewbus.jobs import JobKind
from reviewbus.outbox import Notifier
from reviewbus.service import Periodic, Service

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx
    from flask import Flask

    from reviewbus.clock import Clock, Ids

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"
DAY_S = 86_400.0


def build(
    settings: Settings | None = None,
    *,
    clock: Clock = utc_now,
    ids: Ids = new_id,
    transports: Mapping[str, httpx.BaseTransport] | None = None,
) -> Service:
    """Compose the service; `settings` are read from the environment unless given. Connects to nothing."""
    chosen = settings or read_settings()
    bus, catalogue = chosen.bus, Catalogue.load()
    notifier = Notifier(bus)
    db = Database(bus, catalogue=catalogue, clock=clock, ids=ids, notify=notifier.wake)
    assessment = Assessment(bus, transport=(transports or {}).get("assessment"))
    renderer = Renderer()
    fetcher = Fetcher(db=db, assessment=assessment)
    printer = Printer(db=db, fetcher=fetcher, renderer=renderer, company=chosen.company_name, ahead=chosen.render_ahead)
    keeper = Keeper(db=db, assessment=assessment, settings=chosen)
    operator = Operator(db=db, settings=chosen)
    rebuild = Rebuild(
        db=db,
        settings=bus,
        assessment=assessment,
        applier=lambda: Applier(SUBSCRIPTIONS, catalogue),
        topics=tuple(sorted({catalogue.topic_of(kind) for kind in SUBSCRIPTIONS})),
        catalogue=catalogue,
        migrations=MIGRATIONS,
    )

    def wsgi() -> Flask:
        from packets import api  # noqa: PLC0415 -- only web answers requests
        from reviewbus import http  # noqa: PLC0415 -- only web answers requests
        from reviewbus.auth import Verifier  # noqa: PLC0415 -- only web answers requests

        edge = http.Edge(
            settings=bus,
            db=db,
            verifier=Verifier(bus),
            services={"settings": chosen},
            actions=api.packets.actions,
            actions_of="review_id",
        )
        return http.create_app(edge, [api.routes], refusal=Refusal, title="Packets")

    def close() -> None:
        renderer.close()
        assessment.close()
        notifier.close()

    return Service(
        settings=bus,
        db=db,
        catalogue=catalogue,
        migrations=MIGRATIONS,
        metadata=store.metadata,
        wsgi=wsgi,
        subscriptions=SUBSCRIPTIONS,
        jobs=_kinds(fetcher, keeper, printer),
        periodic=(
            Periodic(name="operations", every_s=0.0, run_once=operator.run_once),
            Periodic(name="reconcile", every_s=bus.reconcile_every_s, run_once=keeper.reconcile),
            Periodic(name="sweep", every_s=bus.sweep_every_s, run_once=keeper.sweep_once),
            Periodic(name="fetches", every_s=bus.sweep_every_s, run_once=keeper.ask_again),
            Periodic(name="retention", every_s=DAY_S, run_once=keeper.forget),
        ),
        sweep=keeper.sweep,
        move_restored=keeper.move_restored,
        rebuild=rebuild,
        close=close,
    )


def _kinds(fetcher: Fetcher, keeper: Keeper, printer: Printer) -> dict[str, JobKind]:
    return {
        QUESTIONNAIRE: JobKind(run=fetcher.questionnaires, batch=50),
        CONTENT: JobKind(run=fetcher.contents, batch=200),
        REBIND: JobKind(run=keeper.rebind),
        PEOPLE: JobKind(run=fetcher.people, batch=200),
        PDF: JobKind(run=printer.render),
        PDF_AHEAD: JobKind(run=printer.render_ahead, held_back=printer.is_busy),
    }
