"""The manager's side: writing, submitting, HR's corrections and reopening, and who may read it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from assessment.domain.facts import (
    ManagerAssessmentReopened,
    ManagerAssessmentRevised,
    ManagerAssessmentSubmitted,
)
from assessment.domain.people import BY_MANAGER, HR_ADMIN, HR_ADMINS, MANAGERS, HrRight, Relation, only, unmet_hr
from assessment.domain.questionnaire import AnswerProblem, unmet_answers
from assessment.domain.refusals import (
    AlreadySubmitted,
    AnswersMissing,
    DeadlinePassed,
    ManagerAssessmentNotSubmitted,
    NotFound,
    NothingToSubmit,
    RatingCalibrated,
    Refusal,
    UnknownPerson,
    refuse,
)
from assessment.domain.review import (
    ManagerState,
    Review,
    SelfState,
    unmet_no_hold,
    unmet_open,
    unmet_started,
    unmet_version,
)
from assessment.domain.self_assessment import manager_may_read_self, newest_self_unread

if TYPE_CHECKING:
    from datetime import datetime

    from assessment.domain.ids import QuestionId

_HR_REOPENS = "The manager-assessment is submitted: ask HR to reopen it, who alone can."


def unmet_read(review: Review, rel: Relation) -> list[Refusal]:
    """Why the text does not exist for this reader: the manager always has it, HR once submitted, the employee never."""
    if rel.manager:
        return []
    if rel.hr is HrRight.UNKNOWN_PERSON:
        return [UnknownPerson()]
    if rel.hr is HrRight.NONE and rel.assistant:
        return [only(MANAGERS, HR_ADMINS)]
    return [] if rel.hr_acts and review.manager_state is ManagerState.SUBMITTED else [NotFound()]


def unmet_save(review: Review, rel: Relation, *, now: datetime) -> list[Refusal]:
    """Why the text cannot be saved. The deadline binds the draft, not what follows the submission."""
    denied = _unmet_writer(review, rel)
    if denied:
        return denied
    reasons = unmet_open(review) + unmet_no_hold(review) + unmet_started(review)
    return reasons + ([] if review.manager_state is ManagerState.SUBMITTED else _late(review, now))


def save(  # noqa: PLR0913 -- nine facts decide, each by itself
    review: Review,
    rel: Relation,
    *,
    expected: int | None,
    now: datetime,
    content_hash: str,
    changed_question_ids: tuple[QuestionId, ...] = (),
    calibrated: bool = False,
    problems: tuple[AnswerProblem, ...] = (),
    missing: tuple[QuestionId, ...] = (),
) -> tuple[Review, tuple[ManagerAssessmentRevised, ...]]:
    """A new version, whose content the caller stores under the new `manager_version`; after submission a fact.

    `calibrated`: as far as packets told; a rating is then no longer the manager's. `missing`: required questions left
    open. Both refuse only what is submitted already.

    Raises:
        Refusal: its `keep_backup` says whether the text is kept as its author's backup.
    """
    refuse(_unmet_writer(review, rel))
    submitted = review.manager_state is ManagerState.SUBMITTED
    refuse(
        unmet_save(review, rel, now=now)
        + unmet_version(review.manager_version, expected)
        + unmet_answers(problems)
        + (_unmet_calibrated(review, rel, changed_question_ids) if submitted and calibrated else [])
        + (_missing(missing) if submitted else [])
    )
    version = review.manager_version + 1
    saved = replace(review, manager_version=version, manager_hash=content_hash)
    if not submitted:
        return replace(saved, manager_state=ManagerState.DRAFT), ()
    fact = ManagerAssessmentRevised(
        review_id=review.review_id,
        manager_version=version,
        content_hash=content_hash,
        changed_question_ids=changed_question_ids,
        by_role=BY_MANAGER if rel.manager else HR_ADMIN,
    )
    return replace(saved, manager_submitted_version=version), (fact,)


def unmet_autosave(rel: Relation) -> list[Refusal]:
    """A backup is taken from the author in any state; to others there is nothing."""
    return [] if rel.manager else [NotFound()]


def unmet_submit(review: Review, rel: Relation, *, now: datetime, missing: tuple[QuestionId, ...]) -> list[Refusal]:
    """Why the draft cannot be submitted; `missing`: the required questions that its current version leaves open."""
    if not rel.manager:
        return [NotFound()] if rel.outsider else [only(MANAGERS)]
    reasons = unmet_open(review) + unmet_no_hold(review) + unmet_started(review)
    if review.manager_state is ManagerState.NONE:
        reasons.append(NothingToSubmit())
    if review.manager_state is ManagerState.SUBMITTED:
        return [*reasons, AlreadySubmitted()]
    return reasons + _late(review, now) + _missing(missing)


def submit(
    review: Review, rel: Relation, *, now: datetime, missing: tuple[QuestionId, ...]
) -> tuple[Review, tuple[ManagerAssessmentSubmitted]]:
    """Finish the manager-assessment; the fact says whether a newer self-assessment was left unread.

    A reopened draft that was not written since gets a new version of the same content (the caller stores a copy when
    `manager_version` has grown), so that who receives the facts late can tell this submission from the earlier one.
    """
    refuse(unmet_submit(review, rel, now=now, missing=missing))
    version = review.manager_version + (1 if review.manager_version == review.manager_submitted_version else 0)
    submitted = replace(
        review,
        manager_state=ManagerState.SUBMITTED,
        manager_version=version,
        manager_submitted_version=version,
        manager_has_access=review.manager_has_access or review.self_state is SelfState.SHARED,
    )
    assert submitted.manager_hash is not None  # a draft has content
    fact = ManagerAssessmentSubmitted(
        review_id=review.review_id,
        manager_version=version,
        content_hash=submitted.manager_hash,
        visible_self_version=submitted.self_version if manager_may_read_self(submitted) else None,
        newest_self_unread=newest_self_unread(review),
    )
    return submitted, (fact,)


def unmet_reopen(review: Review, rel: Relation) -> list[Refusal]:
    """Why HR cannot turn it into a draft again; a manager is told that it is submitted, not that HR alone may."""
    only_manager = rel.manager and rel.hr is HrRight.NONE
    denied = [] if only_manager else unmet_hr(rel)
    if denied:
        return denied
    reasons = unmet_open(review) + unmet_no_hold(review) + unmet_started(review)
    if review.manager_state is not ManagerState.SUBMITTED:
        reasons.append(ManagerAssessmentNotSubmitted())
    elif only_manager:
        reasons.append(AlreadySubmitted(_HR_REOPENS))
    return reasons


def reopen(review: Review, rel: Relation) -> tuple[Review, tuple[ManagerAssessmentReopened]]:
    """Turn the submitted manager-assessment into a draft again; its text and version stay."""
    refuse(unmet_reopen(review, rel))
    fact = ManagerAssessmentReopened(review_id=review.review_id, manager_version=review.manager_version)
    return replace(review, manager_state=ManagerState.DRAFT), (fact,)


def is_reopened(review: Review) -> bool:
    """The manager is to submit again what was submitted before."""
    return review.manager_state is ManagerState.DRAFT and review.manager_submitted_version is not None


def _unmet_writer(review: Review, rel: Relation) -> list[Refusal]:
    if rel.manager:
        return []
    if rel.hr is not HrRight.NONE:
        unmet = unmet_hr(rel)
        return unmet or ([] if review.manager_state is ManagerState.SUBMITTED else [NotFound()])
    return [only(MANAGERS, HR_ADMINS)] if rel.assistant else [NotFound()]


def _unmet_calibrated(review: Review, rel: Relation, changed: tuple[QuestionId, ...]) -> list[Refusal]:
    ratings = [each for each in changed if each in review.settings.rating_question_ids]
    return [RatingCalibrated(question_ids=ratings)] if rel.manager and ratings else []


def _missing(missing: tuple[QuestionId, ...]) -> list[Refusal]:
    return [AnswersMissing(question_ids=list(missing))] if missing else []


def _late(review: Review, now: datetime) -> list[Refusal]:
    deadline = review.manager_deadline
    if deadline is None or not deadline.passed(now):
        return []
    return [DeadlinePassed(deadline=deadline.instant)]
