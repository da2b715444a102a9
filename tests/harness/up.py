"""The whole system, left running: `python -m harness.up`, or `make up`.

A process in the background starts and supervises it, seeded with a cycle whose reviews are in different states, until
`python -m harness.down`. What is needed to use it lies in `var/up.json`:

    {"services": {name: url}, "background": {name: url of the health and figures of its loops},
     "kafka": "host:port", "postgres": "host:port", "mails": folder, "environments": folder,
     "people": {name: {"id", "roles", "role", "story", "token", "token_file"}},
     "reviews": [{"review_id", "employee", "manager", "story"}], "review_ids": […]}

`environments` has a file for each service with the variables by which its programs reach what runs here.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import psutil
from filelock import FileLock, Timeout

from harness import doorplate
from harness.doorplate import tell
from harness.eventually import Polling
from harness.people import AMY, ANNA, BEN, CAST, DORA, HELEN, HUGO, KAI, MAX, MIRA, OLGA, SERVICES
from harness.stack import Stack
from harness.stack.children import end_on_signals
from harness.story import Story
from harness.system import Pace, System

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.people import Person
    from harness.stack.children import Child

START_S_MAX = 180.0
STOP_S_MAX = 60.0
LOOK_EVERY_S = 1.0
RESTARTS_MAX = 20
TOKEN_DAYS = 30
# Nobody waits for repairs here; the other services' rows are looked through as often as in production.
PACE = Pace(reconcile_backoff_s_max=300.0, sweep_every_s=600.0)

# What each is, and what there is for them to do in the cycle that `seed` makes.
PARTS: dict[str, tuple[str, str]] = {
    DORA.id: ("director", "manages Max, Mira, Helen and Kai; reviews Max and Mira"),
    MAX.id: ("manager", "manages Anna, Ben and Hugo; can release Ben's packet, and sign Anna's"),
    MIRA.id: ("manager", "manages Olga"),
    ANNA.id: ("employee", "reads her packet; has signed it"),
    BEN.id: ("employee", "waits for his packet"),
    OLGA.id: ("employee", "waits for her packet; her review is to be calibrated"),
    HELEN.id: ("HR Admin", "runs the cycle"),
    HUGO.id: ("HR Admin", "the same, but reports to Max: not on Max's review"),
    AMY.id: ("HR Assistant", "sees who is how far, no texts"),
    KAI.id: ("calibrator", "rates in the calibration session of Anna and Ben"),
}
STORIES: dict[str, str] = {
    ANNA.id: "released; she has signed, he has not",
    BEN.id: "calibrated; the packet is with his manager",
    OLGA.id: "both sides submitted; not calibrated",
    MAX.id: "a draft of the self-assessment",
    MIRA.id: "not begun",
}


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
    def tokens(self) -> Path:
        """Return the folder with a token for each of its people."""
        return self.folder / "tokens"

    @property
    def environments(self) -> Path:
        """Return the folder with the variables that each service's programs need to reach it."""
        return self.folder / "env"

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
    tell("This starts PostgreSQL, Kafka, a mail server and four services, and leaves them running.")
    return _start(place)


def _already(place: Place) -> int:
    if not place.addresses.exists():
        tell("One is starting or stopping at this moment; try again in a minute.")
        return 1
    tell("It is running already.")
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
        tell("\nInterrupted; stopping what was started.")
        supervisor.terminate()
        supervisor.wait(STOP_S_MAX)
        return 130
    if not ready:
        supervisor.terminate()
        tell(f"It did not start. What was said: {place.log}")
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
                tell(line, end="")
            if ready or ended or time.monotonic() > deadline:
                return ready and not ended
            time.sleep(0.1)


def _explain(place: Place) -> None:
    known = json.loads(place.addresses.read_text(encoding="utf-8"))
    for line in doorplate.lines(known, file=place.addresses):
        tell(line)


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
    place.tokens.mkdir(mode=0o700)
    place.environments.mkdir(mode=0o700)
    for service in SERVICES:
        words = (f"{name}={shlex.quote(value)}\n" for name, value in system.environment(service).items())
        _write_secret(place.environments / service, "".join(words))
    postgres = urlsplit(system.database(SERVICES[0]).url)
    people = {one.id: one for one in CAST}
    known = {
        "services": system.urls,
        "background": {name: system.health_urls[name, "background"] for name in SERVICES},
        "kafka": system.stack.kafka.bootstrap,
        "postgres": f"{postgres.hostname}:{postgres.port}",
        "mails": str(system.stack.smtp.folder or ""),
        "environments": str(place.environments),
        "people": {_first_name(one): _known_of(one, place, system) for one in CAST},
        "reviews": [
            {
                "review_id": review_id,
                "employee": _first_name(people[employee]),
                "manager": _first_name(people[people[employee].manager or ""]),
                "story": STORIES[employee],
            }
            for employee, review_id in story.reviews.items()
        ],
        "review_ids": list(story.reviews.values()),
    }
    draft = place.addresses.with_suffix(".draft")
    _write_secret(draft, json.dumps(known, indent=2) + "\n")
    draft.replace(place.addresses)


def _known_of(one: Person, place: Place, system: System) -> dict[str, Any]:
    file = place.tokens / _first_name(one)
    token = system.issuer.token(one.id, one.roles, lifetime_s=TOKEN_DAYS * 86_400)
    _write_secret(file, token)
    role, story = PARTS[one.id]
    return {
        "id": one.id,
        "roles": list(one.roles),
        "role": role,
        "story": story,
        "token": token,
        "token_file": str(file),
    }


def _first_name(one: Person) -> str:
    return one.name.split()[0].lower()


def _write_secret(file: Path, words: str) -> None:
    file.touch(mode=0o600)
    file.write_text(words, encoding="utf-8")


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
