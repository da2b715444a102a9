"""The notifications service as its tests meet it: the real application on a real database, told things by records.

The other services are not here: `peers` answers the two addresses that notifications asks, with what a test says.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from itertools import count
from typing import TYPE_CHECKING, Any

import flask
import httpx
import psycopg

from component.notifications.mailbox import Mailbox
from harness.stack.ports import free_port
from notifications import app, store
from notifications.settings import Settings
from reviewbus import tables
from reviewbus.auth import DEVELOPMENT_ISSUER, DevelopmentIssuer
from reviewbus.clock import new_id
from reviewbus.db import libpq_url
from reviewbus.envelope import Received
from reviewbus.jobs import Worker
from reviewbus.migrate import upgrade
from reviewbus.settings import BusSettings
from reviewbus.testing.fixed_clock import START, FixedClock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from harness.stack import ServiceDatabase
    from reviewbus.service import Service

REVIEW = "0198c0de-2000-7b20-9c3f-000000000001"
OTHER_REVIEW = "0198c0de-2000-7b20-9c3f-000000000002"
CYCLE = "0198c0de-1000-7a10-8b2f-000000000001"
EMPLOYEE, MANAGER, OTHER_MANAGER, OUTSIDER, HR, ASSISTANT = "p-anna", "p-max", "p-mira", "p-olga", "p-helen", "p-amy"
HASH = "sha256:" + "1" * 64
# Names and addresses are known only while a mail is written.
CANARY = "canary-7f3a"
PUBLIC_URL = "https://reviews.company.example"
OWN_TABLES = ("board", "task", "delivery", "watermark", "jobs", "idempotency", "outbox", "audit")


def bring_up(url: str) -> None:
    upgrade(app.MIGRATIONS, url)


def address(person: str) -> str:
    return f"{person}.{CANARY}@company.example"


def settings_for(database: ServiceDatabase, issuer: DevelopmentIssuer, **peers: str) -> Settings:
    names = ("assessment", "packets", "signing")
    bus = BusSettings(
        service="notifications",
        environment="test",
        database_url=database.url,
        migration_url=database.migrations_url,
        database_pool=4,
        outbox_notify=False,
        jwt_issuer=DEVELOPMENT_ISSUER,
        jwt_audience="review-system",
        jwks=str(issuer.jwks),
        peers={name: peers.get(name, f"http://{name}.invalid") for name in names},
    )
    return Settings(
        bus=bus,
        public_url=PUBLIC_URL,
        smtp_host="127.0.0.1",
        smtp_port=free_port(),
        sender_address="hr@company.example",
    )


class Peers:
    """What the others answer: everybody is there and may open everything, unless a test says otherwise."""

    def __init__(self) -> None:
        self.hidden: set[tuple[str, str]] = set()  # (person, kind)
        self.people: dict[str, dict[str, Any] | None] = {}
        self.down: set[str] = set()
        self.states: dict[str, list[dict[str, Any]]] = {}  # by owner
        self.takes: Callable[[], None] = lambda: None
        self.asked: list[tuple[str, list[dict[str, Any]]]] = []
        self.app = flask.Flask("peers")
        self.app.add_url_rule("/internal/people", view_func=self._people, methods=["POST"])
        self.app.add_url_rule("/internal/visibility", view_func=self._visibility, methods=["POST"])
        self.app.add_url_rule("/internal/states", view_func=self._states)

    def transports(self) -> dict[str, httpx.BaseTransport]:
        return dict.fromkeys(("assessment", "packets", "signing"), httpx.WSGITransport(app=self.app))

    def questions(self) -> list[tuple[str, str, int]]:
        """Return what was asked: owner, kind, at."""
        return [(owner, item["kind"], item["at"]) for owner, items in self.asked for item in items]

    def _states(self) -> Any:
        owner = flask.request.host.split(".")[0]
        if owner in self.down:
            return "away", 400
        return {"items": self.states.get(owner, []), "next_cursor": None}

    def _people(self) -> Any:
        if "assessment" in self.down:
            return "away", 400
        known = {one: self._person(one) for one in flask.request.get_json()["person_ids"]}
        return {"items": [one for one in known.values() if one is not None]}

    def _person(self, person_id: str) -> dict[str, Any] | None:
        person = {
            "person_id": person_id,
            "name": f"{person_id} {CANARY}",
            "email": address(person_id),
            "active": True,
            "manager_id": None,
            "language": "en",
        }
        changes = self.people.get(person_id, {})
        return None if changes is None else {**person, **changes}

    def _visibility(self) -> Any:
        owner = flask.request.host.split(".")[0]
        if owner in self.down:
            return "away", 400
        items = flask.request.get_json()["items"]
        self.takes()
        self.asked.append((owner, items))
        return {"items": [{"allowed": (item["person_id"], item["kind"]) not in self.hidden} for item in items]}


@dataclass(slots=True)
class Desk:
    """The service, its HTTP client, and what a test wants to know of its database."""

    service: Service
    settings: Settings
    issuer: DevelopmentIssuer
    clock: FixedClock
    peers: Peers
    mailbox: Mailbox
    url: str
    client: Any = None
    versions: count[int] = field(default_factory=lambda: count(1))

    def get(self, person: str, path: str, *roles: str) -> Any:
        return self.client.get(path, headers=self._token(person, roles))

    def post(self, person: str, path: str, body: Any, *roles: str) -> Any:
        return self.client.post(path, json=body, headers=self._token(person, roles))

    def tasks(self, person: str) -> list[str]:
        """Return the kinds of what the person is to do, in the order of the answer."""
        return [one["kind"] for one in self.get(person, "/v1/tasks").json["items"]]

    def deliveries(self, query: str = "", person: str = HR, role: str = "hr_admin") -> list[tuple[str, str, str, Any]]:
        """Return template, recipient, state and reason, in the order in which they were called for."""
        items = self.get(person, f"/v1/deliveries{query}", role).json["items"]
        return [(one["template"], one["recipient_id"], one["state"], one["reason"]) for one in reversed(items)]

    def tell(self, kind: str, data: dict[str, Any], *, times: int = 2) -> None:
        """Apply a record, twice with an id of its own and each once more under the same id."""
        self.service.catalogue.accepts(kind, data)
        for _ in range(times):
            received = Received(
                id=new_id(), type=kind, source="/other", key=str(data["review_id"]), time=self.clock(), data=data
            )
            for _ in range(2):
                with self.service.db.begin() as tx:
                    self.service.applier().apply_batch(tx, [received])

    def about(self, review_id: str = REVIEW, **more: Any) -> dict[str, Any]:
        """Return what every fact about a review says."""
        ids = {"review_id": review_id, "cycle_id": CYCLE, "subject_id": EMPLOYEE, "manager_id": MANAGER}
        return {**ids, "version": next(self.versions), **more}

    def opened(self, review_id: str = REVIEW) -> None:
        settings = {
            "release_mode": "hr_gated",
            "calibration_required": False,
            "release_after_calibration": False,
            "self_visibility": "on_share",
            "questionnaire_id": CYCLE,
            "questionnaire_version": 1,
            "rating_question_ids": [],
            "self_deadline": {"date": "2026-03-03", "zone": "Europe/Berlin", "instant": "2026-03-03T23:00:00Z"},
            "manager_deadline": {"date": "2026-04-30", "zone": "Europe/Berlin", "instant": "2026-04-30T22:00:00Z"},
        }
        self.tell("review.opened.v1", self.about(review_id, **settings))

    def shared(self, self_version: int = 5) -> None:
        more: dict[str, Any] = {
            "self_version": self_version,
            "content_hash": HASH,
            "visible_to_manager": True,
            "on_behalf": False,
        }
        self.tell("self-assessment.shared.v1", self.about(**more))

    def submitted(self) -> None:
        more: dict[str, Any] = {
            "manager_version": 3,
            "content_hash": HASH,
            "by_role": "manager",
            "visible_self_version": 5,
        }
        self.tell("manager-assessment.submitted.v1", self.about(**more))

    def sent_to_manager(self, epoch: int = 0) -> None:
        self.tell("packet.released-to-manager.v1", self._packet(epoch, by=HR, by_role="hr_admin"))

    def released(self, epoch: int = 1, *, times: int = 2) -> None:
        more = {"self_version": 5, "released_by": MANAGER, "by_role": "manager"}
        self.tell("packet.released.v1", self._packet(epoch, **more), times=times)

    def unreleased(self, epoch: int = 1) -> None:
        by = {"reason": "unreleased", "by": HR, "by_role": "hr_admin", "operation_id": None}
        more = {"epoch": epoch, "was": "released", "snapshot_hash": HASH, "revoke_signatures": False}
        self.tell("packet.unreleased.v1", {**self.about(), **more, **by})

    def signing_opened(self) -> None:
        more = {"epoch": 1, "snapshot_hash": HASH, "manager_version": 3, "self_version": 5}
        self.tell("signing.opened.v1", {**self.about(), **more, "open_signers": ["employee", "manager"]})

    def signed(self, role: str = "employee", fence: int = 2) -> None:
        self.tell("signature.completed.v1", self._signature(role, fence))

    def revoked(self, role: str = "employee", fence: int = 3) -> None:
        by = {"was": "signed", "reason": "revoked", "by": HR, "by_role": "hr_admin"}
        self.tell("signature.revoked.v1", {**self._signature(role, fence), **by})

    def work(self) -> int:
        """Be the worker until nothing is due any more; return how many jobs were claimed."""
        worker = Worker(self.service.db, self.service.jobs)
        done = 0
        while claimed := worker.run_once():
            done += claimed
        return done

    def periodic(self, name: str) -> int:
        return next(one for one in self.service.periodic if one.name == name).run_once()

    def rows(self, query: str, *values: Any) -> list[Any]:
        with psycopg.connect(libpq_url(self.url)) as connection:
            return connection.execute(query, values).fetchall()

    def run(self, statement: str, *values: Any) -> None:
        with psycopg.connect(libpq_url(self.url)) as connection:
            connection.execute(statement, values)

    def outbox(self) -> list[tuple[str, dict[str, Any]]]:
        """Return every event that was emitted, in order."""
        return [
            (kind, json.loads(bytes(body))) for kind, body in self.rows("select type, body from outbox order by id")
        ]

    def outcomes(self) -> list[str]:
        """Return what the events say of each mail, in order."""
        return [
            " ".join(filter(None, [kind.split(".")[1], data["template"], data["recipient_id"], data.get("reason")]))
            for kind, data in self.outbox()
        ]

    def mails(self) -> list[tuple[str, str]]:
        """Return recipient and link of each mail that the server has."""
        found = []
        for message in self.mailbox.kept:
            plain = message.get_body(("plain",))
            assert plain is not None
            link = next(word for word in plain.get_content().split() if word.startswith(PUBLIC_URL))
            found.append((message["To"].addresses[0].addr_spec.split(".")[0], link.removeprefix(PUBLIC_URL)))
        return found

    def everything(self) -> dict[str, list[Any]]:
        """Return the content of every table that a request could change."""
        return {table: self.rows(f"select * from {table} order by 1, 2") for table in OWN_TABLES}  # noqa: S608

    def close(self) -> None:
        self.service.close()
        self.service.db.close()

    def _packet(self, epoch: int, **more: Any) -> dict[str, Any]:
        content = {"snapshot_hash": HASH, "manager_version": 3, "selection_version": 1, "operation_id": None}
        return {**self.about(), "epoch": epoch, **content, **more}

    def _signature(self, role: str, fence: int) -> dict[str, Any]:
        signer = {"signer_role": role, "signer_id": EMPLOYEE if role == "employee" else MANAGER, "fence": fence}
        covered = {"epoch": 1, "snapshot_hash": HASH, "manager_version": 3, "self_version": 5}
        return {**self.about(), **signer, **covered}

    def _token(self, person: str, roles: tuple[str, ...]) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.issuer.token(person, roles, scope='internal')}"}


def open_desk(database: ServiceDatabase, folder: Path, **changes: Any) -> Desk:
    issuer, clock, peers = DevelopmentIssuer(folder), FixedClock(), Peers()
    settings = replace(settings_for(database, issuer), **changes)
    service = app.build(settings, clock=clock, transports=peers.transports())
    desk = Desk(
        service=service,
        settings=settings,
        issuer=issuer,
        clock=clock,
        peers=peers,
        mailbox=Mailbox(),
        url=database.url,
    )
    desk.client = service.wsgi().test_client()
    return desk


def empty(url: str) -> None:
    """Take all rows away, and let the system have begun to send mails with the clock of the tests."""
    # Deleting a few rows is quicker than truncating a dozen tables.
    names = [one.name for one in (*reversed(store.metadata.sorted_tables), *tables.metadata.sorted_tables)]
    with psycopg.connect(libpq_url(url)) as connection:
        connection.execute("; ".join(f"delete from {name}" for name in names))  # noqa: S608
        connection.execute("insert into watermark (single, effects_from) values (true, %s)", [START])
