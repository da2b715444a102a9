"""The board of one review: as much of its state as tasks and mails follow from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from notifications.domain.news import (
    ManagerReopened,
    ManagerSubmitted,
    PacketReleased,
    PacketUnreleased,
    PacketWithdrawn,
    ReleasedToManager,
    ReleaseFailed,
    ReviewCancelled,
    ReviewClosed,
    ReviewOpened,
    ReviewReassigned,
    Role,
    SelfShared,
    SelfUnshared,
    SelfUnwaived,
    SelfWaived,
    SignatureCompleted,
    SignatureRejected,
    SignatureRevoked,
    SigningClosed,
    SigningOpened,
)

if TYPE_CHECKING:
    from notifications.domain.ids import CycleId, PersonId, ReviewId
    from notifications.domain.news import About, Deadline, FromAssessment, FromPackets, FromSigning, News


class SelfState(StrEnum):
    """The self-assessment, as far as anybody else is told."""

    UNSHARED = "unshared"
    SHARED = "shared"
    WAIVED = "waived"


class PacketPlace(StrEnum):
    """With whom the packet is."""

    NOBODY = "nobody"
    MANAGER = "manager"
    EMPLOYEE = "employee"


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """One row per review.

    Each source's facts count only from the newest version of its own that was applied: older ones are late or repeated.
    Facts of one change share their version, so one of the same version counts too. `self_visible`: the manager may read
    a shared self-assessment, which stays so once it was so. The fences are the newest heard of, 0 before any signature.
    `row_version` counts how often the row was written; nothing is decided by it.
    """

    review_id: ReviewId
    cycle_id: CycleId
    subject_id: PersonId
    manager_id: PersonId
    row_version: int = 0

    assessment_version: int = 0
    opened: bool = False
    closed: bool = False
    cancelled: bool = False
    self_deadline: Deadline | None = None
    manager_deadline: Deadline | None = None
    self_state: SelfState = SelfState.UNSHARED
    self_version: int = 0
    self_visible: bool = False
    manager_submitted: bool = False
    manager_reopened: bool = False

    packets_version: int = 0
    place: PacketPlace = PacketPlace.NOBODY

    signing_version: int = 0
    open_signers: frozenset[Role] = frozenset()
    employee_fence: int = 0
    manager_fence: int = 0

    def fence(self, role: Role) -> int:
        """The newest fence heard of for that signer."""
        return self.employee_fence if role is Role.EMPLOYEE else self.manager_fence

    def person(self, role: Role) -> PersonId:
        """Who is employee, or manager of record."""
        return self.subject_id if role is Role.EMPLOYEE else self.manager_id


def new_board(about: About) -> Board:
    """The board of a review heard of for the first time, by whatever fact."""
    return Board(
        review_id=about.review_id, cycle_id=about.cycle_id, subject_id=about.subject_id, manager_id=about.manager_id
    )


def pinned(board: Board, news: News) -> Board:
    """The board with this news on it; the same board if the news is older than what its source has told already."""
    version = news.about.version
    match news:
        case ReleasedToManager() | PacketWithdrawn() | PacketReleased() | ReleaseFailed() | PacketUnreleased():
            if version < board.packets_version:
                return board
            return replace(board, packets_version=version, place=_place(news))
        case SigningOpened() | SigningClosed() | SignatureCompleted() | SignatureRejected() | SignatureRevoked():
            if version < board.signing_version:
                return board
            return _signing(replace(board, signing_version=version), news)
        case _:
            if version < board.assessment_version:
                return board
            # Only assessment's word counts: the others repeat what they last heard of the manager.
            return _review(replace(board, assessment_version=version, manager_id=news.about.manager_id), news)


def _place(news: FromPackets) -> PacketPlace:
    match news:
        case ReleasedToManager():
            return PacketPlace.MANAGER
        case PacketReleased():
            return PacketPlace.EMPLOYEE
        case ReleaseFailed(with_manager=True):
            return PacketPlace.MANAGER
        case ReleaseFailed() | PacketWithdrawn() | PacketUnreleased():
            return PacketPlace.NOBODY


def _signing(board: Board, news: FromSigning) -> Board:
    match news:
        case SigningOpened():
            return replace(board, open_signers=news.open_signers)
        case SigningClosed():
            return replace(board, open_signers=frozenset())
        case SignatureCompleted():
            signed = replace(board, open_signers=board.open_signers - {news.role})
            return _fenced(signed, news.role, news.fence)
        case SignatureRejected() | SignatureRevoked():
            return _fenced(board, news.role, news.fence)


def _fenced(board: Board, role: Role, fence: int) -> Board:
    newest = max(board.fence(role), fence)
    if role is Role.EMPLOYEE:
        return replace(board, employee_fence=newest)
    return replace(board, manager_fence=newest)


def _review(board: Board, news: FromAssessment) -> Board:
    match news:
        case ReviewOpened() | ReviewReassigned() | ReviewClosed() | ReviewCancelled():
            return _frame(board, news)
        case ManagerSubmitted():
            return replace(board, manager_submitted=True, manager_reopened=False, self_visible=True)
        case ManagerReopened():
            return replace(board, manager_submitted=False, manager_reopened=True)
        case SelfShared():
            visible = board.self_visible or news.visible_to_manager
            return replace(board, self_state=SelfState.SHARED, self_version=news.self_version, self_visible=visible)
        case SelfUnshared() | SelfUnwaived():
            return replace(board, self_state=SelfState.UNSHARED)
        case SelfWaived():
            return replace(board, self_state=SelfState.WAIVED)


def _frame(board: Board, news: ReviewOpened | ReviewReassigned | ReviewClosed | ReviewCancelled) -> Board:
    match news:
        case ReviewOpened():
            opened = replace(board, opened=True, closed=False, cancelled=False)
            return replace(opened, self_deadline=news.self_deadline, manager_deadline=news.manager_deadline)
        case ReviewReassigned():
            return board
        case ReviewClosed():
            return replace(board, closed=True)
        case ReviewCancelled():
            return replace(board, cancelled=True)
