"""Starting a cycle: what may be lacking, what is frozen, and the opening of its reviews."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from assessment.domain.cycle import Cycle, CycleState, Participant, cycle_deadlines, unmet_not_closed
from assessment.domain.cycle_refusals import CycleIsStarted, CycleNotStartable
from assessment.domain.facts import CycleStarted, ReviewOpened
from assessment.domain.people import HR_ADMIN, Actor, Person, unmet_role
from assessment.domain.questionnaire import Questionnaire, rating_question_ids
from assessment.domain.refusals import Refusal, refuse
from assessment.domain.review import ReleaseMode, Review
from assessment.domain.sentences import told

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from assessment.domain.ids import PersonId

Lacking = dict[str, object]


def unmet_start(
    cycle: Cycle,
    *,
    actor: Actor,
    questionnaire: Questionnaire | None,
    participants: tuple[Participant, ...],
    directory: Mapping[PersonId, Person],
    now: datetime,
) -> list[Refusal]:
    """Why the cycle cannot start; what is lacking is listed in one refusal."""
    denied = unmet_role(actor, HR_ADMIN) or unmet_not_closed(cycle)
    if denied:
        return denied
    if cycle.state is CycleState.STARTED:
        return [CycleIsStarted()]
    lacking = [
        *_lacking_settings(cycle, questionnaire),
        *_lacking_deadlines(cycle, now),
        *_lacking_people(participants, directory),
    ]
    return [CycleNotStartable(reasons=lacking)] if lacking else []


def start(
    cycle: Cycle,
    *,
    actor: Actor,
    questionnaire: Questionnaire | None,
    participants: tuple[Participant, ...],
    directory: Mapping[PersonId, Person],
    now: datetime,
) -> tuple[Cycle, tuple[CycleStarted]]:
    """Start the cycle and freeze its settings; `open_review` follows for each participant."""
    refuse(
        unmet_start(
            cycle,
            actor=actor,
            questionnaire=questionnaire,
            participants=participants,
            directory=directory,
            now=now,
        )
    )
    assert questionnaire is not None  # refused above
    settings = replace(
        cycle.settings,
        questionnaire_id=questionnaire.questionnaire_id,
        questionnaire_version=questionnaire.version,
        rating_question_ids=rating_question_ids(questionnaire),
    )
    fact = CycleStarted(
        cycle_id=cycle.cycle_id,
        questionnaire_id=questionnaire.questionnaire_id,
        questionnaire_version=questionnaire.version,
    )
    return replace(cycle, settings=settings, state=CycleState.STARTED), (fact,)


def open_review(review: Review, cycle: Cycle) -> tuple[Review, tuple[ReviewOpened, ...]]:
    """Start one review of a started cycle with the cycle's settings and deadlines; a started one stays as it is."""
    assert cycle.state is CycleState.STARTED  # only a start opens reviews
    if review.started:
        return review, ()
    self_deadline, manager_deadline = cycle_deadlines(cycle)
    opened = replace(
        review,
        settings=cycle.settings,
        self_deadline=self_deadline,
        manager_deadline=manager_deadline,
        started=True,
    )
    return opened, (_opened(opened),)


def _opened(review: Review) -> ReviewOpened:
    settings = review.settings
    assert review.manager_id is not None  # a cycle without it is not startable, as with the others
    assert settings.questionnaire_id is not None
    assert settings.questionnaire_version is not None
    assert review.self_deadline is not None
    assert review.manager_deadline is not None
    return ReviewOpened(
        review_id=review.review_id,
        cycle_id=review.cycle_id,
        subject_id=review.subject_id,
        manager_id=review.manager_id,
        release_mode=settings.release_mode,
        calibration_required=settings.calibration_required,
        release_after_calibration=settings.release_after_calibration,
        recall_window_minutes=settings.recall_window_minutes,
        self_visibility=settings.self_visibility,
        questionnaire_id=settings.questionnaire_id,
        questionnaire_version=settings.questionnaire_version,
        rating_question_ids=settings.rating_question_ids,
        self_deadline=review.self_deadline,
        manager_deadline=review.manager_deadline,
    )


def _lacking_settings(cycle: Cycle, questionnaire: Questionnaire | None) -> Iterator[Lacking]:
    if questionnaire is None or not questionnaire.questions:
        yield told("no-questionnaire")
    if cycle.settings.release_mode is ReleaseMode.MANAGER_DIRECT and cycle.settings.calibration_required:
        yield told("calibration-without-hr")


def _lacking_deadlines(cycle: Cycle, now: datetime) -> Iterator[Lacking]:
    by_side = dict(zip(("self", "manager"), cycle_deadlines(cycle), strict=True))
    for side, deadline in by_side.items():
        if deadline is None:
            yield told("deadline-missing", side=side)
        elif deadline.passed(now):
            yield told("deadline-in-the-past", side=side)
    self_side, manager_side = by_side["self"], by_side["manager"]
    if self_side is not None and manager_side is not None and manager_side.instant < self_side.instant:
        yield told("deadlines-inconsistent")


def _lacking_people(participants: tuple[Participant, ...], directory: Mapping[PersonId, Person]) -> Iterator[Lacking]:
    if not participants:
        yield told("no-participants")
    managerless = sorted(each.subject_id for each in participants if each.manager_id is None)
    if managerless:
        yield told("missing-manager", person_ids=managerless)
    gone = {each.person_id for each in directory.values() if not each.active}
    left = sorted(each.subject_id for each in participants if each.manager_id in gone)
    if left:
        yield told("manager-inactive", person_ids=left)
    named = {person_id for each in participants for person_id in (each.subject_id, each.manager_id) if person_id}
    unknown = sorted(person_id for person_id in named if person_id not in directory)
    if unknown:
        yield told("unknown-participant", person_ids=unknown)
