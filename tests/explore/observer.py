"""Looks at each step of a row when it is first taken: counts the cells, and holds the row and the step to the rules."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from explore import cells, packet_rules, record_rules, review_rules
from explore.assessment_side import Row as ReviewRow
from explore.packets_side import Row as PacketRow
from signing.domain.record import SigningRecord

if TYPE_CHECKING:
    from explore.bus import Message
    from explore.cells import Met
    from explore.steps import Step


@dataclass(slots=True)
class Observer:
    """`met` counts the cells of the tables, each step of a row once. Not `strict`: rows and steps are not judged.

    Then only what is said of two services at once, and of worlds at rest, can be found: that must find bugs by itself.
    """

    strict: bool = True
    met: Counter[Met] = field(default_factory=Counter)
    shown: packet_rules.Shown = field(default_factory=packet_rules.Shown)

    def saw(
        self, step: Step, before: object, after: object, sent: tuple[Message, ...], message: Message | None
    ) -> None:
        """Take note of a step. Raises `Violation` where it is against a rule."""
        if not self.strict:
            return
        met = self.met
        for one in cells.met(step, before, after, message):
            met[one] = met.get(one, 0) + 1
        if isinstance(before, ReviewRow) and isinstance(after, ReviewRow):
            review_rules.check_step(before, after, step, message)
        elif after is before and not sent and step.kind == "deliver":
            return
        elif isinstance(before, PacketRow) and isinstance(after, PacketRow):
            packet_rules.check_step(before, after, step, sent)
        elif isinstance(before, SigningRecord) and isinstance(after, SigningRecord):
            record_rules.check_step(before, after, step, sent)

    def refused(self, step: Step, before: object, refusal: Exception) -> None:
        """Take note of a refusal. Raises `Violation` where it is against a rule."""
        if not self.strict:
            return
        for one in cells.met(step, before, refusal, None):
            self.met[one] += 1
        if isinstance(before, ReviewRow):
            review_rules.check_refused(before, refusal, step)
        elif isinstance(before, SigningRecord):
            record_rules.check_refused(before, refusal, step)

    def met_row(self, row: object) -> None:
        """Look at a row that was not met before. Raises `Violation` where it is against a rule."""
        if not self.strict:
            return
        if isinstance(row, ReviewRow):
            review_rules.check_row(row)
        elif isinstance(row, PacketRow):
            packet_rules.check_row(row, self.shown)
        elif isinstance(row, SigningRecord):
            record_rules.check_row(row)
