"""Whether what a mail points to can be opened by its reader, now and as it was when the mail was due."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from assessment.domain.self_assessment import manager_may_read_self

if TYPE_CHECKING:
    from assessment.domain.ids import PersonId
    from assessment.domain.review import Review


class Pointer(StrEnum):
    """What this service's mails point to; other kinds belong to other services."""

    SELF_ASSESSMENT = "self-assessment"
    FORM = "form"


def may_open(review: Review, person_id: PersonId, pointer: Pointer, *, at: int | None) -> bool:
    """Whether this person may open it.

    `at` is the self version for the self-assessment, which must still be the current one; for a form it is not looked
    at: forms are there for the employee and the manager of record of a started review that goes on.
    """
    if pointer is Pointer.FORM:
        goes_on = review.started and not review.cancelled and not review.cycle_closed
        return goes_on and person_id in {review.subject_id, review.manager_id}
    if at != review.self_version:
        return False
    return person_id == review.subject_id or (person_id == review.manager_id and manager_may_read_self(review))
