"""The write of `bench.http` by bare Flask and SQLAlchemy Core: `python -m bench.bare web`."""

from __future__ import annotations

import json
import os
from typing import Any

import sqlalchemy as sa
from flask import Flask, request
from gunicorn.app.base import BaseApplication

from bench.ground import HASH, TOPIC, TYPE
from reviewbus.clock import new_id
from reviewbus.tables import audit, idempotency, outbox


def create() -> Flask:
    """Return the app."""
    app = Flask("bare", static_folder=None)
    engine = sa.create_engine(os.environ["REVIEW_DATABASE_URL"], pool_size=10, max_overflow=0)
    read = sa.text("select n from item where id = :id for no key update")
    write = sa.text("update item set n = n + :amount where id = :id returning n")

    @app.post("/v1/items/<uuid:item_id>/raise")
    def raise_item(item_id: Any) -> dict[str, Any]:
        amount = request.get_json()["amount"]
        key = request.headers["Idempotency-Key"].encode()
        with engine.begin() as connection:
            connection.execute(sa.select(idempotency.c.status).where(idempotency.c.scope == key)).one_or_none()
            connection.execute(read, {"id": item_id})
            n = connection.execute(write, {"id": item_id, "amount": amount}).scalar_one()
            answer = {"id": str(item_id), "n": n}
            connection.execute(
                sa.insert(idempotency), {"scope": key, "request": key, "status": 200, "acknowledgement": answer}
            )
            line = {"at": sa.func.now(), "actor": "p", "role": "r", "action": "raise", "object_id": answer["id"]}
            connection.execute(sa.insert(audit).values(**line, request_id="1"))
            connection.execute(sa.insert(outbox), _row(str(item_id), n))
        return answer

    return app


def _row(key: str, n: int) -> dict[str, Any]:
    people = {"subject_id": "p-anna", "manager_id": "p-max"}
    body = json.dumps({"review_id": key, "cycle_id": key, **people, "version": n, "epoch": 1, "snapshot_hash": HASH})
    headers = {
        "ce_id": str(new_id()),
        "ce_type": TYPE,
        "ce_source": "/bench",
        "ce_subject": key,
        "ce_specversion": "1.0",
    }
    return {
        "event_id": new_id(),
        "topic": TOPIC,
        "key": key,
        "shard": 0,
        "type": TYPE,
        "headers": headers,
        "body": body.encode(),
    }


class _Server(BaseApplication):  # type: ignore[misc]
    def load_config(self) -> None:
        port = os.environ["REVIEW_PORT"]
        for name, value in {"bind": f"127.0.0.1:{port}", "worker_class": "gthread", "workers": 2, "threads": 8}.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        return create()


if __name__ == "__main__":
    _Server().run()
