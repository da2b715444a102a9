"""What a generator of commands knows when it makes one: what was seen last, a review to act on, and chance."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.people import AMY, CAST, HELEN, HUGO, KAI

if TYPE_CHECKING:
    from datetime import datetime
    from random import Random

    from harness.people import Person
    from simulation.sight import Row, Rows, Sight

BY_ID = {one.id: one for one in CAST}
STALE, NONE_AT_ALL = 0.15, 0.03


@dataclass(slots=True)
class Known:
    """What clients have kept: ids they were told, the tags that they were shown and the commands that they gave."""

    cycle_id: str
    questionnaire_id: str
    cycles: list[str] = field(default_factory=list)
    sessions: list[str] = field(default_factory=list)
    questionnaires: list[str] = field(default_factory=list)
    tags: dict[str, list[str]] = field(default_factory=dict)
    given: list[tuple[str, Any]] = field(default_factory=list)


@dataclass(slots=True)
class Scene:
    """One moment of choice, about one review."""

    random: Random
    sight: Sight
    known: Known
    review_id: str
    now: datetime

    @property
    def review(self) -> Row:
        """Assessment's row."""
        return self.sight.reviews[self.review_id]

    @property
    def packet(self) -> Row:
        """Packets' row; empty while it has none."""
        return self.sight.packet_rows.get(self.review_id, {})

    @property
    def record(self) -> Row:
        """Signing's row; empty while it has none."""
        return self.sight.records.get(self.review_id, {})

    @property
    def packet_state(self) -> str:
        """The packet's state; empty while there is none."""
        return str(self.packet.get("state", ""))

    @property
    def open(self) -> bool:
        """Whether the review goes on."""
        row = self.review
        return bool(row["started"] and not row["cancelled"] and not row["cycle_closed"])

    @property
    def locked(self) -> bool:
        """Whether any register is held."""
        return any(self.review[f"{name}_held"] for name in REGISTERS)

    @property
    def signed(self) -> bool:
        """Whether a signature's or the completion's register is held."""
        return any(self.review[f"{name}_held"] for name in REGISTERS[1:])

    @property
    def scheduled(self) -> bool:
        """Whether a release of the packet waits for its instant."""
        return self.review_id in self.sight.packets["scheduled"]

    def has_backup(self, side: str) -> bool:
        """Whether somebody has a backup of this side."""
        return f"{self.review_id}:{side}" in self.sight.assessment["backups"]

    def session(self, *states: str) -> str | None:
        """A calibration session in one of these states that has the review, or any of them."""
        found = [one for one, row in sorted(self.sight.packets["sessions"].items()) if row["state"] in states]
        own = self.packet.get("session_id")
        return own if own in found else (self.random.choice(found) if found else None)

    def operation(self, *states: str, of: str = "packets") -> str | None:
        """A command for many packets, or for many of what another service has, in one of these states; any of them."""
        rows: Rows = self.sight.of(of).get("operations", {})
        found = [one for one, row in sorted(rows.items()) if row["state"] in states]
        return self.random.choice(found) if found else None

    def people(self, part: str) -> list[Person]:
        """Who plays a part in this review now."""
        manager = self.review["manager_id"]
        parts = {
            "employee": [BY_ID[self.review["subject_id"]]],
            "manager": [BY_ID[manager]] if manager else [],
            "hr": [HELEN, HUGO],
            "assistant": [AMY],
            "calibrator": [KAI, HELEN],
        }
        return parts[part]

    def chance(self, share: float) -> bool:
        """Come true now and then."""
        return self.random.random() < share

    def version(self, kind: str, current: Any) -> str | None:
        """The version that a client names: the one it sees now, one that it saw earlier, or none."""
        tags = self.known.tags.setdefault(f"{kind}:{self.review_id}", [])
        if current is not None and str(current) not in tags[-1:]:
            tags.append(str(current))
        if self.chance(NONE_AT_ALL):
            return None
        if tags and self.chance(STALE):
            return self.random.choice(tags)
        return None if current is None else str(current)

    def words(self, often: float = 0.93) -> str | None:
        """A reason, mostly."""
        return "For a reason." if self.chance(often) else None


REGISTERS = ("release", "signature_employee", "signature_manager", "completion")
