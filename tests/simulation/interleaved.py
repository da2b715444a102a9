"""Others go on in the midst: of a transaction, of what a relay sends, of what a sweep asks; and one service lags."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import httpx

from harness.people import SERVICES
from simulation import crowd, turns

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulation.play import Play

ACTED_ON = ("assessment", "packets", "signing")
STATEMENTS, WRITES = 12, 3
WRITES_ONLY, ABOUT_IT, STATEMENT_FAILS = 0.7, 0.75, 0.25
ACTS_FIRST, WRITTEN_BACK = 0.5, 0.75
TRIES = 4
LAG_STEPS = (15, 25)
# Something was done, but what was to go wrong in it did not.
TRIED = "-"


def between_statements(s: Play) -> str | None:
    """Before one statement of a command or a turn somebody else's whole step happens, mostly about the same review."""
    name, verb, about = _outer(s)
    came: list[str] = []

    def others() -> None:
        came.append(name)
        _meanwhile(s, f"in the midst of {name} {verb}", lambda: _near(s, name, verb, about), s.random.randint(1, 2))

    writes_only = s.random.random() < WRITES_ONLY
    number = s.random.randint(1, WRITES if writes_only else STATEMENTS)
    with s.system.between.statements(name, number, others, writes_only=writes_only):
        _go(s, name, verb, about)
    return f"{name} {verb}" if came else TRIED


def met_on_the_way(s: Play) -> str | None:
    """A command on a register, or its answer, is applied in the midst of an act on the same review, or around it."""
    waiting = [
        (name, review_id)
        for name in ("packets", "signing")
        for review_id, row in sorted(s.sight.of(name)["rows"].items())
        if row["waiting_since"] and review_id in s.sight.reviews
    ]
    if not waiting or s.system.broker.down:
        return None
    owner, about = s.random.choice(waiting)
    if s.lagging in {owner, "assessment"}:
        return None
    where = s.random.choice(("assessment", owner))
    turns.turn_one(s, owner, "relay")
    if where == owner:
        turns.turn_one(s, "assessment", "consume", whole=True)
        turns.turn_one(s, "assessment", "relay")
    s.judge()
    came: list[str] = []
    steps = [partial(_acted, s, where, about), partial(_heard, s, where)]
    acts_first = s.random.random() < ACTS_FIRST
    outer, inner = steps if acts_first else reversed(steps)

    def others() -> None:
        came.append(where)
        _meanwhile(s, f"in the midst of a step of {where}", inner, 1)

    # What was read is written back at once by a command; a consumer writes down first that it has read a record.
    number = (1 if acts_first else 2) if s.random.random() < WRITTEN_BACK else s.random.randint(1, WRITES)
    with s.system.between.statements(where, number, others, writes_only=True):
        outer()
    return f"{where}, about {about}" if came else TRIED


def before_commit(s: Play) -> str | None:
    """Somebody else emits and the relay sends while a transaction that has emitted is not committed yet."""
    name, verb, about = _outer(s)
    other = [one for one in ours(s) if one != about]
    came: list[str] = []

    def emitted_and_sent() -> None:
        for review_id in s.random.choices(other, k=TRIES):
            before = s.sight.of(name)["outbox"]
            crowd.act_on(s, name, review_id)
            s.judge(reads=False)
            if s.sight.of(name)["outbox"] > before:
                break
        turns.turn_one(s, name, "relay")

    def others() -> None:
        came.append(name)
        _meanwhile(s, f"before {name} {verb} is committed", emitted_and_sent, 1)

    if not other or name not in ACTED_ON:
        return None
    with s.system.between.commit(name, others):
        _go(s, name, verb, about)
    return f"{name} {verb}" if came else TRIED


def two_relays_at_once(s: Play) -> str | None:
    """While one relay sends, more is told of what it sends, and another relay turns."""
    places = [name for name, verb in turns.busy(s) if verb == "relay" and name in ACTED_ON]
    if not places or s.system.broker.down:
        return None
    name = s.random.choice(places)
    if len(s.system.machines[name].relays) < 2:
        s.system.add_relay(name)
    key = s.system.ground.rows[name].ask("select key from outbox order by id limit 1")
    came: list[str] = []

    def more_told_and_sent() -> None:
        for _ in range(TRIES):
            before = s.sight.of(name)["outbox"]
            if key in s.sight.reviews:
                crowd.act_on(s, name, key)
                s.judge()
            if s.sight.of(name)["outbox"] > before:
                break
        turns.turn_one(s, name, "relay", 1)

    def others() -> None:
        came.append(name)
        _meanwhile(s, f"while {name} relay 0 waits", more_told_and_sent, 1)

    s.system.machines[name].sending[0].meanwhile = others
    try:
        turns.turn_one(s, name, "relay", 0)
    finally:
        for sending in s.system.machines[name].sending:
            sending.meanwhile = None
    return name if came else TRIED


def sweep_overtaken(s: Play) -> str | None:
    """While a sweep compares, what it compares is under way and moves on."""
    moving = [name for name in ("packets", "signing") if turns.waits(s, name)]
    if not moving:
        return None
    name = s.random.choice(moving)
    return f"{name} sweep" if turns.turn_meanwhile(s, name, "sweep") else TRIED


def lag(s: Play) -> str | None:
    """A service's consumer stands still for a while, and then reads all that came as one batch."""
    if s.lagging:
        return None
    s.lagging, s.lag_left = s.random.choice(ACTED_ON[1:] * 2 + SERVICES), s.random.randint(*LAG_STEPS)
    return f"{s.lagging}, for {s.lag_left} steps"


def catch_up(s: Play) -> None:
    """The service that lags reads all that the others have told meanwhile; now and then something fails in it."""
    name, s.lagging, s.lag_left = s.lagging, "", 0
    s.tell(f"{name} lags no more")
    for other in SERVICES:
        turns.turn_one(s, other, "relay")
    if s.random.random() < STATEMENT_FAILS:
        with s.system.kill.failing(s.random.randint(2, 12)):
            turns.turn_one(s, name, "consume", whole=True)
    turns.turn_one(s, name, "consume", whole=True)


def _outer(s: Play) -> tuple[str, str, str]:
    """Return a loop with something to do, or a command to be given, and the review that it is about."""
    places = [one for one in turns.busy(s) if one[1] in {"consume", "work"}]
    places += [(name, "act") for name in ACTED_ON]
    name, verb = s.random.choice(places)
    heard = sorted(s.system.machines[name].reading.keys() & s.sight.reviews.keys()) if verb == "consume" else []
    return name, verb, s.random.choice(heard or ours(s))


def ours(s: Play) -> list[str]:
    """The reviews of the cycle that schedules are about."""
    rows = sorted(s.sight.reviews.items())
    return [one for one, row in rows if row["cycle_id"] == s.known.cycle_id]


def _go(s: Play, name: str, verb: str, about: str) -> None:
    if verb == "act":
        crowd.act_on(s, name, about)
    else:
        turns.turn_one(s, name, verb)


def _acted(s: Play, name: str, about: str) -> None:
    """Somebody tries to give a service a command about a review until one is taken."""
    for _ in range(TRIES):
        crowd.act_on(s, name, about)
        if s.depth:
            s.judge(reads=False)
        if not s.given or httpx.codes.is_success(s.given[-1].status):
            return


def _heard(s: Play, name: str) -> None:
    turns.turn_one(s, name, "consume", whole=True)
    if s.depth:
        s.judge(reads=False)


def _near(s: Play, name: str, verb: str, about: str) -> None:
    """Take a step that may get in the way of another one of this service about this review."""
    loops = [one for one in turns.busy(s) if one[0] == name and one[1] not in {verb, "relay"}]
    if name in ACTED_ON and (not loops or s.random.random() < ABOUT_IT):
        crowd.act_on(s, name, about)
    elif loops:
        turns.turn_one(s, *s.random.choice(loops))
    s.judge(reads=False)


def _meanwhile(s: Play, words: str, step: Callable[[], None], times: int) -> None:
    s.tell(f"{words}:")
    s.depth += 1
    for _ in range(times):
        step()
    s.depth -= 1
