"""A rule that does not hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from explore.steps import Step


class Violation(Exception):
    """The property that is broken, in what way, and (where it is a step that breaks it) by which step."""

    def __init__(self, broken: str, words: str, step: Step | None = None) -> None:
        super().__init__(f"{broken}: {words}")
        self.property = broken
        self.words = words
        self.step = step


def crashed(error: Exception, step: Step | None = None) -> Violation:
    """What is neither a refusal nor a broken rule, but an error that nobody meant to raise."""
    return Violation("crash", repr(error), step)
