"""What signing does about the facts of others. Handlers translate, commands act."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from reviewbus import directory
from reviewbus.consumer import Batched, caused_by
from signing import commands
from signing.commands import Heard
from signing.domain import answers, knowledge
from signing.domain.ids import ContentHash, CycleId, PersonId, ReviewId, SnapshotHash
from signing.domain.knowledge import ReviewKnowledge
from signing.domain.record import Holder, SelfState

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from reviewbus.consumer import Subscriptions
    from reviewbus.db import Tx
    from reviewbus.envelope import Received
    from signing.domain.facts import Step
    from signing.domain.record import SigningRecord

    Told = Mapping[str, Any]

_HOLDERS = {holder.value: holder for holder in Holder}


def _heard(tell: Callable[[Told], Heard | None]) -> Batched:
    """Return the handler of a fact that `tell` translates; None: it is not for us."""

    def many(tx: Tx, received: Sequence[Received]) -> None:
        heard = [(one, partial(caused_by, each)) for each in received if (one := tell(each.data)) is not None]
        if heard:
            commands.hear(tx, heard)

    return Batched(many=many)


def _released(told: Told) -> Heard:
    learn = partial(
        knowledge.learn_released,
        epoch=told["epoch"],
        snapshot_hash=SnapshotHash(told["snapshot_hash"]),
        manager_version=told["manager_version"],
    )
    return Heard(review_id=ReviewId(told["review_id"]), step=learn, blank=_blank(told))


def _unreleased(told: Told) -> Heard:
    learn = partial(
        knowledge.learn_unreleased,
        epoch=told["epoch"],
        revoke_signatures=told["revoke_signatures"],
        by=told["by"],
    )
    return Heard(review_id=ReviewId(told["review_id"]), step=learn, blank=_blank(told))


def _blank(told: Told) -> SigningRecord:
    return knowledge.new_record(
        review_id=ReviewId(told["review_id"]),
        cycle_id=CycleId(told["cycle_id"]),
        subject_id=PersonId(told["subject_id"]),
        manager_id=PersonId(told["manager_id"]),
    )


def _about_review(
    self_state: SelfState | None = None, *, closed: bool | None = None, cancelled: bool | None = None
) -> Batched:
    """Return the handler of a fact of assessment that says this much; each names the manager of record as well."""

    def tell(told: Told) -> Heard:
        known = ReviewKnowledge(
            version=told["version"],
            manager_id=PersonId(told["manager_id"]),
            self_state=self_state,
            self_version=told["self_version"] if self_state is SelfState.SHARED else None,
            closed=closed,
            cancelled=cancelled,
        )
        learn = partial(knowledge.learn_review, told=known)
        return Heard(review_id=ReviewId(told["review_id"]), step=learn, blank=_blank(told))

    return _heard(tell)


def _about_hold(answered: Callable[..., Step], read: Callable[[Told], dict[str, Any]]) -> Batched:
    """Return the handler of an answer of assessment; those about the release register are for packets.

    One about a review that is not known here is left to the sweep.
    """

    def tell(told: Told) -> Heard | None:
        holder = _HOLDERS.get(told["holder"])
        if holder is None:
            return None
        step = partial(answered, holder=holder, fence=told["fence"], **read(told))
        return Heard(review_id=ReviewId(told["review_id"]), step=step)

    return _heard(tell)


def _hash(digest: str | None) -> ContentHash | None:
    return None if digest is None else ContentHash(digest)


def _hashes(told: Told) -> dict[str, Any]:
    return {"manager_hash": _hash(told["manager_hash"]), "self_hash": _hash(told["self_hash"])}


SUBSCRIPTIONS: Subscriptions = {
    "person.changed.v1": Batched(many=directory.hear),
    "review.opened.v1": _about_review(),
    "review.reassigned.v1": _about_review(),
    "review.closed.v1": _about_review(closed=True),
    "review.cancelled.v1": _about_review(cancelled=True),
    "self-assessment.shared.v1": _about_review(SelfState.SHARED),
    "self-assessment.unshared.v1": _about_review(SelfState.DRAFT),
    "self-assessment.waived.v1": _about_review(SelfState.WAIVED),
    "self-assessment.unwaived.v1": _about_review(SelfState.NONE),
    "packet.released.v1": _heard(_released),
    "packet.unreleased.v1": _heard(_unreleased),
    "hold.granted.v1": _about_hold(answers.granted, _hashes),
    "hold.rejected.v1": _about_hold(answers.rejected, lambda told: {"reason": told["reason"]}),
    "hold.released.v1": _about_hold(answers.freed, lambda _: {}),
    "hold.superseded.v1": _about_hold(answers.superseded, lambda told: {"last_fence": told["last_fence"]}),
}
