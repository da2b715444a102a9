"""The toy's HTTP API: one operation of each kind, and one for each way to fail."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import marshmallow as ma
import sqlalchemy as sa

from component.reviewbus import toy
from reviewbus.auth import DevelopmentIssuer, Verifier
from reviewbus.db import AuditEntry
from reviewbus.http import Edge, Reply, Routes, create_app, if_match_version
from reviewbus.idempotency import Answer
from reviewbus.schema import Body, Page, Shape, decode_cursor, encode_cursor, person_id, reason

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from flask import Flask
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from reviewbus.auth import Caller
    from reviewbus.db import Database, Tx
    from reviewbus.settings import BusSettings


class Refused(Exception):
    """A refusal as services' domains have them."""

    def __init__(self, code: str, rank: int, **params: object) -> None:
        super().__init__(code)
        self.code, self.rank, self.params = code, rank, params
        self.detail = ""
        self.unmet: tuple[Refused, ...] = (self,)


class Order(Body):
    n = ma.fields.Integer(required=True, validate=ma.validate.Range(min=0, max=2**31 - 1))
    text = ma.fields.String(load_default="", validate=ma.validate.Length(max=100))
    tags = ma.fields.List(ma.fields.String(validate=ma.validate.Length(max=10)), load_default=[])
    why = reason(required=False)


class Search(Page):
    owner = person_id(load_default=None)


class Thing(Shape):
    id = ma.fields.String()
    n = ma.fields.Integer()


class Things(Shape):
    items = ma.fields.List(ma.fields.Nested(Thing))
    next_cursor = ma.fields.String(allow_none=True)


@dataclass
class Toy:
    """The running toy: what a test may reach into, and a client that brings a token."""

    db: Database
    issuer: DevelopmentIssuer
    app: Flask
    gate: toy.Gate | None = None
    keys: list[int] = field(default_factory=lambda: [0])

    @property
    def client(self) -> FlaskClient:
        return self.app.test_client()

    def token(self, subject: str = "p-anna", *roles: str, scope: str = "") -> dict[str, str]:
        return {"Authorization": f"Bearer {self.issuer.token(subject, roles, scope=scope)}"}

    def get(self, path: str, **headers: str) -> TestResponse:
        return self.client.get(path, headers={**self.token(), **headers})

    def post(self, path: str, body: object = None, *, key: str | None = "", **headers: str) -> TestResponse:
        """Post with a new Idempotency-Key, or the one given, or (None) without; header names have underscores."""
        self.keys[0] += 1
        sent = {**self.token(), **{name.replace("_", "-"): value for name, value in headers.items()}}
        if key is not None:
            sent["Idempotency-Key"] = key or f"key-{self.keys[0]}"
        return self.client.post(path, json=body, headers=sent)


def build(db: Database, bus: BusSettings, folder: Path) -> Toy:
    """Compose the toy with an issuer of its own."""
    issuer = DevelopmentIssuer(folder)
    bus = toy.settings_with(bus, jwks=str(issuer.jwks))
    one = Toy(db, issuer, app=None)  # type: ignore[arg-type]
    edge = Edge(settings=bus, db=db, verifier=Verifier(bus))
    one.app = create_app(edge, [_routes(one)], refusal=Refused, title="Toy")
    return one


def _routes(running: Toy) -> Routes:
    routes = Routes("toy", __name__)
    _reads(routes)
    _writes(routes, running)
    _failures(routes)
    return routes


def _reads(routes: Routes) -> None:
    @routes.read("/v1/things", answer=Things, query=Search)
    def things(_tx: Tx, _caller: Caller, query: Mapping[str, Any]) -> Any:
        """List the things."""
        after = decode_cursor(query["cursor"], str, int) or ("", 0)
        following = encode_cursor(f"t{query['limit']}", after[1] + query["limit"])
        return {"items": [{"id": after[0], "n": after[1]}], "next_cursor": following}

    @routes.read("/v1/things/<thing_id>", answer=Thing)
    def thing(tx: Tx, _caller: Caller, thing_id: str) -> Any:
        """Show one thing."""
        found = tx.execute(sa.select(toy.applied).where(toy.applied.c.key == thing_id)).first()
        return Reply(body={"id": thing_id, "n": found.n if found else 0}, etag="0")

    @routes.internal("/internal/things", answer=Thing, body=Order)
    def internal(_tx: Tx, caller: Caller, body: Mapping[str, Any]) -> Any:
        """Answer another service."""
        return {"id": caller.id, "n": body["n"]}


def _writes(routes: Routes, running: Toy) -> None:
    @routes.save("/v1/things/<thing_id>", body=Order, answer=Thing)
    def save(tx: Tx, _caller: Caller, body: Mapping[str, Any], thing_id: str) -> Any:
        """Save one thing."""
        version = if_match_version()
        if version is None:
            raise Refused("version-missing", 6)
        if version != 0:
            raise Refused("stale-version", 7, current=0)
        tx.execute(sa.insert(toy.applied).values(key=thing_id, type="saved", n=body["n"]))
        return Reply(body={"id": thing_id, "n": body["n"]}, etag=str(version + 1))

    @routes.command("/v1/things/<thing_id>/order", body=Order, answer=Thing, status=202, if_match=True)
    def order(tx: Tx, caller: Caller, body: Mapping[str, Any], thing_id: str) -> Answer:
        """Order one thing."""
        tx.execute(sa.insert(toy.applied).values(key=thing_id, type=body["text"], n=body["n"]))
        tx.emit(toy.event(thing_id, body["n"]))
        tx.audit(AuditEntry(actor=caller.id, role="buyer", action="order", object_id=thing_id, reason=body["why"]))
        if running.gate is not None:
            running.gate.pass_through()
        acknowledgement = {"id": thing_id, "n": body["n"]}
        return Answer(status=202, acknowledgement=acknowledgement, location=f"/v1/things/{thing_id}", etag="7")

    @routes.command("/v1/things/<thing_id>/bless", answer=Thing)
    def bless(_tx: Tx, _caller: Caller, thing_id: str) -> Answer:
        """Bless one thing, which needs no body."""
        return Answer(status=200, acknowledgement={"id": thing_id})


def _failures(routes: Routes) -> None:
    def refuse(tx: Tx, rank: int, *, keep: bool) -> None:
        tx.execute(sa.insert(toy.applied).values(key="refused", type="x", n=rank))
        tx.keep_on_refusal = keep
        refusal = Refused(f"reason-{rank}", rank, holders=["release"])
        refusal.unmet = (refusal, Refused("another", 8))
        raise refusal

    @routes.command("/v1/refusals/<int:rank>", body=Order, answer=Thing)
    def refused(tx: Tx, _caller: Caller, body: Mapping[str, Any], rank: int) -> Answer:
        """Refuse; `text` = keep keeps what was written."""
        refuse(tx, rank, keep=body["text"] == "keep")
        raise AssertionError

    @routes.command("/v1/faults/<kind>", answer=Thing)
    def fault(tx: Tx, _caller: Caller, kind: str) -> Answer:
        """Fail, after having written."""
        faults: Mapping[str, Callable[[], object]] = {
            "bug": lambda: dict[str, int]()[toy.SECRET],
            "sql": lambda: tx.execute(sa.text("select :secret::int"), {"secret": toy.SECRET}),
            "value": lambda: int(toy.SECRET),
            "lock": lambda: tx.execute(sa.text("set local statement_timeout = 1; select pg_sleep(9)")),
            "contract": lambda: tx.emit(toy.event(toy.SECRET, 1, "never.heard-of.v1")),
        }
        tx.execute(sa.insert(toy.applied).values(key="fault", type="x", n=1))
        faults[kind]()
        raise AssertionError
