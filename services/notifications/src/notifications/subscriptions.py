"""What notifications does about the facts of others. Handlers translate, commands act."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from notifications import commands, peers
from notifications.domain import news
from notifications.domain.ids import CycleId, PersonId, ReviewId
from reviewbus.consumer import Batched

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from notifications.domain.news import News
    from reviewbus.consumer import Subscriptions
    from reviewbus.db import Tx
    from reviewbus.envelope import Received

    Told = Mapping[str, Any]


def _on(read: Callable[[Told], News]) -> Batched:
    """Return the handler of a fact that `read` translates."""

    def many(tx: Tx, received: Sequence[Received]) -> None:
        commands.learn(tx, [(read(each.data), each.time) for each in received])

    return Batched(many=many)


def _about(told: Told) -> news.About:
    return news.About(
        review_id=ReviewId(told["review_id"]),
        cycle_id=CycleId(told["cycle_id"]),
        subject_id=PersonId(told["subject_id"]),
        manager_id=PersonId(told["manager_id"]),
        version=told["version"],
    )


def _opened(told: Told) -> News:
    return news.ReviewOpened(
        about=_about(told),
        self_deadline=peers.deadline(told["self_deadline"]),
        manager_deadline=peers.deadline(told["manager_deadline"]),
    )


def _shared(told: Told) -> News:
    return news.SelfShared(
        about=_about(told), self_version=told["self_version"], visible_to_manager=told["visible_to_manager"]
    )


def _packet_released(told: Told) -> News:
    by_hr = news.past_the_manager(role=told["by_role"], by=told["released_by"], manager=told["manager_id"])
    return news.PacketReleased(about=_about(told), epoch=told["epoch"], by_hr=by_hr)


def _release_failed(told: Told) -> News:
    return news.ReleaseFailed(about=_about(told), epoch=told["epoch"], with_manager=told["state"] == "with_manager")


def _unreleased(told: Told) -> News:
    return news.PacketUnreleased(about=_about(told), epoch=told["epoch"], was_released=told["was"] == "released")


def _signing_opened(told: Told) -> News:
    signers = frozenset(news.Role(role) for role in told["open_signers"])
    return news.SigningOpened(about=_about(told), epoch=told["epoch"], open_signers=signers)


def _signed(told: Told) -> News:
    return news.SignatureCompleted(
        about=_about(told),
        role=news.Role(told["signer_role"]),
        signer_id=PersonId(told["signer_id"]),
        fence=told["fence"],
    )


def _sign_rejected(told: Told) -> News:
    return news.SignatureRejected(about=_about(told), role=news.Role(told["signer_role"]), fence=told["fence"])


def _revoked(told: Told) -> News:
    return news.SignatureRevoked(
        about=_about(told),
        role=news.Role(told["signer_role"]),
        signer_id=PersonId(told["signer_id"]),
        fence=told["fence"],
        had_signed=told["was"] == "signed",
    )


SUBSCRIPTIONS: Subscriptions = {
    "review.opened.v1": _on(_opened),
    "review.reassigned.v1": _on(lambda told: news.ReviewReassigned(about=_about(told))),
    "review.closed.v1": _on(lambda told: news.ReviewClosed(about=_about(told))),
    "review.cancelled.v1": _on(lambda told: news.ReviewCancelled(about=_about(told))),
    "self-assessment.shared.v1": _on(_shared),
    "self-assessment.unshared.v1": _on(lambda told: news.SelfUnshared(about=_about(told))),
    "self-assessment.waived.v1": _on(lambda told: news.SelfWaived(about=_about(told))),
    "self-assessment.unwaived.v1": _on(lambda told: news.SelfUnwaived(about=_about(told))),
    "manager-assessment.submitted.v1": _on(lambda told: news.ManagerSubmitted(about=_about(told))),
    "manager-assessment.reopened.v1": _on(lambda told: news.ManagerReopened(about=_about(told))),
    "packet.released-to-manager.v1": _on(lambda told: news.ReleasedToManager(about=_about(told), epoch=told["epoch"])),
    "packet.withdrawn.v1": _on(lambda told: news.PacketWithdrawn(about=_about(told), epoch=told["epoch"])),
    "packet.released.v1": _on(_packet_released),
    "packet.release-failed.v1": _on(_release_failed),
    "packet.unreleased.v1": _on(_unreleased),
    "signing.opened.v1": _on(_signing_opened),
    "signing.closed.v1": _on(lambda told: news.SigningClosed(about=_about(told))),
    "signature.completed.v1": _on(_signed),
    "signature.rejected.v1": _on(_sign_rejected),
    "signature.revoked.v1": _on(_revoked),
}
