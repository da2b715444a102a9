"""The signing service as its tests meet it: the real application on a real database, told things by records.

Assessment and packets are not here: `peers` answers what signing asks of each with what a test puts there.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

import flask
import httpx
import psycopg
from psycopg import sql

from reviewbus import tables
from reviewbus.auth import DEVELOPMENT_ISSUER, DevelopmentIssuer
from reviewbus.clock import new_id
from reviewbus.db import libpq_url
from reviewbus.envelope import Received
from reviewbus.migrate import upgrade
from reviewbus.settings import BusSettings
from reviewbus.testing.fixed_clock import FixedClock
from signing import app
from signing.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from harness.stack import ServiceDatabase
    from reviewbus.service import Service

REVIEW = "0198c0de-2000-7b20-9c3f-000000000001"
OTHER_REVIEW = "0198c0de-2000-7b20-9c3f-000000000002"
CYCLE = "0198c0de-1000-7a10-8b2f-000000000001"
EMPLOYEE, MANAGER, DIRECTOR, OUTSIDER = "p-anna", "p-max", "p-dora", "p-olga"
HR, HR_BELOW, ASSISTANT = "p-helen", "p-hugo", "p-amy"
H1, H2 = "sha256:" + "1" * 64, "sha256:" + "2" * 64
CONTENT = "sha256:" + "c" * 64
CANARY = "canary-7f3a-nobody-writes-this"
LINES = {
    EMPLOYEE: MANAGER,
    MANAGER: DIRECTOR,
    DIRECTOR: None,
    OUTSIDER: DIRECTOR,
    HR: DIRECTOR,
    # Reports to the employee of the review, so that HR's commands on it would be dealings with a superior.
    HR_BELOW: EMPLOYEE,
}
OWN_TABLES = ("record", "signature", "comment", "audit", "directory", "jobs", "idempotency", "outbox")


def bring_up(url: str) -> None:
    upgrade(app.MIGRATIONS, url)


def settings_for(database: ServiceDatabase, issuer: DevelopmentIssuer) -> Settings:
    bus = BusSettings(
        service="signing",
        environment="test",
        database_url=database.url,
        migration_url=database.migrations_url,
        database_pool=4,
        outbox_notify=False,
        jwt_issuer=DEVELOPMENT_ISSUER,
        jwt_audience="review-system",
        jwks=str(issuer.jwks),
        peers={"assessment": "http://assessment.invalid", "packets": "http://packets.invalid"},
    )
    return Settings(bus=bus, sweep_rows=2)


class Peers:
    """What assessment and packets answer to `/internal/states`; `before_answer` may change something meanwhile."""

    def __init__(self) -> None:
        self.rows: dict[str, list[dict[str, Any]]] = {"assessment": [], "packets": []}
        self.everybody: list[dict[str, Any]] = []
        self.asked: list[str] = []
        self.restored: str | None = None
        self.swept: list[str] = []
        self.before_answer: Any = None
        self._app = flask.Flask("peers")
        self._app.add_url_rule("/internal/directory", view_func=self._directory)
        self._app.add_url_rule("/internal/states", view_func=self._states)
        self._app.add_url_rule("/internal/swept", view_func=self._swept, methods=["POST"])

    def transports(self) -> dict[str, httpx.BaseTransport]:
        return dict.fromkeys(self.rows, httpx.WSGITransport(app=self._app))

    def _directory(self) -> dict[str, Any]:
        assert flask.request.host.startswith("assessment.")
        after, limit = flask.request.args.get("cursor", ""), int(flask.request.args["limit"])
        rest = [one for one in self.everybody if one["person_id"] > after]
        return {"items": rest[:limit], "next_cursor": rest[limit - 1]["person_id"] if len(rest) > limit else None}

    def _states(self) -> dict[str, Any]:
        owner = flask.request.host.split(".")[0]
        self.asked.append(owner)
        if self.before_answer is not None:
            self.before_answer(owner, len(self.asked))
        after, limit = flask.request.args.get("cursor", ""), int(flask.request.args["limit"])
        rows = sorted((row for row in self.rows[owner] if row["review_id"] > after), key=lambda row: row["review_id"])
        page = rows[:limit]
        following = page[-1]["review_id"] if len(rows) > limit else None
        return {"items": page, "next_cursor": following, "restored": self.restored}

    def _swept(self) -> dict[str, Any]:
        self.swept.append(flask.request.get_json()["restored"])
        return {"counted": True}


@dataclass(slots=True)
class Desk:
    """The service, its HTTP client, and what a test wants to know of its database."""

    service: Service
    issuer: DevelopmentIssuer
    clock: FixedClock
    peers: Peers
    url: str
    client: Any = None
    keys: count[int] = field(default_factory=count)
    versions: count[int] = field(default_factory=lambda: count(1))

    def get(self, person: str, path: str, *roles: str) -> Any:
        return self.client.get(path, headers=self._token(person, roles))

    def post(
        self, person: str, path: str, body: Any = None, *roles: str, key: str | None = "", raw: bytes | None = None
    ) -> Any:
        headers = self._token(person, roles)
        if key is not None:
            headers["Idempotency-Key"] = key or f"key-{next(self.keys)}"
        sent = json.dumps({} if body is None else body).encode() if raw is None else raw
        return self.client.post(path, data=sent, content_type="application/json", headers=headers)

    def sign(self, person: str = EMPLOYEE, *roles: str, review_id: str = REVIEW, **body: Any) -> Any:
        """Sign what is current, as far as `body` names nothing else."""
        sent = {"statement_version": 1, "snapshot_hash": H1, **body}
        return self.post(person, f"/v1/signatures/{review_id}/sign", sent, *roles)

    def revoke(self, signer: str = "all", person: str = HR, role: str = "hr_admin") -> Any:
        return self.post(
            person, f"/v1/signatures/{REVIEW}/revoke", {"signer": signer, "reason": f"Wrong text {CANARY}"}, role
        )

    def complete(self, person: str = HR, role: str = "hr_admin") -> Any:
        return self.post(person, f"/v1/signatures/{REVIEW}/complete", {"reason": f"Left us {CANARY}"}, role)

    def show(self, person: str = HR, *roles: str) -> dict[str, Any]:
        answer = self.get(person, f"/v1/signatures/{REVIEW}", *(roles or (("hr_admin",) if person == HR else ())))
        assert answer.status_code == 200, answer.json
        shown = answer.json
        assert isinstance(shown, dict)
        return shown

    def states(self) -> tuple[str, str, str]:
        """Return the words of employee, manager and completion."""
        shown = self.show()
        return (*(one["state"] for one in shown["signers"]), shown["completion"]["state"])

    def tell(self, kind: str, data: dict[str, Any], *, times: int = 2) -> None:
        """Apply a record, twice with an id of its own and once more under the same id."""
        self.service.catalogue.accepts(kind, data)
        for _ in range(times):
            received = Received(
                id=new_id(),
                type=kind,
                source="/other",
                key=str(data.get("review_id") or data["person_id"]),
                time=self.clock(),
                data=data,
            )
            for _ in range(2):
                with self.service.db.begin() as tx:
                    self.service.applier().apply_batch(tx, [received])

    def people(self) -> None:
        for person, manager in LINES.items():
            self.tell("person.changed.v1", {"person_id": person, "manager_id": manager, "active": True, "version": 1})

    def about(self, review_id: str = REVIEW, **more: Any) -> dict[str, Any]:
        """Return what every fact of assessment about a review says."""
        ids = {"review_id": review_id, "cycle_id": CYCLE, "subject_id": EMPLOYEE, "manager_id": MANAGER}
        return {**ids, "version": next(self.versions), **more}

    def shared(self, review_id: str = REVIEW, *, self_version: int = 5) -> None:
        data = self.about(review_id, self_version=self_version, content_hash=CONTENT)
        self.tell("self-assessment.shared.v1", {**data, "visible_to_manager": True, "on_behalf": False})

    def released(self, epoch: int = 1, *, snapshot_hash: str = H1, review_id: str = REVIEW) -> None:
        more: dict[str, Any] = {
            "epoch": epoch,
            "snapshot_hash": snapshot_hash,
            "manager_version": 3,
            "self_version": 5,
        }
        by: dict[str, Any] = {
            "selection_version": 1,
            "released_by": MANAGER,
            "by_role": "manager",
            "operation_id": None,
        }
        self.tell("packet.released.v1", {**self.about(review_id), **more, **by})

    def unreleased(self, epoch: int = 1, *, revoke: bool = False) -> None:
        more = {"epoch": epoch, "was": "released", "snapshot_hash": H1, "revoke_signatures": revoke}
        by = {"reason": "unreleased", "by": HR, "by_role": "hr_admin", "operation_id": None}
        self.tell("packet.unreleased.v1", {**self.about(), **more, **by})

    def open(self) -> None:
        """Bring the review to where both may sign."""
        self.people()
        self.shared()
        self.released()

    def commands(self) -> list[dict[str, Any]]:
        """Return the commands in the outbox, in order."""
        return [data for kind, data in self.outbox() if kind == "hold.requested.v1"]

    def answer(self, **last: Any) -> None:
        """Be assessment: grant or free what the newest command asks for; `last` overrides what it named."""
        command = {**self.commands()[-1], **last}
        names = {"review_id": command["review_id"], "holder": command["holder"], "fence": command["fence"]}
        if command["want"] == "free":
            self.tell("hold.released.v1", names)
            return
        covered = {name: command[name] for name in ("epoch", "snapshot_hash", "manager_version", "self_version")}
        hashes = {"manager_hash": CONTENT, "self_hash": CONTENT}
        self.tell("hold.granted.v1", {**names, **covered, **hashes})

    def reject(self, reason: str) -> None:
        command = self.commands()[-1]
        names = {name: command[name] for name in ("review_id", "holder", "fence")}
        self.tell("hold.rejected.v1", {**names, "reason": reason})

    def signed(self, *people: str) -> None:
        """Have these people sign, and the holds granted."""
        for person in people:
            assert self.sign(person).status_code == 202
            asked = [one for one in self.commands() if one["holder"].startswith("signature")][-1]
            self.answer(**asked)

    def rows(self, query: str, *values: Any) -> list[Any]:
        with psycopg.connect(libpq_url(self.url)) as connection:
            return connection.execute(query, values).fetchall()

    def outbox(self) -> list[tuple[str, dict[str, Any]]]:
        """Return every event that was emitted, in order."""
        return [
            (kind, json.loads(bytes(body))) for kind, body in self.rows("select type, body from outbox order by id")
        ]

    def emitted(self) -> list[str]:
        return [kind for kind, _ in self.outbox()]

    def drain(self) -> None:
        """Be the relay: nothing is left to send."""
        self.run("delete from outbox")

    def run(self, statement: str, *values: Any) -> None:
        with psycopg.connect(libpq_url(self.url)) as connection:
            connection.execute(statement, values)

    def everything(self) -> dict[str, list[Any]]:
        """Return the content of every table that a request could change."""
        return {table: self.rows(f"select * from {table} order by 1, 2") for table in OWN_TABLES}  # noqa: S608

    def periodic(self, name: str) -> int:
        return next(one for one in self.service.periodic if one.name == name).run_once()

    def _token(self, person: str, roles: tuple[str, ...]) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.issuer.token(person, roles, scope='internal')}"}


def open_desk(database: ServiceDatabase, folder: Path) -> Desk:
    issuer, clock, peers = DevelopmentIssuer(folder), FixedClock(), Peers()
    service = app.build(settings_for(database, issuer), clock=clock, transports=peers.transports())
    desk = Desk(service=service, issuer=issuer, clock=clock, peers=peers, url=database.url)
    desk.client = service.wsgi().test_client()
    return desk


def empty(database: ServiceDatabase) -> None:
    """Delete every row; truncating takes longer than most of the tests."""
    with psycopg.connect(libpq_url(database.migrations_url)) as connection:
        for table in ("comment", "signature", *tables.metadata.tables, "record"):
            connection.execute(sql.SQL("delete from {}").format(sql.Identifier(table)))
