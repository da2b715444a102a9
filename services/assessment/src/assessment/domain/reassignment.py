"""HR's acts on a whole review: another manager of record, and cancelling."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from assessment.domain.facts import ReviewCancelled, ReviewReassigned
from assessment.domain.people import Person, Relation, reports_to, unmet_hr
from assessment.domain.refusals import (
    ReasonMissing,
    Refusal,
    ReportingLineLoop,
    ReviewerIsReviewee,
    UnknownParticipant,
    refuse,
)
from assessment.domain.review import (
    ManagerState,
    Review,
    SelfState,
    SelfVisibility,
    unmet_no_hold,
    unmet_open,
    unmet_started,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from assessment.domain.ids import PersonId


def unmet_reassign(review: Review, rel: Relation) -> list[Refusal]:
    """Why HR cannot name another manager of record, whoever it would be."""
    return unmet_hr(rel) or unmet_open(review) + unmet_no_hold(review) + unmet_started(review)


def unmet_manager(subject_id: PersonId, manager_id: PersonId, directory: Mapping[PersonId, Person]) -> list[Refusal]:
    """Why this person cannot be the manager of record for that one.

    Of the directory the two people and everybody above the new manager suffice.
    """
    if manager_id == subject_id:
        return [ReviewerIsReviewee(person_ids=[subject_id])]
    person = directory.get(manager_id)
    if person is None or not person.active:
        return [UnknownParticipant(person_ids=[manager_id])]
    return [ReportingLineLoop(person_ids=[manager_id])] if reports_to(directory, manager_id, subject_id) else []


def reassign(
    review: Review,
    rel: Relation,
    *,
    manager_id: PersonId,
    reason_given: bool,
    directory: Mapping[PersonId, Person],
) -> tuple[Review, tuple[ReviewReassigned, ...]]:
    """Name another manager of record; naming the present one changes nothing.

    An unfinished draft goes over to the new manager, and only with a reason. What the former manager has read does not
    count for the new one, nor does access that came from the former one's submission, if it was reopened since.
    """
    refuse(unmet_hr(rel))
    reasons = unmet_reassign(review, rel) + unmet_manager(review.subject_id, manager_id, directory)
    if review.manager_state is ManagerState.DRAFT and not reason_given:
        reasons.append(ReasonMissing())
    refuse(reasons)
    if manager_id == review.manager_id:
        return review, ()
    visible = review.settings.self_visibility is SelfVisibility.ON_SHARE
    given = visible or review.manager_state is ManagerState.SUBMITTED
    reassigned = replace(
        review,
        manager_id=manager_id,
        self_read_version=None,
        manager_has_access=given and review.self_state is SelfState.SHARED,
    )
    fact = ReviewReassigned(review_id=review.review_id, manager_id=manager_id, former_manager_id=review.manager_id)
    return reassigned, (fact,)


def unmet_cancel(review: Review, rel: Relation) -> list[Refusal]:
    """Why HR cannot cancel the review."""
    return unmet_hr(rel) or unmet_open(review) + unmet_no_hold(review) + unmet_started(review)


def cancel(review: Review, rel: Relation) -> tuple[Review, tuple[ReviewCancelled]]:
    """End the review for good; nothing written is lost."""
    refuse(unmet_cancel(review, rel))
    fact = ReviewCancelled(review_id=review.review_id, cycle_id=review.cycle_id)
    return replace(review, cancelled=True), (fact,)
