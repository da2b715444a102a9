"""Kills under load: everything up, people at work, fault after fault, quiet, the judge's verdict."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from faults.plan import plan
from faults.stage import Rates, Stage, staged

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from faults.load import Load
    from faults.plan import Fault

SETTLE_S_MAX = 60.0
FIRST_FAULT_AFTER_S = 3.0
SAY_EVERY = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be run. `gap_s` lies between two faults, on average."""

    seed: int
    kills: int
    reviews: int = 200
    rates: Rates = field(default_factory=Rates)
    # Starting what was killed takes a processor seconds: people are to be served meanwhile.
    gap_s: float = 2.6
    wipe: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a run.

    `verdict` is what the judge printed, `unbidden` are ends of processes that nobody caused, `hanging` is what was
    still to be done where all was never at rest, with the last words of the processes.
    """

    wanted: Wanted
    faults: Sequence[Fault]
    kills: Counter[str]
    load: Load
    settle_s: float | None
    hanging: Sequence[str]
    mails_waiting: int
    unbidden: Sequence[str]
    seconds: float
    verdict: str
    passed: bool


def run(wanted: Wanted, var_dir: Path, say: Callable[[str], None]) -> Outcome:
    """Run once; the history is in `var_dir/history`, the logs are in `var_dir/log`."""
    began = time.monotonic()
    with staged(var_dir, reviews=wanted.reviews, say=say) as stage:
        faults = plan(wanted.seed, kills=wanted.kills, routes=stage.system.stack.proxy.routes, wipe=wanted.wipe)
        with stage.load(wanted.rates, wanted.seed) as load:
            time.sleep(FIRST_FAULT_AFTER_S)
            _do_all(stage, faults, wanted, load)
            stage.hands.heal()
            quiet_from = time.monotonic()
        stage.say("the last fault is over: waiting until nothing is left to be done")
        settle_s = stage.settle(quiet_from)
        hanging = [] if settle_s is not None else stage.hanging()
        stage.hands.keep_records()
        mails_waiting = stage.system.mails_waiting()
        stage.say("writing the history down, and having it judged")
        passed, verdict = stage.finish(seed=wanted.seed, settled_s=settle_s, settle_s_max=SETTLE_S_MAX)
    return Outcome(
        wanted=wanted,
        faults=faults,
        kills=stage.hands.kills,
        load=load,
        settle_s=settle_s,
        hanging=hanging,
        mails_waiting=mails_waiting,
        unbidden=stage.orchestrator.unbidden,
        seconds=time.monotonic() - began,
        verdict=verdict,
        passed=passed,
    )


def _do_all(stage: Stage, faults: Sequence[Fault], wanted: Wanted, load: Load) -> None:
    chance = random.Random(f"{wanted.seed}-gaps")
    for number, fault in enumerate(faults, start=1):
        stage.hands.do(fault)
        if number % SAY_EVERY == 0 or number == len(faults):
            stage.say(f"{number} of {len(faults)} faults, {load.commands} commands, {load.reads} reads")
        time.sleep(wanted.gap_s * chance.uniform(0.5, 1.5))
