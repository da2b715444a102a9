"""Check the protocol's model: `python -m model [--all] [--only NAME]`. `make model` runs it.

Every configuration must come to its end without a violation, every mistake must be caught, and the tables in
docs/model/README.md must say what was measured.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import TYPE_CHECKING

from harness.commandline import Parser, unknown
from model import pan, table
from model.configurations import CONFIGURATIONS, Configuration
from model.mistakes import MISTAKES, Mistake
from model.table import Finding

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable, Sequence

ROOT = Path(__file__).resolve().parents[2]
MODEL = ROOT / "docs" / "model" / "review.pml"
DOCUMENT = MODEL.with_name("README.md")
WORK = ROOT / "var" / "model"
# Each search may take pan.MEMORY_MB_MAX.
JOBS_MAX = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Search; return 1 if anything is not as it should be, 2 if it could not be searched."""
    chosen = _arguments(arguments)
    try:
        pan.require_tools()
    except pan.ToolMissingError as missing:
        print(missing, file=sys.stderr)
        return 2
    configurations, mistakes = _selected(chosen)
    if not configurations and not mistakes:
        print(unknown(chosen.only, (one.name for one in (*CONFIGURATIONS, *MISTAKES))), file=sys.stderr)
        return 2
    began = time.monotonic()
    print(f"{len(configurations)} configurations, {len(mistakes)} mistakes, {chosen.jobs} at a time", flush=True)
    try:
        sound = _configurations(configurations, chosen.jobs)
        findings = _mistakes(mistakes, chosen.jobs, tell=bool(chosen.only))
    except (pan.ModelBrokenError, pan.SearchIncompleteError) as broken:
        print(f"NOT SEARCHED: {broken}", file=sys.stderr)
        return 2
    good = sound and all(one.as_expected for one in findings)
    if not chosen.only:
        good = _document(findings, write=chosen.write) and good
    print(f"{'all is well' if good else 'NOT WELL'}; took {time.monotonic() - began:.0f} s", flush=True)
    return 0 if good else 1


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = Parser(prog="model", description=__doc__)
    parser.add_argument("--all", action="store_true", help="every configuration, also those that take minutes")
    parser.add_argument("--only", help="one configuration or mistake, with its story")
    parser.add_argument("--check", action="store_true", help="compare those tables, which is what happens anyway")
    parser.add_argument("--write", action="store_true", help="write the tables of docs/model/README.md anew")
    jobs = os.environ.get("JOBS") or JOBS_MAX
    whole = parser.whole_number("JOBS")
    parser.add_argument("--jobs", type=whole, default=jobs, help=f"searches at a time, {JOBS_MAX} at most")
    chosen = parser.parse_args(arguments)
    chosen.jobs = max(1, min(chosen.jobs, JOBS_MAX))
    return chosen


def _selected(chosen: argparse.Namespace) -> tuple[list[Configuration], list[Mistake]]:
    if chosen.only is not None:
        return (
            [one for one in CONFIGURATIONS if one.name == chosen.only],
            [one for one in MISTAKES if one.name == chosen.only],
        )
    return [one for one in CONFIGURATIONS if one.always or chosen.all], list(MISTAKES)


def _configurations(configurations: Sequence[Configuration], jobs: int) -> bool:
    def search(number: int) -> pan.Outcome:
        one = configurations[number]
        return _search(pan.Search(model=MODEL, defines=one.defines, cycles=one.cycles))

    sound = True
    for number, outcome in _finished(search, len(configurations), jobs):
        one = configurations[number]
        # What was never executed says that the configuration does not look at what it is there for.
        well = outcome.violated is None and not outcome.unreached
        sound = sound and well
        verdict = (
            "holds"
            if well
            else f"VIOLATED: {outcome.violated}"
            if outcome.violated
            else f"NEVER REACHED: {'; '.join(outcome.unreached)}"
        )
        bounds = " ".join(one.defines) or "as in bounds.pml"
        print(f"{one.name:16} {verdict}  {_figures(outcome)}  {one.about}  [{bounds}]", flush=True)
        _tell(outcome)
    return sound


def _mistakes(mistakes: Sequence[Mistake], jobs: int, *, tell: bool) -> list[Finding]:
    def search(number: int) -> pan.Outcome:
        return _search(pan.Search(model=MODEL, defines=mistakes[number].defines, shortest=True))

    findings: dict[int, Finding] = {}
    for number, outcome in _finished(search, len(mistakes), jobs):
        finding = Finding(mistake=mistakes[number], outcome=outcome)
        findings[number] = finding
        verdict = (
            f"{outcome.violated or 'equivalent'}" if finding.as_expected else f"NOT AS IT SHOULD BE: {outcome.violated}"
        )
        print(
            f"[{len(findings)}/{len(mistakes)}] {finding.mistake.title:46} {verdict}"
            f"  {len(outcome.story)} steps  {_figures(outcome)}",
            flush=True,
        )
        if tell or not finding.as_expected:
            _tell(outcome)
    return [findings[number] for number in sorted(findings)]


def _search(search: pan.Search) -> pan.Outcome:
    WORK.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=WORK) as folder:
        return pan.run(search, Path(folder))


def _finished(search: Callable[[int], pan.Outcome], count: int, jobs: int) -> Iterable[tuple[int, pan.Outcome]]:
    with ThreadPoolExecutor(jobs) as pool:
        searching = {pool.submit(search, number): number for number in range(count)}
        try:
            for done in as_completed(searching):
                yield searching[done], done.result()
        finally:
            for waiting in searching:
                waiting.cancel()


def _figures(outcome: pan.Outcome) -> str:
    return f"{outcome.states:,} states, {outcome.seconds:.1f} s, {outcome.megabytes:.0f} MB"


def _tell(outcome: pan.Outcome) -> None:
    for number, line in enumerate(outcome.story, start=1):
        print(f"    {number:2}. {line}", flush=True)


def _document(findings: Sequence[Finding], *, write: bool) -> bool:
    said = DOCUMENT.read_text()
    measured = table.written(said, table.CONFIGURATIONS, table.configurations(CONFIGURATIONS))
    measured = table.written(measured, table.MISTAKES, table.mistakes(findings))
    if write:
        DOCUMENT.write_text(measured)
    elif measured != said:
        print(f"{DOCUMENT} does not say what was measured; run: python -m model --write", file=sys.stderr)
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
