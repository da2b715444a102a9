"""The whole system, left running: `python -m harness.up`, or `make up`.

A process in the background starts and supervises it, seeded with a cycle whose reviews are in different states, until
`python -m harness.down`. What is needed to use it lies in `var/up.json`:

    {"services": {name: url}, "people": {name: {"id", "roles", "token"}}, "review_ids": […]}
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
from filelock import FileLock, Timeout

from harness.eventually import Polling
from harness.people import ANNA, BEN, CAST, MAX, MIRA, OLGA
from harness.stack import Stack
from harness.stack.children import end_on_signals
from harness.story import Story
from harness.system import Pace, System

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.stack.children import Child

START_S_MAX = 180.0
STOP_S_MAX = 60.0
LOOK_EVERY_S = 1.0
RESTARTS_MAX = 20
TOKEN_DAYS = 30
# Nobody waits for repairs here; the other services' rows are looked through as often as in production.
PACE = Pace(reconcile_backoff_s_max=300.0, sweep_every_s=600.0)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the running system keeps what; `var` is the folder above all of it."""

    var: Path

    @property
    def folder(self) -> Path:
        """Return the folder of its servers, logs and tokens."""
        return self.var / "up"

    @property
    def issuer(self) -> Path:
        """Return the folder of the development issuer's key, which outlives the system: so do its tokens."""
        return self.var / "issuer"

    @property
    def addresses(self) -> Path:
        """Return the file with what is needed to use it."""
        return self.var / "up.json"

    @property
    def supervisor(self) -> Path:
        """Return the file with the supervisor's process id."""
        return self.folder / "supervisor.pid"

    @property
    def log(self) -> Path:
        """Return the file with what the supervisor says."""
        return self.folder / "log" / "supervisor.log"

    def lock(self) -> FileLock:
        """Return the lock that the supervisor holds for as long as it lives."""
        self.var.mkdir(parents=True, exist_ok=True)
        return FileLock(self.var / ".up.lock")

    def is_running(self) -> bool:
        """Say whether there is a supervisor, also one that is still starting or stopping."""
        lock = self.lock()
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return True
        lock.release()
        return False


def main(arguments: Sequence[str] | None = None) -> int:
    """Start the system in the background, or say that it runs, and print how to use it."""
    parser = argparse.ArgumentParser(description="Start the whole system and leave it running.")
    parser.add_argument("--var", type=Path, default=Path("var"), help="the folder that gets up.json and up/")
    parser.add_argument("--supervise", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    place = Place(chosen.var.absolute())
    if chosen.supervise:
        return _supervise(place)
    if place.is_running():
        return _already(place)
    print("This starts PostgreSQL, Kafka, a mail server and four services, and leaves them running.", flush=True)
    return _start(place)


def _already(place: Place) -> int:
    if not place.addresses.exists():
        print("One is starting or stopping at this moment; try again in a minute.")
        return 1
    print("It is running already.")
    _explain(place)
    return 0


def _start(place: Place) -> int:
    shutil.rmtree(place.folder, ignore_errors=True)
    place.addresses.unlink(missing_ok=True)
    place.log.parent.mkdir(parents=True)
    with place.log.open("ab") as log:
        supervisor = subprocess.Popen(
            [sys.executable, "-m", "harness.up", "--supervise", "--var", str(place.var)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        ready = _follow(place, supervisor)
    except KeyboardInterrupt:
        print("\nInterrupted; stopping what was started.", flush=True)
        supervisor.terminate()
        supervisor.wait(STOP_S_MAX)
        return 130
    if not ready:
        supervisor.terminate()
        print(f"It did not start. What was said: {place.log}")
        return 1
    _explain(place)
    return 0


def _follow(place: Place, supervisor: subprocess.Popen[bytes]) -> bool:
    """Print what the supervisor says until the system is there; return False if it ended or took too long."""
    deadline = time.monotonic() + START_S_MAX
    with place.log.open(encoding="utf-8", errors="replace") as lines:
        while True:
            ready, ended = place.addresses.exists(), supervisor.poll() is not None
            for line in lines:
                print(line, end="", flush=True)
            if ready or ended or time.monotonic() > deadline:
                return ready and not ended
            time.sleep(0.1)


def _explain(place: Place) -> None:
    known = json.loads(place.addresses.read_text(encoding="utf-8"))
    services, review_id = known["services"], known["review_ids"][0]
    print("\nOne token a person:\n")
    for name, one in known["people"].items():
        roles = f" ({', '.join(one['roles'])})" if one["roles"] else ""
        print(f"  {name + roles:<20} {one['token']}")
    print("\nThe services, and their operations:\n")
    for name, url in services.items():
        print(f"  {name:<14} {url}   {url}/docs")
    tokens = place.folder / "tokens"
    print("\nTry:\n")
    for who, url in (
        ("anna", f"{services['packets']}/v1/packets/{review_id}"),
        ("max", f"{services['notifications']}/v1/tasks"),
        ("helen", f"{services['packets']}/v1/packets"),
    ):
        print(f'  curl -s -H "Authorization: Bearer $(cat {tokens / who})" {url}')
    print(f"\nAll of this, tokens included, is in {place.addresses}. `make down` stops it.")


# -- the supervisor ----------------------------------------------------------------------------------------------------


def _supervise(place: Place) -> int:
    """Start everything, seed it, and keep it running until a signal comes."""
    end_on_signals()
    try:
        with place.lock().acquire(timeout=0), contextlib.ExitStack() as ending:
            place.supervisor.write_text(str(os.getpid()))
            ending.callback(place.addresses.unlink, missing_ok=True)
            stack = ending.enter_context(Stack.start(var_dir=place.folder, say=_say))
            starting = System.on(stack, var_dir=place.folder, pace=PACE, issuer_dir=place.issuer, say=_say)
            system = ending.enter_context(starting)
            began = time.monotonic()
            story = seed(system)
            _say(f"writing five reviews: {time.monotonic() - began:.1f} s")
            _publish(place, system, story)
            _watch(system)
    except Timeout:
        _say("another one is running")
        return 1
    except (RuntimeError, TimeoutError, AssertionError) as error:
        _say(str(error))
        return 1
    return 0


def seed(system: System) -> Story:
    """Make a cycle with five reviews, each at another point of its way.

    Anna's is released and she has signed; Ben's packet is with his manager; of Olga both sides are written; Max has
    saved a draft; Mira has not begun.
    """
    story = Story(system.gateway(), Polling())
    story.begin(ANNA, BEN, OLGA, MAX, MIRA)
    for employee in (ANNA, BEN):
        story.written(employee)
    story.select_questions()
    story.calibrate(ANNA, BEN)
    for employee in (ANNA, BEN):
        story.send_to_manager(employee)
    story.release(ANNA)
    story.sign(ANNA)
    story.save_self(OLGA)
    story.share_self(OLGA)
    story.save_manager(OLGA, by=MIRA)
    story.submit(OLGA, by=MIRA)
    story.save_self(MAX)
    return story


def _publish(place: Place, system: System, story: Story) -> None:
    tokens = place.folder / "tokens"
    tokens.mkdir(mode=0o700)
    people: dict[str, Any] = {}
    for one in CAST:
        name = one.name.split()[0].lower()
        token = system.issuer.token(one.id, one.roles, lifetime_s=TOKEN_DAYS * 86_400)
        people[name] = {"id": one.id, "roles": list(one.roles), "token": token}
        (tokens / name).write_text(token)
    known = {"services": system.urls, "people": people, "review_ids": list(story.reviews.values())}
    draft = place.addresses.with_suffix(".draft")
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(known, indent=2) + "\n", encoding="utf-8")
    draft.replace(place.addresses)


def _watch(system: System) -> None:
    """Start again what ends, until this process is told to end or a process ends too often."""
    restarts = 0
    while restarts < RESTARTS_MAX:
        time.sleep(LOOK_EVERY_S)
        for service, verb in system.ended():
            child: Child = system.process(service, verb)
            _say(f"{child.name} ended with {child.exit_code}: starting it again")
            system.launch(service, verb)
            restarts += 1
    _say(f"processes ended {restarts} times: giving up")


def _say(line: str) -> None:
    print(f"  {line}", flush=True)


def ask_to_end(place: Place) -> None:
    """Tell the supervisor to stop everything, and end it if it does not; nothing happens if there is none."""
    with contextlib.suppress(FileNotFoundError, ValueError, psutil.NoSuchProcess):
        supervisor = psutil.Process(int(place.supervisor.read_text()))
        tree = [supervisor, *supervisor.children(recursive=True)]
        supervisor.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + STOP_S_MAX
        while any(_runs(one) for one in tree) and time.monotonic() < deadline:
            time.sleep(0.1)
        if _runs(supervisor):
            # What it started is tied to its life.
            supervisor.kill()


def _runs(one: psutil.Process) -> bool:
    # Where nobody collects orphans, as in a container, what has ended stays listed.
    try:
        return one.is_running() and one.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


if __name__ == "__main__":
    sys.exit(main())
