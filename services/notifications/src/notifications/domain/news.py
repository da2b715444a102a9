"""What notifications is told by the other services, one class per kind of fact that matters to it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from datetime import date, datetime

    from notifications.domain.ids import CycleId, PersonId, ReviewId


class Role(StrEnum):
    """Who signs a review."""

    EMPLOYEE = "employee"
    MANAGER = "manager"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """The last day as the author's calendar has it, its time zone, and the instant from which it is too late (UTC)."""

    day: date
    zone: str
    instant: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What every fact about a review names. `version` is that of the source's row and never goes down."""

    review_id: ReviewId
    cycle_id: CycleId
    subject_id: PersonId
    manager_id: PersonId
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewOpened:
    """The cycle has started, or started again after it was closed."""

    about: About
    self_deadline: Deadline
    manager_deadline: Deadline


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewReassigned:
    """`about` names the new manager."""

    about: About


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewClosed:
    """The cycle is closed: nothing is to be done any more."""

    about: About


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewCancelled:
    """HR cancelled the review."""

    about: About


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfShared:
    """`visible_to_manager` is false while the manager must submit first."""

    about: About
    self_version: int
    visible_to_manager: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfUnshared:
    """The employee took the self-assessment back."""

    about: About


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfWaived:
    """The review goes on without a self-assessment."""

    about: About


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfUnwaived:
    """The self-assessment is wanted again."""

    about: About


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagerSubmitted:
    """The manager-assessment is submitted."""

    about: About


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagerReopened:
    """HR reopened the manager-assessment: the manager is to submit again."""

    about: About


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleasedToManager:
    """The packet is with its manager."""

    about: About
    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PacketWithdrawn:
    """The packet is with nobody any more."""

    about: About
    epoch: int


def past_the_manager(*, role: str | None, by: str | None, manager: str | None) -> bool:
    """Whether HR released a packet to the employee instead of its manager; False where nobody is known to have."""
    return role == "hr_admin" and by != manager


@dataclass(frozen=True, slots=True, kw_only=True)
class PacketReleased:
    """The packet is released to the employee; `by_hr`: by somebody else than the manager."""

    about: About
    epoch: int
    by_hr: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseFailed:
    """A release was rejected. `with_manager`: the packet is with its manager again, or still."""

    about: About
    epoch: int
    with_manager: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PacketUnreleased:
    """The packet is taken back. `was_released`: the employee could read it until then."""

    about: About
    epoch: int
    was_released: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningOpened:
    """`open_signers` may sign and have not."""

    about: About
    epoch: int
    open_signers: frozenset[Role]


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningClosed:
    """Nobody may sign."""

    about: About


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureCompleted:
    """The signature stands."""

    about: About
    role: Role
    signer_id: PersonId
    fence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureRejected:
    """The signature did not come about; the signer may try again."""

    about: About
    role: Role
    fence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureRevoked:
    """The signature no longer stands. `had_signed`: it did, and was not only on its way."""

    about: About
    role: Role
    signer_id: PersonId
    fence: int
    had_signed: bool


FromAssessment: TypeAlias = (
    ReviewOpened
    | ReviewReassigned
    | ReviewClosed
    | ReviewCancelled
    | SelfShared
    | SelfUnshared
    | SelfWaived
    | SelfUnwaived
    | ManagerSubmitted
    | ManagerReopened
)
FromPackets: TypeAlias = ReleasedToManager | PacketWithdrawn | PacketReleased | ReleaseFailed | PacketUnreleased
FromSigning: TypeAlias = SigningOpened | SigningClosed | SignatureCompleted | SignatureRejected | SignatureRevoked
News: TypeAlias = FromAssessment | FromPackets | FromSigning
