"""What a person is told of operations: which there are, how far one is, and what became of each object."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import sqlalchemy as sa

from reviewbus.operations import store
from reviewbus.problems import explain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from reviewbus.db import Tx
    from reviewbus.operations.store import OperationTables
    from reviewbus.problems import RefusalLike

Told = dict[str, Any]
_TIMES = ("created_at", "applied_at", "expires_at", "started_at", "finished_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What a list of operations is narrowed to; None: not at all."""

    state: str | None = None
    command: str | None = None
    cycle_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Who reads a list. What is their own is told of nowhere, or with `own_if_begun` in what they began themselves."""

    person_id: str
    own_if_begun: bool = False


def listing(
    tx: Tx,
    kept: OperationTables,
    reader: Reader,
    wanted: Filters,
    *where: sa.ColumnElement[bool],
    after: str | None,
    limit: int,
) -> tuple[list[Mapping[Any, Any]], str | None]:
    """Return the rows of operations, the newest first, each with its `told_size`; and the id after which to go on.

    What concerns only an object that the reader is told nothing of is left out.
    """
    operations, items, objects = kept.operations, kept.items, kept.objects
    told = operations.c.begun_by == reader.person_id if reader.own_if_begun else sa.false()
    mine = sa.select(kept.object).where(objects.c.subject_id == reader.person_id)
    own = sa.select(sa.func.count()).where(items.c.operation_id == kept.key, kept.item.in_(mine))
    hidden = sa.case((told, 0), else_=own.scalar_subquery())
    other = sa.select(sa.literal(1)).where(
        items.c.operation_id == kept.key, sa.or_(kept.subject.is_distinct_from(reader.person_id), told)
    )
    query = (
        sa.select(operations, (operations.c.size - hidden).label("told_size"))
        .where(*where, sa.or_(operations.c.size == 0, _any(other)))
        .order_by(kept.key.desc())
        .limit(limit + 1)
    )
    for column, value in ((operations.c.state, wanted.state), (operations.c.command, wanted.command)):
        query = query if value is None else query.where(column == value)
    if wanted.cycle_id is not None:
        of_cycle = other.join(objects, kept.object == kept.item)
        of_cycle = of_cycle.where(objects.c.cycle_id == wanted.cycle_id)
        named = sa.and_(operations.c.cycle_id.is_(None), _any(of_cycle))
        query = query.where(sa.or_(operations.c.cycle_id == wanted.cycle_id, named))
    if after is not None:
        query = query.where(kept.key < after)
    rows = list(tx.execute(query).mappings())
    return list(rows[:limit]), rows[limit - 1][kept.key] if len(rows) > limit else None


def summary(kept: OperationTables, row: Mapping[Any, Any]) -> Told:
    """Return what a list tells of an operation."""
    return {
        "operation_id": row[kept.key.name],
        "action": row["command"],
        "state": row["state"],
        "cycle_id": row["cycle_id"],
        "by": row["begun_by"],
        "applied_by": row["actor_id"] if row["applied_at"] is not None else None,
        **{name: row[name] for name in _TIMES},
    }


def progress(
    tx: Tx, kept: OperationTables, row: Mapping[str, Any], outcomes: Iterable[str], *, besides: str | None
) -> Told:
    """Return how far an operation is, without what is a person's own: counts, rate, and the seconds left at this rate.

    What is in flight is left still. What a plan skipped took none of the run's time.
    """
    operation_id = row[kept.key.name]
    counts = dict.fromkeys(outcomes, 0) | store.count_outcomes(tx, kept, operation_id, besides=besides)
    rate = _rate(tx, kept, row, besides)
    left = sum(counts.get(each, 0) for each in store.LEFT)
    return {
        **summary(kept, row),
        "reason": row["reason"],
        "counts": counts,
        "per_second": None if rate is None else round(rate, 1),
        "seconds_left": round(left / rate, 1) if rate and row["finished_at"] is None else None,
    }


def items(
    tx: Tx,
    kept: OperationTables,
    operation_id: str,
    words: Callable[[str, str], str],
    *,
    besides: str | None,
    outcome: str | None,
    after: str | None,
    limit: int,
) -> tuple[list[Told], str | None]:
    """Return what became of each object but a person's own, in the order of the ids; and the id after which to go on.

    `words` says a code, under an outcome, to people.
    """
    table = kept.items.c
    query = (
        sa.select(kept.item, kept.subject.label("subject_id"), table.outcome, table.decided_at, table.unmet)
        .where(table.operation_id == operation_id)
        .order_by(kept.item)
        .limit(limit + 1)
    )
    if besides is not None:
        query = query.where(kept.subject.is_distinct_from(besides))
    if outcome is not None:
        query = query.where(table.outcome == outcome)
    if after is not None:
        query = query.where(kept.item > after)
    rows = [dict(row) for row in tx.execute(query).mappings()]
    for row in rows:
        row["unmet"] = [{"code": code, "detail": words(code, row["outcome"])} for code in row["unmet"]]
    return rows[:limit], rows[limit - 1][kept.object_id] if len(rows) > limit else None


def sentence(refusals: type[Exception], code: str) -> str:
    """Return what a person is told about a code: the sentence of the refusal that has it, else the code in words."""
    refusal = next((each for each in refusals.__subclasses__() if getattr(each, "code", None) == code), None)
    return explain(cast("RefusalLike", refusal())) if refusal else f"{code.replace('-', ' ').capitalize()}."


def _any(query: sa.Select[Any]) -> sa.ColumnElement[bool]:
    # A limit, so that each operation's items are looked at until the first, and not all items for all operations.
    return query.limit(1).scalar_subquery().is_not(None)


def _rate(tx: Tx, kept: OperationTables, row: Mapping[str, Any], besides: str | None) -> float | None:
    if row["started_at"] is None:
        return None
    seconds = ((row["finished_at"] or tx.now) - row["started_at"]).total_seconds()
    counts = store.count_outcomes(tx, kept, row[kept.key.name], besides=besides, since=row["started_at"])
    return sum(counts.get(each, 0) for each in store.ENDS) / seconds if seconds > 0 else None
