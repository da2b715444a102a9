"""What journeys ask of the four services in one process: a story that settles, and refusals that change nothing."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from harness.people import SERVICES
from harness.story import Story
from reviewbus.broker import partition_of
from reviewbus.clock import new_id
from reviewbus.envelope import type_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    import httpx

    from harness.people import Person
    from harness.world import World
    from reviewbus.broker import Record
    from reviewbus.db import Database, Tx

Prints = dict[str, dict[str, str]]
# Rows of a refused request: none. Of a refused save: the author's backup.
BACKUPS = frozenset({"assessment.backup"})
_TABLES = sa.text(
    "select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace "
    "where n.nspname = 'public' and c.relkind in ('r', 'p') and not c.relispartition "
    "and c.relname not in ('idempotency', 'alembic_version') order by 1"
)


@dataclass(slots=True)
class Stage:
    """A story in a world, with the means to look behind it."""

    world: World
    story: Story

    def submitted(self, **settings: Any) -> Story:
        """Begin a cycle with Anna's review, its questions selected and both sides written."""
        story = self.story
        story.begin(**settings)
        story.select_questions()
        story.written()
        self.settle()
        return story

    def ready(self, **settings: Any) -> Story:
        """As `submitted`, and calibrated: the packet is ready."""
        story = self.submitted(**settings)
        if settings.get("calibration_required", True):
            story.calibrate()
        story.wait_for_packet("ready")
        return story

    def with_manager(self, **settings: Any) -> Story:
        """As `ready`, and sent to the manager."""
        story = self.ready(**settings)
        story.send_to_manager()
        self.settle()
        return story

    def released(self, **settings: Any) -> Story:
        """As `with_manager`, and released by the manager."""
        story = self.with_manager(**settings)
        story.release()
        return story

    def settle(self, *, without: tuple[str, ...] = ()) -> None:
        """Bring all services to rest, but those named, which stand still."""
        self.world.settle(without=without)

    def only(self, *names: str) -> None:
        """Bring the services named to rest while the others stand still."""
        self.world.settle(without=set(SERVICES) - set(names))

    def relay(self, name: str) -> None:
        """Send what a service has in its outbox, and let nobody read it."""
        while self.world.running[name].relay.run_once():
            pass

    def consume(self, name: str) -> None:
        """Let a service read what has come, and send nothing."""
        while self.world.running[name].consumer.run_once(0):
            pass

    def turn_around(self, topic: str, key: str) -> None:
        """Let the records of a key that nobody has read yet arrive in the opposite order."""
        place = (topic, partition_of(key.encode(), self.world.broker.partitions[topic]))
        log = self.world.broker.logs[place]
        start = min((at for (_, one), at in self.world.broker.committed.items() if one == place), default=0)
        log[start:] = [replace(one, offset=start + index) for index, one in enumerate(reversed(log[start:]))]

    def apply_again(self, name: str, record: Record) -> None:
        """Let a record that a service has read come again as if it were new, as after a restore."""
        service = self.world.service(name)
        headers = tuple((key, str(new_id()).encode() if key == "ce_id" else value) for key, value in record.headers)
        with service.db.begin() as tx:
            service.applier().apply_one(tx, replace(record, headers=headers))

    @contextlib.contextmanager
    def lost(self, name: str, kind: str) -> Iterator[None]:
        """Within the block no record of this type reaches the service, now or ever."""
        consumer = self.world.running[name].consumer
        whole = consumer._subscription
        consumer._subscription = _Losing(whole, kind)
        try:
            yield
        finally:
            consumer._subscription = whole

    def refused(
        self,
        act: Callable[[], httpx.Response],
        status: int,
        code: str,
        *,
        unmet: set[str] | None = None,
        but: frozenset[str] = frozenset(),
    ) -> dict[str, Any]:
        """The act is answered with this problem and changes nothing in any service but in the tables `but`."""
        before = prints(self.world)
        answer = act()
        body = problem(answer, status, code)
        after = prints(self.world)
        changed = {
            f"{service}.{table}"
            for service, tables in after.items()
            for table, digest in tables.items()
            if before[service][table] != digest
        }
        assert changed <= but, f"{answer.request.method} {answer.request.url.path} was refused and changed {changed}"
        if unmet is not None:
            assert {one["code"] for one in body["unmet"]} == unmet
        return body

    def denied(self, person: Person, code: str, method: str, path: str, body: Any = None, **options: Any) -> None:
        """A role that the act never admits (or not yet: 404) is refused, and nothing changes."""
        status = 404 if code == "not-found" else 403
        self.refused(lambda: self.send(person, method, path, body, **options), status, code)

    def send(self, person: Person, method: str, path: str, body: Any = None, **options: Any) -> httpx.Response:
        """Send anything as a person."""
        session = self.story.as_(person)
        if method == "GET":
            return session.get(path)
        return session.put(path, body, **options) if method == "PUT" else session.post(path, body, **options)

    def actions(self, person: Person, path: str) -> dict[str, dict[str, Any]]:
        """Return one service's actions for a review by their names."""
        answer = self.story.as_(person).get(path)
        assert answer.status_code == 200, answer.text
        return {one["name"]: one for one in answer.json()["actions"]}

    def internal(self, service: str, review_id: str) -> dict[str, Any]:
        """Return what a service tells the others of a review."""
        cursor = ""
        session = self.story.gateway.as_service("auditor", "internal")
        while True:
            page = session.get(f"/internal/states?limit=200{cursor}", service=service).json()
            for item in page["items"]:
                if item["review_id"] == review_id:
                    found: dict[str, Any] = item
                    return found
            assert page["next_cursor"] is not None, f"{service} knows no review {review_id}"
            cursor = f"&cursor={page['next_cursor']}"

    def register(self, holder: str = "release", review_id: str | None = None) -> dict[str, Any]:
        """Return a register of a review as assessment has it."""
        found: dict[str, Any] = self.internal("assessment", review_id or self.story.review())["registers"][holder]
        return found

    def tasks(self, person: Person, review_id: str | None = None) -> set[str]:
        """Return the kinds of a person's tasks in a review."""
        items = self.story.as_(person).get("/v1/tasks").json()["items"]
        return {one["kind"] for one in items if one["review_id"] == (review_id or self.story.review())}

    def deliveries(self, reader: Person, review_id: str | None = None) -> list[dict[str, Any]]:
        """Return every mail of a review, the newest first, as HR sees them: to whom, which, when, what became of it."""
        path = f"/v1/deliveries?limit=200&review_id={review_id or self.story.review()}"
        items: list[dict[str, Any]] = self.story.as_(reader).get(path).json()["items"]
        return items

    def records(self, kind: str) -> list[Record]:
        """Return the records of a type about the review, repeats left out."""
        return records(self.world, kind, self.story.review())

    def facts(self, kind: str) -> list[dict[str, Any]]:
        """Return what the records of a type told of the review, repeats left out."""
        return [json.loads(one.value or b"{}") for one in self.records(kind)]

    @contextlib.contextmanager
    def at(self, moment: datetime) -> Iterator[None]:
        """It is another time for the block."""
        before, self.world.clock.now = self.world.clock.now, moment
        try:
            yield
        finally:
            self.world.clock.now = before


@dataclass(slots=True)
class _Losing:
    """A subscription from which the records of one type are lost."""

    whole: Any
    kind: str

    def poll(self, timeout_s: float, limit: int) -> list[Record]:
        return [one for one in self.whole.poll(timeout_s, limit) if type_of(one.headers) != self.kind]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.whole, name)


class _UndoneError(Exception):
    """The transaction is over, and nothing of it stays."""


class _Undoing:
    """A database whose transactions leave nothing behind."""

    def __init__(self, db: Database) -> None:
        self._db = db

    @contextlib.contextmanager
    def begin(self, **options: Any) -> Iterator[Tx]:
        with contextlib.suppress(_UndoneError), self._db.begin(**options) as tx:
            yield tx
            tx.flush()
            raise _UndoneError


@contextlib.contextmanager
def undoing(world: World) -> Iterator[None]:
    """Within the block every request is answered as ever, and changes nothing: its transactions are undone."""
    edges = {name: app.extensions["edge"] for name, app in world.apps.items()}
    for name, edge in edges.items():
        world.apps[name].extensions["edge"] = replace(edge, db=_Undoing(edge.db))
    try:
        yield
    finally:
        for name, edge in edges.items():
            world.apps[name].extensions["edge"] = edge


def new_stage(world: World) -> Stage:
    """A story that begins anew in a world, in which others may have been told before."""

    def wait(until: Callable[[], bool]) -> None:
        world.settle()
        assert until(), "the services are at rest, and what was waited for has not come about"

    world.settle()
    return Stage(world, Story(world.gateway, wait))


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Return the body of an answer that is this problem, in the form that all problems have."""
    assert (answer.status_code, _code(answer)) == (status, code), answer.text[:600]
    body: dict[str, Any] = answer.json()
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert answer.headers["Cache-Control"] == "no-store"
    assert body["type"] == f"/problems/{code}"
    assert body["status"] == status
    assert body["title"]
    assert body["detail"]
    assert len(body["trace_id"]) == 32
    for one in body.get("errors", ()):
        assert not one["pointer"] or one["pointer"].startswith("/")
        assert one["detail"]
    if "unmet" in body:
        assert body["unmet"][0]["code"] == code
        assert isinstance(body["allowed_actions"], list)
    return body


def prints(world: World) -> Prints:
    """Return a fingerprint of every table of every service, but of the stored answers to commands."""
    return {name: prints_of(world, name) for name in SERVICES}


def records(world: World, kind: str, key: str) -> list[Record]:
    """Return the records of a type and key, repeats left out."""
    seen: dict[Any, Record] = {}
    for record in world.broker.records():
        if type_of(record.headers) == kind and (record.key or b"").decode() == key:
            seen.setdefault(dict(record.headers)["ce_id"], record)
    return list(seen.values())


def prints_of(world: World, name: str) -> dict[str, str]:
    """Return a fingerprint of every table of one service, but of the stored answers to commands."""
    with world.service(name).db.engine.connect() as connection:
        tables = [row.relname for row in connection.execute(_TABLES)]
        # Every table at once, so that the rows are those of one moment.
        each = (
            f"select '{table}' as name, coalesce(md5(string_agg(md5(t::text), '' order by md5(t::text))), '') as print "  # noqa: S608 -- names of our own tables
            f'from "{table}" t'
            for table in tables
        )
        return {row.name: row.print for row in connection.execute(sa.text(" union all ".join(each)))}


def _code(answer: httpx.Response) -> str | None:
    with contextlib.suppress(ValueError):
        body: Mapping[str, Any] = answer.json()
        return body.get("code")
    return None
