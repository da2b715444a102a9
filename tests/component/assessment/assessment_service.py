"""The assessment service as it ships, driven by its HTTP API and by records, and what its tables hold."""

from __future__ import annotations

import contextlib
import csv
import io
import itertools
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from assessment.app import MIGRATIONS, build
from assessment.settings import Settings
from harness.people import AMY, ANNA, CAST, HELEN, MAX
from harness.world import settings_for
from reviewbus.auth import DevelopmentIssuer
from reviewbus.clock import new_id
from reviewbus.envelope import Received
from reviewbus.jobs import Worker
from reviewbus.testing.fixed_clock import FixedClock

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from harness.people import Person
    from harness.stack.postgres import ServiceDatabase
    from reviewbus.service import Service

__all__ = ["MIGRATIONS", "Form", "Running", "running"]

SNAPSHOT = "sha256:" + "5" * 64
OTHER_SNAPSHOT = "sha256:" + "6" * 64
Form = dict[str, Any]
QUESTIONS: list[Form] = [
    {"question_id": "s-text", "text": "What went well?", "audience": "self", "kind": "text", "required": True},
    {
        "question_id": "s-rating",
        "text": "Own rating",
        "audience": "self",
        "kind": "rating",
        "scale": {"lowest": 1, "highest": 5, "labels": ["low", "high"]},
    },
    {"question_id": "m-text", "text": "Strengths", "audience": "manager", "kind": "text", "required": True},
    {
        "question_id": "m-rating",
        "text": "Overall",
        "audience": "manager",
        "kind": "rating",
        "required": True,
        "scale": {"lowest": 1, "highest": 5},
    },
    {
        "question_id": "m-choice",
        "text": "Next step",
        "audience": "manager",
        "kind": "single_choice",
        "options": [{"id": "stay", "text": "Stay"}, {"id": "grow", "text": "Grow"}],
    },
]
SELF_ANSWERS: Form = {"s-text": "<p>I built it</p>", "s-rating": 4}
MANAGER_ANSWERS: Form = {"m-text": "<p>Builds well</p>", "m-rating": 3, "m-choice": "grow"}


@dataclass(slots=True)
class Running:
    """A service under test."""

    service: Service
    client: FlaskClient
    issuer: DevelopmentIssuer
    clock: FixedClock
    _keys: itertools.count[int] = field(default_factory=itertools.count)

    def call(
        self, who: Person | str, method: str, path: str, body: Any = None, *, version: Any = None, key: str | None = ""
    ) -> TestResponse:
        """Send a request as a person, or as another service by its name."""
        subject, roles = (who, ("service",)) if isinstance(who, str) else (who.id, who.roles)
        token = self.issuer.token(subject, roles, scope="internal")
        headers = {"Authorization": f"Bearer {token}"}
        if method == "POST" and key is not None:
            headers["Idempotency-Key"] = key or f"key-{next(self._keys)}"
        if version is not None:
            headers["If-Match"] = f'"{version}"'
        return self.client.open(path, method=method, json=body, headers=headers)

    def get(self, who: Person | str, path: str) -> TestResponse:
        return self.call(who, "GET", path)

    def put(self, who: Person | str, path: str, body: Any, *, version: Any = None) -> TestResponse:
        return self.call(who, "PUT", path, body, version=version)

    def post(self, who: Person | str, path: str, body: Any = None, **options: Any) -> TestResponse:
        return self.call(who, "POST", path, {} if body is None else body, **options)

    def done(self, answer: TestResponse) -> Any:
        """Return the body of an answer that must be a success."""
        assert answer.status_code < 300, answer.get_data(as_text=True)
        return answer.get_json()

    def lines(self, answer: TestResponse) -> list[dict[str, str]]:
        """Return the rows of an answer that must be a CSV file."""
        assert (answer.status_code, answer.mimetype) == (200, "text/csv"), answer.get_data(as_text=True)
        return list(csv.DictReader(io.StringIO(answer.get_data(as_text=True), newline="")))

    def import_cast(self) -> None:
        rows = [{"person_id": p.id, "name": p.name, "email": p.email, "manager_id": p.manager} for p in CAST]
        self.done(self.post(HELEN, "/v1/people/import", {"people": rows}))

    def questionnaire(self, questions: Any = None) -> str:
        body = {"title": "Annual", "questions": questions or QUESTIONS}
        return str(self.done(self.post(HELEN, "/v1/questionnaires", body))["questionnaire_id"])

    def cycle(self, **settings: Any) -> str:
        body = {
            "name": "Spring",
            "zone": "Europe/Berlin",
            "self_deadline": "2026-03-31",
            "manager_deadline": "2026-04-30",
            "instructions": "<p>Be kind</p>",
            **({} if "questionnaire_id" in settings else {"questionnaire_id": self.questionnaire()}),
            **settings,
        }
        return str(self.done(self.post(AMY, "/v1/cycles", body))["cycle_id"])

    def review(self, *, started: bool = True, subject: Person = ANNA, **settings: Any) -> str:
        """Return Anna's review, of which Max is the manager, in a cycle of its own."""
        if {person.id for person in CAST} - {row["person_id"] for row in self.rows("select person_id from person")}:
            self.import_cast()
        cycle_id = self.cycle(**settings)
        people = {"participants": [{"subject_id": subject.id}]}
        added = self.done(self.post(AMY, f"/v1/cycles/{cycle_id}/participants", people))
        if started:
            self.done(self.post(HELEN, f"/v1/cycles/{cycle_id}/start"))
        return str(added["reviews"][0]["review_id"])

    def shared(self, review_id: str) -> None:
        path = f"/v1/reviews/{review_id}/self-assessment"
        self.done(self.put(ANNA, path, {"answers": SELF_ANSWERS}, version=0))
        self.done(self.post(ANNA, f"{path}/share"))

    def submitted(self, review_id: str) -> None:
        path = f"/v1/reviews/{review_id}/manager-assessment"
        self.done(self.put(MAX, path, {"answers": MANAGER_ANSWERS}, version=0))
        self.done(self.post(MAX, f"{path}/submit"))

    def released(self, review_id: str, *, epoch: int = 1) -> None:
        """Let packets hold the review."""
        self.hold(review_id, fence=2 * epoch, epoch=epoch, manager_version=self.row(review_id)["manager_version"])

    def hold(self, review_id: str, *, source: str = "/packets", **said: Any) -> None:
        self.apply([self.command(review_id, source=source, **said)])

    def command(self, review_id: str, *, source: str = "/packets", **said: Any) -> Received:
        held = said.get("fence", 2) % 2 == 0
        payload = {
            "review_id": review_id,
            "holder": "release",
            "fence": 2,
            "want": "held" if held else "free",
            "epoch": 1 if held else None,
            "manager_version": None,
            "self_version": None,
            "snapshot_hash": SNAPSHOT if held else None,
            "manager_id": None,
            **said,
        }
        return self.received("hold.requested.v1", payload, source=source)

    def received(self, kind: str, payload: Mapping[str, Any], *, source: str) -> Received:
        self.service.catalogue.accepts(kind, payload)
        return Received(
            id=new_id(), type=kind, source=source, key=payload["review_id"], time=self.clock(), data=payload
        )

    def apply(self, batch: list[Received]) -> None:
        with self.service.db.begin() as tx:
            self.service.applier().apply_batch(tx, batch)

    def work(self) -> int:
        return Worker(self.service.db, self.service.jobs).run_once()

    def rows(self, query: str, **parameters: Any) -> list[dict[str, Any]]:
        with self.service.db.engine.connect() as connection:
            return [dict(row) for row in connection.execute(sa.text(query), parameters).mappings()]

    def row(self, review_id: str) -> dict[str, Any]:
        return self.rows("select * from review where review_id = :id", id=review_id)[0]

    def events(self, key: str, *types: str) -> list[dict[str, Any]]:
        """Return the payloads of one key in the outbox, each with its type, in order."""
        found = self.rows("select type, body from outbox where key = :key order by id", key=key)
        told = [{"type": row["type"], **json.loads(bytes(row["body"]))} for row in found]
        return [one for one in told if not types or one["type"] in types]

    def everything(self) -> dict[str, list[dict[str, Any]]]:
        """Return the rows of every table, to see that nothing has changed."""
        names = [row["n"] for row in self.rows("select tablename as n from pg_tables where schemaname = 'public'")]
        return {name: self.rows(f"select * from {name} t order by t::text") for name in sorted(names)}  # noqa: S608 -- names from the catalogue


@contextlib.contextmanager
def running(database: ServiceDatabase, folder: Path) -> Iterator[Running]:
    """Compose the service as it ships."""
    issuer = DevelopmentIssuer(folder / "issuer")
    clock = FixedClock()
    bus = settings_for("assessment", database, issuer, folder / "token")
    service = build(Settings(bus=bus, chunk_rows=3), clock=clock, ids=new_id)
    try:
        yield Running(service=service, client=service.wsgi().test_client(), issuer=issuer, clock=clock)
    finally:
        service.close()
        service.db.close()
