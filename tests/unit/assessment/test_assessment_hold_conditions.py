from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import pytest

from assessment.domain.facts import HoldGranted, HoldRejected
from assessment.domain.holds import HoldCommand, Want, apply_hold, reject_reasons
from assessment.domain.registers import SOURCES, Holder, RejectReason
from assessment.domain.review import ManagerState, Review, SelfState
from unit.assessment.assessment_states import EVE, MAX, TOM, a_review, with_hold

SUBMITTED = a_review(self_state=SelfState.SHARED, manager_state=ManagerState.SUBMITTED)
RELEASED = with_hold(SUBMITTED, Holder.RELEASE, epoch=1, snapshot_hash="snap")
SIGNATURES = (Holder.SIGNATURE_EMPLOYEE, Holder.SIGNATURE_MANAGER)


def lock(holder: Holder, **named: object) -> HoldCommand:
    defaults: dict[str, object] = {"epoch": 1, "manager_version": 3, "self_version": 2, "snapshot_hash": "snap"}
    return HoldCommand(
        review_id=SUBMITTED.review_id,
        source=SOURCES[holder],
        holder=holder,
        fence=2 if holder is Holder.RELEASE else 8,
        want=Want.HELD,
        **{**defaults, **named},  # type: ignore[arg-type]
    )


def rejected(review: Review, command: HoldCommand) -> str:
    after, (answer,) = apply_hold(review, command)
    assert isinstance(answer, HoldRejected)
    assert not after.registers.of(command.holder).held
    assert answer.fence == command.fence
    return answer.reason


def granted(review: Review, command: HoldCommand) -> Review:
    after, (answer,) = apply_hold(review, command)
    assert isinstance(answer, HoldGranted)
    register = after.registers.of(command.holder)
    assert (register.held, register.epoch, register.snapshot_hash) == (True, command.epoch, command.snapshot_hash)
    return after


def test_a_release_of_the_submitted_version_is_granted_to_hr_and_to_the_manager_of_record() -> None:
    granted(SUBMITTED, lock(Holder.RELEASE))
    granted(SUBMITTED, lock(Holder.RELEASE, manager_id=MAX))


def test_a_release_needs_no_self_assessment() -> None:
    granted(a_review(self_state=SelfState.NONE, manager_state=ManagerState.SUBMITTED), lock(Holder.RELEASE))


RELEASE_REFUSED: dict[str, tuple[Review, HoldCommand]] = {
    "content-changed": (replace(SUBMITTED, manager_version=4), lock(Holder.RELEASE)),
    "not-submitted": (replace(SUBMITTED, manager_state=ManagerState.DRAFT), lock(Holder.RELEASE)),
    "manager-changed": (replace(SUBMITTED, manager_id=TOM), lock(Holder.RELEASE, manager_id=MAX)),
    "cancelled": (replace(SUBMITTED, cancelled=True), lock(Holder.RELEASE)),
    "cycle-closed": (replace(SUBMITTED, cycle_closed=True), lock(Holder.RELEASE)),
    "signed-other-snapshot": (
        with_hold(SUBMITTED, Holder.SIGNATURE_EMPLOYEE, snapshot_hash="older"),
        lock(Holder.RELEASE),
    ),
}


@pytest.mark.parametrize("reason", RELEASE_REFUSED)
def test_a_release_is_rejected(reason: str) -> None:
    assert rejected(*RELEASE_REFUSED[reason]) == reason


@pytest.mark.parametrize("holder", [*SIGNATURES, Holder.COMPLETION])
def test_a_release_beside_a_signature_or_completion_must_have_its_snapshot(holder: Holder) -> None:
    granted(with_hold(SUBMITTED, holder, snapshot_hash="snap"), lock(Holder.RELEASE))
    assert rejected(with_hold(SUBMITTED, holder, snapshot_hash="x"), lock(Holder.RELEASE)) == "signed-other-snapshot"


def test_a_release_rejected_for_everything_names_the_reasons_in_order() -> None:
    review = with_hold(
        replace(
            SUBMITTED,
            manager_version=4,
            manager_state=ManagerState.DRAFT,
            manager_id=TOM,
            cancelled=True,
            cycle_closed=True,
        ),
        Holder.COMPLETION,
        snapshot_hash="x",
    )
    assert reject_reasons(review, lock(Holder.RELEASE, manager_id=MAX)) == tuple(
        RejectReason(reason) for reason in RELEASE_REFUSED
    )


def test_a_rejected_release_frees_a_register_that_an_older_fence_held() -> None:
    review = replace(RELEASED, manager_version=4)
    after, (answer,) = apply_hold(review, replace(lock(Holder.RELEASE, epoch=2), fence=4))
    assert isinstance(answer, HoldRejected)
    assert not after.registers.release.held


@pytest.mark.parametrize("holder", SIGNATURES)
def test_a_signature_over_what_is_released_is_granted(holder: Holder) -> None:
    granted(RELEASED, lock(holder))


@pytest.mark.parametrize("holder", SIGNATURES)
def test_a_signature_without_self_assessment_is_granted_when_the_stage_is_waived(holder: Holder) -> None:
    waived = replace(RELEASED, self_state=SelfState.WAIVED)
    granted(waived, lock(holder, self_version=None))
    assert rejected(waived, lock(holder, self_version=2)) == "content-changed"


SIGNATURE_REFUSED: dict[str, tuple[str, dict[str, object], dict[str, object]]] = {
    "not released at all": ("not-released", {"registers": SUBMITTED.registers}, {}),
    "released in another epoch": ("not-released", {}, {"epoch": 2}),
    "released with another snapshot": ("not-released", {}, {"snapshot_hash": "x"}),
    "another manager version": ("content-changed", {}, {"manager_version": 2}),
    "another self version": ("content-changed", {}, {"self_version": 1}),
    "no self version though shared": ("content-changed", {}, {"self_version": None}),
    "unshared": ("self-assessment-not-shared", {"self_state": SelfState.DRAFT}, {}),
    "cycle closed": ("cycle-closed", {"cycle_closed": True}, {}),
}


@pytest.mark.parametrize("holder", SIGNATURES)
@pytest.mark.parametrize("case", SIGNATURE_REFUSED)
def test_a_signature_is_rejected(case: str, holder: Holder) -> None:
    reason, changes, named = SIGNATURE_REFUSED[case]
    assert rejected(replace(RELEASED, **changes), lock(holder, **named)) == reason  # type: ignore[arg-type]


@pytest.mark.parametrize("holder", SIGNATURES)
def test_a_signature_after_the_completion_is_rejected(holder: Holder) -> None:
    assert rejected(with_hold(RELEASED, Holder.COMPLETION), lock(holder)) == "completed"


def test_the_managers_signature_is_pinned_to_the_manager_of_record() -> None:
    granted(RELEASED, lock(Holder.SIGNATURE_MANAGER, manager_id=MAX))
    reassigned = replace(RELEASED, manager_id=TOM)
    assert rejected(reassigned, lock(Holder.SIGNATURE_MANAGER, manager_id=MAX)) == "manager-changed"
    granted(reassigned, lock(Holder.SIGNATURE_MANAGER, manager_id=None))


def test_the_employees_signature_does_not_look_at_the_manager() -> None:
    granted(RELEASED, lock(Holder.SIGNATURE_EMPLOYEE, manager_id=EVE))


def test_a_signature_rejected_for_everything_names_the_reasons_in_order() -> None:
    review = with_hold(
        replace(SUBMITTED, self_state=SelfState.DRAFT, manager_id=TOM, cycle_closed=True), Holder.COMPLETION
    )
    command = lock(Holder.SIGNATURE_MANAGER, manager_id=MAX, manager_version=1)
    assert reject_reasons(review, command) == (
        RejectReason.NOT_RELEASED,
        RejectReason.CONTENT_CHANGED,
        RejectReason.SELF_ASSESSMENT_NOT_SHARED,
        RejectReason.MANAGER_CHANGED,
        RejectReason.COMPLETED,
        RejectReason.CYCLE_CLOSED,
    )


def test_a_completion_of_what_is_released_is_granted_signed_or_not() -> None:
    granted(RELEASED, lock(Holder.COMPLETION))
    granted(replace(RELEASED, self_state=SelfState.DRAFT), lock(Holder.COMPLETION))
    granted(with_hold(RELEASED, Holder.SIGNATURE_EMPLOYEE), lock(Holder.COMPLETION))


def test_a_completion_is_rejected_unless_exactly_this_is_released_and_the_cycle_open() -> None:
    assert rejected(SUBMITTED, lock(Holder.COMPLETION)) == "not-released"
    assert rejected(RELEASED, lock(Holder.COMPLETION, epoch=2)) == "not-released"
    assert rejected(RELEASED, lock(Holder.COMPLETION, snapshot_hash="x")) == "not-released"
    assert rejected(replace(RELEASED, cycle_closed=True), lock(Holder.COMPLETION)) == "cycle-closed"


@pytest.mark.parametrize("pair", list(combinations(RELEASE_REFUSED, 2)))
def test_of_two_reasons_against_a_release_the_earlier_answers(pair: tuple[str, str]) -> None:
    changes: dict[str, dict[str, object]] = {
        "content-changed": {"manager_version": 4},
        "not-submitted": {"manager_state": ManagerState.DRAFT},
        "manager-changed": {"manager_id": TOM},
        "cancelled": {"cancelled": True},
        "cycle-closed": {"cycle_closed": True},
        "signed-other-snapshot": {"registers": RELEASE_REFUSED["signed-other-snapshot"][0].registers},
    }
    review = replace(SUBMITTED, **changes[pair[0]], **changes[pair[1]])  # type: ignore[arg-type]
    assert rejected(review, lock(Holder.RELEASE, manager_id=MAX)) == pair[0]
