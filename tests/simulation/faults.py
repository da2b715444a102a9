"""What goes wrong, one entry each: crashes, a broker at its worst, restored databases, clocks, poison."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from harness.people import HELEN, SERVICES
from simulation import crowd, interleaved, operators, poison, turns
from simulation.interleaved import TRIED
from simulation.kill import AFTER_SEND, BEFORE_COMMIT
from simulation.scene import BY_ID

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulation.play import Play

RESTORABLE = ("packets", "signing", "assessment", "notifications")
RESTORES_MAX = 1
EARLY_S = (0, 0, 0, 1)
ACTS_MEANWHILE = 2
MAY_WAIT = {"ready", "with_manager"}
RELEASE = frozenset({"POST /v1/packets/{review_id}/release"})
MANY, UNRELEASE = "POST /v1/packets/bulk", "POST /v1/packets/{review_id}/unrelease"
FOR_A_REASON = {"reason": "For a reason."}
TAKING_BACK = frozenset(
    {
        UNRELEASE,
        "POST /v1/packets/{review_id}/cancel-scheduled",
        "POST /v1/packets/operations/{operation_id}/cancel",
    }
)
TAKEN_BACK = 0.7
OTHERWISE = 0.3
JUMPS = (10, 60, 600, 4_000, 90_000)
YEARS_S = 5 * 365 * 86_400
MOODS = ("away", "busy", "refuses", "breaks-before", "breaks-after")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that goes wrong. `happen` does it and says so in a few words; None: it cannot happen now."""

    name: str
    happen: Callable[[Play], str | None]
    weight: float = 1.0


# -- processes die -----------------------------------------------------------------------------------------------------


def _in_turn(point: str, verb: str, service: str = "", kind: str = "") -> Callable[[Play], str | None]:
    """A loop dies at a point on its way, where it has something to do (`kind`: such a job)."""

    def happen(s: Play) -> str | None:
        places = [
            name
            for name, busy in turns.busy(s)
            if busy == verb and service in {"", name} and (not kind or kind in s.sight.of(name)["due"])
        ]
        if verb == "reconcile":
            places = [name for name in ("packets", "signing") if service in {"", name} and turns.waits(s, name)]
        if not places:
            return None
        if verb == "reconcile":
            s.pass_time(60)
        name, before = s.random.choice(places), len(s.system.kill.deaths)
        with s.system.kill.armed(point, commits=s.random.randint(1, 3)):
            turns.turn_one(s, name, verb)
        return f"{name} {verb}" if len(s.system.kill.deaths) > before else TRIED

    return happen


def _die_drawing(s: Play) -> str | None:
    """An employee asks for a PDF, and the worker dies that has drawn it."""
    released = [row for row in s.sight.packet_rows.values() if row["state"] == "released"]
    if not released or s.sight.quarantined("packets"):
        return None
    row, before = s.random.choice(released), len(s.system.kill.deaths)
    who = BY_ID[row["subject_id"]]
    answer = s.session(who).get(f"/v1/packets/{row['review_id']}/pdf")
    s.tell(f"{who.name}: asks for the PDF of {row['review_id']} -> {answer.status_code}")
    with s.system.kill.armed("packets-pdf-rendered"):
        turns.turn_one(s, "packets", "work")
    return "packets work" if len(s.system.kill.deaths) > before else TRIED


def _in_web(point: str) -> Callable[[Play], str | None]:
    """A web process dies while it carries out a command."""

    def happen(s: Play) -> str | None:
        before = len(s.system.kill.deaths)
        with s.system.kill.armed(point, commits=s.random.choice((1, 1, 2))):
            crowd.act(s)
        return "while it carried that out" if len(s.system.kill.deaths) > before else TRIED

    return happen


def _kill_connections(s: Play) -> str | None:
    """PostgreSQL ends all of a service's connections; whoever uses one next hears of it."""
    name = s.random.choice(SERVICES)
    count = s.system.ground.rows[name].end_connections()
    s.system.machines[name].unbalanced = True
    busy = [one for one in turns.busy(s) if one[0] == name]
    s.cut_off = True
    if busy:
        turns.turn_one(s, *s.random.choice(busy))
    else:
        crowd.act(s)
    s.cut_off = False
    # A pool learns of it from its first connection that fails, here in nobody's request.
    path = {"assessment": "/v1/cycles", "notifications": "/v1/tasks"}.get(name, f"/v1/{_SEGMENT.get(name, name)}")
    s.session(HELEN).get(path)
    return f"{count} of {name}"


_SEGMENT = {"signing": "signatures"}


def _fail_statement(s: Play) -> str | None:
    """A statement of a consumer fails once, for a reason that nobody foresaw."""
    places = [name for name, verb in turns.busy(s) if verb == "consume"]
    if not places:
        return None
    name = s.random.choice(places)
    with s.system.kill.failing(s.random.randint(2, 12)):
        turns.turn_one(s, name, "consume")
    return name


# -- the broker --------------------------------------------------------------------------------------------------------


def _mishap(kind: str) -> Callable[[Play], str | None]:
    def happen(s: Play) -> str | None:
        places = [name for name, verb in turns.busy(s) if verb == "relay"]
        if not places or s.system.broker.down:
            return None
        name = s.random.choice(places)
        for sending in s.system.machines[name].sending:
            sending.mishap = kind
        turns.turn_one(s, name, "relay")
        for sending in s.system.machines[name].sending:
            sending.mishap = ""
        return name

    return happen


def _broker_down(s: Play) -> str | None:
    if s.system.broker.down:
        return None
    s.system.broker.down = True
    return "until further notice"


def _broker_up(s: Play) -> str | None:
    if not s.system.broker.down:
        return None
    s.system.broker.down = False
    return "with all its records"


def _forget(s: Play) -> str | None:
    """The broker loses all records and all offsets."""
    s.system.broker.forget()
    s.lost_facts = True
    return "all records and offsets"


def _rewind(s: Play) -> str | None:
    """A group's offsets go back: it reads again what it has read, late and after newer records of other topics."""
    name, broker = s.random.choice(SERVICES), s.system.broker
    group = s.system.services[name].settings.group
    places = sorted(place for (one, place), offset in broker.committed.items() if one == group and offset)
    for place in s.random.sample(places, s.random.randint(0, len(places))):
        broker.committed[group, place] = s.random.randrange(broker.committed[group, place])
    s.system.restart(name, "consume")
    return name


def _forget_inbox(s: Play) -> str | None:
    """A service reads everything again that is there, and its inbox knows of none of it."""
    name = s.random.choice(SERVICES)
    s.system.ground.rows[name].run("delete from inbox")
    s.forgot.add(name)
    group = s.system.services[name].settings.group
    for one, place in list(s.system.broker.committed):
        if one == group:
            s.system.broker.committed[one, place] = 0
    s.system.restart(name, "consume")
    return name


def _second_relay(s: Play) -> str | None:
    name = s.random.choice(SERVICES)
    if len(s.system.machines[name].relays) > 1:
        s.system.stop_relay(name)
        return f"{name} has one again"
    s.system.add_relay(name)
    return name


# -- time, peers, mails ------------------------------------------------------------------------------------------------


def _jump(s: Play) -> str | None:
    seconds = s.random.choice(JUMPS) if s.random.random() < 0.98 else YEARS_S
    s.pass_time(seconds)
    return str(timedelta(seconds=seconds))


def _instant(s: Play) -> str | None:
    """A release waits: people go on with its packet, or take it back, and the clock comes to the instant."""
    packets = s.sight.packet_rows
    waiting = [one for one in interleaved.ours(s) if one in s.sight.packets["scheduled"]]
    waiting = waiting or [one for one in interleaved.ours(s) if packets.get(one, {}).get("state") in MAY_WAIT]
    if not waiting or s.sight.quarantined("packets"):
        return None
    about = s.random.choice(waiting)
    if about not in s.sight.packets["scheduled"]:
        _decided(s, about, RELEASE)
    if s.random.random() < TAKEN_BACK:
        _decided(s, about, TAKING_BACK)
    for _ in range(s.random.randint(0, ACTS_MEANWHILE)):
        _decided(s, about)
    instants = [row["fires_at"] for row in s.sight.operations.values() if row["fires_at"] is not None]
    if not instants:
        return TRIED
    left = (datetime.fromisoformat(max(instants)) - s.system.clock.now).total_seconds()
    s.pass_time(max(0.0, left - s.random.choice(EARLY_S)))
    turns.turn_one(s, *turns.OPERATIONS)
    return f"of {about}, {left:.0f} s ahead"


def _operation_overtaken(s: Play) -> str | None:
    """HR does something with many packets, mostly releases them; before their turn comes one of them is taken back."""
    packets = s.sight.packet_rows
    fitting = [one for one in interleaved.ours(s) if packets.get(one, {}).get("state") == "with_manager"]
    if not fitting or s.sight.quarantined("packets"):
        return None
    about = s.random.choice(fitting)
    selection = {"review_ids": s.random.choice(([about], fitting))}
    released = s.random.random() >= OTHERWISE
    if released:
        crowd.order(s, MANY, HELEN, {"action": "release", "dry_run": False, "selection": selection, **FOR_A_REASON})
        s.judge()
    else:
        _decided(s, about, frozenset({MANY}))
    if released and s.random.random() < TAKEN_BACK:
        crowd.order(s, UNRELEASE, HELEN, FOR_A_REASON, review_id=about)
        s.judge()
    else:
        _decided(s, about, TAKING_BACK)
    turns.turn_one(s, *turns.OPERATIONS)
    return f"about {about}"


def _decided(s: Play, about: str, among: frozenset[str] = frozenset()) -> None:
    crowd.act_on(s, "packets", about, among)
    s.judge()


def _part(s: Play) -> str | None:
    """No other service reaches one any more; or they do again."""
    if s.system.down:
        name = s.system.down.pop()
        return f"{name} is reached again"
    name = s.random.choice(SERVICES[:3])
    s.system.down.add(name)
    return name


def _mood(s: Play) -> str | None:
    s.system.mails.mood = "" if s.system.mails.mood else s.random.choice(MOODS)
    return s.system.mails.mood or "as usual again"


def _meanwhile(s: Play) -> str | None:
    """While a loop waits for an answer, of the broker or of another service, others go on."""
    places = [one for one in turns.busy(s) if one[1] in {"relay", "work"}]
    places += [(name, "sweep") for name in ("packets", "signing")]
    name, verb = s.random.choice(places)
    return f"{name} {verb}" if turns.turn_meanwhile(s, name, verb) else TRIED


# -- operators ---------------------------------------------------------------------------------------------------------


def _restore(s: Play) -> str | None:
    ready = [name for name in RESTORABLE if name in s.copies]
    if not ready or sum(s.system.lives.values()) >= RESTORES_MAX:
        return None
    name = s.random.choice(ready)
    operators.restore(s, name)
    return name


def _interrupted_restore(s: Play) -> str | None:
    ready = [name for name in RESTORABLE if name in s.copies]
    if not ready or sum(s.system.lives.values()) >= RESTORES_MAX:
        return None
    name = s.random.choice(ready)
    # Nothing of a service is started before its flag is set, which is the first thing to be committed.
    with s.system.kill.armed(BEFORE_COMMIT, commits=s.random.randint(2, 6)):
        operators.restore(s, name)
    return name


def _finish_restore(s: Play) -> str | None:
    quarantined = [name for name in SERVICES if s.sight.quarantined(name)]
    if not quarantined:
        return None
    s.restored = quarantined[0]
    operators.move(s, quarantined[0])
    return quarantined[0]


def _settle_letters(s: Play) -> str | None:
    return operators.settle_letters(s)


FAULTS: tuple[Fault, ...] = (
    Fault(name="crash relay-after-ack", happen=_in_turn("relay-after-ack", "relay")),
    Fault(name="crash relay-after-send", happen=_in_turn(AFTER_SEND, "relay"), weight=0.6),
    Fault(name="crash consumer-after-commit", happen=_in_turn("consumer-after-commit", "consume")),
    Fault(name="crash consumer before-commit", happen=_in_turn(BEFORE_COMMIT, "consume")),
    Fault(name="crash worker before-commit", happen=_in_turn(BEFORE_COMMIT, "work")),
    Fault(name="crash reconciler before-commit", happen=_in_turn(BEFORE_COMMIT, "reconcile")),
    Fault(name="crash web-after-commit", happen=_in_web("web-after-commit"), weight=0.7),
    Fault(name="crash web before-commit", happen=_in_web(BEFORE_COMMIT), weight=0.5),
    Fault(
        name="crash mail-after-smtp", happen=_in_turn("mail-after-smtp", "work", "notifications", "mail"), weight=1.5
    ),
    Fault(
        name="crash packets-content-fetched",
        happen=_in_turn("packets-content-fetched", "work", "packets", "content"),
        weight=3,
    ),
    Fault(
        name="crash packets-rebind-chunk",
        happen=_in_turn("packets-rebind-chunk", "work", "packets", "rebind"),
        weight=2,
    ),
    Fault(
        name="crash packets-operation-chunk",
        happen=_in_turn("packets-operation-chunk", "operations", "packets"),
        weight=2,
    ),
    Fault(
        name="crash assessment-operation-chunk",
        happen=_in_turn("assessment-operation-chunk", "work", "assessment", "carry-out-operation"),
        weight=2,
    ),
    Fault(name="crash packets-reconcile", happen=_in_turn("packets-reconcile", "reconcile", "packets"), weight=2),
    Fault(name="crash packets-pdf-rendered", happen=_die_drawing, weight=0.6),
    Fault(name="connections killed", happen=_kill_connections, weight=0.6),
    Fault(name="statement fails", happen=_fail_statement),
    Fault(name="sent by half", happen=_mishap("half"), weight=0.6),
    Fault(name="answer of the broker lost", happen=_mishap("no-answer")),
    Fault(name="broker down", happen=_broker_down, weight=0.7),
    Fault(name="broker up again", happen=_broker_up, weight=4),
    Fault(name="broker forgets", happen=_forget, weight=0.5),
    Fault(name="read again", happen=_rewind, weight=1.2),
    Fault(name="read again without inbox", happen=_forget_inbox, weight=0.5),
    Fault(name="two relays", happen=_second_relay, weight=1.2),
    Fault(name="poison", happen=poison.among_others, weight=1),
    Fault(name="letters settled", happen=_settle_letters, weight=1),
    Fault(name="clock jumps", happen=_jump, weight=2),
    Fault(name="instant comes", happen=_instant, weight=5),
    Fault(name="operation overtaken", happen=_operation_overtaken, weight=2),
    Fault(name="service cut off", happen=_part, weight=0.8),
    Fault(name="mail server", happen=_mood, weight=0.8),
    Fault(name="meanwhile", happen=_meanwhile, weight=3),
    Fault(name="between statements", happen=interleaved.between_statements, weight=6),
    Fault(name="before a commit", happen=interleaved.before_commit, weight=4),
    Fault(name="two relays at once", happen=interleaved.two_relays_at_once, weight=2),
    Fault(name="met on the way", happen=interleaved.met_on_the_way, weight=14),
    Fault(name="sweep overtaken", happen=interleaved.sweep_overtaken, weight=8),
    Fault(name="lags", happen=interleaved.lag, weight=2.5),
    Fault(name="restored", happen=_restore, weight=0.8),
    Fault(name="restore repeated", happen=_finish_restore, weight=4),
    Fault(name="restore interrupted", happen=_interrupted_restore, weight=0.7),
)
