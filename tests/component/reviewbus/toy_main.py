"""The toy as a process: what a service's `__main__` and `app` are, with faults that a test asks for."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from component.reviewbus import toy, toy_api
from reviewbus import clock, runner
from reviewbus.auth import Verifier
from reviewbus.db import Database
from reviewbus.http import Edge, create_app
from reviewbus.jobs import JobKind
from reviewbus.service import Periodic, Service
from reviewbus.settings import read_bus

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from flask import Flask

    from reviewbus.jobs import Job


def build() -> Service:
    """Compose the toy from the environment."""
    bus = read_bus("toy")
    db = Database(bus, catalogue=toy.catalogue(), clock=clock.utc_now, ids=clock.new_id)

    def wsgi() -> Flask:
        running = toy_api.Toy(db, issuer=None, app=None)  # type: ignore[arg-type]
        edge = Edge(settings=bus, db=db, verifier=Verifier(bus))
        return create_app(edge, [toy_api._routes(running)], refusal=toy_api.Refused, title="Toy")

    return Service(
        settings=bus,
        db=db,
        catalogue=toy.catalogue(),
        migrations=toy.MIGRATIONS,
        metadata=toy.metadata,
        wsgi=wsgi,
        subscriptions=toy.SINGLE,
        jobs={"nothing": JobKind(run=_nothing)},
        periodic=[Periodic(name="tick", every_s=0.1, run_once=_tick)],
        sweep=_sweep,
        move_restored=lambda: 3,
    )


def _nothing(_: Sequence[Job]) -> None:
    """Do nothing, successfully."""


def _tick() -> int:
    if os.environ.get("TOY_FAULT") == "bug":
        raise KeyError(toy.SECRET)
    return 0


def _sweep() -> Sequence[Mapping[str, object]]:
    return [{"kind": "orphan", "id": "k"}] if os.environ.get("TOY_FAULT") == "finding" else []


if __name__ == "__main__":
    sys.exit(runner.main("toy", build=build))
