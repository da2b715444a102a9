from __future__ import annotations

from itertools import chain, combinations, product

import pytest

from assessment.domain import review as rv
from assessment.domain.registers import Holder
from assessment.domain.review import ManagerState, ReviewState, SelfState
from unit.assessment.assessment_states import (
    ASSISTANT,
    EMPLOYEE,
    HR,
    MANAGER,
    a_review,
)

ALL_HELD = list(chain.from_iterable(combinations(Holder, size) for size in range(len(Holder) + 1)))
SIGNING = {Holder.SIGNATURE_EMPLOYEE, Holder.SIGNATURE_MANAGER, Holder.COMPLETION}
PRODUCT = list(product(SelfState, ManagerState, ALL_HELD))


@pytest.mark.parametrize("held", ALL_HELD, ids=lambda held: "+".join(held) or "free")
def test_the_guards_follow_from_what_is_held_in_every_state(held: tuple[Holder, ...]) -> None:
    signed, released = bool(SIGNING & set(held)), Holder.RELEASE in held
    for self_state, manager_state in product(SelfState, ManagerState):
        review = a_review(self_state=self_state, manager_state=manager_state, held=held)
        assert review.registers.held_by() == held
        assert rv.release_locked(review) == released
        assert rv.signature_locked(review) == signed
        unshared = self_state in {SelfState.NONE, SelfState.DRAFT}
        assert rv.self_side_editable(review) == (not signed and (not released or unshared))
        assert bool(rv.unmet_no_hold(review)) == bool(held)
        assert bool(rv.unmet_self_side(review)) == (not rv.self_side_editable(review))
        assert bool(rv.unmet_no_signature(review)) == signed


def test_who_holds_the_review_is_said_to_the_manager_and_not_to_the_employee() -> None:
    review = a_review(self_state=SelfState.SHARED, held=(Holder.RELEASE, Holder.SIGNATURE_MANAGER))
    told = [(reason.code, reason.params) for reason in rv.unmet_no_hold(review)]
    assert told == [
        ("locked-signed", {"holders": ["signature:manager"]}),
        ("locked-released", {"holders": ["release"]}),
    ]
    assert [(reason.code, reason.params) for reason in rv.unmet_self_side(review)] == [
        ("locked-signed", {}),
        ("locked", {}),
    ]


def test_the_state_is_the_first_that_holds_from_the_end() -> None:
    for self_state, manager_state, held in PRODUCT:
        review = a_review(self_state=self_state, manager_state=manager_state, held=held)
        if Holder.COMPLETION in held:
            expected = ReviewState.COMPLETED
        elif Holder.RELEASE in held:
            expected = ReviewState.LOCKED
        elif manager_state is ManagerState.SUBMITTED:
            expected = ReviewState.SUBMITTED
        elif self_state in {SelfState.SHARED, SelfState.WAIVED}:
            expected = ReviewState.MANAGER_ASSESSMENT
        else:
            expected = ReviewState.SELF_ASSESSMENT
        assert rv.state(review) is expected
        assert rv.state_seen_by(review, HR) is expected
        assert rv.state(a_review(cancelled=True, held=held)) is ReviewState.CANCELLED


def test_the_employee_sees_the_same_state_whether_the_manager_has_submitted_or_not() -> None:
    for self_state in SelfState:
        seen = {
            rv.state_seen_by(a_review(self_state=self_state, manager_state=each), EMPLOYEE) for each in ManagerState
        }
        assert len(seen) == 1
    submitted = a_review(self_state=SelfState.SHARED, manager_state=ManagerState.SUBMITTED)
    assert rv.state_seen_by(submitted, EMPLOYEE) is ReviewState.MANAGER_ASSESSMENT
    assert rv.manager_state_seen_by(submitted, EMPLOYEE) is None
    assert rv.manager_state_seen_by(submitted, MANAGER) is ManagerState.SUBMITTED
    assert rv.manager_state_seen_by(submitted, ASSISTANT) is ManagerState.SUBMITTED


def test_a_shared_version_is_known_and_a_draft_is_not() -> None:
    known = {state: rv.shared_self_version(a_review(self_state=state)) for state in SelfState}
    assert known == {
        SelfState.NONE: None,
        SelfState.DRAFT: None,
        SelfState.SHARED: 2,
        SelfState.WAIVED: None,
    }
