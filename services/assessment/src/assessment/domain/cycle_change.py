"""Changing a cycle: all of it until it starts, then only what is not frozen in its reviews."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from assessment.domain.cycle import Cycle, CycleState, unmet_not_closed, unmet_written
from assessment.domain.cycle_refusals import CycleIsStarted, UnknownQuestionnaire
from assessment.domain.facts import CycleChanged
from assessment.domain.people import HR_ADMIN, HR_ASSISTANT, Actor, unmet_role
from assessment.domain.refusals import Refusal, refuse
from assessment.domain.review import unmet_version

if TYPE_CHECKING:
    from collections.abc import Iterator

# What is frozen at the start, as HR writes it. Which version of the questionnaire is asked, nobody writes.
_OF_CYCLE = {"zone": "zone", "self_deadline": "self_until", "manager_deadline": "manager_until"}
_OF_SETTINGS = (
    "questionnaire_id",
    "release_mode",
    "calibration_required",
    "release_after_calibration",
    "recall_window_minutes",
    "self_visibility",
)


def unmet_change(
    cycle: Cycle, wanted: Cycle, *, actor: Actor, newest: int | None, row_version: int, expected: int | None
) -> list[Refusal]:
    """Why the cycle cannot be as it is wanted; arguments as for `change`."""
    denied = unmet_role(actor, HR_ADMIN, HR_ASSISTANT)
    if denied:
        return denied
    started = cycle.state is CycleState.STARTED
    frozen = list(_frozen_that_differ(cycle, wanted)) if started else []
    return [
        *unmet_not_closed(cycle),
        *([CycleIsStarted(fields=frozen)] if frozen else []),
        *unmet_version(row_version, expected),
        *unmet_written(wanted),
        *([UnknownQuestionnaire()] if newest is None else []),
    ]


def change(
    cycle: Cycle, wanted: Cycle, *, actor: Actor, newest: int | None, row_version: int, expected: int | None
) -> tuple[Cycle, tuple[CycleChanged]]:
    """The cycle as it is wanted.

    A frozen value that is written as it stands is no change. `newest`: the newest version of the questionnaire wanted,
    null if there is none; it is asked for as long as the cycle is not started.
    """
    refuse(
        unmet_change(cycle, wanted, actor=actor, newest=newest, row_version=row_version, expected=expected),
    )
    prepared = cycle.state is CycleState.NOT_STARTED
    settings = replace(
        wanted.settings,
        questionnaire_version=newest if prepared else cycle.settings.questionnaire_version,
        rating_question_ids=cycle.settings.rating_question_ids,
    )
    return replace(wanted, settings=settings, state=cycle.state), (CycleChanged(cycle_id=cycle.cycle_id),)


def _frozen_that_differ(cycle: Cycle, wanted: Cycle) -> Iterator[str]:
    yield from (name for name, ours in _OF_CYCLE.items() if getattr(cycle, ours) != getattr(wanted, ours))
    yield from (name for name in _OF_SETTINGS if getattr(cycle.settings, name) != getattr(wanted.settings, name))
