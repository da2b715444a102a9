"""How far operations over many reviews are, and what became of each review."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import sqlalchemy as sa

from assessment.domain.operation import FINISHED, WAITING, Outcome, may_begin, may_see
from assessment.domain.refusals import NotFound, Refusal
from assessment.store import operations as store
from assessment.store.tables import operation, operation_item, review
from reviewbus.problems import explain

if TYPE_CHECKING:
    from assessment.domain.operation import Operation
    from assessment.domain.people import Actor
    from assessment.store.operations import Times
    from reviewbus.db import Tx
    from reviewbus.problems import RefusalLike

Answered = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What a list of operations is narrowed to; None: not at all."""

    state: str | None = None
    command: str | None = None
    cycle_id: str | None = None


def page(tx: Tx, actor: Actor, wanted: Filters, *, after: str | None, limit: int) -> tuple[list[Answered], str | None]:
    """Return operations, newest first, and where the page ended; raises `Refusal`.

    What concerns only the reader's own review is left out.
    """
    may_begin(actor)
    mine = sa.select(review.c.review_id).where(review.c.subject_id == actor.person_id)
    own = _of(operation.c.operation_id).where(operation_item.c.review_id.in_(mine))
    query = (
        sa.select(operation, (operation.c.size - own.scalar_subquery()).label("review_count"))
        .where(sa.or_(operation.c.size == 0, _any_other(actor)))
        .order_by(operation.c.operation_id.desc())
        .limit(limit + 1)
    )
    for column, value in ((operation.c.state, wanted.state), (operation.c.command, wanted.command)):
        query = query if value is None else query.where(column == value)
    if wanted.cycle_id is not None:
        named = sa.and_(operation.c.cycle_id.is_(None), _any_other(actor, wanted.cycle_id))
        query = query.where(sa.or_(operation.c.cycle_id == wanted.cycle_id, named))
    if after is not None:
        query = query.where(operation.c.operation_id < after)
    rows = list(tx.execute(query).mappings())
    items = [_summary(store.stored(row), store.times(row), row["review_count"]) for row in rows[:limit]]
    return items, items[-1]["operation_id"] if len(rows) > limit else None


def progress(tx: Tx, actor: Actor, operation_id: str) -> Answered:
    """Return how far an operation is: counts, rate, and the seconds that are left at this rate; raises `NotFound`."""
    one, times = found(tx, actor, operation_id)
    counted = (
        sa.select(operation_item.c.outcome, sa.func.count().label("reviews"))
        .where(*_others(actor, operation_id))
        .group_by(operation_item.c.outcome)
    )
    counts = {each.value: 0 for each in Outcome} | {row.outcome: row.reviews for row in tx.execute(counted)}
    total, left = sum(counts.values()), sum(counts[each.value] for each in WAITING)
    rate = _rate(tx, times, total - left)
    return {
        **_summary(one, times, total),
        "reason": one.reason,
        "counts": counts,
        "per_second": None if rate is None else round(rate, 1),
        "seconds_left": round(left / rate, 1) if rate and one.state not in FINISHED else None,
    }


def items(
    tx: Tx, actor: Actor, operation_id: str, *, outcome: str | None, after: str | None, limit: int
) -> tuple[list[Answered], str | None]:
    """Return what became of each review, in the order of the ids, never the reader's own; raises `NotFound`."""
    found(tx, actor, operation_id)
    query = sa.select(operation_item).where(*_others(actor, operation_id)).order_by(operation_item.c.review_id)
    if outcome is not None:
        query = query.where(operation_item.c.outcome == outcome)
    if after is not None:
        query = query.where(operation_item.c.review_id > after)
    rows = list(tx.execute(query.limit(limit + 1)).mappings())
    listed = [
        {
            **{name: row[name] for name in ("review_id", "subject_id", "outcome", "decided_at")},
            "unmet": [{"code": code, "detail": _words_of(code)} for code in row["unmet"]],
        }
        for row in rows[:limit]
    ]
    return listed, listed[-1]["review_id"] if len(rows) > limit else None


def found(tx: Tx, actor: Actor, operation_id: str) -> tuple[Operation, Times]:
    """Return an operation for somebody who may see it; raises `NotFound`.

    Where all that is left is the own review, there is none.
    """
    row = store.read(tx, operation_id)
    one = may_see(row[0] if row else None, actor)
    other = sa.select(sa.literal(1)).where(*_others(actor, operation_id)).limit(1)
    if row is None or (one.size and tx.execute(other).first() is None):
        raise NotFound
    return one, row[1]


def _others(actor: Actor, operation_id: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        operation_item.c.operation_id == operation_id,
        operation_item.c.subject_id.is_distinct_from(actor.person_id),
    )


def _of(operation_id: sa.ColumnElement[Any]) -> sa.Select[Any]:
    return sa.select(sa.func.count()).where(operation_item.c.operation_id == operation_id)


def _any_other(actor: Actor, cycle_id: str | None = None) -> sa.ColumnElement[bool]:
    """Say whether some review of the operation is not the reader's own, and of that cycle if one is given."""
    some = sa.exists().where(
        operation_item.c.operation_id == operation.c.operation_id,
        operation_item.c.subject_id.is_distinct_from(actor.person_id),
    )
    if cycle_id is not None:
        some = some.where(review.c.review_id == operation_item.c.review_id, review.c.cycle_id == cycle_id)
    return some


def _summary(found: Operation, times: Times, review_count: int) -> Answered:
    return {
        "operation_id": found.id,
        "action": found.command.value,
        "state": found.state.value,
        "cycle_id": found.cycle_id,
        "by": found.begun_by,
        "applied_by": found.actor.person_id if times.applied_at else None,
        "review_count": review_count,
        "created_at": times.created_at,
        "applied_at": times.applied_at,
        "expires_at": found.expires_at,
        "started_at": times.started_at,
        "finished_at": times.finished_at,
    }


def _words_of(code: str) -> str:
    """Return what a person is told about a code: the refusal's own sentence, else the code in words."""
    refusal = next((each for each in Refusal.__subclasses__() if each.code == code), None)
    return explain(cast("RefusalLike", refusal())) if refusal else f"{code.replace('-', ' ').capitalize()}."


def _rate(tx: Tx, times: Times, ended: int) -> float | None:
    if times.started_at is None:
        return None
    seconds = ((times.finished_at or tx.now) - times.started_at).total_seconds()
    return ended / seconds if seconds > 0 else None
