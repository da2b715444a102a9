"""How far operations over many reviews are, and what became of each review."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from assessment.domain.operation import Outcome, may_begin, may_see
from assessment.domain.refusals import NotFound, Refusal
from assessment.store import operations as store
from assessment.store.operations import OPERATIONS
from reviewbus.operations import store as kept
from reviewbus.operations import views
from reviewbus.operations.views import Reader

if TYPE_CHECKING:
    from collections.abc import Mapping

    from assessment.domain.people import Actor
    from reviewbus.db import Tx
    from reviewbus.operations.views import Filters

Answered = dict[str, Any]


def page(tx: Tx, actor: Actor, wanted: Filters, *, after: str | None, limit: int) -> tuple[list[Answered], str | None]:
    """Return operations, newest first, and where the page ended; raises `Refusal`.

    What concerns only the reader's own review is left out.
    """
    may_begin(actor)
    reader = Reader(person_id=actor.person_id)
    rows, ended = views.listing(tx, OPERATIONS, reader, wanted, after=after, limit=limit)
    return [{**views.summary(OPERATIONS, row), "review_count": row["told_size"]} for row in rows], ended


def progress(tx: Tx, actor: Actor, operation_id: str) -> Answered:
    """Return how far an operation is: counts, rate, and the seconds that are left at this rate; raises `NotFound`."""
    row = _found(tx, actor, operation_id)
    told = views.progress(tx, OPERATIONS, row, list(Outcome), besides=actor.person_id)
    return {**told, "review_count": sum(told["counts"].values())}


def items(
    tx: Tx, actor: Actor, operation_id: str, *, outcome: str | None, after: str | None, limit: int
) -> tuple[list[Answered], str | None]:
    """Return what became of each review, in the order of the ids, never the reader's own; raises `NotFound`."""
    _found(tx, actor, operation_id)
    who = actor.person_id
    return views.items(tx, OPERATIONS, operation_id, _words_of, besides=who, outcome=outcome, after=after, limit=limit)


def _found(tx: Tx, actor: Actor, operation_id: str) -> Mapping[str, Any]:
    """Return an operation's row for somebody who may see it; raises `NotFound`.

    Where all that is left is the own review, there is none.
    """
    row = kept.read(tx, OPERATIONS, operation_id)
    one = may_see(store.stored(row) if row else None, actor)
    if row is None or (one.size and not kept.has_items(tx, OPERATIONS, operation_id, besides=actor.person_id)):
        raise NotFound
    return row


def _words_of(code: str, _outcome: str) -> str:
    return views.sentence(Refusal, code)
