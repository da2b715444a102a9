"""Which records packets reads, and what each of them means to it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from packets.commands import learning
from reviewbus import directory
from reviewbus.consumer import Batched, caused_by

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reviewbus.consumer import Subscriptions
    from reviewbus.db import Tx
    from reviewbus.envelope import Received


def _cycle(tx: Tx, received: Received, *, frozen: bool, closed: bool) -> None:
    said = received.data
    questionnaire = (said["questionnaire_id"], said["questionnaire_version"])
    learning.learn_cycle(tx, said["cycle_id"], questionnaire, version=said["version"], frozen=frozen, closed=closed)


def _hold(tx: Tx, received: Received, *, kind: str) -> None:
    learning.hold_answered(tx, kind, received.data)


def _holds(tx: Tx, received: Sequence[Received], *, kind: str) -> None:
    by_review = {each.data["review_id"]: each for each in received}
    learning.holds_answered(
        tx, kind, [each.data for each in received], lambda review_id: caused_by(by_review[review_id])
    )


def _answers(kind: str) -> Batched:
    return Batched(single=partial(_hold, kind=kind), many=partial(_holds, kind=kind))


SUBSCRIPTIONS: Subscriptions = {
    "person.changed.v1": Batched(many=directory.hear),
    "cycle.created.v1": partial(_cycle, frozen=False, closed=False),
    "cycle.changed.v1": partial(_cycle, frozen=False, closed=False),
    "cycle.started.v1": partial(_cycle, frozen=True, closed=False),
    "cycle.closed.v1": partial(_cycle, frozen=True, closed=True),
    "review.opened.v1": lambda tx, received: learning.opened(tx, received.data),
    "review.reassigned.v1": lambda tx, received: learning.reassigned(tx, received.data),
    "review.closed.v1": lambda tx, received: learning.closed(tx, received.data),
    "review.cancelled.v1": lambda tx, received: learning.cancelled(tx, received.data),
    "manager-assessment.submitted.v1": lambda tx, received: learning.submitted(tx, received.data),
    "manager-assessment.revised.v1": lambda tx, received: learning.submitted(tx, received.data),
    "manager-assessment.reopened.v1": lambda tx, received: learning.reopened(tx, received.data),
    "hold.granted.v1": _answers("granted"),
    "hold.rejected.v1": _answers("rejected"),
    "hold.released.v1": _answers("released"),
    "hold.superseded.v1": _answers("superseded"),
}
