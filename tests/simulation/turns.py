"""Loops: relays, consumers, workers and periodic tasks of the services, one turn at a time, in any order."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from harness.people import SERVICES
from simulation import crowd
from simulation.machines import LOOPS
from simulation.play import Violation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simulation.play import Play

ANY_LOOP, TWICE, REORDERED, SLOW = 0.05, 0.15, 0.5, 0.2
SOMEBODY_ACTS, LEASE_PASSES = 0.4, 0.2
LEASE_S = 700
FEW = 3
# Each question has a moment before its answer is made and one after it; these are those about the rows.
MOMENTS_OF_A_SWEEP = {"packets": (5, 6), "signing": (3, 10)}
ROUNDS_MAX = 200
# Commands for many packets are carried out by a task of their own.
OPERATIONS = ("packets", "operations")
# What waits while such a command goes on.
HELD_BACK = {"pdf-ahead"}
PATIENCE = timedelta(seconds=5)


def turn(play: Play) -> None:
    """One loop of one service turns once; mostly one that has something to do."""
    places = busy(play)
    if not places or play.random.random() < ANY_LOOP:
        name = play.random.choice(SERVICES)
        every = [one.name for one in play.system.services[name].periodic]
        places = [(name, verb) for verb in (*LOOPS, *every) if (name, verb) != (play.lagging, "consume")]
    turn_one(play, *play.random.choice(places))


def turn_one(play: Play, name: str, verb: str, which: int | None = None, *, whole: bool = False) -> int:
    """Turn one loop; a relay may send twice, a consumer may read some topics before others, or few records.

    `whole`: a consumer reads everything.
    """
    random, machine = play.random, play.system.machines[name]
    relay = random.randrange(len(machine.relays)) if which is None else which
    twice = verb == "relay" and random.random() < TWICE
    if verb == "consume" and not whole:
        waiting = sorted(machine.reading.waiting())
        if len(waiting) > 1 and random.random() < REORDERED:
            machine.reading.only = frozenset(random.sample(waiting, random.randint(1, len(waiting) - 1)))
            play.tally.faults["topics reordered"] += 1
        if random.random() < SLOW:
            machine.reading.limit = random.randint(1, FEW)
            play.tally.faults["slow consumer"] += 1
    play.system.broker.twice = twice
    before = len(play.system.kill.deaths)
    done = play.system.turn(name, verb, relay)
    play.system.broker.twice = False
    machine = play.system.machines[name]
    machine.reading.only = machine.reading.limit = None
    if twice and done:
        play.tally.faults["duplicates"] += 1
    died = play.system.kill.deaths[before:]
    words = f" of {len(machine.relays)}, number {relay}" if len(machine.relays) > 1 and verb == "relay" else ""
    play.tell(f"{name} {verb}{words}{' twice' if twice else ''}: {f'died {died[0]}' if died else done}")
    return done


def busy(play: Play) -> list[tuple[str, str]]:
    """Every loop that has something to do, as far as can be seen from outside; some several times."""
    found: list[tuple[str, str]] = []
    many = any(_goes_on(play, row) for row in play.sight.operations.values())
    for name in SERVICES:
        seen, machine = play.sight.of(name), play.system.machines[name]
        if seen["outbox"]:
            found += [(name, "relay")] * 2
        if name != play.lagging and (machine.reading.waiting() or machine.consumer._pending):
            found += [(name, "consume")] * 2
        if set(seen["due"]) - (HELD_BACK if many else set()):
            found.append((name, "work"))
    if many:
        found.append(OPERATIONS)
    for name, rows in (("packets", play.sight.packet_rows), ("signing", play.sight.records)):
        if any(_waits_long(play, row["waiting_since"]) for row in rows.values()):
            found.append((name, "reconcile"))
        if play.sight.awaits(name):
            found.append((name, "sweep"))
    return [one for one in found if not play.sight.quarantined(one[0])] or found


def settle(play: Play) -> None:
    """Turn everything until it rests, and judge each turn that did something; raises `Violation` if it never does."""
    every = [(name, verb) for name in SERVICES for verb in LOOPS]
    for _ in range(ROUNDS_MAX):
        done = 0
        # An operation may be unfinished and still have to wait for what it has asked for.
        for name, verb in [*(sorted(set(busy(play)) & set(every)) or every), OPERATIONS]:
            once = play.system.turn(name, verb)
            if once:
                play.tell(f"{name} {verb}: {once}")
                play.judge()
            done += once
        if not done and not set(busy(play)) & set(every):
            return
    raise Violation("L the services never come to rest")


def turn_meanwhile(play: Play, name: str, verb: str) -> bool:
    """Turn a loop, and while it waits for an answer let others go on; say whether it came to that."""
    moments = {"relay": (1, 1), "sweep": MOMENTS_OF_A_SWEEP.get(name, (1, 3))}
    left = play.random.randint(*moments.get(verb, (1, 3)))
    came = False

    def others(_: str = "") -> None:
        nonlocal left, came
        left -= 1
        if left or play.depth:
            return
        play.depth, came = play.depth + 1, True
        play.tell(f"while {name} {verb} waits:")
        if verb == "sweep":
            _all_go_on(play, name)
        for _turn in range(play.random.randint(1, 4)):
            _go_on(play, name, verb)
        play.depth -= 1

    for sending in play.system.machines[name].sending if verb == "relay" else ():
        sending.meanwhile = others
    for wire in play.system.wires:
        wire.meanwhile = others if wire.caller == name else None
    try:
        turn_one(play, name, verb)
    finally:
        for wire in play.system.wires:
            wire.meanwhile = None
        for sending in play.system.machines[name].sending:
            sending.meanwhile = None
    return came


def _all_go_on(play: Play, name: str) -> None:
    """Everything that is on its way goes on, mostly to its end, while a service's sweep waits."""
    for _ in range(play.random.randint(1, 3)):
        for place in sorted(set(busy(play))):
            if place != (name, "sweep"):
                turn_one(play, *place)
                play.judge()


def _go_on(play: Play, name: str, verb: str) -> None:
    relays = len(play.system.machines[name].relays)
    if verb == "relay" and relays > 1 and play.random.random() < SOMEBODY_ACTS:
        turn_one(play, name, verb, relays - 1)
    elif play.random.random() < SOMEBODY_ACTS:
        crowd.act(play)
    elif verb == "work" and play.random.random() < LEASE_PASSES:
        # The lease passes, and another worker takes the job.
        play.pass_time(LEASE_S)
        turn_one(play, name, verb)
    else:
        places = [one for one in busy(play) if one != (name, verb)]
        if places:
            turn_one(play, *play.random.choice(places))
    play.judge()


def waits(play: Play, name: str) -> bool:
    """Whether packets or signing waits for an answer, however short."""
    return any(row["waiting_since"] for row in play.sight.of(name)["rows"].values())


def _goes_on(play: Play, row: Mapping[str, Any]) -> bool:
    """Whether a command for many packets may have a turn."""
    due = row["state"] == "scheduled" and datetime.fromisoformat(row["fires_at"]) <= play.system.clock.now
    return due or row["state"] in {"planning", "running", "cancelling"}


def _waits_long(play: Play, since: str | None) -> bool:
    return since is not None and play.system.clock.now - datetime.fromisoformat(since) > PATIENCE
