"""The employee's side: writing, sharing, taking back, waiving, and who may read it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from assessment.domain.facts import (
    SelfAssessmentRead,
    SelfAssessmentShared,
    SelfAssessmentUnshared,
    SelfAssessmentUnwaived,
    SelfAssessmentWaived,
)
from assessment.domain.people import BY_MANAGER, EMPLOYEES, HR_ADMIN, HrRight, Relation, only, unmet_hr
from assessment.domain.questionnaire import AnswerProblem, unmet_answers
from assessment.domain.refusals import (
    AlreadyShared,
    AnswersMissing,
    AuthorOnly,
    DeadlinePassed,
    NotFound,
    NothingToShare,
    NotShared,
    NotWaived,
    Refusal,
    SelfStageWaived,
    UnknownPerson,
    UnshareFirst,
    refuse,
)
from assessment.domain.review import (
    ManagerState,
    Review,
    SelfState,
    SelfVisibility,
    unmet_no_signature,
    unmet_open,
    unmet_self_side,
    unmet_started,
    unmet_version,
)

if TYPE_CHECKING:
    from datetime import datetime

    from assessment.domain.ids import QuestionId


def unmet_save(review: Review, rel: Relation, *, now: datetime) -> list[Refusal]:
    """Why the employee's draft cannot be saved; to anybody else it does not exist."""
    denied = unmet_autosave(rel)
    if denied:
        return denied
    reasons = unmet_open(review) + unmet_self_side(review) + unmet_started(review)
    if review.self_state is SelfState.SHARED:
        reasons.append(UnshareFirst())
    return reasons + _waived(review) + _late(review, now)


def save(
    review: Review,
    rel: Relation,
    *,
    expected: int | None,
    now: datetime,
    content_hash: str,
    problems: tuple[AnswerProblem, ...] = (),
) -> tuple[Review, tuple[()]]:
    """A new version of the draft, whose content the caller stores under the new `self_version`. No fact.

    `expected`: the version the text was based on (If-Match). `problems`: how the answers miss the questionnaire.

    Raises:
        Refusal: its `keep_backup` says whether the text is kept as the author's backup.
    """
    refuse(unmet_autosave(rel))
    refuse(unmet_save(review, rel, now=now) + unmet_version(review.self_version, expected) + unmet_answers(problems))
    return (
        replace(review, self_state=SelfState.DRAFT, self_version=review.self_version + 1, self_hash=content_hash),
        (),
    )


def unmet_autosave(rel: Relation) -> list[Refusal]:
    """A backup is taken from the author in any state; to others there is nothing."""
    return [] if rel.employee else [NotFound()]


def unmet_share(review: Review, rel: Relation, *, now: datetime, missing: tuple[QuestionId, ...]) -> list[Refusal]:
    """Why the draft cannot be shared; `missing`: the required questions that its current version leaves open."""
    denied = _unmet_employee(rel)
    if denied:
        return denied
    reasons = unmet_open(review) + unmet_self_side(review) + unmet_started(review)
    if review.self_state is SelfState.NONE:
        reasons.append(NothingToShare())
    if review.self_state is SelfState.SHARED:
        reasons.append(AlreadyShared())
    reasons += _waived(review) + _late(review, now)
    return reasons + ([AnswersMissing(question_ids=list(missing))] if missing else [])


def share(
    review: Review, rel: Relation, *, now: datetime, missing: tuple[QuestionId, ...]
) -> tuple[Review, tuple[SelfAssessmentShared]]:
    """Show the draft to the manager and HR.

    A draft that was shared before and not written since gets a new version of the same content (the caller stores a
    copy when `self_version` has grown), so that who receives the facts late can tell the second sharing from the first.
    """
    refuse(unmet_share(review, rel, now=now, missing=missing))
    version = review.self_version + (1 if review.self_version == review.self_shared_version else 0)
    submitted = review.manager_state is ManagerState.SUBMITTED
    on_share = review.settings.self_visibility is SelfVisibility.ON_SHARE
    shared = replace(
        review,
        self_state=SelfState.SHARED,
        self_version=version,
        self_shared_version=version,
        manager_has_access=review.manager_has_access or submitted or on_share,
    )
    assert shared.self_hash is not None  # a draft has content
    fact = SelfAssessmentShared(
        review_id=review.review_id,
        self_version=version,
        content_hash=shared.self_hash,
        visible_to_manager=manager_may_read_self(shared),
    )
    return shared, (fact,)


def unmet_unshare(review: Review, rel: Relation, *, now: datetime) -> list[Refusal]:
    """Why the self-assessment cannot be taken back by this actor, now."""
    denied: list[Refusal] = [AuthorOnly()] if rel.hr is not HrRight.NONE else _unmet_employee(rel)
    if denied:
        return denied
    reasons = unmet_open(review) + unmet_self_side(review) + unmet_started(review)
    if review.self_state is not SelfState.SHARED:
        reasons.append(NotShared())
    return reasons + _late(review, now)


def unshare(review: Review, rel: Relation, *, now: datetime) -> tuple[Review, tuple[SelfAssessmentUnshared]]:
    """Hide the self-assessment at once; it is a draft again."""
    refuse(unmet_unshare(review, rel, now=now))
    fact = SelfAssessmentUnshared(
        review_id=review.review_id,
        self_version=review.self_version,
        manager_had_read=review.self_read_version == review.self_version,
    )
    return replace(review, self_state=SelfState.DRAFT), (fact,)


def unmet_waive(review: Review, rel: Relation) -> list[Refusal]:
    """Why HR cannot waive the self stage."""
    denied = unmet_hr(rel)
    if denied:
        return denied
    reasons = unmet_open(review) + unmet_no_signature(review) + unmet_started(review)
    if review.self_state is SelfState.SHARED:
        reasons.append(AlreadyShared())
    return reasons + _waived(review)


def waive(review: Review, rel: Relation) -> tuple[Review, tuple[SelfAssessmentWaived]]:
    """Go on without a self-assessment; what was written stays."""
    refuse(unmet_waive(review, rel))
    return replace(review, self_state=SelfState.WAIVED), (SelfAssessmentWaived(review_id=review.review_id),)


def unmet_unwaive(review: Review, rel: Relation) -> list[Refusal]:
    """Why HR cannot withdraw the waiver."""
    denied = unmet_hr(rel)
    if denied:
        return denied
    reasons = unmet_open(review) + unmet_no_signature(review) + unmet_started(review)
    return reasons + ([] if review.self_state is SelfState.WAIVED else [NotWaived()])


def unwaive(review: Review, rel: Relation) -> tuple[Review, tuple[SelfAssessmentUnwaived]]:
    """Withdraw the waiver: back to what was there before."""
    refuse(unmet_unwaive(review, rel))
    state = SelfState.DRAFT if review.self_version else SelfState.NONE
    return replace(review, self_state=state), (SelfAssessmentUnwaived(review_id=review.review_id),)


def manager_may_read_self(review: Review) -> bool:
    """Shared, and (where the cycle wants it so) after the own assessment was submitted once."""
    on_share = review.settings.self_visibility is SelfVisibility.ON_SHARE
    return review.self_state is SelfState.SHARED and (on_share or review.manager_has_access)


def newest_self_unread(review: Review) -> bool:
    """The manager could read a shared version that is newer than what the manager has read."""
    return manager_may_read_self(review) and review.self_read_version != review.self_version


def unmet_read(review: Review, rel: Relation) -> list[Refusal]:
    """Why the text does not exist for this reader."""
    if rel.employee or (rel.manager and manager_may_read_self(review)):
        return []
    if rel.hr is HrRight.UNKNOWN_PERSON:
        return [UnknownPerson()]
    return [] if rel.hr_acts and review.self_state is SelfState.SHARED else [NotFound()]


def read(review: Review, rel: Relation, *, read_before: bool = False) -> tuple[Review, tuple[SelfAssessmentRead, ...]]:
    """Read the current version; the manager's and HR's first read of a version is a fact, the manager's is remembered.

    `read_before`: the stored reads show that this reader has read this version; the manager's the review knows itself.
    """
    refuse(unmet_read(review, rel))
    if rel.employee:
        return review, ()
    as_manager = rel.manager and manager_may_read_self(review)
    if review.self_read_version == review.self_version if as_manager else read_before:
        return review, ()
    fact = SelfAssessmentRead(
        review_id=review.review_id,
        self_version=review.self_version,
        reader_id=rel.actor_id,
        by_role=BY_MANAGER if as_manager else HR_ADMIN,
    )
    return (replace(review, self_read_version=review.self_version) if as_manager else review), (fact,)


def _unmet_employee(rel: Relation) -> list[Refusal]:
    if rel.outsider:
        return [NotFound()]
    return [] if rel.employee else [only(EMPLOYEES)]


def _waived(review: Review) -> list[Refusal]:
    return [SelfStageWaived()] if review.self_state is SelfState.WAIVED else []


def _late(review: Review, now: datetime) -> list[Refusal]:
    deadline = review.self_deadline
    if deadline is None or not deadline.passed(now):
        return []
    return [DeadlinePassed(deadline=deadline.instant)]
