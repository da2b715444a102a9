"""What has happened, in the past tense. Facts hold ids, versions, hashes and reason codes only: never text or names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assessment.domain.deadline import Deadline
    from assessment.domain.ids import CycleId, PersonId, QuestionId, QuestionnaireId, ReviewId


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonChanged:
    """A person is new, or the line, the activity or the contact changed; `version` counts from 1."""

    person_id: PersonId
    manager_id: PersonId | None
    active: bool
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleCreated:
    """HR has made a cycle."""

    cycle_id: CycleId


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleChanged:
    """HR has written the cycle anew; once it is started, only its name and its instructions."""

    cycle_id: CycleId


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleStarted:
    """The cycle runs; its settings are frozen."""

    cycle_id: CycleId
    questionnaire_id: QuestionnaireId
    questionnaire_version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleClosed:
    """The cycle is over; one `ReviewClosed` for each of its reviews follows."""

    cycle_id: CycleId


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewOpened:
    """A review has begun, with everything that was frozen for it: no other fact is needed to understand it."""

    review_id: ReviewId
    cycle_id: CycleId
    subject_id: PersonId
    manager_id: PersonId
    release_mode: str
    calibration_required: bool
    release_after_calibration: bool
    recall_window_minutes: int
    self_visibility: str
    questionnaire_id: QuestionnaireId
    questionnaire_version: int
    rating_question_ids: tuple[QuestionId, ...]
    self_deadline: Deadline
    manager_deadline: Deadline


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewReassigned:
    """Another person is the manager of record."""

    review_id: ReviewId
    manager_id: PersonId
    former_manager_id: PersonId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewClosed:
    """The review's cycle is closed."""

    review_id: ReviewId
    cycle_id: CycleId


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewCancelled:
    """HR has cancelled the review."""

    review_id: ReviewId
    cycle_id: CycleId


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfAssessmentShared:
    """The employee has shared this version; `visible_to_manager` is false while the cycle hides it from the manager."""

    review_id: ReviewId
    self_version: int
    content_hash: str
    visible_to_manager: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfAssessmentUnshared:
    """The employee has taken this version back; `manager_had_read` says whether the manager had read it."""

    review_id: ReviewId
    self_version: int
    manager_had_read: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfAssessmentWaived:
    """HR has waived the self stage."""

    review_id: ReviewId


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfAssessmentUnwaived:
    """HR has withdrawn the waiver."""

    review_id: ReviewId


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfAssessmentRead:
    """Somebody has read this version for the first time; `by_role` is `manager` or `hr_admin`."""

    review_id: ReviewId
    self_version: int
    reader_id: PersonId
    by_role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagerAssessmentSubmitted:
    """The manager has finished.

    `visible_self_version`: what the manager may read of the self-assessment from now on, null for nothing.
    `newest_self_unread`: a warning for the answer to the manager, that something newer could have been read before.
    """

    review_id: ReviewId
    manager_version: int
    content_hash: str
    visible_self_version: int | None
    newest_self_unread: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagerAssessmentRevised:
    """A submitted manager-assessment has a new version; `by_role` is `manager` or `hr_admin`."""

    review_id: ReviewId
    manager_version: int
    content_hash: str
    changed_question_ids: tuple[QuestionId, ...]
    by_role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagerAssessmentReopened:
    """HR has turned the submitted manager-assessment into a draft again."""

    review_id: ReviewId
    manager_version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldGranted:
    """The register is held as of `fence`. `self_version` and `self_hash` are null unless it is shared."""

    review_id: ReviewId
    holder: str
    fence: int
    epoch: int
    snapshot_hash: str
    manager_version: int
    manager_hash: str
    self_version: int | None
    self_hash: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldRejected:
    """The register is free as of `fence`: the hold could not be granted, for `reason`."""

    review_id: ReviewId
    holder: str
    fence: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldReleased:
    """The register is free as of `fence`, as was asked."""

    review_id: ReviewId
    holder: str
    fence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldSuperseded:
    """The command with `fence` came too late and changed nothing; `held` is what `last_fence` decided."""

    review_id: ReviewId
    holder: str
    fence: int
    last_fence: int
    held: bool


HoldAnswer = HoldGranted | HoldRejected | HoldReleased | HoldSuperseded

Fact = (
    PersonChanged
    | CycleCreated
    | CycleChanged
    | CycleStarted
    | CycleClosed
    | ReviewOpened
    | ReviewReassigned
    | ReviewClosed
    | ReviewCancelled
    | SelfAssessmentShared
    | SelfAssessmentUnshared
    | SelfAssessmentWaived
    | SelfAssessmentUnwaived
    | SelfAssessmentRead
    | ManagerAssessmentSubmitted
    | ManagerAssessmentRevised
    | ManagerAssessmentReopened
    | HoldAnswer
)
