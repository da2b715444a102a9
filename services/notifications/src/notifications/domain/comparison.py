"""What the facts that never came would have told: news from the rows of those who know, compared with a board.

News about what the board has already is left out. What it calls for goes the way of any other news, so that a fact that
comes later after all changes nothing, and mails go out under the same keys.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from notifications.domain.board import PacketPlace, SelfState
from notifications.domain.news import (
    About,
    ManagerReopened,
    ManagerSubmitted,
    PacketReleased,
    PacketUnreleased,
    PacketWithdrawn,
    ReleasedToManager,
    ReviewCancelled,
    ReviewClosed,
    ReviewOpened,
    ReviewReassigned,
    Role,
    SelfShared,
    SelfUnshared,
    SelfWaived,
    SignatureCompleted,
    SignatureRejected,
    SigningClosed,
    SigningOpened,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from notifications.domain.board import Board
    from notifications.domain.ids import PersonId, ReviewId
    from notifications.domain.news import Deadline, FromAssessment, FromPackets, FromSigning


class PacketState(StrEnum):
    """The states of packets' rows."""

    NONE = "none"
    READY = "ready"
    WITH_MANAGER = "with_manager"
    RELEASING = "releasing"
    RELEASED = "released"
    UNRELEASING = "unreleasing"


_PLACES = {PacketState.WITH_MANAGER: PacketPlace.MANAGER, PacketState.RELEASED: PacketPlace.EMPLOYEE}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewRow:
    """A started review, as assessment has it. A self-assessment that nobody else may read is UNSHARED."""

    about: About
    self_deadline: Deadline
    manager_deadline: Deadline
    self_state: SelfState
    self_version: int
    self_visible: bool
    manager_submitted: bool
    manager_reopened: bool
    closed: bool
    cancelled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PacketRow:
    """A packet, as packets has it; `by_hr`: released by somebody else than the manager."""

    review_id: ReviewId
    version: int
    state: PacketState
    epoch: int
    by_hr: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SignerRow:
    """One signature's register. `signer_id` is null unless `signed`."""

    role: Role
    fence: int
    signed: bool
    signer_id: PersonId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningRow:
    """A review's signatures, as signing has them; `epoch` is the newest that it knows of."""

    review_id: ReviewId
    version: int
    epoch: int
    open_signers: frozenset[Role]
    signers: tuple[SignerRow, ...]


def from_review(board: Board, row: ReviewRow) -> Iterator[FromAssessment]:
    """What the board lacks of the review's own state, in the order of a review's life."""
    if row.about.version < board.assessment_version:
        return
    about = row.about
    # A restored row may no longer be what the board was told: closed, cancelled, submitted.
    anew = not board.opened or (board.closed and not row.closed) or (board.cancelled and not row.cancelled)
    if anew:
        yield ReviewOpened(about=about, self_deadline=row.self_deadline, manager_deadline=row.manager_deadline)
    if board.manager_id != about.manager_id:
        yield ReviewReassigned(about=about)
    yield from _self_side(board, row)
    if row.manager_submitted and not board.manager_submitted:
        yield ManagerSubmitted(about=about)
    unsubmitted = board.manager_submitted and not row.manager_submitted
    if unsubmitted or (row.manager_reopened and not board.manager_reopened):
        yield ManagerReopened(about=about)
    if row.closed and (anew or not board.closed):
        yield ReviewClosed(about=about)
    if row.cancelled and (anew or not board.cancelled):
        yield ReviewCancelled(about=about)


def from_packet(board: Board, row: PacketRow) -> Iterator[FromPackets]:
    """With whom the packet is, if the board has that wrong. A release under way tells nothing until it is over."""
    if row.version < board.packets_version or row.state is PacketState.RELEASING:
        return
    about = _about(board, row.version)
    place = _PLACES.get(row.state, PacketPlace.NOBODY)
    if board.place is PacketPlace.EMPLOYEE and place is not PacketPlace.EMPLOYEE:
        yield PacketUnreleased(about=about, epoch=row.epoch, was_released=True)
    if place is PacketPlace.NOBODY and board.place is PacketPlace.MANAGER:
        yield PacketWithdrawn(about=about, epoch=row.epoch)
    if place is PacketPlace.MANAGER and board.place is not PacketPlace.MANAGER:
        yield ReleasedToManager(about=about, epoch=row.epoch)
    if place is PacketPlace.EMPLOYEE and board.place is not PacketPlace.EMPLOYEE:
        yield PacketReleased(about=about, epoch=row.epoch, by_hr=row.by_hr)


def from_signing(board: Board, row: SigningRow) -> Iterator[FromSigning]:
    """Signatures that the board has not heard of, and who may sign."""
    if row.version < board.signing_version:
        return
    about = _about(board, row.version)
    still_open = board.open_signers
    for one in row.signers:
        if one.fence <= board.fence(one.role):
            continue
        if one.signed and one.signer_id is not None:
            still_open -= {one.role}
            yield SignatureCompleted(about=about, role=one.role, signer_id=one.signer_id, fence=one.fence)
        else:
            # Whatever became of the attempt, there is no signature under this fence.
            yield SignatureRejected(about=about, role=one.role, fence=one.fence)
    if row.open_signers and row.open_signers != still_open:
        yield SigningOpened(about=about, epoch=row.epoch, open_signers=row.open_signers)
    if still_open and not row.open_signers:
        yield SigningClosed(about=about)


def _about(board: Board, version: int) -> About:
    return About(
        review_id=board.review_id,
        cycle_id=board.cycle_id,
        subject_id=board.subject_id,
        manager_id=board.manager_id,
        version=version,
    )


def _self_side(board: Board, row: ReviewRow) -> Iterator[FromAssessment]:
    match row.self_state:
        case SelfState.SHARED:
            told = board.self_state is SelfState.SHARED and board.self_version == row.self_version
            if not told or (row.self_visible and not board.self_visible):
                yield SelfShared(about=row.about, self_version=row.self_version, visible_to_manager=row.self_visible)
        case SelfState.WAIVED if board.self_state is not SelfState.WAIVED:
            yield SelfWaived(about=row.about)
        case SelfState.UNSHARED if board.self_state is not SelfState.UNSHARED:
            yield SelfUnshared(about=row.about)
        case _:
            pass
