"""Commands of other services on a review's registers, one by one and in batches; both decide by the same function."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assessment import events
from assessment.domain.holds import BrokenHoldCommandError, HoldCommand, Want, apply_hold
from assessment.domain.ids import PersonId, ReviewId
from assessment.domain.registers import Holder
from assessment.store import reviews
from reviewbus.catalogue import ContractBroken
from reviewbus.consumer import caused_by

if TYPE_CHECKING:
    from collections.abc import Sequence

    from assessment.domain.review import Review
    from reviewbus.db import Tx
    from reviewbus.envelope import Received


class UnknownReviewError(Exception):
    """A command on a review that is not here: a restored database, or a mistake of who sent it."""


def apply_many(tx: Tx, batch: Sequence[Received]) -> None:
    """Bring a register of each review to the state wanted and answer.

    The reviews are distinct: one statement to lock, one decision each, one statement to save a kind.

    Raises:
        ContractBroken: no service of ours sends this command from there.
        UnknownReviewError: there is no such review.
    """
    loaded = {one.review.review_id: one for one in reviews.load_many(tx, [one.data["review_id"] for one in batch])}
    changes, causes = [], []
    for received in batch:
        at = loaded.get(received.data["review_id"])
        if at is None:
            raise UnknownReviewError(received.data["review_id"])
        review, told = _decided(at, received)
        changes.append((at, review, len(told)))
        causes.append((received, told))
    for saved, (received, told) in zip(reviews.save_many(tx, changes), causes, strict=True):
        with caused_by(received):
            for event in events.of_review(
                told, saved.review, version=saved.row_version, last_sequence=saved.event_sequence
            ):
                tx.emit(event)


def _decided(at: reviews.Stored, received: Received) -> tuple[Review, tuple[object, ...]]:
    try:
        return apply_hold(at.review, _command(received))
    except BrokenHoldCommandError as broken:
        raise ContractBroken(received.type, "", str(broken)) from broken


def _command(received: Received) -> HoldCommand:
    told = received.data
    return HoldCommand(
        review_id=ReviewId(told["review_id"]),
        source=received.source,
        holder=Holder(told["holder"]),
        fence=told["fence"],
        want=Want(told["want"]),
        epoch=told["epoch"],
        manager_version=told["manager_version"],
        self_version=told["self_version"],
        snapshot_hash=told["snapshot_hash"],
        manager_id=None if told["manager_id"] is None else PersonId(told["manager_id"]),
    )
