"""What operators do, by the verbs that ship: backups put back and moved, dead letters replayed or discarded."""

from __future__ import annotations

import argparse
import contextlib
import io
from typing import TYPE_CHECKING

from reviewbus import verbs
from reviewbus.client import PeerRefused, PeerUnavailable
from simulation.kill import Killed
from simulation.sight import HOLDERS, look

if TYPE_CHECKING:
    from simulation.play import Play

COPY = "copy"


def back_up(s: Play, name: str) -> None:
    """Take a copy of a service's database as it is now."""
    s.system.ground.rows[name].put_aside(COPY)
    s.copies[name] = True
    s.tell(f"(a copy is taken of {name})")


def restore(s: Play, name: str) -> None:
    """Put the copy back while none of the service's processes runs, move its rows, and start its processes."""
    rows = s.system.ground.rows[name]
    rows.put_back(COPY)
    table = {"packets": "packets", "assessment": "review", "signing": "record", "notifications": "board"}[name]
    counted = rows.ask(f"select coalesce(jsonb_object_agg(review_id, event_sequence), '{{}}') from {table}")  # noqa: S608 -- our own tables
    s.counted_before[name] = counted
    s.system.lives[name] += 1
    s.restored = name
    s.lost_facts = True
    s.given = [one for one in s.given if s.system.gateway.owner(one.path) is not s.system.gateway.clients[name]]
    s.memory.hashes.clear()
    if name == "packets":
        s.consent.restored()
    if name == "signing":
        s.memory.brought_back = _signed(s)
    for verb in ("web", "relay", "consume", "work"):
        s.system.restart(name, verb)
    move(s, name)


def _signed(s: Play) -> set[tuple[str, str, int]]:
    rows = look(s.system.ground, s.system.clock.now).records
    return {
        (review_id, name, row[f"{name}_fence"])
        for review_id, row in rows.items()
        for name in HOLDERS.values()
        if row[f"{name}_state"] == "signed"
    }


def move(s: Play, name: str) -> None:
    """`check --restored`: may be interrupted, or find another service away, and is then to be repeated."""
    if name == "notifications":
        s.silent_until = s.system.clock.now
        s.post.restored(s.system.clock.now)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            verbs._restored(s.system.services[name])
    except Killed:
        s.tell(f"  check --restored of {name} died")
    except (PeerUnavailable, PeerRefused) as error:
        s.tell(f"  check --restored of {name} has to wait: {error}")


def settle_letters(s: Play) -> str | None:
    """Replay a dead letter or, where it cannot be applied, discard it; None: there is none."""
    for name in sorted(s.system.services):
        for letter in s.sight.of(name)["letters"]:
            if dlq(s, name, "replay", letter):
                return f"{name} replayed {letter}"
            dlq(s, name, "discard", letter)
            return f"{name} discarded {letter}"
    return None


def dlq(s: Play, name: str, act: str, letter: int) -> bool:
    """Run `dlq` as an operator; say whether it was done."""
    chosen = argparse.Namespace(verb="dlq", act=act, id=letter, out=False, actor="operator")
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        try:
            return verbs.run(chosen, s.system.services[name]) == 0
        except Exception as error:  # noqa: BLE001 -- the verb ends with a trace, and the operator discards instead
            s.tell(f"  dlq {act} {letter} of {name}: {type(error).__name__}")
            return False
