"""One review: its state, the guards every command asks, and the words in which it is shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from assessment.domain.refusals import (
    CycleIsClosed,
    Locked,
    LockedReleased,
    LockedSigned,
    NotStarted,
    Refusal,
    ReviewIsCancelled,
    StaleVersion,
    VersionMissing,
)
from assessment.domain.registers import SIGNATURE_HOLDERS, Holder, Registers

if TYPE_CHECKING:
    from assessment.domain.deadline import Deadline
    from assessment.domain.ids import CycleId, PersonId, QuestionId, QuestionnaireId, ReviewId
    from assessment.domain.people import Relation


class SelfState(StrEnum):
    """The self-assessment."""

    NONE = "none"
    DRAFT = "draft"
    SHARED = "shared"
    WAIVED = "waived"


class ManagerState(StrEnum):
    """The manager-assessment."""

    NONE = "none"
    DRAFT = "draft"
    SUBMITTED = "submitted"


class ReviewState(StrEnum):
    """The whole review, computed: the first that holds, from the end."""

    SELF_ASSESSMENT = "self_assessment"
    MANAGER_ASSESSMENT = "manager_assessment"
    SUBMITTED = "submitted"
    LOCKED = "locked"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class ReleaseMode(StrEnum):
    """Whether HR stands between the manager and the employee."""

    HR_GATED = "hr_gated"
    MANAGER_DIRECT = "manager_direct"


class SelfVisibility(StrEnum):
    """When the manager may read a shared self-assessment."""

    ON_SHARE = "on_share"
    AFTER_MANAGER_SUBMIT = "after_manager_submit"


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleSettings:
    """What HR decides per cycle; frozen in each review at the start."""

    release_mode: ReleaseMode = ReleaseMode.HR_GATED
    calibration_required: bool = False
    release_after_calibration: bool = False
    recall_window_minutes: int = 0
    self_visibility: SelfVisibility = SelfVisibility.ON_SHARE
    questionnaire_id: QuestionnaireId | None = None
    questionnaire_version: int | None = None
    rating_question_ids: tuple[QuestionId, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """Everything that a decision about one review needs, in one row.

    Versions count saves from 1; 0 is a form never saved. The hashes are those of the current version's content.
    `self_shared_version`, `manager_submitted_version`: the newest version ever shared, submitted.
    `self_read_version`: the newest shared version that the present manager of record has read.
    `manager_has_access`: the manager's access to the self-assessment was given, and survives a reopening.
    """

    review_id: ReviewId
    cycle_id: CycleId
    subject_id: PersonId
    manager_id: PersonId | None
    settings: CycleSettings
    self_deadline: Deadline | None = None
    manager_deadline: Deadline | None = None
    started: bool = False
    cycle_closed: bool = False
    cancelled: bool = False
    self_state: SelfState = SelfState.NONE
    self_version: int = 0
    self_hash: str | None = None
    self_shared_version: int | None = None
    self_read_version: int | None = None
    manager_has_access: bool = False
    manager_state: ManagerState = ManagerState.NONE
    manager_version: int = 0
    manager_hash: str | None = None
    manager_submitted_version: int | None = None
    registers: Registers = field(default_factory=Registers)


def release_locked(review: Review) -> bool:
    """The release register is held."""
    return review.registers.release.held


def signature_locked(review: Review) -> bool:
    """A signature or the completion register is held."""
    return any(review.registers.of(holder).held for holder in SIGNATURE_HOLDERS)


def self_side_editable(review: Review) -> bool:
    """No signature lock, and no release lock unless the self-assessment is still unshared."""
    unshared = review.self_state in {SelfState.NONE, SelfState.DRAFT}
    return not signature_locked(review) and (not release_locked(review) or unshared)


def shared_self_version(review: Review) -> int | None:
    """The self version that others may know of and that a signature covers; null unless it is shared."""
    return review.self_version if review.self_state is SelfState.SHARED else None


def state(review: Review) -> ReviewState:
    """The whole review's state, for everybody but the employee."""
    return whole_state(
        cancelled=review.cancelled,
        completed=review.registers.completion.held,
        locked=release_locked(review),
        self_state=review.self_state,
        manager_state=review.manager_state,
    )


def whole_state(
    *, cancelled: bool, completed: bool, locked: bool, self_state: SelfState, manager_state: ManagerState
) -> ReviewState:
    """The state that a review has with these parts; `completed`, `locked`: its register is held."""
    if cancelled:
        return ReviewState.CANCELLED
    if completed:
        return ReviewState.COMPLETED
    if locked:
        return ReviewState.LOCKED
    if manager_state is ManagerState.SUBMITTED:
        return ReviewState.SUBMITTED
    return _state_before_submission(self_state)


def state_seen_by(review: Review, rel: Relation) -> ReviewState:
    """The state as this reader may know it: the employee is not told that the manager has submitted."""
    seen = state(review)
    # Without a shared self-assessment the later word would tell the employee what the earlier one hides.
    return _state_before_submission(review.self_state) if rel.employee and seen is ReviewState.SUBMITTED else seen


def manager_state_seen_by(review: Review, rel: Relation) -> ManagerState | None:
    """The manager-assessment's state as this reader may know it; null to the employee."""
    return None if rel.employee else review.manager_state


def _state_before_submission(self_state: SelfState) -> ReviewState:
    if self_state in {SelfState.SHARED, SelfState.WAIVED}:
        return ReviewState.MANAGER_ASSESSMENT
    return ReviewState.SELF_ASSESSMENT


def unmet_open(review: Review) -> list[Refusal]:
    """The review is neither cancelled nor in a closed cycle."""
    reasons: list[Refusal] = []
    if review.cancelled:
        reasons.append(ReviewIsCancelled())
    if review.cycle_closed:
        reasons.append(CycleIsClosed())
    return reasons


def unmet_started(review: Review) -> list[Refusal]:
    """The review's cycle is started."""
    return [] if review.started else [NotStarted()]


def unmet_no_hold(review: Review) -> list[Refusal]:
    """The manager side is editable; the reasons name who holds the review."""
    return _signature_lock(review) + ([LockedReleased(holders=[Holder.RELEASE])] if release_locked(review) else [])


def unmet_no_signature(review: Review) -> list[Refusal]:
    """No signature and no completion holds the review; the reason names who does."""
    return _signature_lock(review)


def unmet_self_side(review: Review) -> list[Refusal]:
    """The self side is editable, as the employee is told: by what the review is locked stays untold."""
    reasons: list[Refusal] = [LockedSigned()] if signature_locked(review) else []
    if not self_side_editable(review) and release_locked(review):
        reasons.append(Locked())
    return reasons


def unmet_version(current: int, expected: int | None) -> list[Refusal]:
    """The command names the current version."""
    if expected is None:
        return [VersionMissing()]
    return [] if expected == current else [StaleVersion(current_version=current)]


def _signature_lock(review: Review) -> list[Refusal]:
    holders = [holder for holder in SIGNATURE_HOLDERS if review.registers.of(holder).held]
    return [LockedSigned(holders=holders)] if holders else []
