"""A cycle: its settings and deadlines, who takes part, and its closing."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from assessment.domain import facts
from assessment.domain.cycle_refusals import CycleIsStarted, SettingsContradict, UnknownTimeZone
from assessment.domain.deadline import Deadline, check_zone, deadline_on
from assessment.domain.people import HR_ADMIN, HR_ASSISTANT, OWN_REVIEW, Actor, Person, superiors, unmet_role
from assessment.domain.reassignment import unmet_manager
from assessment.domain.refusals import (
    CycleIsClosed,
    ForbiddenRole,
    NotStarted,
    Refusal,
    ReportingLineLoop,
    ReviewerIsReviewee,
    SelfDealing,
    UnknownParticipant,
    UnknownPerson,
    refuse,
)
from assessment.domain.review import CycleSettings, ReleaseMode, Review
from assessment.domain.sentences import sentence

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet
    from datetime import date

    from assessment.domain.ids import CycleId, PersonId, ReviewId


class CycleState(StrEnum):
    """A cycle is prepared, runs, and is closed for good."""

    NOT_STARTED = "not_started"
    STARTED = "started"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cycle:
    """One cycle. The last days for each side are local dates in `zone`, which is frozen at the start."""

    cycle_id: CycleId
    zone: str
    self_until: date | None = None
    manager_until: date | None = None
    settings: CycleSettings = field(default_factory=CycleSettings)
    state: CycleState = CycleState.NOT_STARTED


@dataclass(frozen=True, slots=True, kw_only=True)
class Participant:
    """Who is reviewed and by whom; the manager may still be missing until the start."""

    subject_id: PersonId
    manager_id: PersonId | None = None


def create(cycle: Cycle, *, actor: Actor) -> tuple[Cycle, tuple[facts.CycleCreated]]:
    """A new cycle, not started."""
    refuse(unmet_role(actor, HR_ADMIN, HR_ASSISTANT) or unmet_written(cycle))
    assert cycle.state is CycleState.NOT_STARTED  # the caller makes it anew
    return cycle, (facts.CycleCreated(cycle_id=cycle.cycle_id),)


def unmet_written(cycle: Cycle) -> list[Refusal]:
    """Why there can be no cycle in this zone with these settings."""
    chosen, reasons = cycle.settings, list[Refusal]()
    try:
        check_zone(cycle.zone)
    except UnknownTimeZone as unknown:
        reasons.append(unknown)
    if chosen.release_mode is ReleaseMode.MANAGER_DIRECT and chosen.calibration_required:
        detail = sentence("calibration-without-hr")
        reasons.append(SettingsContradict(detail, fields=["release_mode", "calibration_required"]))
    if chosen.release_after_calibration and not chosen.calibration_required:
        detail = "Without calibration nothing is released after it: choose both, or neither."
        reasons.append(SettingsContradict(detail, fields=["release_after_calibration", "calibration_required"]))
    if cycle.self_until is not None and cycle.manager_until is not None and cycle.manager_until < cycle.self_until:
        detail = sentence("deadlines-inconsistent")
        reasons.append(SettingsContradict(detail, fields=["self_deadline", "manager_deadline"]))
    return reasons


def cycle_deadlines(cycle: Cycle) -> tuple[Deadline | None, Deadline | None]:
    """The deadlines of the self and the manager side, null where no date is set.

    Raises:
        UnknownTimeZone: the cycle's zone is none.
    """
    # Without any date a wrong zone is refused all the same, when it is written.
    check_zone(cycle.zone)
    self_side, manager_side = (
        None if last_day is None else deadline_on(last_day, cycle.zone)
        for last_day in (cycle.self_until, cycle.manager_until)
    )
    return self_side, manager_side


def unmet_change(cycle: Cycle, *, actor: Actor) -> list[Refusal]:
    """Why it can no longer be changed by this actor who takes part."""
    denied = unmet_role(actor, HR_ADMIN, HR_ASSISTANT)
    if denied:
        return denied
    return unmet_not_closed(cycle) + ([CycleIsStarted()] if cycle.state is CycleState.STARTED else [])


def add_participants(
    cycle: Cycle,
    rows: tuple[Participant, ...],
    *,
    actor: Actor,
    present: Mapping[PersonId, PersonId | None],
    directory: Mapping[PersonId, Person],
) -> tuple[Participant, ...]:
    """The participants to be added or given another manager; those that are there already are left out.

    Without a manager named, the one of the directory is taken. `present`: manager by reviewee, as stored. Of the
    directory the actor, the people named and everybody above them suffice.

    Raises:
        Refusal: nobody is added, because people are unknown or would be reviewed by themselves or by somebody below
            them, `person_ids` say who; or because the actor names another manager for the own review or a superior's.
    """
    named = {row.subject_id: with_manager(row, directory) for row in rows}
    refuse(unmet_role(actor, HR_ADMIN, HR_ASSISTANT))
    wanted = tuple(
        row for row in named.values() if row.subject_id not in present or present[row.subject_id] != row.manager_id
    )
    moved = {row.subject_id for row in wanted if row.subject_id in present}
    refuse(unmet_choice(tuple(named.values()), moved, actor, directory))
    refuse(unmet_change(cycle, actor=actor) + unmet_participants(tuple(named.values()), directory))
    return wanted


def participant_review(review_id: ReviewId, cycle: Cycle, participant: Participant) -> Review:
    """The review of one participant before the cycle starts."""
    return Review(
        review_id=review_id,
        cycle_id=cycle.cycle_id,
        subject_id=participant.subject_id,
        manager_id=participant.manager_id,
        settings=cycle.settings,
    )


def unmet_close(cycle: Cycle, *, actor: Actor) -> list[Refusal]:
    """Why the cycle cannot be closed."""
    denied = unmet_role(actor, HR_ADMIN)
    if denied:
        return denied
    return unmet_not_closed(cycle) + ([NotStarted()] if cycle.state is CycleState.NOT_STARTED else [])


def close(cycle: Cycle, *, actor: Actor) -> tuple[Cycle, tuple[facts.CycleClosed]]:
    """Close the cycle; `close_review` follows for each of its reviews, in chunks."""
    refuse(unmet_close(cycle, actor=actor))
    return replace(cycle, state=CycleState.CLOSED), (facts.CycleClosed(cycle_id=cycle.cycle_id),)


def close_review(review: Review) -> tuple[Review, tuple[facts.ReviewClosed, ...]]:
    """Flag one review of a closed cycle; a flagged one stays as it is. Holds stay as they are."""
    if review.cycle_closed:
        return review, ()
    fact = facts.ReviewClosed(review_id=review.review_id, cycle_id=review.cycle_id)
    return replace(review, cycle_closed=True), (fact,)


def unmet_not_closed(cycle: Cycle) -> list[Refusal]:
    """The cycle is not closed."""
    return [CycleIsClosed()] if cycle.state is CycleState.CLOSED else []


def with_manager(row: Participant, directory: Mapping[PersonId, Person]) -> Participant:
    """The row with the manager of the directory, if it names none."""
    person = directory.get(row.subject_id)
    if row.manager_id is not None or person is None:
        return row
    return replace(row, manager_id=person.manager_id)


def unmet_choice(
    rows: tuple[Participant, ...], moved: set[PersonId], actor: Actor, directory: Mapping[PersonId, Person]
) -> list[Refusal]:
    """Whoever keeps the list adds everybody with the managers of the directory, but chooses none for the own line."""
    named = {row.subject_id for row in rows if row != with_manager(replace(row, manager_id=None), directory)}
    return unmet_own_line(named | moved, actor, directory)


def unmet_own_line(chosen: AbstractSet[PersonId], actor: Actor, directory: Mapping[PersonId, Person]) -> list[Refusal]:
    """Why the actor cannot decide over these people: nobody does for oneself and those above."""
    if actor.person_id in chosen:
        return [ForbiddenRole(OWN_REVIEW)]
    if chosen and actor.person_id not in directory:
        return [UnknownPerson()]
    return [SelfDealing()] if chosen & set(superiors(directory, actor.person_id)) else []


def unmet_participants(rows: tuple[Participant, ...], directory: Mapping[PersonId, Person]) -> list[Refusal]:
    """Why these people cannot take part, or not with these managers; each reason says who."""
    unknown = {row.subject_id for row in rows if not _active(directory, row.subject_id)}
    own: set[PersonId] = set()
    below: set[PersonId] = set()
    for row in rows:
        if row.manager_id is None:
            continue
        for refusal in unmet_manager(row.subject_id, row.manager_id, directory):
            if isinstance(refusal, ReviewerIsReviewee):
                own.add(row.subject_id)
            elif isinstance(refusal, ReportingLineLoop):
                below.add(row.manager_id)
            else:
                unknown.add(row.manager_id)
    reasons: list[Refusal] = [UnknownParticipant(person_ids=sorted(unknown))] if unknown else []
    reasons += [ReviewerIsReviewee(person_ids=sorted(own))] if own else []
    return reasons + ([ReportingLineLoop(person_ids=sorted(below))] if below else [])


def _active(directory: Mapping[PersonId, Person], person_id: PersonId) -> bool:
    person = directory.get(person_id)
    return person is not None and person.active
