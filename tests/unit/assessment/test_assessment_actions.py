"""What `actions` says is what the commands do, in every state and for everybody."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assessment.domain import manager_assessment as managers
from assessment.domain import reassignment
from assessment.domain import self_assessment as mine
from assessment.domain.actions import actions
from assessment.domain.refusals import NotFound, Rank, Refusal, refuse
from assessment.domain.registers import Holder
from assessment.domain.review import (
    CycleSettings,
    ManagerState,
    Review,
    SelfState,
    SelfVisibility,
    self_side_editable,
    unmet_no_hold,
)
from harness.words import ADVICE, spoken
from unit.assessment.assessment_states import (
    BEFORE,
    EMPLOYEE,
    LATE,
    OUTSIDER,
    Q1,
    RELATIONS,
    TOM,
    TOO_LATE,
    a_directory,
    a_review,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from assessment.domain.ids import QuestionId
    from assessment.domain.people import Relation

DIRECTORY = a_directory(boss=None, max="boss", tom="boss", eve="max")
REVIEWS = st.builds(
    lambda self_state, manager_state, held, visibility, started, closed, cancelled, access: a_review(
        self_state=self_state,
        manager_state=manager_state,
        held=tuple(held),
        settings=CycleSettings(self_visibility=visibility),
        started=started,
        cycle_closed=closed,
        cancelled=cancelled,
        manager_has_access=access,
    ),
    st.sampled_from(SelfState),
    st.sampled_from(ManagerState),
    st.sets(st.sampled_from(Holder)),
    st.sampled_from(SelfVisibility),
    st.sampled_from((True, True, True, False)),
    st.sampled_from((False, False, False, True)),
    st.sampled_from((False, False, False, True)),
    st.booleans(),
)
PEOPLE = st.sampled_from([rel for rel in RELATIONS.values() if not rel.outsider])
TIMES = st.sampled_from((BEFORE, LATE, TOO_LATE))
MISSING = st.sampled_from(((), (Q1,)))


def commands(
    review: Review, rel: Relation, now: datetime, self_missing: tuple[QuestionId, ...], missing: tuple[QuestionId, ...]
) -> dict[str, Callable[[], object]]:
    versions = review.self_version, review.manager_version
    return {
        "read-self-assessment": lambda: mine.read(review, rel),
        "save-self-assessment": lambda: mine.save(review, rel, expected=versions[0], now=now, content_hash="h"),
        "autosave-self-assessment": lambda: refuse(mine.unmet_autosave(rel)),
        "share-self-assessment": lambda: mine.share(review, rel, now=now, missing=self_missing),
        "unshare-self-assessment": lambda: mine.unshare(review, rel, now=now),
        "waive-self-assessment": lambda: mine.waive(review, rel),
        "unwaive-self-assessment": lambda: mine.unwaive(review, rel),
        "read-manager-assessment": lambda: refuse(managers.unmet_read(review, rel)),
        "save-manager-assessment": lambda: managers.save(review, rel, expected=versions[1], now=now, content_hash="h"),
        "autosave-manager-assessment": lambda: refuse(managers.unmet_autosave(rel)),
        "submit-manager-assessment": lambda: managers.submit(review, rel, now=now, missing=missing),
        "reopen-manager-assessment": lambda: managers.reopen(review, rel),
        "reassign": lambda: reassignment.reassign(review, rel, manager_id=TOM, reason_given=True, directory=DIRECTORY),
        "cancel": lambda: reassignment.cancel(review, rel),
    }


def refused(command: Callable[[], object]) -> tuple[Refusal, ...]:
    try:
        command()
    except Refusal as refusal:
        return refusal.unmet
    return ()


@settings(max_examples=500, deadline=None)
@given(review=REVIEWS, rel=PEOPLE, now=TIMES, self_missing=MISSING, missing=MISSING)
def test_actions_say_what_the_commands_do(
    review: Review,
    rel: Relation,
    now: datetime,
    self_missing: tuple[QuestionId, ...],
    missing: tuple[QuestionId, ...],
) -> None:
    said = actions(review, rel, now=now, self_missing=self_missing, manager_missing=missing)
    done = commands(review, rel, now, self_missing, missing)
    assert {action.name for action in said} == done.keys()
    for action in said:
        told = [spoken(reason) for reason in action.unmet]
        assert told == [spoken(reason) for reason in refused(done[action.name])], action.name
        assert [code for code, words in told if not ADVICE.fullmatch(words)] == []
        assert action.allowed == (not action.unmet)


@settings(max_examples=500, deadline=None)
@given(review=REVIEWS, rel=PEOPLE, now=TIMES)
def test_no_accepted_command_moves_a_side_that_is_not_editable(review: Review, rel: Relation, now: datetime) -> None:
    for name, command in commands(review, rel, now, (), ()).items():
        try:
            outcome = command()
        except Refusal:
            continue
        if not isinstance(outcome, tuple):
            continue
        after = outcome[0]
        assert after.registers == review.registers
        moved = (after.manager_version, after.manager_state, after.manager_hash, after.manager_id) != (
            review.manager_version,
            review.manager_state,
            review.manager_hash,
            review.manager_id,
        )
        assert not (moved and unmet_no_hold(review)), name
        if (after.self_version, after.self_hash) != (review.self_version, review.self_hash):
            assert self_side_editable(review), name


@settings(max_examples=300, deadline=None)
@given(review=REVIEWS, other=st.sampled_from(ManagerState), now=TIMES, self_missing=MISSING)
def test_the_employee_learns_nothing_of_the_managers_side(
    review: Review, other: ManagerState, now: datetime, self_missing: tuple[QuestionId, ...]
) -> None:
    elsewhere = replace(review, manager_state=other, manager_version=9, manager_id=TOM)
    told = [
        [(action.name, reason.code, reason.params) for action in said for reason in action.unmet]
        for said in (
            actions(each, EMPLOYEE, now=now, self_missing=self_missing, manager_missing=missing)
            for each, missing in ((review, ()), (elsewhere, (Q1,)))
        )
    ]
    assert told[0] == told[1]
    assert all("holders" not in params for _, _, params in told[0])
    assert "locked-released" not in {code for _, code, _ in told[0]}


@settings(max_examples=300, deadline=None)
@given(review=REVIEWS, rel=st.sampled_from(list(RELATIONS.values())), now=TIMES)
def test_who_is_not_admitted_is_told_nothing_but_that(review: Review, rel: Relation, now: datetime) -> None:
    for command in commands(review, rel, now, (Q1,), (Q1,)).values():
        reasons = refused(command)
        assert len(reasons) <= 1 or min(reason.rank for reason in reasons) > Rank.FORBIDDEN


def test_for_an_outsider_there_is_no_review() -> None:
    with pytest.raises(NotFound):
        actions(a_review(), OUTSIDER, now=BEFORE, self_missing=(), manager_missing=())
