"""What each reader may know of the self side, and who may open an earlier version of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assessment.domain import manager_assessment
from assessment.domain.people import HrRight
from assessment.domain.questionnaire import Audience
from assessment.domain.refusals import NotFound, Refusal
from assessment.domain.review import SelfState, shared_self_version
from assessment.domain.self_assessment import unmet_autosave, unmet_read

if TYPE_CHECKING:
    from assessment.domain.people import Relation
    from assessment.domain.review import Review


def knows_drafts(rel: Relation) -> bool:
    """The employee, and whom HR's view is open to, know that there is a draft; to the manager there is none."""
    return rel.employee or rel.hr is not HrRight.NONE or rel.assistant


def self_state_seen_by(review: Review, rel: Relation) -> SelfState:
    """The self-assessment's state as this reader may know it."""
    hidden = review.self_state is SelfState.DRAFT and not knows_drafts(rel)
    return SelfState.NONE if hidden else review.self_state


def self_version_seen_by(review: Review, rel: Relation) -> int | None:
    """The self-assessment's version as this reader may know it; null while there is none to be known."""
    return review.self_version if knows_drafts(rel) else shared_self_version(review)


def unmet_read_version(review: Review, rel: Relation, *, version: int, read_then: bool) -> list[Refusal]:
    """Why a numbered version does not exist for this reader; `read_then`: it was read by the same person before.

    The employee has all own versions. Others have what they have read, as long as they may read the present one.
    """
    if rel.employee:
        return [] if 1 <= version <= review.self_version else [NotFound()]
    unmet = unmet_read(review, rel)
    return unmet or ([] if read_then or version == review.self_version else [NotFound()])


def unmet_backups(review: Review, rel: Relation, audience: Audience) -> list[Refusal]:
    """Why this actor has no backups of this side: only who may write it in some state has."""
    if audience is Audience.SELF:
        return unmet_autosave(rel)
    if rel.assistant and not rel.manager and rel.hr is HrRight.NONE:
        return [NotFound()]
    return manager_assessment.unmet_read(review, rel)
