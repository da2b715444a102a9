"""What one person can do with one review in this service, and what stands against the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from assessment.domain import manager_assessment, reassignment, self_assessment
from assessment.domain.refusals import NotFound, Refusal, in_rank_order, refuse

if TYPE_CHECKING:
    from datetime import datetime

    from assessment.domain.ids import QuestionId
    from assessment.domain.people import Relation
    from assessment.domain.review import Review

HR = ("hr_admin",)
HR_OR_ASSISTANT = ("hr_admin", "hr_assistant")
EMPLOYEE = ("employee",)
MANAGER = ("manager",)

# Who can clear a condition; what is not listed nobody can, or it is not for this actor at all.
CLEARED_BY: dict[str, tuple[str, ...]] = {
    "already-submitted": HR,
    "answers-missing": EMPLOYEE + MANAGER,
    "cycle-closed": HR,
    "deadline-passed": HR_OR_ASSISTANT,
    "locked": HR,
    "locked-released": HR,
    "locked-signed": HR,
    "manager-assessment-not-submitted": MANAGER,
    "not-shared": EMPLOYEE,
    "not-started": HR,
    "not-waived": HR,
    "nothing-to-share": EMPLOYEE,
    "nothing-to-submit": MANAGER,
    "already-shared": EMPLOYEE,
    "self-assessment-waived": HR,
    "self-dealing": HR,
    "unshare-first": EMPLOYEE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One command or view. `unmet`: every reason against it now, in the order in which the command answers."""

    name: str
    unmet: tuple[Refusal, ...]

    @property
    def allowed(self) -> bool:
        """Whether the command would be carried out now."""
        return not self.unmet


def actions(
    review: Review,
    rel: Relation,
    *,
    now: datetime,
    self_missing: tuple[QuestionId, ...],
    manager_missing: tuple[QuestionId, ...],
) -> tuple[Action, ...]:
    """Every action of this service on one review, always all of them, in a fixed order.

    `…_missing`: required questions that the current version of a side leaves open. A save is meant with the current
    version named and answers that fit; a reassignment with somebody who may review, and with a reason.

    Raises:
        NotFound: for an outsider there is no review.
    """
    refuse([NotFound()] if rel.outsider else [])
    mine, managers = self_assessment, manager_assessment
    unmet: dict[str, list[Refusal]] = {
        "read-self-assessment": mine.unmet_read(review, rel),
        "save-self-assessment": mine.unmet_save(review, rel, now=now),
        "autosave-self-assessment": mine.unmet_autosave(rel),
        "share-self-assessment": mine.unmet_share(review, rel, now=now, missing=self_missing),
        "unshare-self-assessment": mine.unmet_unshare(review, rel, now=now),
        "waive-self-assessment": mine.unmet_waive(review, rel),
        "unwaive-self-assessment": mine.unmet_unwaive(review, rel),
        "read-manager-assessment": managers.unmet_read(review, rel),
        "save-manager-assessment": managers.unmet_save(review, rel, now=now),
        "autosave-manager-assessment": managers.unmet_autosave(rel),
        "submit-manager-assessment": managers.unmet_submit(review, rel, now=now, missing=manager_missing),
        "reopen-manager-assessment": managers.unmet_reopen(review, rel),
        "reassign": reassignment.unmet_reassign(review, rel),
        "cancel": reassignment.unmet_cancel(review, rel),
    }
    return tuple(Action(name=name, unmet=in_rank_order(reasons)) for name, reasons in unmet.items())
