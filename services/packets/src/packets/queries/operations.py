"""How far operations are, and what became of each packet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from packets import store
from packets.domain.operation import (
    CANCELLED,
    DECIDED_ANEW,
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
from packets.domain.refusals import ForbiddenRole, NotFound, Refusal
from packets.store import OPERATIONS
from reviewbus.operations import store as kept
from reviewbus.operations import views
from reviewbus.operations.views import Reader

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from packets.domain.ids import PersonId
    from packets.domain.people import Actor
    from reviewbus.db import Tx
    from reviewbus.operations.views import Filters

Words = dict[str, Any]
# Why something was left alone before its turn.
_CANCELLED = {
    CANCELLED: "It was taken off before its turn: give the command again if it is to be carried out.",
    DECIDED_ANEW: "It was released, taken back or withdrawn meanwhile, which stands: look at its history.",
    RESTORED: "The system went back to a backup meanwhile: look at the packet, and give the command again.",
}
# What no refusal of ours says: how items end, and the reasons for which assessment refuses a hold.
_WORDS = {
    ForbiddenRole.code: "It is your own review, or your roles do not admit this any more: ask somebody else of HR.",
    NOTHING_TO_DO: "It is so already: nothing was done, and nothing has to be.",
    UNEXPECTED: "It failed as it must not: give the command for this packet alone, and tell who runs the system.",
    TAKEN_BACK: "It was taken back before it was released: release it again if it is to be.",
    "content-changed": "The manager-assessment changed meanwhile: preview the packet again, and release that.",
    "not-submitted": "The manager-assessment was reopened meanwhile: it must be submitted again first.",
    "manager-changed": "The review has another manager by now: the new one, or HR, must release it.",
    "cancelled": "The review was cancelled meanwhile: leave it out, nothing of it goes on.",
    "signed-other-snapshot": "Somebody signed what was shown before: take it back and revoke the signatures first.",
}


def listing(tx: Tx, actor: Actor, filters: Filters, *, after: str | None, limit: int) -> tuple[list[Words], str | None]:
    """The operations that HR began, the newest first, and the id after which to go on. Refuses `forbidden-role`.

    A manager's release that waits for its instant is told at its packet. What others did, and concerns only the
    reader's own review, is left out.
    """
    may_begin(actor)
    reader = Reader(person_id=actor.person_id, own_if_begun=True)
    by_hr = OPERATIONS.operations.c.actor_roles.contains([HR_ADMIN])
    rows, last = views.listing(tx, OPERATIONS, reader, filters, by_hr, after=after, limit=limit)
    return [
        {
            **views.summary(OPERATIONS, row),
            "review_count": row["told_size"],
            "not_before": row["fires_at"],
        }
        for row in rows
    ], last


def progress(tx: Tx, operation_id: str, actor: Actor) -> Words:
    """How far the operation is: counts, rate, and the seconds that are left at this rate. Refuses `not-found`."""
    row, besides = _found(tx, operation_id, actor)
    told = views.progress(tx, OPERATIONS, row, list(Outcome), besides=besides)
    return {
        **told,
        "review_count": sum(told["counts"].values()),
        "not_before": row["fires_at"],
        "revoke_signatures": row["revoke_signatures"],
    }


def items(
    tx: Tx, operation_id: str, actor: Actor, *, outcome: str | None, after: str | None, limit: int
) -> tuple[list[Words], str | None]:
    """What became of each packet, in the order of the ids; and the id after which to go on. Refuses `not-found`.

    Never what others did to the reader's own.
    """
    _, besides = _found(tx, operation_id, actor)
    return views.items(
        tx, OPERATIONS, operation_id, words_of, besides=besides, outcome=outcome, after=after, limit=limit
    )


def with_names(tx: Tx, rows: Sequence[Words]) -> list[Words]:
    """The items with what their employees are called, as far as that is here: it comes with what a packet shows."""
    called = store.subject_names(tx, [each["review_id"] for each in rows])
    return [{**each, "subject_name": called.get(each["review_id"])} for each in rows]


def words_of(code: str, outcome: str) -> str:
    """What a person is told about a code: what the outcome means by it, else the refusal's own sentence."""
    if outcome == Outcome.CANCELLED and code in _CANCELLED:
        return _CANCELLED[code]
    return _WORDS[code] if code in _WORDS else views.sentence(Refusal, code)


def _found(tx: Tx, operation_id: str, actor: Actor) -> tuple[Mapping[str, Any], PersonId | None]:
    """The operation's row for somebody who may see it, and whose review they are told nothing of.

    Refuses `not-found`, also where all that is left is the own review, and somebody else chose it.
    """
    row = kept.read(tx, OPERATIONS, operation_id)
    operation = may_see(store.operation_of(row) if row else None, actor)
    besides = None if shows_own(operation, actor.person_id) else actor.person_id
    if row is None or (operation.size and not kept.has_items(tx, OPERATIONS, operation_id, besides=besides)):
        raise NotFound
    return row, besides
