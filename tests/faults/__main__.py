"""`make faults KILLS=200`, `make outages`.

python -m faults --kills 40 --seed 7     40 kills under load, then the verdict
python -m faults --outages               an hour without each of assessment, packets, Kafka, PostgreSQL, in a minute
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from faults.outages import NAMES, outages
from faults.plan import others
from faults.report import report, report_outages
from faults.run import Wanted, run
from faults.stage import Rates
from harness.commandline import Parser

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

ENDED_BY = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LOGS = "log"


class Interrupted(SystemExit):
    """Somebody has told the run to end before its time; what is under way is stopped and put away as it passes."""

    def __init__(self, number: int) -> None:
        """Take the signal that said so."""
        super().__init__(128 + number)
        self.number = number


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print the report, and return 1 if any rule was broken; 128 and the signal's number where one ended it."""
    chosen = _parser().parse_args(arguments)
    seed = secrets.randbelow(1_000_000) if chosen.seed is None else chosen.seed
    what = "outages" if chosen.outages else f"kills-{chosen.kills}"
    folder = (chosen.var / f"{what}-seed-{seed}").absolute()
    shutil.rmtree(folder, ignore_errors=True)
    reports = (folder / "report.md", chosen.var.absolute() / "report.md")
    print(f"seed {seed}: {_planned(chosen)}, while people work on {chosen.reviews} reviews")
    print(f"the report goes to {reports[0]}, and to {reports[1]}, where the next run replaces it", flush=True)
    try:
        with _interruptible():
            passed, words = _carried_out(chosen, seed, folder)
    except Interrupted as end:
        _put_away(folder)
        print(f"interrupted: nothing of it runs any more; there is no verdict. Logs: {folder / LOGS}", flush=True)
        return 128 + end.number
    for file in reports:
        file.write_text(words, encoding="utf-8")
    print(words)
    return 0 if passed else 1


def _planned(chosen: argparse.Namespace) -> str:
    if chosen.outages:
        return f"a minute without each of {', '.join(NAMES)}"
    beside = others(chosen.kills, wipe=not chosen.no_wipe)
    every = f"{chosen.kills + beside} faults in all"
    return f"{chosen.kills} kills and {beside} other faults (pauses, broken connections), {every}"


def _carried_out(chosen: argparse.Namespace, seed: int, folder: Path) -> tuple[bool, str]:
    """Run what was chosen; return whether all is well, and the report."""
    rates = Rates(commands=chosen.commands, reads=chosen.reads)
    if chosen.outages:
        spells, passed, verdict = outages(folder, seed=seed, reviews=chosen.reviews, rates=rates, say=_say)
        return passed, report_outages(spells, verdict)
    wanted = Wanted(seed=seed, kills=chosen.kills, reviews=chosen.reviews, rates=rates, wipe=not chosen.no_wipe)
    outcome = run(wanted, folder, _say)
    return outcome.passed, report(outcome)


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Within the block a signal to end raises Interrupted, and says so at once; later ones do not disturb the end."""
    # What is ignored, as under nohup, stays so.
    heard = [number for number in ENDED_BY if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, _interrupt) for number in heard}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(number: int, _: object) -> None:
    for one in ENDED_BY:
        signal.signal(one, signal.SIG_IGN)
    # The signal may have come in the middle of a print.
    with contextlib.suppress(OSError):
        os.write(1, b"\ninterrupted: stopping everything that was started\n")
    raise Interrupted(number)


def _put_away(folder: Path) -> None:
    """Leave nothing of a run without an end but its logs."""
    for one in folder.iterdir() if folder.exists() else ():
        if one.name != LOGS:
            shutil.rmtree(one, ignore_errors=True)


def _parser() -> Parser:
    parser = Parser(prog="python -m faults", description="Kill everything, and see what holds.")
    parser.add_argument("--kills", type=parser.whole_number("KILLS"), default=40)
    parser.add_argument("--outages", action="store_true", help="an hour without each, instead of kills")
    seed = parser.whole_number("SEED", least=0)
    parser.add_argument("--seed", type=seed, default=None, help="decides which fault hits what and when")
    parser.add_argument("--reviews", type=int, default=200)
    parser.add_argument("--commands", type=float, default=60.0, help="a second")
    parser.add_argument("--reads", type=float, default=40.0, help="a second")
    parser.add_argument("--no-wipe", action="store_true", help="let Kafka keep what it knows")
    parser.add_argument(
        "--var", type=Path, default=Path("var/faults"), help="gets report.md, and a folder for each run"
    )
    return parser


def _say(line: str) -> None:
    print(f"  {line}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
