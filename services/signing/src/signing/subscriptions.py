"""What signing does about the facts of others. Handlers translate, commands act."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reviewbus import directory
from signing import commands
from signing.domain.ids import ContentHash, CycleId, PersonId, ReviewId, SnapshotHash
from signing.domain.knowledge import ReviewKnowledge, new_record
from signing.domain.record import Holder, SelfState

if TYPE_CHECKING:
    from collections.abc import Callable

    from reviewbus.consumer import Subscriptions
    from reviewbus.db import Tx
    from reviewbus.envelope import Received
    from signing.commands import Answered
    from signing.domain.record import SigningRecord

_HOLDERS = {holder.value: holder for holder in Holder}


def on_person_changed(tx: Tx, received: Received) -> None:
    """Keep who reports to whom."""
    directory.learn(tx, [received.data])


def on_packet_released(tx: Tx, received: Received) -> None:
    """Signing may open."""
    told = received.data
    commands.learn_released(
        tx,
        _blank(received),
        epoch=told["epoch"],
        snapshot_hash=SnapshotHash(told["snapshot_hash"]),
        manager_version=told["manager_version"],
    )


def on_packet_unreleased(tx: Tx, received: Received) -> None:
    """Signing closes; with that wish, what was signed is revoked."""
    told = received.data
    commands.learn_unreleased(
        tx, _blank(received), epoch=told["epoch"], revoke_signatures=told["revoke_signatures"], by=told["by"]
    )


def _blank(received: Received) -> SigningRecord:
    told = received.data
    return new_record(
        review_id=ReviewId(told["review_id"]),
        cycle_id=CycleId(told["cycle_id"]),
        subject_id=PersonId(told["subject_id"]),
        manager_id=PersonId(told["manager_id"]),
    )


def _about_review(
    self_state: SelfState | None = None, *, closed: bool | None = None, cancelled: bool | None = None
) -> Callable[[Tx, Received], None]:
    """Return the handler of a fact of assessment that says this much; each names the manager of record as well."""

    def handle(tx: Tx, received: Received) -> None:
        told = ReviewKnowledge(
            version=received.data["version"],
            manager_id=PersonId(received.data["manager_id"]),
            self_state=self_state,
            self_version=received.data["self_version"] if self_state is SelfState.SHARED else None,
            closed=closed,
            cancelled=cancelled,
        )
        commands.learn_review(tx, _blank(received), told)

    return handle


def _about_hold(act: Callable[[Tx, Answered], None]) -> Callable[[Tx, Received], None]:
    """Return the handler of an answer of assessment; those about the release register are for packets."""

    def handle(tx: Tx, received: Received) -> None:
        told = received.data
        if (holder := _HOLDERS.get(told["holder"])) is not None:
            act(
                tx,
                commands.Answered(
                    review_id=ReviewId(told["review_id"]),
                    holder=holder,
                    fence=told["fence"],
                    manager_hash=_hash(told.get("manager_hash")),
                    self_hash=_hash(told.get("self_hash")),
                    reason=told.get("reason", ""),
                    last_fence=told.get("last_fence", 0),
                ),
            )

    return handle


def _hash(digest: str | None) -> ContentHash | None:
    return None if digest is None else ContentHash(digest)


SUBSCRIPTIONS: Subscriptions = {
    "person.changed.v1": on_person_changed,
    "review.opened.v1": _about_review(),
    "review.reassigned.v1": _about_review(),
    "review.closed.v1": _about_review(closed=True),
    "review.cancelled.v1": _about_review(cancelled=True),
    "self-assessment.shared.v1": _about_review(SelfState.SHARED),
    "self-assessment.unshared.v1": _about_review(SelfState.DRAFT),
    "self-assessment.waived.v1": _about_review(SelfState.WAIVED),
    "self-assessment.unwaived.v1": _about_review(SelfState.NONE),
    "packet.released.v1": on_packet_released,
    "packet.unreleased.v1": on_packet_unreleased,
    "hold.granted.v1": _about_hold(commands.granted),
    "hold.rejected.v1": _about_hold(commands.rejected),
    "hold.released.v1": _about_hold(commands.freed),
    "hold.superseded.v1": _about_hold(commands.superseded),
}
