"""What a run reached: commands by answer, faults, states; so that a machine that reaches nothing cannot look well."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


_COUNTED = ("accepted", "refused", "codes", "faults", "states")


@dataclass(slots=True)
class Tally:
    """Counts of one schedule, or of many."""

    schedules: int = 0
    steps: int = 0
    accepted: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Tally:
        """Return what `document` gave."""
        tally = cls(schedules=document["schedules"], steps=document["steps"])
        for name in _COUNTED:
            getattr(tally, name).update(document[name])
        return tally

    def document(self) -> dict[str, Any]:
        """Return it as JSON objects."""
        counts = {name: dict(getattr(self, name)) for name in _COUNTED}
        return {"schedules": self.schedules, "steps": self.steps, **counts}

    def add(self, other: Tally) -> None:
        """Count what another one counted as well."""
        self.schedules += other.schedules
        self.steps += other.steps
        for name in _COUNTED:
            getattr(self, name).update(getattr(other, name))

    def missing(self, acts: Iterable[str], faults: Iterable[str]) -> list[str]:
        """Return what was never reached: commands that nobody gave with success, faults that never happened."""
        return [
            *(f"no {name} was ever accepted" for name in acts if not self.accepted[name]),
            *(f"{name} never happened" for name in faults if not self.faults[name]),
        ]

    def lines(self) -> list[str]:
        """Return it as text."""
        commands = [
            f"  {name:<44} {self.accepted[name]:>6} {self.refused[name]:>6}"
            for name in sorted(self.accepted.keys() | self.refused.keys())
        ]
        return [
            f"{self.schedules} schedules, {self.steps} steps",
            f"  {'command':<44} {'taken':>6} {'refused':>7}",
            *commands,
            "faults: " + ", ".join(f"{name} {count}" for name, count in sorted(self.faults.items())),
            "refusals: " + ", ".join(f"{name} {count}" for name, count in self.codes.most_common(60)),
            "states: " + ", ".join(f"{name} {count}" for name, count in sorted(self.states.items())),
        ]
