"""One schedule: steps chosen by a seed, each of them judged, and everything brought to rest at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.people import SERVICES
from simulation import crowd, operators, turns
from simulation.endings import come_to_rest, unrest
from simulation.faults import FAULTS
from simulation.interleaved import TRIED, catch_up
from simulation.play import Violation

if TYPE_CHECKING:
    from simulation.play import Play

ACT, TURN, FAULT = 0.28, 0.54, 0.18
BACKUP = 0.03
STEPS_A_SECOND = 8


def run(play: Play, steps: int) -> None:
    """Take this many steps and come to rest; raises `Violation`."""
    for _ in range(steps):
        step(play)
        if play.lagging:
            play.lag_left -= 1
            if play.lag_left <= 0:
                catch_up(play)
                play.judge()
    come_to_rest(play)
    found = unrest(play)
    if found:
        raise Violation(*found)


def step(play: Play) -> None:
    """Take one step, whatever it is, and judge what it did."""
    play.system.clock.forward(seconds=play.random.expovariate(STEPS_A_SECOND))
    if play.random.random() < BACKUP:
        operators.back_up(play, play.random.choice(SERVICES))
    kind = play.random.choices((crowd.act, turns.turn, go_wrong), (ACT, TURN, FAULT))[0]
    play.tally.steps += 1
    kind(play)
    play.judge()


def go_wrong(play: Play) -> None:
    """Something goes wrong: the first of the faults, in a random order, that can happen now."""
    order = sorted(FAULTS, key=lambda one: play.random.random() ** (1 / one.weight), reverse=True)
    for one in order:
        told = one.happen(play)
        if told is None:
            continue
        if told != TRIED:
            play.tally.faults[one.name] += 1
            play.tell(f"! {one.name}: {told}")
        return
