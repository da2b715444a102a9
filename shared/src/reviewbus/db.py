"""The database: one engine a process, and transactions that carry what a command needs beside a connection.

Only an edge opens a transaction (`with db.begin() as tx`); commands receive `tx` and never commit. What a command
emits or audits is written at the end of the transaction, by one statement each, still under the row locks that it
took: so for one key the order of outbox ids is the order of commits.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, Insert, insert
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from reviewbus import tables
from reviewbus.envelope import Event, Sealed, seal
from reviewbus.telemetry import current_trace

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from reviewbus.catalogue import Catalogue
    from reviewbus.clock import Clock, Ids
    from reviewbus.settings import BusSettings

# Serialization, deadlock, lock time-out, idle time-out, and a server that has become a standby.
_RETRIABLE = frozenset({"40001", "40P01", "55P03", "25P03", "25006"})
# Connection, resources (memory, disk, connections), intervention (shutdown, cancelled statement), system (I/O).
_RETRIABLE_CLASSES = frozenset({"08", "53", "57", "58"})
_CANCELLED = "57014"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """Who did what to which object; `reason` is what a person typed and never leaves this database."""

    actor: str
    role: str
    action: str
    object_id: str
    on_behalf_of: str | None = None
    reason: str | None = None


@dataclass(slots=True, kw_only=True)
class Tx:
    """One open transaction. `now` is one instant for all of it."""

    connection: sa.Connection
    now: datetime
    source: str
    _catalogue: Catalogue
    _ids: Ids
    request_id: str = ""
    # A refusal normally rolls back. A command that has kept a person's refused text sets this, and the edge commits.
    keep_on_refusal: bool = False
    emitted: list[Sealed] = field(default_factory=list)
    _written: int = 0
    _audited: list[dict[str, Any]] = field(default_factory=list)

    def execute(self, statement: sa.Executable, parameters: Any = None) -> sa.CursorResult[Any]:
        """Run one statement."""
        return self.connection.execute(statement, parameters)

    def new_id(self) -> UUID:
        """Return a new UUIDv7."""
        return self._ids()

    def emit(self, event: Event) -> None:
        """Queue an event for the outbox of this transaction; raises `ContractBroken` if it breaks its schema."""
        self._catalogue.validate(event.type, event.data)
        self.emitted.append(
            seal(
                event,
                event_id=self._ids(),
                topic=self._catalogue.topic_of(event.type),
                source=self.source,
                time=self.now,
                trace=current_trace(),
            )
        )

    def audit(self, entry: AuditEntry) -> None:
        """Queue a line of the append-only audit table of this transaction."""
        self._audited.append(
            {
                "at": self.now,
                "actor": entry.actor,
                "role": entry.role,
                "on_behalf_of": entry.on_behalf_of,
                "action": entry.action,
                "object_id": entry.object_id,
                "reason": entry.reason,
                "request_id": self.request_id or current_trace().correlation_id,
            }
        )

    def flush(self) -> None:
        """Write what was emitted and audited since the last call; the edge calls it before committing."""
        if self._audited:
            self._insert(tables.audit, self._audited)
            self._audited = []
        fresh = self.emitted[self._written :]
        if fresh:
            if len(fresh) == 1:
                self._insert(tables.outbox, [_outbox_row(fresh[0])])
            else:
                self.connection.execute(_emit(fresh))
            self._written = len(self.emitted)

    def _insert(self, table: sa.Table, rows: list[dict[str, Any]]) -> None:
        # One row, as most requests have, needs no more than the plainest statement.
        if len(rows) == 1:
            self.connection.execute(sa.insert(table), rows[0])
        else:
            self.connection.execute(insert_rows(table, rows))


class Database:
    """A service's database: opens transactions and tells the relay when one with events has committed."""

    def __init__(
        self,
        settings: BusSettings,
        *,
        catalogue: Catalogue,
        clock: Clock,
        ids: Ids,
        notify: Callable[[], None] | None = None,
    ) -> None:
        self.engine = create_engine(settings)
        self.source = settings.source
        self.clock = clock
        self.ids = ids
        self.catalogue = catalogue
        self.notify = notify or (lambda: None)

    @contextmanager
    def begin(self, *, request_id: str = "") -> Iterator[Tx]:
        """Open a transaction; commit at the end of the block, roll back if it raises.

        An exception passes on after the rollback — or, if it is a refusal, after a commit where the command said
        `keep_on_refusal`.
        """
        with self.engine.connect() as connection:
            tx = Tx(
                connection=connection,
                now=self.clock(),
                source=self.source,
                _catalogue=self.catalogue,
                _ids=self.ids,
                request_id=request_id,
            )
            try:
                yield tx
            except BaseException as error:
                if tx.keep_on_refusal and _is_refusal(error):
                    tx.flush()
                    connection.commit()
                else:
                    connection.rollback()
                raise
            tx.flush()
            connection.commit()
        if tx.emitted:
            self.notify()

    def close(self) -> None:
        """Give all connections back to the server."""
        self.engine.dispose()


def create_engine(settings: BusSettings, url: str | None = None) -> sa.Engine:
    """Create an engine whose sessions bound every wait: for a connection, for a lock, for a statement."""
    options = " ".join(
        (
            f"-c statement_timeout={settings.statement_timeout_ms}",
            f"-c lock_timeout={settings.lock_timeout_ms}",
            "-c idle_in_transaction_session_timeout=60000",
            "-c timezone=UTC",
        )
    )
    return sa.create_engine(
        url or settings.database_url,
        pool_size=settings.database_pool,
        max_overflow=0,
        pool_timeout=10,
        pool_pre_ping=False,
        # An error's text must not carry what a person wrote.
        hide_parameters=True,
        connect_args={"options": options, "application_name": f"{settings.service}", "connect_timeout": 5},
    )


def libpq_url(url: str) -> str:
    """Return an SQLAlchemy URL as psycopg takes it."""
    return sa.make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def is_transient(error: BaseException) -> bool:
    """Say whether a database error may pass by itself: a lost connection, a full pool, a lock or statement time-out."""
    if isinstance(error, sa.exc.TimeoutError):
        return True
    if not isinstance(error, DBAPIError):
        return False
    state = getattr(error.orig, "sqlstate", None)
    if error.connection_invalidated or state is None:
        return error.connection_invalidated or isinstance(error, OperationalError | InterfaceError)
    return state in _RETRIABLE or state[:2] in _RETRIABLE_CLASSES


def is_away(error: BaseException) -> bool:
    """Say whether the database is away or busy, so that waiting helps whatever was asked.

    A statement that ran into its time limit may do so for ever: whoever must not wait for ever counts its tries.
    """
    return is_transient(error) and getattr(getattr(error, "orig", None), "sqlstate", None) != _CANCELLED


def as_json(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return rows as the database reads them from JSON; TypeError for what is no date, instant, id or JSON."""
    return json.dumps(rows, default=_plain)


def rows_of(
    table: sa.Table, rows: Sequence[Mapping[str, Any]], **types: sa.types.TypeEngine[Any]
) -> sa.TableValuedAlias:
    """Return rows of the same columns of a table as one parameter, to be selected from.

    However many they are, the statement is the same: compiled and planned once. Dates, instants and ids may stand in
    them, and None for null; `types` are those of columns that do not have the table's.
    """
    words = sa.cast(sa.literal(as_json(rows), sa.Text), JSONB)
    columns = [sa.column(name, types[name] if name in types else table.c[name].type) for name in rows[0]]
    return sa.func.jsonb_to_recordset(words).table_valued(*columns, name="given").render_derived(with_types=True)


def insert_rows(table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> Insert:
    """Return the statement that inserts rows of the same columns."""
    given = rows_of(table, rows)
    return insert(table).from_select(list(rows[0]), sa.select(*given.c))


def uuids(ids: Collection[str]) -> sa.Cast[Any]:
    """Return ids as one parameter, to be compared with by `any` or `all`."""
    return sa.cast(sorted(ids), sa.ARRAY(sa.UUID(as_uuid=False)))


def one(result: sa.CursorResult[Any]) -> Mapping[str, Any] | None:
    """Return the only row as a mapping, or None."""
    row = result.mappings().one_or_none()
    return dict(row) if row is not None else None


def _plain(value: Any) -> str:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(type(value).__name__)


def _is_refusal(error: BaseException) -> bool:
    """Say whether a command refused, as against failed: refusals have a code and a rank."""
    return hasattr(error, "code") and hasattr(error, "rank")


def _outbox_row(sealed: Sealed) -> dict[str, Any]:
    return {
        "event_id": sealed.id,
        "topic": sealed.topic,
        "key": sealed.key,
        "shard": sealed.shard,
        "type": sealed.type,
        "headers": dict(sealed.headers),
        "body": sealed.body,
    }


def _emit(fresh: Sequence[Sealed]) -> Insert:
    rows = [{**_outbox_row(sealed), "body": sealed.body.decode()} for sealed in fresh]
    given = rows_of(tables.outbox, rows, body=sa.Text())
    # The bytes again; ids are drawn in the order of the list.
    columns = [sa.func.convert_to(each, "UTF8") if each.name == "body" else each for each in given.c]
    return insert(tables.outbox).from_select(list(rows[0]), sa.select(*columns))
