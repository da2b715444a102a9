"""Seed each known bug into a copy of the code and see that its machine finds it: `python -m mutants`.

Exits 1 if a bug is not found as its patch demands, 2 if a patch does not apply to the code any more.
"""

from __future__ import annotations

import shutil
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from harness.commandline import Parser, unknown
from mutants import report
from mutants.catalogue import Machine, mutants
from mutants.judging import Outcome, Verdict, examine
from mutants.patching import PatchDoesNotApply
from mutants.seeding import ROOT, changed_files

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from mutants.catalogue import Mutant

SCRATCH = ROOT / "var" / "mutants"
SEED = 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line asks for; return the exit status."""
    known = mutants()
    chosen = _parser().parse_args(arguments)
    wanted = [one for one in known if _is_wanted(one, chosen)]
    if not wanted:
        print(unknown(" ".join(chosen.only), (one.name for one in known)))
        return 2
    if chosen.write and len(wanted) < len(known):
        print("the table is written after a full run only")
        return 2
    if unfit := _unfit(wanted):
        print(*unfit, sep="\n")
        return 2
    if chosen.list:
        print(*(f"{one.name:32} {one.machine.value:10} {one.bug}" for one in wanted), sep="\n")
        return 0
    verdicts = _examined(wanted, jobs=chosen.jobs, seed_number=chosen.seed)
    print(report.table(verdicts))
    if chosen.write:
        report.write(verdicts)
    missed = [one.mutant.name for one in verdicts if one.outcome is not Outcome.FOUND]
    print(f"{len(verdicts) - len(missed)} of {len(verdicts)} bugs found", *missed)
    return 1 if missed else 0


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="mutants", description=__doc__)
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="this bug; may be repeated")
    parser.add_argument("--machine", choices=list(Machine), help="only the bugs of this machine")
    parser.add_argument("--jobs", type=parser.whole_number("JOBS"), default=1, help="how many at once")
    parser.add_argument("--seed", type=int, default=SEED, help="where the machines begin")
    parser.add_argument("--list", action="store_true", help="say what there is, and run nothing")
    parser.add_argument("--write", action="store_true", help="put the table into docs/mutants.md")
    return parser


def _is_wanted(one: Mutant, chosen: argparse.Namespace) -> bool:
    named = not chosen.only or one.name in chosen.only
    return named and (chosen.machine is None or one.machine == chosen.machine)


def _unfit(wanted: Sequence[Mutant]) -> list[str]:
    """Say of each patch that does not fit the code why; before anything runs for minutes."""
    found = []
    for one in wanted:
        try:
            changed_files(one)
        except PatchDoesNotApply as error:
            found.append(f"{one.name}: the patch does not apply: {error}")
    return found


def _examined(wanted: Sequence[Mutant], *, jobs: int, seed_number: int) -> list[Verdict]:
    began = time.monotonic()

    def judged(numbered: tuple[int, Mutant]) -> Verdict:
        number, one = numbered
        copy = SCRATCH / one.name
        verdict = examine(one, copy, seed_number=seed_number)
        print(f"[{number}/{len(wanted)}] {one.name}: {report.line(verdict)}", flush=True)
        if verdict.outcome is Outcome.FOUND:
            shutil.rmtree(copy)
        else:
            (copy / "said.txt").write_text(verdict.words, encoding="utf-8")
            print(f"      the copy and what the machine said: {copy}", flush=True)
        return verdict

    print(f"{len(wanted)} bugs, {jobs} at once, seed {seed_number}", flush=True)
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        verdicts = list(pool.map(judged, enumerate(wanted, start=1)))
    print(f"took {time.monotonic() - began:.0f} s\n")
    return verdicts


if __name__ == "__main__":
    sys.exit(main())
