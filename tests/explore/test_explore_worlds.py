"""The machine itself: small worlds hold, schedules can be taken again, a story is told, an unmet cell is noticed."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from explore import chart, search, story, tables, walks
from explore.cells import TABLES
from explore.configurations import EXHAUSTIVE, WALKS, Configuration
from explore.machine import SIDES, Machine
from explore.observer import Observer
from reviewbus.catalogue import Catalogue

if TYPE_CHECKING:
    from explore.steps import Step

SMALL = [each for each in EXHAUSTIVE if each.states < 30_000]
# What they read and the world does not have: a cycle, its people, other reviews, advice.
ELSEWHERE = {
    "person.changed.v1",
    "review.opened.v1",
    *(f"cycle.{each}.v1" for each in ("created", "changed", "started", "closed")),
}


@pytest.mark.parametrize("configuration", SMALL, ids=lambda each: each.name)
def test_a_small_world_keeps_every_rule_in_all_of_its_states(configuration: Configuration) -> None:
    found = search.explore(Machine(configuration, Observer()), states_max=50_000)

    assert found.violation is None, "\n".join(story.told(configuration, found.way))
    assert found.whole
    assert found.rests


@pytest.mark.parametrize("configuration", WALKS, ids=lambda each: each.name)
def test_a_schedule_is_the_same_again_whatever_was_met_before(configuration: Configuration) -> None:
    used = Machine(configuration, Observer())
    steps: list[list[Step]] = [[], []]
    for number in range(20):
        walks.schedule(used, 7, number)

    for machine, taken in zip((used, Machine(configuration, Observer())), steps, strict=True):
        came = walks.schedule(machine, 7, 20, taken=taken)
        assert isinstance(came, int), came

    assert steps[0] == steps[1]
    assert steps[0]


def test_every_command_is_part_of_the_schedules_in_which_everybody_does_everything() -> None:
    commands = {each.name for side in SIDES for each in side.commands}

    assert commands <= set(WALKS[0].budgets)
    assert WALKS[0].calibration_required


def test_what_a_service_reads_of_the_others_it_is_given() -> None:
    types = Catalogue.load().types.values()
    for side in SIDES:
        read = {each.type for each in types if side.name in each.subscribers}
        advice = {each for each in read if each.startswith("calibration.")}

        assert read - advice - ELSEWHERE == {each for each in side.handlers if each.endswith(".v1")}


def test_a_cell_that_was_never_met_is_missed() -> None:
    everything = Counter(
        (table, state, asked, result)
        for table, cells in TABLES.items()
        for (state, asked), cell in cells.items()
        for result in cell.must
    )
    assert chart.missing(everything) == []

    del everything["packets", "releasing", "granted", "released"]

    assert chart.missing(everything) == ["packets: granted in releasing leads to released"]
    assert "NEVER" in chart.drawn(everything)


def test_only_cells_of_the_tables_are_argued() -> None:
    cells = {(table, *each) for table, found in TABLES.items() for each in found}

    assert set(chart.ARGUED) <= cells
    assert tables.PACKETS["releasing", "granted"].must == {"released"}
