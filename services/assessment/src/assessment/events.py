"""Facts as they are published: ids, versions, hashes and reason codes; nothing else builds payloads."""

from __future__ import annotations

from functools import singledispatch
from typing import TYPE_CHECKING, Any

from assessment.domain import facts
from assessment.domain.review import Review
from reviewbus.clock import rfc3339
from reviewbus.envelope import Event

if TYPE_CHECKING:
    from collections.abc import Sequence

    from assessment.domain.cycle import Cycle
    from assessment.domain.deadline import Deadline

_CYCLE_TYPES: dict[type, str] = {
    facts.CycleCreated: "cycle.created.v1",
    facts.CycleChanged: "cycle.changed.v1",
    facts.CycleStarted: "cycle.started.v1",
    facts.CycleClosed: "cycle.closed.v1",
}


def of_person(fact: facts.PersonChanged) -> Event:
    """Return the event of a person who is new or changed."""
    payload = {
        "person_id": fact.person_id,
        "manager_id": fact.manager_id,
        "active": fact.active,
        "version": fact.version,
    }
    return Event(type="person.changed.v1", key=fact.person_id, data=payload, sequence=fact.version)


def of_cycle(told: Sequence[Any], cycle: Cycle, *, version: int, last_sequence: int) -> list[Event]:
    """Return the events of a cycle's facts; `version` and `last_sequence` are those of the saved row."""
    payload = {
        "cycle_id": cycle.cycle_id,
        "version": version,
        "questionnaire_id": cycle.settings.questionnaire_id,
        "questionnaire_version": cycle.settings.questionnaire_version,
    }
    first = last_sequence - len(told) + 1
    return [
        Event(type=_CYCLE_TYPES[type(fact)], key=cycle.cycle_id, data=payload, sequence=first + index)
        for index, fact in enumerate(told)
    ]


def of_review(told: Sequence[Any], review: Review, *, version: int, last_sequence: int) -> list[Event]:
    """Return the events of a review's facts; `version` and `last_sequence` are those of the saved row."""
    first = last_sequence - len(told) + 1
    events = []
    for index, fact in enumerate(told):
        kind, payload = _told(fact, review, version)
        events.append(Event(type=kind, key=review.review_id, data=payload, sequence=first + index))
    return events


@singledispatch
def _told(fact: Any, review: Review, version: int) -> tuple[str, dict[str, Any]]:
    raise NotImplementedError(type(fact).__name__)


def _head(review: Review, version: int) -> dict[str, Any]:
    return {
        "review_id": review.review_id,
        "cycle_id": review.cycle_id,
        "subject_id": review.subject_id,
        "manager_id": review.manager_id,
        "version": version,
    }


@_told.register
def _(fact: facts.ReviewOpened, review: Review, version: int) -> tuple[str, dict[str, Any]]:
    return "review.opened.v1", {
        **_head(review, version),
        "release_mode": fact.release_mode,
        "calibration_required": fact.calibration_required,
        "release_after_calibration": fact.release_after_calibration,
        "recall_window_minutes": fact.recall_window_minutes,
        "self_visibility": fact.self_visibility,
        "questionnaire_id": fact.questionnaire_id,
        "questionnaire_version": fact.questionnaire_version,
        "rating_question_ids": list(fact.rating_question_ids),
        "self_deadline": _deadline(fact.self_deadline),
        "manager_deadline": _deadline(fact.manager_deadline),
    }


@_told.register
def _(fact: facts.ReviewReassigned, review: Review, version: int) -> tuple[str, dict[str, Any]]:
    return "review.reassigned.v1", {**_head(review, version), "former_manager_id": fact.former_manager_id}


@_told.register
def _(_fact: facts.ReviewClosed, review: Review, version: int) -> tuple[str, dict[str, Any]]:
    return "review.closed.v1", _head(review, version)


@_told.register
def _(_fact: facts.ReviewCancelled, review: Review, version: int) -> tuple[str, dict[str, Any]]:
    return "review.cancelled.v1", _head(review, version)


@_told.register
def _(fact: facts.SelfAssessmentShared, review: Review, version: int) -> tuple[str, dict[str, Any]]:
    return "self-assessment.shared.v1", {
        **_head(review, version),
        "self_version": fact.self_version,
        "content_hash": fact.content_hash,
        "visible_to_manager": fact.visible_to_manager,
        "on_behalf": False,
    }


@_told.register
def _(fact: facts.SelfAssessmentUnshared, review: Review, version: int) -> tuple[str, dict[str, Any]]:
    return "self-assessment.unshared.v1", {
        **_head(review, version),
        "self_version": fact.self_version,
        "manager_had_read": fact.manager_had_read,
    }


@_told.register
def _(_fact: facts.SelfAssessmentWaived, review: Review, version: int) -> tuple[str, dict[str, Any]]:
    return "self-assessment.waived.v1", _head(review, version)


@_told.register
def _(_fact: facts.SelfAssessmentUnwaived, review: Review, version: int) -> tuple[str, dict[str, Any]]:
    return "self-assessment.unwaived.v1", _head(review, version)


@_told.register
def _(fact: facts.SelfAssessmentRead, review: Review, version: int) -> tuple[str, dict[str, Any]]:
    return "self-assessment.read.v1", {
        **_head(review, version),
        "self_version": fact.self_version,
        "reader_id": fact.reader_id,
        "by_role": fact.by_role,
    }


@_told.register
def _(fact: facts.ManagerAssessmentSubmitted, review: Review, version: int) -> tuple[str, dict[str, Any]]:
    return "manager-assessment.submitted.v1", {
        **_head(review, version),
        "manager_version": fact.manager_version,
        "content_hash": fact.content_hash,
        "by_role": "manager",
        "visible_self_version": fact.visible_self_version,
    }


@_told.register
def _(fact: facts.ManagerAssessmentRevised, review: Review, version: int) -> tuple[str, dict[str, Any]]:
    return "manager-assessment.revised.v1", {
        **_head(review, version),
        "manager_version": fact.manager_version,
        "content_hash": fact.content_hash,
        "changed_question_ids": list(fact.changed_question_ids),
        "by_role": fact.by_role,
    }


@_told.register
def _(fact: facts.ManagerAssessmentReopened, review: Review, version: int) -> tuple[str, dict[str, Any]]:
    payload = {**_head(review, version), "manager_version": fact.manager_version, "by_role": "hr_admin"}
    return "manager-assessment.reopened.v1", payload


@_told.register
def _(fact: facts.HoldGranted, _review: Review, _version: int) -> tuple[str, dict[str, Any]]:
    return "hold.granted.v1", {
        "review_id": fact.review_id,
        "holder": fact.holder,
        "fence": fact.fence,
        "epoch": fact.epoch,
        "manager_version": fact.manager_version,
        "manager_hash": fact.manager_hash,
        "self_version": fact.self_version,
        "self_hash": fact.self_hash,
        "snapshot_hash": fact.snapshot_hash,
    }


@_told.register
def _(fact: facts.HoldRejected, _review: Review, _version: int) -> tuple[str, dict[str, Any]]:
    payload = {"review_id": fact.review_id, "holder": fact.holder, "fence": fact.fence, "reason": fact.reason}
    return "hold.rejected.v1", payload


@_told.register
def _(fact: facts.HoldReleased, _review: Review, _version: int) -> tuple[str, dict[str, Any]]:
    return "hold.released.v1", {"review_id": fact.review_id, "holder": fact.holder, "fence": fact.fence}


@_told.register
def _(fact: facts.HoldSuperseded, _review: Review, _version: int) -> tuple[str, dict[str, Any]]:
    return "hold.superseded.v1", {
        "review_id": fact.review_id,
        "holder": fact.holder,
        "fence": fact.fence,
        "last_fence": fact.last_fence,
        "held": fact.held,
    }


def _deadline(deadline: Deadline) -> dict[str, str]:
    return {"date": deadline.local_date.isoformat(), "zone": deadline.zone, "instant": rfc3339(deadline.instant)}
