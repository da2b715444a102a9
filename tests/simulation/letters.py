"""S8: while a dead letter is undecided, nothing that came behind it in its topic and key is applied."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.people import SERVICES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reviewbus.broker import Record
    from simulation.machines import System
    from simulation.sight import Sight

_LETTERS = (
    "select coalesce(jsonb_agg(jsonb_build_object('id', id, 'topic', topic, 'partition', partition, "
    "'position', position, 'key', key)), '[]') from dead_letter where status = 'dead'"
)
_APPLIED = "select coalesce(jsonb_agg(event_id), '[]') from inbox"


@dataclass(slots=True)
class Parked:
    """Watches what each service has applied, from the first letter or the first record that must become one."""

    watching: bool = False
    # By service: what it had applied when it was last looked at.
    applied: dict[str, set[str]] = field(default_factory=dict)
    # By service and letter: what had been applied before the letter was there.
    before: dict[tuple[str, int], set[str]] = field(default_factory=dict)

    def watch(self, system: System) -> None:
        """Begin to watch."""
        if not self.watching:
            self.watching = True
            self.applied = {name: set(system.ground.rows[name].ask(_APPLIED)) for name in SERVICES}

    def breaches(self, system: System, sight: Sight) -> Iterator[str]:
        """Look at what was applied since the last call."""
        if not self.watching and any(sight.of(name)["letters"] for name in SERVICES):
            self.watch(system)
        if not self.watching:
            return
        for name in SERVICES:
            applied = set(system.ground.rows[name].ask(_APPLIED))
            if sight.of(name)["letters"]:
                for letter in system.ground.rows[name].ask(_LETTERS):
                    known = self.before.setdefault((name, letter["id"]), self.applied[name])
                    for event in sorted(_behind(system, letter) & applied - known):
                        yield f"S8 {letter['key']}: {name} applied {event} behind a letter in {letter['topic']}"
            self.applied[name] = applied


def _behind(system: System, letter: Any) -> set[str]:
    log = system.broker.logs.get((letter["topic"], letter["partition"]), [])
    # Where the broker has forgotten, all that is there came later.
    start = letter["position"] + 1 if letter["position"] < len(log) else 0
    # What was sent again behind the letter may have been applied where it lies before it.
    return _events(log[start:], letter["key"]) - _events(log[:start], letter["key"])


def _events(records: Sequence[Record], key: str) -> set[str]:
    heads = (dict(one.headers) for one in records if one.key == key.encode())
    return {head["ce_id"].decode() for head in heads if "ce_id" in head}
