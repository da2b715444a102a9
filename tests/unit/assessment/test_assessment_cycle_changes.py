"""Changing a cycle: what may change when, and what nobody writes stays as it is."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from assessment.domain.cycle import Cycle, CycleState
from assessment.domain.cycle_change import change
from assessment.domain.facts import CycleChanged
from assessment.domain.ids import CycleId, PersonId, QuestionId, QuestionnaireId
from assessment.domain.people import Actor
from assessment.domain.refusals import Refusal
from assessment.domain.review import CycleSettings, ReleaseMode, SelfVisibility
from harness.words import ADVICE

ASSISTANT = Actor(person_id=PersonId("amy"), roles=frozenset({"hr_assistant"}))
CYCLE = Cycle(
    cycle_id=CycleId("c"),
    zone="UTC",
    self_until=date(2026, 3, 31),
    manager_until=date(2027, 4, 30),
    settings=CycleSettings(questionnaire_id=QuestionnaireId("q"), questionnaire_version=3),
)
STARTED = replace(
    CYCLE,
    state=CycleState.STARTED,
    settings=replace(CYCLE.settings, rating_question_ids=(QuestionId("m-rating"),)),
)
OF_CYCLE: dict[str, Any] = {"zone": "Asia/Tokyo", "self_until": date(2027, 1, 1), "manager_until": date(2027, 2, 1)}
OF_SETTINGS: dict[str, Any] = {
    "questionnaire_id": QuestionnaireId("other"),
    "release_mode": ReleaseMode.MANAGER_DIRECT,
    "calibration_required": True,
    "recall_window_minutes": 5,
    "self_visibility": SelfVisibility.AFTER_MANAGER_SUBMIT,
}
CHANGES = [(name, replace(CYCLE, **{name: value})) for name, value in OF_CYCLE.items()]
CHANGES += [(name, replace(CYCLE, settings=replace(CYCLE.settings, **{name: v}))) for name, v in OF_SETTINGS.items()]
# As HR writes them.
WRITTEN = {"self_until": "self_deadline", "manager_until": "manager_deadline"}


def changed(cycle: Cycle, wanted: Cycle, **more: Any) -> Cycle:
    new, told = change(cycle, wanted, **{"actor": ASSISTANT, "newest": 7, "row_version": 4, "expected": 4, **more})
    assert told == (CycleChanged(cycle_id=CYCLE.cycle_id),)
    return new


def refused(cycle: Cycle, wanted: Cycle, **more: Any) -> Refusal:
    with pytest.raises(Refusal) as caught:
        changed(cycle, wanted, **more)
    return caught.value


@pytest.mark.parametrize(("name", "wanted"), CHANGES, ids=[name for name, _ in CHANGES])
def test_everything_changes_until_the_start_and_nothing_of_it_afterwards(name: str, wanted: Cycle) -> None:
    assert changed(CYCLE, wanted) == replace(wanted, settings=replace(wanted.settings, questionnaire_version=7))
    error = refused(STARTED, wanted)
    assert (error.code, error.params) == ("cycle-started", {"fields": [WRITTEN.get(name, name)]})


def test_a_started_cycle_written_as_it_stands_stays_as_it_was() -> None:
    assert changed(STARTED, CYCLE) == STARTED


def test_a_closed_cycle_does_not_change() -> None:
    closed = replace(STARTED, state=CycleState.CLOSED)
    assert [one.code for one in refused(closed, CYCLE).unmet] == ["cycle-closed"]


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"actor": replace(ASSISTANT, roles=frozenset())}, "forbidden-role"),
        ({"expected": None}, "version-missing"),
        ({"expected": 3}, "stale-version"),
        ({"newest": None}, "unknown-questionnaire"),
    ],
    ids=["nobody", "no-version", "old-version", "no-questionnaire"],
)
def test_a_change_that_cannot_be_is_refused(more: dict[str, Any], code: str) -> None:
    for cycle in (CYCLE, STARTED):
        assert refused(cycle, CYCLE, **more).code == code


@pytest.mark.parametrize(
    ("settings", "fields"),
    [
        (
            {"release_mode": ReleaseMode.MANAGER_DIRECT, "calibration_required": True},
            ["release_mode", "calibration_required"],
        ),
        ({"release_after_calibration": True}, ["release_after_calibration", "calibration_required"]),
    ],
    ids=["manager-direct", "release-after-calibration"],
)
def test_settings_that_contradict_each_other_are_named(settings: dict[str, Any], fields: list[str]) -> None:
    error = refused(CYCLE, replace(CYCLE, settings=replace(CYCLE.settings, **settings)))
    assert (error.code, error.params) == ("settings-contradict", {"fields": fields})


def test_managers_have_as_much_time_as_employees_before_the_start_too() -> None:
    same_day = replace(CYCLE, manager_until=CYCLE.self_until)
    assert changed(CYCLE, same_day).manager_until == CYCLE.self_until
    error = refused(CYCLE, replace(CYCLE, manager_until=date(2026, 3, 30)))
    assert (error.code, error.params) == ("settings-contradict", {"fields": ["self_deadline", "manager_deadline"]})
    assert ADVICE.fullmatch(error.detail)
