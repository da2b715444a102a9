"""The write of `bench.http` on the chassis: `python -m bench.command web`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import marshmallow as ma
import sqlalchemy as sa

from bench.ground import event
from reviewbus import runner, settings
from reviewbus.auth import Verifier
from reviewbus.catalogue import Catalogue
from reviewbus.clock import new_id, utc_now
from reviewbus.db import AuditEntry, Database
from reviewbus.http import Edge, Routes, create_app
from reviewbus.idempotency import Answer
from reviewbus.outbox import Notifier
from reviewbus.schema import Body, Shape
from reviewbus.service import Service

if TYPE_CHECKING:
    from uuid import UUID

    from reviewbus.auth import Caller
    from reviewbus.db import Tx

routes = Routes("bench", __name__)
_READ = sa.text("select n from item where id = :id for no key update")
_WRITE = sa.text("update item set n = n + :amount where id = :id returning n")


class Raise(Body):
    """By how much."""

    amount = ma.fields.Integer(required=True, validate=ma.validate.Range(min=1, max=10))


class Item(Shape):
    """What it is now."""

    id = ma.fields.String()
    n = ma.fields.Integer()


class _Refusal(Exception):
    """This service refuses nothing."""


@routes.command("/v1/items/<uuid:item_id>/raise", body=Raise, answer=Item)
def raise_item(tx: Tx, caller: Caller, body: dict[str, Any], item_id: UUID) -> Answer:
    """Raise an item."""
    tx.execute(_READ, {"id": item_id})
    n = tx.execute(_WRITE, {"id": item_id, "amount": body["amount"]}).scalar_one()
    tx.emit(event(item_id, n))
    tx.audit(AuditEntry(actor=caller.id, role="hr_admin", action="raise", object_id=str(item_id)))
    return Answer(status=200, acknowledgement={"id": str(item_id), "n": n}, location=f"/v1/items/{item_id}")


def build() -> Service:
    """Compose it."""
    bus = settings.read_bus("bench")
    db = Database(bus, catalogue=Catalogue.load(), clock=utc_now, ids=new_id, notify=Notifier(bus).wake)
    edge = Edge(settings=bus, db=db, verifier=Verifier(bus))
    return Service(
        settings=bus,
        db=db,
        catalogue=db.catalogue,
        migrations=Path(),
        metadata=sa.MetaData(),
        wsgi=lambda: create_app(edge, [routes], refusal=_Refusal, title="Bench"),
    )


if __name__ == "__main__":
    sys.exit(runner.main("bench", build=build))
