"""The demo: `python -m harness.demo`, or `make demo`.

Starts the whole system, takes one review through it and back, looks at everything that is left, and writes it down:

    var/demo/packet.pdf      the packet as the employee downloads it in the end
    var/demo/mails/*.eml     every mail
    var/demo/events.ndjson   every record of every topic, in order
    var/demo/report.json     {"ok", "steps": [{"name", "service", "status", "ms"}…], "checks": [{"name", "ok"}…]}
    var/demo/log/            what every process said

Exit status 0 if every step went as told and every check holds, else 1.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from harness.demo_checks import FINDINGS_SHOWN_MAX, Outcome, check_all
from harness.demo_story import Telling
from harness.narration import Narrator
from harness.stack import Stack
from harness.story import StepFailed
from harness.system import System

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.observer import Written

WORDS = (
    "This starts PostgreSQL, Kafka, a mail server and four services as processes of this machine, takes one "
    "performance review through them, and leaves what came of it in {}.\n"
    "Anna is reviewed and Max is her manager; Helen is HR, Amy assists her, Kai calibrates, Olga is a colleague who "
    "has no part in it. Links in mails lead to a web front end that is not part of this repository."
)
STARTED = "everything starts"
TOLD = "every step was answered as the story needs"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo and return the exit status."""
    parser = argparse.ArgumentParser(description="Watch one review travel through the system.")
    parser.add_argument(
        "--var", type=Path, default=Path("var/demo"), help="the folder for what it leaves, emptied first"
    )
    var_dir: Path = parser.parse_args(arguments).var
    print(WORDS.format(var_dir), flush=True)
    var_dir.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(var_dir.with_name(f".{var_dir.name}.lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        print(f"Another demo is writing to {var_dir}. Wait for its end, or name another folder with --var.")
        return 1
    with lock:
        try:
            return _run(var_dir)
        except KeyboardInterrupt:
            print("\nInterrupted; everything is stopped.")
            return 130


def _run(var_dir: Path) -> int:
    began = time.monotonic()
    shutil.rmtree(var_dir, ignore_errors=True)
    var_dir.mkdir(parents=True)
    narrator = Narrator()
    with ExitStack() as ending:
        # The keys and tokens are of no use once the system is gone.
        ending.callback(shutil.rmtree, var_dir / "issuer", ignore_errors=True)
        narrator.chapter("Starting")
        try:
            stack = ending.enter_context(Stack.start(var_dir=var_dir, say=_say(narrator)))
            system = ending.enter_context(System.on(stack, var_dir=var_dir, say=_say(narrator)))
        except (RuntimeError, TimeoutError) as error:
            narrator.say(f"  {error}")
            outcomes = [Outcome(name=STARTED, findings=(str(error),))]
        else:
            outcomes = _tell_and_check(system, narrator, var_dir)
    ok = all(one.ok for one in outcomes)
    _write_report(var_dir, ok=ok, narrator=narrator, outcomes=outcomes)
    _conclude(narrator, outcomes, var_dir, seconds=time.monotonic() - began)
    return 0 if ok else 1


def _say(narrator: Narrator) -> _Say | None:
    # On a terminal the stack shows a spinner of its own.
    return None if narrator.console.is_terminal else _Say(narrator)


class _Say:
    def __init__(self, narrator: Narrator) -> None:
        self._narrator = narrator

    def __call__(self, line: str) -> None:
        self._narrator.say(f"  {line}")


def _tell_and_check(system: System, narrator: Narrator, var_dir: Path) -> list[Outcome]:
    telling = Telling(system, narrator)
    try:
        telling.tell()
    except (StepFailed, TimeoutError) as error:
        narrator.console.print(f"    {error}", style="red", markup=False)
        _write_events(var_dir, system.records())
        return [Outcome(name=TOLD, findings=(str(error),))]
    narrator.chapter("Looking at everything that is left")
    records = system.records()
    _write_events(var_dir, records)
    (var_dir / "packet.pdf").write_bytes(telling.pdfs["second"])
    outcomes = [Outcome(name=TOLD, findings=()), *check_all(telling, records)]
    for one in outcomes:
        _show(narrator, one)
    return outcomes


def _show(narrator: Narrator, outcome: Outcome) -> None:
    mark = "[green]✓[/]" if outcome.ok else "[red]✗[/]"
    narrator.console.print(f"  {mark} {outcome.name}")
    for finding in outcome.findings[:FINDINGS_SHOWN_MAX]:
        narrator.say(f"      {finding}")
    if len(outcome.findings) > FINDINGS_SHOWN_MAX:
        narrator.say(f"      … and {len(outcome.findings) - FINDINGS_SHOWN_MAX} more")


def _write_events(var_dir: Path, records: Sequence[Written]) -> None:
    with (var_dir / "events.ndjson").open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(one.document(), ensure_ascii=False) + "\n" for one in records)


def _write_report(var_dir: Path, *, ok: bool, narrator: Narrator, outcomes: Sequence[Outcome]) -> None:
    steps = [{**asdict(one), "name": one.name.strip()} for one in narrator.steps]
    checks = [{"name": one.name, "ok": one.ok} for one in outcomes]
    report = {"ok": ok, "steps": steps, "checks": checks}
    (var_dir / "report.json").write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _conclude(narrator: Narrator, outcomes: Sequence[Outcome], var_dir: Path, *, seconds: float) -> None:
    failed = [one.name for one in outcomes if not one.ok]
    narrator.say("")
    if failed:
        narrator.say(f"Failed after {seconds:.0f} s: {'; '.join(failed)}. What every process said: {var_dir}/log/")
        return
    narrator.say(f"All is well, after {seconds:.0f} s. Look at:")
    for name, meaning in (
        ("packet.pdf", "the packet as Anna has it now"),
        ("mails/", "every mail that was sent"),
        ("events.ndjson", "every record of every Kafka topic, in order"),
        ("report.json", "the steps and checks above"),
    ):
        narrator.say(f"  {var_dir / name}  {meaning}")


if __name__ == "__main__":
    sys.exit(main())
