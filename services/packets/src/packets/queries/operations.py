"""How far operations are, and what became of each packet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import sqlalchemy as sa

from packets import store
from packets.domain.operation import (
    CANCELLED,
    DECIDED_ANEW,
    ENDS,
    NOTHING_TO_DO,
    RESTORED,
    TAKEN_BACK,
    UNEXPECTED,
    Outcome,
    may_begin,
    may_see,
    shows_own,
)
from packets.domain.people import HR_ADMIN
from packets.domain.refusals import NotFound, Refusal
from packets.store.tables import operation_items, operations, packets
from reviewbus.problems import explain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from packets.domain.ids import PersonId
    from packets.domain.operation import Operation
    from packets.domain.people import Actor
    from packets.store import Times
    from reviewbus.db import Tx
    from reviewbus.problems import RefusalLike

Words = dict[str, Any]
# Why something was left alone before its turn.
_CANCELLED = {
    CANCELLED: "It was taken off before its turn: give the command again if it is to be carried out.",
    DECIDED_ANEW: "It was released, taken back or withdrawn meanwhile, which stands: look at its history.",
    RESTORED: "The system went back to a backup meanwhile: look at the packet, and give the command again.",
}
# What no refusal of ours says: how items end, and the reasons for which assessment refuses a hold.
_WORDS = {
    NOTHING_TO_DO: "It is so already: nothing was done, and nothing has to be.",
    UNEXPECTED: "It failed as it must not: give the command for this packet alone, and tell who runs the system.",
    TAKEN_BACK: "It was taken back before it was released: release it again if it is to be.",
    "content-changed": "The manager-assessment changed meanwhile: preview the packet again, and release that.",
    "not-submitted": "The manager-assessment was reopened meanwhile: it must be submitted again first.",
    "manager-changed": "The review has another manager by now: the new one, or HR, must release it.",
    "cancelled": "The review was cancelled meanwhile: leave it out, nothing of it goes on.",
    "signed-other-snapshot": "Somebody signed what was shown before: take it back and revoke the signatures first.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What a list of operations is narrowed to; None: not at all."""

    state: str | None = None
    command: str | None = None
    cycle_id: str | None = None


def listing(tx: Tx, actor: Actor, filters: Filters, *, after: str | None, limit: int) -> tuple[list[Words], str | None]:
    """The operations that HR began, the newest first, and the id after which to go on. Refuses `forbidden-role`.

    A manager's release that waits for its instant is told at its packet. What others did, and concerns only the
    reader's own review, is left out.
    """
    may_begin(actor)
    mine = operation_items.c.review_id.in_(
        sa.select(packets.c.review_id).where(packets.c.subject_id == actor.person_id)
    )
    own = sa.select(sa.func.count()).where(operation_items.c.operation_id == operations.c.id, mine)
    hidden = sa.case((operations.c.begun_by == actor.person_id, 0), else_=own.scalar_subquery())
    statement = (
        sa.select(operations, (operations.c.size - hidden).label("review_count"))
        .where(operations.c.actor_roles.contains([HR_ADMIN]))
        .where(sa.or_(operations.c.size == 0, _any_item(actor).is_not(None)))
        .order_by(operations.c.id.desc())
        .limit(limit + 1)
    )
    for column, value in ((operations.c.state, filters.state), (operations.c.command, filters.command)):
        if value is not None:
            statement = statement.where(column == value)
    if filters.cycle_id is not None:
        named = sa.and_(operations.c.cycle_id.is_(None), _any_item(actor, filters.cycle_id).is_not(None))
        statement = statement.where(sa.or_(operations.c.cycle_id == filters.cycle_id, named))
    if after is not None:
        statement = statement.where(operations.c.id < after)
    rows = list(tx.execute(statement).mappings())
    items = [_summary(store.operation_of(row), store.times_of(row), row["review_count"]) for row in rows[:limit]]
    return items, rows[limit - 1]["id"] if len(rows) > limit else None


def found(tx: Tx, operation_id: str, actor: Actor) -> tuple[Operation, Times]:
    """The operation for somebody who may see it.

    Refuses `not-found`, also where all that is left is the own review, and somebody else chose it.
    """
    row = store.read_operation(tx, operation_id)
    operation = may_see(row[0] if row else None, actor)
    if row is None or (operation.size and not store.has_items(tx, operation_id, besides=_hidden(operation, actor))):
        raise NotFound
    return operation, row[1]


def progress(tx: Tx, operation_id: str, actor: Actor) -> Words:
    """How far the operation is: counts, rate, and the seconds that are left at this rate.

    What is in flight is left still. What a plan skipped took none of the run's time.
    """
    operation, times = found(tx, operation_id, actor)
    besides = _hidden(operation, actor)
    counts = {each.value: 0 for each in Outcome} | store.count_outcomes(tx, operation_id, besides=besides)
    rate = _rate(tx, operation_id, times, besides)
    left = counts[Outcome.CHOSEN] + counts[Outcome.ALLOWED] + counts[Outcome.ASKED]
    return {
        **_summary(operation, times, sum(counts.values())),
        "reason": operation.reason,
        "revoke_signatures": operation.revoke_signatures,
        "counts": counts,
        "per_second": None if rate is None else round(rate, 1),
        "seconds_left": round(left / rate, 1) if rate and times.finished_at is None else None,
    }


def items(
    tx: Tx, operation_id: str, actor: Actor, *, outcome: str | None, after: str | None, limit: int
) -> tuple[list[Words], str | None]:
    """What became of each packet, in the order of the ids; and the id after which to go on.

    Never what others did to the reader's own.
    """
    operation, _ = found(tx, operation_id, actor)
    rows = _rows(tx, operation, actor, outcome=outcome, after=after, limit=limit + 1)
    return rows[:limit], rows[limit - 1]["review_id"] if len(rows) > limit else None


def with_names(tx: Tx, rows: Sequence[Words]) -> list[Words]:
    """The items with what their employees are called, as far as that is here: it comes with what a packet shows."""
    called = store.subject_names(tx, [each["review_id"] for each in rows])
    return [{**each, "subject_name": called.get(each["review_id"])} for each in rows]


def _any_item(actor: Actor, cycle_id: str | None = None) -> sa.ScalarSelect[int]:
    """Some packet of the operation that the reader may know of, of that cycle if one is given."""
    item = sa.select(sa.literal(1)).where(
        operation_items.c.operation_id == operations.c.id,
        sa.or_(
            operation_items.c.subject_id.is_distinct_from(actor.person_id), operations.c.begun_by == actor.person_id
        ),
    )
    if cycle_id is not None:
        item = item.join(packets, packets.c.review_id == operation_items.c.review_id)
        item = item.where(packets.c.cycle_id == cycle_id)
    # A limit, so that each operation's items are looked at until the first, and not all items for all operations.
    return item.limit(1).scalar_subquery()


def _summary(operation: Operation, times: Times, review_count: int) -> Words:
    return {
        "operation_id": operation.id,
        "action": operation.command.value,
        "state": operation.state.value,
        "cycle_id": operation.cycle_id,
        "by": operation.begun_by,
        "applied_by": operation.actor.person_id if times.applied_at is not None else None,
        "review_count": review_count,
        "created_at": times.created_at,
        "applied_at": times.applied_at,
        "not_before": operation.fires_at,
        "expires_at": operation.expires_at,
        "started_at": times.started_at,
        "finished_at": times.finished_at,
    }


def _hidden(operation: Operation, actor: Actor) -> PersonId | None:
    """Whose review the reader is told nothing of."""
    return None if shows_own(operation, actor.person_id) else actor.person_id


def _rows(
    tx: Tx, operation: Operation, actor: Actor, *, outcome: str | None, after: str | None, limit: int
) -> list[Words]:
    statement = (
        sa.select(operation_items)
        .where(operation_items.c.operation_id == operation.id)
        .order_by(operation_items.c.review_id)
        .limit(limit)
    )
    hidden = _hidden(operation, actor)
    if hidden is not None:
        statement = statement.where(operation_items.c.subject_id.is_distinct_from(hidden))
    if outcome is not None:
        statement = statement.where(operation_items.c.outcome == outcome)
    if after is not None:
        statement = statement.where(operation_items.c.review_id > after)
    return [
        {
            "review_id": row["review_id"],
            "subject_id": row["subject_id"],
            "outcome": row["outcome"],
            "unmet": [{"code": code, "detail": words_of(code, row["outcome"])} for code in row["unmet"]],
            "decided_at": row["decided_at"],
        }
        for row in tx.execute(statement).mappings()
    ]


def words_of(code: str, outcome: str) -> str:
    """What a person is told about a code: what the outcome means by it, else the refusal's own sentence."""
    if outcome == Outcome.CANCELLED and code in _CANCELLED:
        return _CANCELLED[code]
    if code in _WORDS:
        return _WORDS[code]
    refusal = next((each for each in Refusal.__subclasses__() if each.code == code), None)
    return explain(cast("RefusalLike", refusal())) if refusal else f"{code.replace('-', ' ').capitalize()}."


def _rate(tx: Tx, operation_id: str, times: Times, besides: PersonId | None) -> float | None:
    if times.started_at is None:
        return None
    seconds = ((times.finished_at or tx.now) - times.started_at).total_seconds()
    ended = store.count_outcomes(tx, operation_id, besides=besides, since=times.started_at)
    return sum(ended.get(each, 0) for each in ENDS) / seconds if seconds > 0 else None
