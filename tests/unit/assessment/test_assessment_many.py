"""Many at once decide as one alone does: rows of participants, and reviews under one command."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import timedelta

import pytest

from assessment.domain import cycle as cycles
from assessment.domain import operation, participation, reassignment, self_assessment
from assessment.domain.cycle import Cycle, CycleState, Participant
from assessment.domain.ids import CycleId, OperationId, PersonId, ReviewId
from assessment.domain.operation import Command, Item, Operation, OperationState, Outcome
from assessment.domain.people import Actor
from assessment.domain.refusals import Refusal
from assessment.domain.registers import Holder
from assessment.domain.review import ManagerState, SelfState
from unit.assessment.assessment_states import BEFORE, EVE, HANNA, MAX, RELATIONS, TOM, a_directory, a_review

DIRECTORY = a_directory(boss=None, max="boss", eve="max", tom="eve", hanna="max")
CYCLE = Cycle(cycle_id=CycleId("c1"), zone="Europe/Berlin")
HR = Actor(person_id=HANNA, roles=frozenset({"hr_admin"}))
ACTORS = (
    HR,
    Actor(person_id=TOM, roles=frozenset({"hr_assistant"})),
    Actor(person_id=PersonId("ghost"), roles=frozenset({"hr_admin"})),
)
SINGLE = {
    Command.WAIVE: self_assessment.waive,
    Command.UNWAIVE: self_assessment.unwaive,
    Command.CANCEL: reassignment.cancel,
}
ITEM = Item(review_id=ReviewId("r1"), outcome=Outcome.CHOSEN)
PLANNED = Operation(
    id=OperationId("o1"),
    command=Command.WAIVE,
    state=OperationState.PLANNED,
    begun_by=HANNA,
    actor=HR,
    expires_at=BEFORE + timedelta(hours=24),
)


@pytest.mark.parametrize("actor", ACTORS, ids=lambda one: one.person_id)
@pytest.mark.parametrize("present", [{}, {EVE: MAX}, {EVE: TOM, HANNA: None}], ids=["none", "same", "other"])
def test_a_row_of_a_list_is_taken_exactly_when_it_would_be_alone(
    actor: Actor, present: dict[PersonId, PersonId | None]
) -> None:
    names = [PersonId(one) for one in (*DIRECTORY, "nobody")]
    for subject_id, manager_id in itertools.product(names, [None, *names]):
        row = Participant(subject_id=subject_id, manager_id=manager_id)
        # Beside one that fits, and one that never does.
        rows = (row, Participant(subject_id=PersonId("unheard-of")))
        taken = participation.take(CYCLE, rows, actor=actor, present=present, directory=DIRECTORY)
        alone, code = _alone(row, actor, present)
        codes = {one.index: one.reasons[0].code for one in taken.refused}
        assert codes.pop(1) == "unknown-participant"
        assert codes == ({} if code is None else {0: code})
        assert (taken.wanted, taken.unchanged) == (alone, 0 if code else 1 - len(alone))


def _alone(
    row: Participant, actor: Actor, present: dict[PersonId, PersonId | None]
) -> tuple[tuple[Participant, ...], str | None]:
    try:
        return cycles.add_participants(CYCLE, (row,), actor=actor, present=present, directory=DIRECTORY), None
    except Refusal as refusal:
        return (), refusal.code


@pytest.mark.parametrize("state", [CycleState.STARTED, CycleState.CLOSED], ids=str)
def test_no_row_is_taken_or_removed_once_the_cycle_is_started(state: CycleState) -> None:
    cycle = replace(CYCLE, state=state)
    with pytest.raises(Refusal, match="cycle-"):
        participation.take(cycle, (), actor=HR, present={}, directory=DIRECTORY)
    with pytest.raises(Refusal, match="cycle-"):
        participation.leave(cycle, (), actor=HR, present={}, written=(), directory=DIRECTORY)
    nobody = Actor(person_id=TOM)
    with pytest.raises(Refusal, match="forbidden-role"):
        participation.take(cycle, (), actor=nobody, present={}, directory=DIRECTORY)


def test_whoever_is_removed_takes_part_has_no_texts_and_is_not_above_the_actor() -> None:
    leaving = participation.leave(
        CYCLE,
        (EVE, MAX, HANNA, TOM, PersonId("nobody"), EVE),
        actor=HR,
        present=dict.fromkeys((EVE, MAX, HANNA, TOM), PersonId("boss")),
        written={TOM},
        directory=DIRECTORY,
    )
    assert leaving.subject_ids == (EVE,)
    assert [(one.index, one.reasons[0].code) for one in leaving.refused] == [
        (1, "self-dealing"),
        (2, "forbidden-role"),
        (3, "texts-kept"),
        (4, "not-participating"),
    ]


def test_who_has_no_manager_is_removed_also_from_above_the_actor_so_that_the_cycle_can_start() -> None:
    boss = PersonId("boss")
    leaving = participation.leave(
        CYCLE,
        (boss, HANNA),
        actor=HR,
        present={boss: None, HANNA: None, EVE: MAX},
        written=(),
        directory=DIRECTORY,
    )
    assert leaving.subject_ids == (boss,)
    assert [one.reasons[0].code for one in leaving.refused] == ["forbidden-role"]


@pytest.mark.parametrize("command", Command)
@pytest.mark.parametrize("relation", RELATIONS)
def test_a_review_under_a_command_for_many_becomes_what_the_single_command_makes_of_it(
    command: Command, relation: str
) -> None:
    rel = RELATIONS[relation]
    done = 0
    for self_state, manager_state, held, closed, started in itertools.product(
        SelfState, ManagerState, ((), (Holder.RELEASE,), (Holder.COMPLETION,)), (False, True), (False, True)
    ):
        review = a_review(
            self_state=self_state, manager_state=manager_state, held=held, cycle_closed=closed, started=started
        )
        item, after, told = operation.carried_out(command, ITEM, review, rel)
        tried = operation.planned(command, ITEM, review, rel)
        try:
            expected = SINGLE[command](review, rel)
        except Refusal as refusal:
            codes = tuple(one.code for one in refusal.unmet)
            assert (item.outcome, item.unmet, after, told) == (Outcome.SKIPPED, codes, review, ())
            assert tried == item
        else:
            done += 1
            assert (item.outcome, item.unmet, (after, told)) == (Outcome.DONE, (), expected)
            assert tried.outcome is Outcome.ALLOWED
    assert bool(done) == (relation in {"hr", "manager-and-hr"})


def test_a_plan_is_applied_once_in_time_and_from_its_beginning() -> None:
    other = Actor(person_id=MAX, roles=frozenset({"hr_admin"}))
    planning = replace(PLANNED, state=OperationState.PLANNING, position=ReviewId("r1"), expires_at=None)
    assert PLANNED.expires_at is not None
    assert operation.after_pass(planning, expires_at=PLANNED.expires_at) == PLANNED
    applied = operation.apply(PLANNED, other, now=BEFORE)
    assert (applied.state, applied.actor, applied.begun_by) == (OperationState.RUNNING, other, HANNA)
    assert (applied.position, applied.expires_at) == (None, None)
    with pytest.raises(Refusal, match="operation-not-planned"):
        operation.apply(applied, other, now=BEFORE)
    with pytest.raises(Refusal, match="plan-expired"):
        operation.apply(PLANNED, other, now=BEFORE + timedelta(hours=24))
    with pytest.raises(Refusal, match="forbidden-role"):
        operation.apply(PLANNED, Actor(person_id=TOM), now=BEFORE)


@pytest.mark.parametrize("state", OperationState, ids=str)
def test_an_operation_is_cancelled_unless_it_is_over(state: OperationState) -> None:
    at = replace(PLANNED, state=state)
    if state is OperationState.COMPLETED:
        with pytest.raises(Refusal, match="operation-finished"):
            operation.cancel(at)
    else:
        assert operation.cancel(at).state is OperationState.CANCELLED
