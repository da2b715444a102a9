"""What each reader may know of the self side, and which earlier versions open to whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from assessment.domain import reading
from assessment.domain.questionnaire import Audience
from assessment.domain.review import ManagerState, SelfState
from unit.assessment.assessment_states import (
    ASSISTANT,
    EMPLOYEE,
    HR,
    HR_BELOW,
    MANAGER,
    MANAGER_AND_HR,
    OUTSIDER,
    a_review,
)

if TYPE_CHECKING:
    from assessment.domain.people import Relation


@pytest.mark.parametrize("rel", [EMPLOYEE, HR, HR_BELOW, ASSISTANT, MANAGER_AND_HR])
def test_a_draft_is_known_to_its_author_and_to_hr(rel: Relation) -> None:
    review = a_review(self_state=SelfState.DRAFT)
    assert reading.self_state_seen_by(review, rel) is SelfState.DRAFT
    assert reading.self_version_seen_by(review, rel) == review.self_version


def test_to_the_manager_there_is_no_draft() -> None:
    review = a_review(self_state=SelfState.DRAFT)
    assert reading.self_state_seen_by(review, MANAGER) is SelfState.NONE
    assert reading.self_version_seen_by(review, MANAGER) is None


@pytest.mark.parametrize("state", [SelfState.SHARED, SelfState.WAIVED])
def test_the_manager_knows_what_is_shared_or_waived(state: SelfState) -> None:
    assert reading.self_state_seen_by(a_review(self_state=state), MANAGER) is state


@pytest.mark.parametrize(("version", "there"), [(0, False), (1, True), (2, True), (3, False)])
def test_the_employee_reads_every_own_version(version: int, *, there: bool) -> None:
    unmet = reading.unmet_read_version(a_review(), EMPLOYEE, version=version, read_then=False)
    assert (unmet == []) is there


@pytest.mark.parametrize(
    ("state", "version", "read_then", "there"),
    [
        (SelfState.SHARED, 2, False, True),
        (SelfState.SHARED, 1, True, True),
        (SelfState.SHARED, 1, False, False),
        (SelfState.DRAFT, 1, True, False),
    ],
)
@pytest.mark.parametrize("rel", [MANAGER, HR])
def test_others_read_what_they_have_read_while_it_is_shared(
    rel: Relation, state: SelfState, version: int, *, read_then: bool, there: bool
) -> None:
    unmet = reading.unmet_read_version(a_review(self_state=state), rel, version=version, read_then=read_then)
    assert (unmet == []) is there


def test_an_outsider_reads_no_version() -> None:
    unmet = reading.unmet_read_version(a_review(), OUTSIDER, version=1, read_then=True)
    assert [one.code for one in unmet] == ["not-found"]


@pytest.mark.parametrize(
    ("rel", "own", "theirs"),
    [(EMPLOYEE, [], ["not-found"]), (MANAGER, ["not-found"], []), (HR, ["not-found"], [])],
)
def test_backups_are_there_for_who_may_write_that_side(rel: Relation, own: list[str], theirs: list[str]) -> None:
    review = a_review(manager_state=ManagerState.SUBMITTED)
    assert [one.code for one in reading.unmet_backups(review, rel, Audience.SELF)] == own
    assert [one.code for one in reading.unmet_backups(review, rel, Audience.MANAGER)] == theirs
