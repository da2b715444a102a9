from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assessment.domain.facts import HoldGranted, HoldRejected, HoldReleased, HoldSuperseded
from assessment.domain.holds import BrokenHoldCommandError, HoldCommand, Want, apply_hold
from assessment.domain.ids import ReviewId
from assessment.domain.registers import SOURCES, Holder, source_may_hold
from assessment.domain.review import ManagerState, Review, SelfState
from unit.assessment.assessment_states import a_review, with_hold

if TYPE_CHECKING:
    from assessment.domain.facts import HoldAnswer

REVIEW = a_review(self_state=SelfState.SHARED, manager_state=ManagerState.SUBMITTED)


def a_command(holder: Holder, fence: int, *, manager_version: int = 3) -> HoldCommand:
    held = fence % 2 == 0
    return HoldCommand(
        review_id=REVIEW.review_id,
        source=SOURCES[holder],
        holder=holder,
        fence=fence,
        want=Want.HELD if held else Want.FREE,
        epoch=fence // 2,
        snapshot_hash="snap" if held else None,
        manager_version=manager_version if held else None,
        self_version=2 if held else None,
    )


# An edit between commands: what would be decided now differs from what was decided then.
@dataclass(frozen=True)
class Edit:
    manager_version: int


STEPS = st.lists(
    st.one_of(
        st.builds(
            lambda holder, fence, version: a_command(holder, fence, manager_version=version),
            st.sampled_from(Holder),
            st.integers(min_value=1, max_value=9),
            st.sampled_from((3, 4)),
        ),
        st.builds(Edit, st.sampled_from((3, 4))),
    ),
    max_size=40,
)


@dataclass
class Oracle:
    """The rule again, in other words: per register the highest fence seen, and the first answer it got."""

    fence: int = 0
    first_answer: HoldAnswer | None = None


@settings(max_examples=400, deadline=None)
@given(steps=STEPS)
def test_the_highest_fence_decides_once_whatever_the_order_and_repeats(steps: list[HoldCommand | Edit]) -> None:
    review, oracles = REVIEW, {holder: Oracle() for holder in Holder}
    for step in steps:
        if isinstance(step, Edit):
            review = replace(review, manager_version=step.manager_version)
            continue
        oracle, before = oracles[step.holder], review
        review, (answer,) = apply_hold(before, step)
        if step.fence < oracle.fence:
            held = isinstance(oracle.first_answer, HoldGranted)
            assert isinstance(answer, HoldSuperseded)
            assert (answer.fence, answer.last_fence, answer.held) == (step.fence, oracle.fence, held)
            assert review is before
        elif step.fence == oracle.fence:
            assert answer == oracle.first_answer
            assert review is before
        else:
            assert isinstance(answer, HoldReleased if step.want is Want.FREE else HoldGranted | HoldRejected)
            oracle.fence, oracle.first_answer = step.fence, answer
        for holder in Holder:
            register = review.registers.of(holder)
            assert register.fence == oracles[holder].fence
            assert register.held == isinstance(oracles[holder].first_answer, HoldGranted)
            assert (register.epoch is None) == (not register.held)


@settings(max_examples=200, deadline=None)
@given(fences=st.lists(st.integers(min_value=1, max_value=6), min_size=1, max_size=12), data=st.data())
def test_the_end_state_of_a_register_depends_on_the_highest_fence_alone(fences: list[int], data: st.DataObject) -> None:
    other_order = data.draw(st.permutations([*fences, *fences[:3]]))
    ends = []
    for order in (fences, other_order):
        review = REVIEW
        for fence in order:
            review, _ = apply_hold(review, a_command(Holder.RELEASE, fence))
        ends.append(review)
    assert ends[0] == ends[1]
    assert ends[0].registers.release.held == (max(fences) % 2 == 0)


def test_an_unlock_that_overtakes_its_lock_wins() -> None:
    review, (released,) = apply_hold(REVIEW, a_command(Holder.RELEASE, 3))
    review, (late,) = apply_hold(review, a_command(Holder.RELEASE, 2))
    assert isinstance(released, HoldReleased)
    assert late == HoldSuperseded(review_id=REVIEW.review_id, holder="release", fence=2, last_fence=3, held=False)
    assert not review.registers.release.held


def test_a_rejection_stays_a_rejection_after_its_reason_has_gone() -> None:
    drafted = replace(REVIEW, manager_state=ManagerState.DRAFT)
    rejected, (first,) = apply_hold(drafted, a_command(Holder.RELEASE, 2))
    again, (second,) = apply_hold(replace(rejected, manager_state=ManagerState.SUBMITTED), a_command(Holder.RELEASE, 2))
    assert isinstance(first, HoldRejected)
    assert first.reason == "not-submitted"
    assert second == first
    assert not again.registers.release.held


def test_a_repeated_grant_names_the_versions_of_then() -> None:
    granted, (first,) = apply_hold(REVIEW, a_command(Holder.RELEASE, 2))
    later = replace(granted, manager_version=9, manager_hash="other", self_version=8)
    assert apply_hold(later, a_command(Holder.RELEASE, 2)) == (later, (first,))
    assert first == HoldGranted(
        review_id=REVIEW.review_id,
        holder="release",
        fence=2,
        epoch=1,
        snapshot_hash="snap",
        manager_version=3,
        manager_hash="manager-3",
        self_version=2,
        self_hash="self-2",
    )


@pytest.mark.parametrize("self_state", [SelfState.DRAFT, SelfState.WAIVED, SelfState.NONE])
def test_a_grant_tells_nothing_of_an_unshared_self_assessment(self_state: SelfState) -> None:
    review = a_review(self_state=self_state, manager_state=ManagerState.SUBMITTED)
    _, (answer,) = apply_hold(review, a_command(Holder.RELEASE, 2))
    assert isinstance(answer, HoldGranted)
    assert (answer.self_version, answer.self_hash) == (None, None)


@pytest.mark.parametrize(("holder", "flag"), list(product(Holder, ("cancelled", "cycle_closed", "neither"))))
def test_an_unlock_always_applies(holder: Holder, flag: str) -> None:
    review = with_hold(REVIEW, holder)
    review = replace(review, cancelled=flag == "cancelled", cycle_closed=flag == "cycle_closed")
    freed, (answer,) = apply_hold(review, a_command(holder, 3))
    assert answer == HoldReleased(review_id=REVIEW.review_id, holder=holder, fence=3)
    assert not freed.registers.of(holder).held
    assert freed.registers.of(holder).epoch is None


def test_a_command_touches_its_own_register_only() -> None:
    review = with_hold(with_hold(REVIEW, Holder.RELEASE), Holder.SIGNATURE_MANAGER)
    freed, _ = apply_hold(review, a_command(Holder.RELEASE, 3))
    assert freed.registers.signature_manager == review.registers.signature_manager
    assert replace(freed, registers=review.registers) == review


@pytest.mark.parametrize(("source", "holder"), list(product(("/packets", "/signing", "/notifications"), Holder)))
def test_only_packets_releases_and_only_signing_signs(source: str, holder: Holder) -> None:
    expected = source == ("/packets" if holder is Holder.RELEASE else "/signing")
    assert source_may_hold(source, holder) == expected
    command = replace(a_command(holder, 3), source=source)
    if expected:
        apply_hold(REVIEW, command)
    else:
        with pytest.raises(BrokenHoldCommandError):
            apply_hold(REVIEW, command)


BROKEN = {
    "another review": replace(a_command(Holder.RELEASE, 2), review_id=ReviewId("r2")),
    "an odd fence that holds": replace(a_command(Holder.RELEASE, 2), fence=3),
    "an even fence that frees": replace(a_command(Holder.RELEASE, 3), fence=2),
    "fence zero": replace(a_command(Holder.RELEASE, 2), fence=0),
    "no epoch": replace(a_command(Holder.COMPLETION, 2), epoch=None),
    "no snapshot": replace(a_command(Holder.COMPLETION, 2), snapshot_hash=None),
    "no manager version": replace(a_command(Holder.SIGNATURE_MANAGER, 2), manager_version=None),
    "a fence of another epoch": replace(a_command(Holder.RELEASE, 2), epoch=2),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_command_that_breaks_its_contract_is_never_answered(name: str) -> None:
    with pytest.raises(BrokenHoldCommandError):
        apply_hold(REVIEW, BROKEN[name])


def test_a_completion_names_no_manager_version() -> None:
    released = with_hold(REVIEW, Holder.RELEASE)
    command = replace(a_command(Holder.COMPLETION, 2), manager_version=None, self_version=None)
    completed, _ = apply_hold(released, command)
    assert completed.registers.completion.held


def test_a_review_is_hashable_and_so_is_its_answer() -> None:
    review, (answer,) = apply_hold(REVIEW, a_command(Holder.RELEASE, 2))
    assert len({review, REVIEW, answer}) == 3
    assert isinstance(review, Review)
