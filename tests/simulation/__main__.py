"""Run the simulation: `python -m simulation --seeds 300`, or replay one seed: `python -m simulation --seed 17`."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from harness.commandline import Parser
from harness.databases import drop_all
from harness.stack import Stack
from simulation.acts import ACTS
from simulation.crew import played
from simulation.faults import FAULTS
from simulation.kept import kept_seeds
from simulation.tally import Tally
from simulation.theatre import STEPS, theatre

if TYPE_CHECKING:
    import argparse
    from collections.abc import Generator, Sequence

    from harness.stack import Postgres
    from simulation.theatre import Outcome

# Fewer schedules than this cannot be expected to reach everything.
WHOLE_RUN = 300
VIOLATIONS_MAX = 5


def main(arguments: Sequence[str] | None = None) -> int:
    """Play the seeds that are asked for; return 0 if no rule was broken and everything was reached."""
    parser = Parser(prog="python -m simulation", description=__doc__)
    whole = parser.whole_number
    parser.add_argument("--seeds", "--schedules", type=whole("SEEDS"), default=WHOLE_RUN, help="how many schedules")
    parser.add_argument("--first-seed", type=int, default=1, help="the seed of the first one")
    parser.add_argument("--seed", type=whole("SEED", least=0), help="replay this one, with its story")
    parser.add_argument("--steps", type=int, default=STEPS, help="steps of each")
    workers = os.cpu_count() or 1
    parser.add_argument("--workers", type=whole("WORKERS"), default=workers, help="processes; by default one a core")
    parser.add_argument("--stop-at-first", action="store_true", help="end with the first rule that is broken")
    chosen = parser.parse_args(arguments)
    with contextlib.ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="review-simulation-"))
        folder.chmod(0o755)
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        servers = stack.enter_context(Stack.start(var_dir=folder, kafka=False, smtp=False))
        stack.callback(drop_all, servers.postgres)
        if chosen.seed is not None:
            return _replay(servers.postgres, folder, chosen.seed, chosen.steps)
        seeds = range(chosen.first_seed, chosen.first_seed + chosen.seeds)
        kept = [] if chosen.stop_at_first else [one.seed for one in kept_seeds()]
        outcomes = played(servers.postgres, folder, [*kept, *seeds], steps=chosen.steps, workers=chosen.workers)
        # Who stops at the first leaves the rest unplayed, and the stage has to go before the server does.
        stack.enter_context(contextlib.closing(outcomes))
        return _report(outcomes, chosen)


def _replay(postgres: Postgres, folder: Path, seed: int, steps: int) -> int:
    with theatre(postgres, folder) as stage:
        outcome = stage.play(seed, steps=steps)
    print(outcome.story)
    print(f"seed {seed}: {'; '.join(outcome.violations) or 'no rule was broken'}")
    return 1 if outcome.violations else 0


def _report(outcomes: Generator[Outcome, None, None], chosen: argparse.Namespace) -> int:
    tally, broken, began = Tally(), list[int](), time.monotonic()
    kept = {one.seed: one.fault for one in kept_seeds()}
    for outcome in outcomes:
        tally.add(outcome.tally)
        if chosen.steps == STEPS and kept.get(outcome.seed, "") not in {"", *outcome.tally.faults}:
            print(f"kept seed {outcome.seed} does not come to {kept[outcome.seed]!r} any more", flush=True)
        if not outcome.violations:
            continue
        broken.append(outcome.seed)
        print(outcome.story, *outcome.violations[:VIOLATIONS_MAX], sep="\n", flush=True)
        print(
            f"VIOLATION {outcome.violations[0].split()[0]} after {tally.schedules} schedules (seed {outcome.seed})\n"
            f"  again: python -m simulation --seed {outcome.seed} --steps {chosen.steps}",
            flush=True,
        )
        if chosen.stop_at_first:
            return 1
    seconds = time.monotonic() - began
    print(*tally.lines(), sep="\n")
    print(f"{seconds:.0f} s, {seconds / max(1, tally.schedules):.2f} s a schedule; broken: {broken or 'none'}")
    missing = tally.missing((one.name for one in ACTS), (one.name for one in FAULTS))
    if tally.schedules >= WHOLE_RUN and not broken:
        print(*(f"NOT REACHED {one}" for one in missing), sep="\n")
        return 1 if missing else 0
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
