"""Reviews, people and registers for the assessment service's unit tests, stating only what matters."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from assessment.domain.deadline import deadline_on
from assessment.domain.ids import CycleId, PersonId, QuestionId, QuestionnaireId, ReviewId
from assessment.domain.people import HrRight, Person, Relation
from assessment.domain.registers import Holder, Outcome, OutcomeKind, Register
from assessment.domain.review import CycleSettings, ManagerState, Review, SelfState

if TYPE_CHECKING:
    from assessment.domain.refusals import Refusal

EVE, MAX, HANNA, TOM = PersonId("eve"), PersonId("max"), PersonId("hanna"), PersonId("tom")
Q1, Q2 = QuestionId("q1"), QuestionId("q2")
BEFORE = datetime(2026, 3, 1, 9, tzinfo=UTC)
LATE = datetime(2026, 4, 1, 9, tzinfo=UTC)
TOO_LATE = datetime(2026, 6, 1, 9, tzinfo=UTC)
SELF_DEADLINE = deadline_on(date(2026, 3, 15), "Europe/Berlin")
MANAGER_DEADLINE = deadline_on(date(2026, 4, 15), "Europe/Berlin")

EMPLOYEE = Relation(actor_id=EVE, employee=True)
MANAGER = Relation(actor_id=MAX, manager=True)
HR = Relation(actor_id=HANNA, hr=HrRight.FULL)
HR_BELOW = Relation(actor_id=HANNA, hr=HrRight.SELF_DEALING)
HR_UNKNOWN = Relation(actor_id=HANNA, hr=HrRight.UNKNOWN_PERSON)
ASSISTANT = Relation(actor_id=TOM, assistant=True)
OUTSIDER = Relation(actor_id=TOM)
MANAGER_AND_HR = Relation(actor_id=MAX, manager=True, hr=HrRight.FULL)
RELATIONS = {
    "employee": EMPLOYEE,
    "manager": MANAGER,
    "hr": HR,
    "hr-below": HR_BELOW,
    "hr-unknown": HR_UNKNOWN,
    "assistant": ASSISTANT,
    "outsider": OUTSIDER,
    "manager-and-hr": MANAGER_AND_HR,
}


def a_person(person_id: str, *, manager: str | None = None, active: bool = True, version: int = 1) -> Person:
    return Person(
        person_id=PersonId(person_id),
        external_id=f"x-{person_id}",
        display_name=person_id.title(),
        email=f"{person_id}@example.com",
        manager_id=None if manager is None else PersonId(manager),
        active=active,
        version=version,
    )


def a_directory(**manager_of: str | None) -> dict[PersonId, Person]:
    return {PersonId(name): a_person(name, manager=manager) for name, manager in manager_of.items()}


def a_review(
    *,
    self_state: SelfState = SelfState.DRAFT,
    manager_state: ManagerState = ManagerState.DRAFT,
    held: tuple[Holder, ...] = (),
    settings: CycleSettings | None = None,
    **changes: object,
) -> Review:
    self_version = 0 if self_state is SelfState.NONE else 2
    manager_version = 0 if manager_state is ManagerState.NONE else 3
    review = Review(
        review_id=ReviewId("r1"),
        cycle_id=CycleId("c1"),
        subject_id=EVE,
        manager_id=MAX,
        settings=settings or CycleSettings(questionnaire_id=QuestionnaireId("n1"), questionnaire_version=1),
        self_deadline=SELF_DEADLINE,
        manager_deadline=MANAGER_DEADLINE,
        started=True,
        self_state=self_state,
        self_version=self_version,
        self_hash=f"self-{self_version}" if self_version else None,
        self_shared_version=self_version if self_state is SelfState.SHARED else None,
        manager_state=manager_state,
        manager_version=manager_version,
        manager_hash=f"manager-{manager_version}" if manager_version else None,
        manager_submitted_version=manager_version if manager_state is ManagerState.SUBMITTED else None,
    )
    review = replace(review, **changes)  # type: ignore[arg-type]
    for holder in held:
        review = with_hold(review, holder)
    return review


def with_hold(review: Review, holder: Holder, *, epoch: int = 1, snapshot_hash: str = "snap") -> Review:
    outcome = Outcome(
        kind=OutcomeKind.GRANTED,
        fence=2 * epoch,
        epoch=epoch,
        snapshot_hash=snapshot_hash,
        manager_version=review.manager_version,
    )
    register = Register(fence=2 * epoch, held=True, epoch=epoch, snapshot_hash=snapshot_hash, outcome=outcome)
    return replace(review, registers=review.registers.having(holder, register))


def codes(refusal: Refusal) -> tuple[str, ...]:
    return tuple(reason.code for reason in refusal.unmet)
