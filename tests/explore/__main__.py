"""Explore the domain that ships: `python -m explore [--schedules N] [--seed N] [--only NAME] [--quick]`.

Every state within bounds, always, and schedules at random beyond: --schedules says how many of these. Prints what was
met of the state tables, and the verdict at the end. Exits with 1 and the story where a rule is broken, and with 2 where
a cell of the tables was never met.
"""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING

from explore import chart
from explore.configurations import EXHAUSTIVE, WALKS
from explore.runs import STATES_MAX, Outcome, Piece, done
from explore.verdict import beginning, held, verdict
from explore.workers import PROGRESS_S, working
from harness.commandline import Parser

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

SCHEDULES = 100_000
# How many pieces there are for each process, so that all end together, and how many schedules one has.
PIECES, PIECE_MIN, PIECE_MAX, QUICK_PIECE = 8, 1_000, 20_000, 200
# The configurations with at most so many states are looked at in a quick run as well.
QUICK_STATES = 30_000
QUICK_SCHEDULES = 3_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Explore; return the exit code."""
    asked = _asked(arguments)
    pieces = _pieces(asked)
    planned = sum(each.schedules for each in pieces)
    whole = sum(not each.schedules for each in pieces)
    print(beginning(configurations=whole, schedules=planned, seed=asked.seed, jobs=asked.jobs), flush=True)
    began = time.monotonic()
    outcomes, broken = _all_done(pieces, asked.jobs)
    took = time.monotonic() - began
    states, schedules = sum(each.states for each in outcomes), sum(each.schedules for each in outcomes)
    print(f"{states} distinct states, {schedules} schedules in {took:.0f} s", flush=True)
    if broken is not None:
        print("\n".join(broken.lines))
        number = f" --schedule {broken.piece.first + broken.schedules - 1}" if broken.schedules else ""
        only = broken.piece.configuration
        print(f"to see it again: python -m explore --only {only} --seed {asked.seed}{number} --jobs 1")
        print(f"VIOLATION {broken.broken} after {schedules} schedules", flush=True)
        print(f"The rule {broken.broken} is broken: the story above says how.", flush=True)
        return 1
    if asked.quick or asked.only or asked.states_only or asked.schedules_only or asked.schedule is not None:
        print(f"{held(states=states, schedules=schedules)}.", flush=True)
        return 0
    met: Counter[tuple[str, str, str, str]] = Counter()
    for each in outcomes:
        met.update(each.met)
    print(chart.drawn(met))
    missing = chart.missing(met)
    for line in missing:
        print(f"NOT MET {line}")
    good, words = verdict(states=states, schedules=schedules, missing=len(missing))
    print(f"\n{words}", flush=True)
    return 0 if good else 2


def _asked(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = Parser(prog="explore", description=__doc__)
    names = sorted(each.name for each in (*EXHAUSTIVE, *WALKS))
    whole = parser.whole_number
    many = f"how many, at random, beside every state within bounds; {SCHEDULES} if not said"
    parser.add_argument("--schedules", type=whole("SCHEDULES"), help=many)
    parser.add_argument("--seed", type=whole("SEED", least=0), default=1, help="what the schedules are drawn from")
    parser.add_argument(
        "--schedule", type=whole("SCHEDULE", least=0), metavar="NUMBER", help="take this one only, of --only and --seed"
    )
    parser.add_argument("--only", choices=names, help="one configuration")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_SCHEDULES} schedules, and the small worlds")
    parser.add_argument("--states-only", action="store_true", help="no schedules")
    parser.add_argument("--schedules-only", action="store_true", help="no exploration of all states")
    parser.add_argument("--jobs", type=whole("JOBS"), default=os.cpu_count() or 1, help="processes; one for each core")
    asked = parser.parse_args(arguments)
    if asked.schedules is None:
        asked.schedules = QUICK_SCHEDULES if asked.quick else SCHEDULES
    return asked


def _pieces(asked: argparse.Namespace) -> list[Piece]:
    piece = max(PIECE_MIN, min(PIECE_MAX, asked.schedules // (PIECES * asked.jobs)))
    walks = _walks(asked.only, asked.seed, asked.schedules, QUICK_PIECE if asked.quick else piece)
    if asked.schedule is not None:
        return [Piece(configuration=asked.only or WALKS[0].name, seed=asked.seed, first=asked.schedule, schedules=1)]
    if asked.quick:
        # In turn, so that what only one of them finds is found soon.
        return sorted(walks, key=lambda each: each.first) + _whole(asked.only, QUICK_STATES)
    return ([] if asked.schedules_only else _whole(asked.only)) + ([] if asked.states_only else walks)


def _whole(only: str | None, states_max: int = STATES_MAX) -> list[Piece]:
    """The configurations to be explored whole, the longest first, so that the processes end together."""
    chosen = [each for each in EXHAUSTIVE if only in {None, each.name} and each.states <= states_max]
    return [Piece(configuration=each.name) for each in sorted(chosen, key=lambda each: -each.states)]


def _walks(only: str | None, seed: int, schedules: int, piece: int) -> list[Piece]:
    """The schedules, shared out to the configurations, in pieces: what a process has learnt of one helps the rest."""
    chosen = [each.name for each in WALKS if only in {None, each.name}]
    return [
        Piece(configuration=name, seed=seed, first=first, schedules=min(piece, share - first))
        for number, name in enumerate(chosen)
        for share in [schedules * (number + 1) // len(chosen) - schedules * number // len(chosen)]
        for first in range(0, share, piece)
    ]


def _all_done(pieces: Sequence[Piece], jobs: int) -> tuple[list[Outcome], Outcome | None]:
    """Do the pieces until one finds something."""
    outcomes: list[Outcome] = []
    began = said = time.monotonic()
    for outcome in map(done, pieces) if jobs == 1 else working(pieces, jobs):
        outcomes.append(outcome)
        if outcome.states:
            rate = outcome.states / max(outcome.seconds, 0.001)
            name = outcome.piece.configuration
            print(f"{name:24} {outcome.states:9} states whole, {outcome.steps:9} steps, {rate:7.0f}/s", flush=True)
        elif jobs == 1 and time.monotonic() - said > PROGRESS_S:
            said = time.monotonic()
            schedules = sum(each.schedules for each in outcomes)
            print(f"{schedules:9} schedules, {schedules / (said - began):7.0f}/s", flush=True)
        if outcome.broken:
            return outcomes, outcome
    return outcomes, None


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
