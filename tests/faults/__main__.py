"""`make faults KILLS=200`, `make outages`.

python -m faults --kills 40 --seed 7     40 kills under load, then the verdict
python -m faults --outages               an hour without each of assessment, packets, Kafka, PostgreSQL, in a minute
"""

from __future__ import annotations

import argparse
import secrets
import shutil
import sys
from pathlib import Path

from faults.outages import outages
from faults.report import report, report_outages
from faults.run import Wanted, run
from faults.stage import Rates


def main() -> int:
    """Run, print the report, and return 1 if any rule was broken."""
    chosen = _parser().parse_args()
    seed = secrets.randbelow(1_000_000) if chosen.seed is None else chosen.seed
    what = "outages" if chosen.outages else f"kills-{chosen.kills}"
    folder = (chosen.var / f"{what}-seed-{seed}").absolute()
    shutil.rmtree(folder, ignore_errors=True)
    print(f"seed {seed}", flush=True)
    rates = Rates(commands=chosen.commands, reads=chosen.reads)
    if chosen.outages:
        spells, passed, verdict = outages(folder, seed=seed, reviews=chosen.reviews, rates=rates, say=_say)
        words = report_outages(spells, verdict)
    else:
        wanted = Wanted(seed=seed, kills=chosen.kills, reviews=chosen.reviews, rates=rates, wipe=not chosen.no_wipe)
        outcome = run(wanted, folder, _say)
        passed, words = outcome.passed, report(outcome)
    for file in (folder / "report.md", chosen.var / "report.md"):
        file.write_text(words, encoding="utf-8")
    print(words)
    return 0 if passed else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m faults", description="Kill everything, and see what holds.")
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--outages", action="store_true", help="an hour without each, instead of kills")
    parser.add_argument("--seed", type=int, default=None, help="decides which fault hits what and when")
    parser.add_argument("--reviews", type=int, default=200)
    parser.add_argument("--commands", type=float, default=60.0, help="a second")
    parser.add_argument("--reads", type=float, default=40.0, help="a second")
    parser.add_argument("--no-wipe", action="store_true", help="let Kafka keep what it knows")
    parser.add_argument("--var", type=Path, default=Path("var/faults"))
    return parser


def _say(line: str) -> None:
    print(f"  {line}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
