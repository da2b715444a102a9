"""The packets service as its tests meet it: the real application on a real database, told things by records."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.rows import dict_row

from component.packets.assessment_stand_in import FREE, HOLDERS, Assessment
from packets import app
from packets.settings import Settings
from packets.work.operations import Operator
from reviewbus.auth import DEVELOPMENT_ISSUER, DevelopmentIssuer
from reviewbus.clock import new_id
from reviewbus.db import libpq_url
from reviewbus.envelope import Received
from reviewbus.jobs import Worker
from reviewbus.migrate import upgrade
from reviewbus.settings import BusSettings
from reviewbus.testing.fixed_clock import FixedClock

if TYPE_CHECKING:
    from pathlib import Path

    from harness.stack import ServiceDatabase
    from reviewbus.service import Service

REVIEW = "0198c0de-2000-7b20-9c3f-000000000001"
OTHER = "0198c0de-2000-7b20-9c3f-000000000002"
NOWHERE = "0198c0de-2000-7b20-9c3f-00000000ffff"
CYCLE = "0198c0de-1000-7a10-8b2f-000000000001"
QUESTIONNAIRE = ("0198c0de-3000-7c30-8d4f-000000000001", 1)
EMPLOYEE, OTHER_EMPLOYEE, MANAGER, DIRECTOR, OUTSIDER = "p-anna", "p-ben", "p-max", "p-dora", "p-olga"
HR, HR_BELOW, ASSISTANT, CALIBRATOR = "p-helen", "p-hugo", "p-amy", "p-kai"
ROLES = {HR: ("hr_admin",), HR_BELOW: ("hr_admin",), ASSISTANT: ("hr_assistant",)}
LINES = {
    EMPLOYEE: MANAGER,
    OTHER_EMPLOYEE: MANAGER,
    MANAGER: DIRECTOR,
    DIRECTOR: None,
    OUTSIDER: DIRECTOR,
    HR: DIRECTOR,
    # Reports to the employee of the review, so that HR's commands on it would be dealings with a superior.
    HR_BELOW: EMPLOYEE,
    ASSISTANT: HR,
    CALIBRATOR: DIRECTOR,
}
CANARY = "canary-7f3a-nobody-writes-this"
GOALS, GROWTH, OVERALL, OWN = "q-goals", "q-growth", "q-overall", "q-own"
SCALE = {"lowest": 1, "highest": 5, "labels": []}
QUESTIONS: list[dict[str, Any]] = [
    {"question_id": OWN, "text": "What did you achieve?", "audience": "self", "kind": "text"},
    {"question_id": GOALS, "text": f"What was achieved? {CANARY}", "audience": "manager", "kind": "text"},
    {
        "question_id": GROWTH,
        "text": "What next?",
        "audience": "manager",
        "kind": "single_choice",
        "options": [{"id": "o-lead", "text": "Lead a team"}, {"id": "o-stay", "text": "Stay"}],
    },
    {"question_id": OVERALL, "text": "Overall", "audience": "manager", "kind": "rating", "scale": SCALE},
]
ANSWERS = {GOALS: f"<p>The migration. {CANARY}</p>", GROWTH: "o-lead", OVERALL: 3}
REASON = f"Said in the meeting {CANARY}"
OWN_TABLES = (
    *("packets", "cycles", "questionnaires", "contents", "selections", "snapshots", "pdf_files"),
    *("calibration_sessions", "calibration_members", "calibration_reviews", "calibration_ratings"),
    *("history", "operations", "operation_items"),
    *("audit", "directory", "jobs", "idempotency", "outbox", "inbox", "service_flag", "dead_letter"),
)


def bring_up(url: str) -> None:
    upgrade(app.MIGRATIONS, url)


def empty(database: ServiceDatabase) -> None:
    with psycopg.connect(libpq_url(database.migrations_url)) as connection:
        connection.execute(f"truncate {', '.join(OWN_TABLES)} restart identity")


def settings_for(database: ServiceDatabase, issuer: DevelopmentIssuer, **changes: Any) -> Settings:
    bus = BusSettings(
        service="packets",
        environment="test",
        database_url=database.url,
        migration_url=database.migrations_url,
        database_pool=4,
        outbox_notify=False,
        jwt_issuer=DEVELOPMENT_ISSUER,
        jwt_audience="review-system",
        jwks=str(issuer.jwks),
        peers={"assessment": "http://assessment.invalid"},
    )
    return Settings(bus=bus, **{"company_name": "Example GmbH", "render_ahead": False, **changes})


@dataclass(slots=True)
class Office:
    """The service, its HTTP client, and what a test wants to know of its database."""

    service: Service
    issuer: DevelopmentIssuer
    clock: FixedClock
    assessment: Assessment
    connection: psycopg.Connection[dict[str, Any]]
    client: Any = None
    keys: count[int] = field(default_factory=count)

    # Requests

    def get(self, person: str, path: str) -> Any:
        return self.client.get(path, headers=self.token(person))

    def put(self, person: str, path: str, body: Any, *, version: str | int | None = None) -> Any:
        return self.client.put(path, json=body, headers={**self.token(person), **if_match(version)})

    def post(
        self,
        person: str,
        path: str,
        body: Any = None,
        *,
        version: str | int | None = None,
        key: str | None = "",
        raw: bytes | None = None,
    ) -> Any:
        headers = {**self.token(person), **if_match(version)}
        if key is not None:
            headers["Idempotency-Key"] = key or f"key-{next(self.keys)}"
        sent = json.dumps({} if body is None else body).encode() if raw is None else raw
        return self.client.post(path, data=sent, content_type="application/json", headers=headers)

    def token(self, person: str) -> dict[str, str]:
        roles = ("service",) if person == "notifications" else ROLES.get(person, ())
        return {"Authorization": f"Bearer {self.issuer.token(person, roles, scope='internal')}"}

    def tag(self, review_id: str = REVIEW, person: str = HR) -> str:
        """Return what a release must name."""
        answer = self.get(person, f"/v1/packets/{review_id}")
        assert answer.status_code == 200, answer.json
        return str(answer.headers["ETag"].strip('"'))

    def release(self, person: str = HR, *, review_id: str = REVIEW, reason: str | None = REASON) -> Any:
        tag = self.tag(review_id, HR)
        return self.post(person, f"/v1/packets/{review_id}/release", {"reason": reason}, version=tag)

    def unrelease(self, person: str = HR, *, review_id: str = REVIEW, **body: Any) -> Any:
        return self.post(person, f"/v1/packets/{review_id}/unrelease", {"reason": REASON, **body})

    # What assessment says

    def tell(self, kind: str, data: dict[str, Any], *, times: int = 2) -> None:
        """Apply a record, twice with an id of its own and once more under the same id."""
        self.service.catalogue.accepts(kind, data)
        for _ in range(times):
            received = self.received(kind, data)
            for _ in range(2):
                with self.service.db.begin() as tx:
                    self.service.applier().apply_batch(tx, [received])

    def received(self, kind: str, data: dict[str, Any]) -> Received:
        key = data.get("review_id") or data.get("cycle_id") or data["person_id"]
        return Received(id=new_id(), type=kind, source="/assessment", key=str(key), time=self.clock(), data=data)

    def people(self) -> None:
        for person, manager in LINES.items():
            self.tell("person.changed.v1", {"person_id": person, "manager_id": manager, "active": True, "version": 1})
        self.assessment.cycles[CYCLE] = f"Year 2026 {CANARY}"
        self.assessment.names |= {person: f"Name of {person} {CANARY}" for person in LINES}

    def opened(
        self, review_id: str = REVIEW, *, subject_id: str = EMPLOYEE, calibrated: bool = False, **changes: Any
    ) -> None:
        """Open a review; assessment's row of it says the same."""
        deadline = {"date": "2026-06-12", "zone": "Europe/Berlin", "instant": "2026-06-12T22:00:00Z"}
        words: dict[str, Any] = {
            "review_id": review_id,
            "cycle_id": CYCLE,
            "subject_id": subject_id,
            "manager_id": MANAGER,
            "release_mode": "hr_gated",
            "calibration_required": calibrated,
            "release_after_calibration": False,
            "self_visibility": "on_share",
            "questionnaire_id": QUESTIONNAIRE[0],
            "questionnaire_version": QUESTIONNAIRE[1],
            "rating_question_ids": [OVERALL],
            "self_deadline": deadline,
            "manager_deadline": deadline,
            **changes,
        }
        self.assessment.ask(QUESTIONNAIRE, f"Annual review {CANARY}", QUESTIONS)
        self.assessment.rows[review_id] = {
            **words,
            "row_version": 1,
            "self_state": "none",
            "self_version": 0,
            "manager_state": "none",
            "manager_version": 0,
            "content_hash": None,
            "closed": False,
            "cancelled": False,
            "registers": {holder: dict(FREE) for holder in HOLDERS},
        }
        self.tell("review.opened.v1", {**words, "version": 1})

    def about(self, review_id: str = REVIEW, **more: Any) -> dict[str, Any]:
        """Return what every fact of assessment about a review says, one version on."""
        row = self.assessment.rows[review_id]
        row["row_version"] += 1
        ids = {name: row[name] for name in ("review_id", "cycle_id", "subject_id", "manager_id")}
        return {**ids, "version": row["row_version"], **more}

    def submitted(
        self,
        review_id: str = REVIEW,
        *,
        answers: dict[str, Any] | None = None,
        told: bool = True,
        kind: str = "submitted",
    ) -> None:
        """The manager submits or revises; assessment keeps the version."""
        row = self.assessment.rows[review_id]
        version = row["manager_version"] + 1
        content_hash = self.assessment.write(review_id, version, QUESTIONNAIRE, answers or ANSWERS)
        row |= {"manager_state": "submitted", "manager_version": version, "content_hash": content_hash}
        more: dict[str, Any] = {"manager_version": version, "content_hash": content_hash, "by_role": "manager"}
        more |= {"visible_self_version": None} if kind == "submitted" else {"changed_question_ids": [GOALS]}
        data = self.about(review_id, **more)
        if told:
            self.tell(f"manager-assessment.{kind}.v1", data)

    def reopened(self, review_id: str = REVIEW) -> None:
        row = self.assessment.rows[review_id]
        row["manager_state"] = "draft"
        data = self.about(review_id, manager_version=row["manager_version"], by_role="hr_admin")
        self.tell("manager-assessment.reopened.v1", data)

    def answer(self, kind: str, fence: int, *, review_id: str = REVIEW, holder: str = "release", **more: Any) -> None:
        """Assessment answers one command, and its register says the same."""
        row = self.assessment.rows[review_id]
        data: dict[str, Any] = {"review_id": review_id, "holder": holder, "fence": fence, **more}
        if kind == "granted":
            shown = self.row(review_id)["snapshot_hash"]
            data |= {
                "epoch": fence // 2,
                "manager_version": row["manager_version"],
                "manager_hash": row["content_hash"],
                "self_version": 5,
                "self_hash": row["content_hash"],
                "snapshot_hash": shown,
            }
            self.assessment.hold(review_id, holder, fence, held=True, epoch=fence // 2, snapshot_hash=shown)
        elif kind != "superseded":
            self.assessment.hold(review_id, holder, fence, held=False)
        self.tell(f"hold.{kind}.v1", data)

    # The usual ways to a state

    def ready(self, *, question_ids: tuple[str, ...] = (GOALS, GROWTH), calibrated: bool = False) -> None:
        """One review, submitted, its questions shared, its content fetched; rated 4 where it is to be calibrated."""
        self.people()
        self.opened(calibrated=calibrated)
        self.work()
        self.share(*question_ids)
        self.submitted()
        self.work()
        if calibrated:
            self.calibrated()

    def share(self, *question_ids: str, rating: bool = True) -> None:
        version = self.get(HR, f"/v1/shared-questions/{CYCLE}").json["version"]
        body = {"question_ids": list(question_ids), "rating": rating}
        answer = self.put(HR, f"/v1/shared-questions/{CYCLE}", body, version=version)
        assert answer.status_code == 200, answer.json
        self.work()

    def session(self, *review_ids: str, members: tuple[str, ...] = (CALIBRATOR, HR)) -> str:
        body = {"cycle_id": CYCLE, "review_ids": list(review_ids or (REVIEW,)), "members": list(members)}
        answer = self.post(HR, "/v1/calibrations", body)
        assert answer.status_code == 201, answer.json
        return str(answer.json["session_id"])

    def calibrated(self, value: int = 4) -> str:
        session = self.session()
        assert self.post(HR, f"/v1/calibrations/{session}/start").status_code == 200
        rated = self.rate(session, value)
        assert rated.status_code == 200, rated.json
        assert self.post(HR, f"/v1/calibrations/{session}/complete").status_code == 200
        self.work()
        return session

    def rate(self, session: str, value: int, *, version: int | None = 0, person: str = CALIBRATOR, **body: Any) -> Any:
        sent = {"rating": value, "justification": REASON, **body}
        return self.put(person, f"/v1/calibrations/{session}/ratings/{REVIEW}", sent, version=version)

    def change_rating(self, value: int, *, person: str = HR, **body: Any) -> Any:
        """Change the rating after its calibration, from what stands now."""
        sent = {"rating": value, "reason": REASON, **body}
        return self.put(person, f"/v1/packets/{REVIEW}/rating", sent, version=self.row()["rating_version"])

    def released(self) -> None:
        """From ready to released, by HR."""
        answer = self.release()
        assert answer.status_code == 202, answer.json
        self.answer("granted", 2 * answer.json["epoch"])

    def work(self) -> int:
        """Do all jobs that are due; return how many were done."""
        worker, done = Worker(self.service.db, self.service.jobs), 0
        while step := worker.run_once():
            done += step
        return done

    def periodic(self, name: str) -> int:
        return next(each for each in self.service.periodic if each.name == name).run_once()

    def operator(self, *, rows: int, in_flight_max: int) -> Operator:
        """Return what carries out operations, with other limits."""
        bus = self.service.settings
        settings = Settings(bus=bus, operation_chunk_rows=rows, operation_in_flight_max=in_flight_max)
        return Operator(db=self.service.db, settings=settings)

    # What the database says

    def close(self) -> None:
        self.connection.close()
        self.service.close()
        self.service.db.close()

    def row(self, review_id: str = REVIEW) -> dict[str, Any]:
        return self.rows("select * from packets where review_id = %s", review_id)[0]

    def state(self, review_id: str = REVIEW) -> str:
        return str(self.row(review_id)["state"])

    def rows(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        return self.connection.execute(statement, values).fetchall()

    def do(self, statement: str, *values: Any) -> None:
        self.connection.execute(statement, values)

    def events(self, *, since: int = 0) -> list[tuple[str, dict[str, Any]]]:
        """Return type and data of every outbox row after the id `since`."""
        rows = self.rows("select type, body from outbox where id > %s order by id", since)
        return [(row["type"], json.loads(bytes(row["body"]))) for row in rows]

    def types(self, *, since: int = 0) -> list[str]:
        return [kind for kind, _ in self.events(since=since)]

    def mark(self) -> int:
        """Return the newest outbox id."""
        return int(self.rows("select coalesce(max(id), 0) as newest from outbox")[0]["newest"])

    def contents(self) -> dict[str, list[dict[str, Any]]]:
        """Return everything that the database holds, to be compared before and after."""
        tables = [each for each in OWN_TABLES if each != "inbox"]
        return {each: self.rows(f"select * from {each} t order by t::text") for each in tables}  # noqa: S608


def if_match(version: str | int | None) -> dict[str, str]:
    return {} if version is None else {"If-Match": f'"{version}"'}


def open_office(database: ServiceDatabase, folder: Path, **changes: Any) -> Office:
    issuer, clock, assessment = DevelopmentIssuer(folder / "issuer"), FixedClock(), Assessment()
    settings = settings_for(database, issuer, **changes)
    service = app.build(settings, clock=clock, transports={"assessment": assessment.transport()})
    connection = psycopg.connect(libpq_url(database.url), autocommit=True, row_factory=dict_row)
    office = Office(service=service, issuer=issuer, clock=clock, assessment=assessment, connection=connection)
    office.client = service.wsgi().test_client()
    return office
