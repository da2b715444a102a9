"""A rule that does not hold."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explore.steps import Step


class Violation(Exception):
    """The property that is broken, in what way, and (where it is a step that breaks it) by which step."""

    def __init__(self, broken: str, words: str, step: Step | None = None) -> None:
        super().__init__(f"{broken}: {words}")
        self.property = broken
        self.words = words
        self.step = step


@contextmanager
def errors_are_violations() -> Iterator[None]:
    """What the code under test does to the rules themselves is a bug of it as well."""
    try:
        yield
    except Violation:
        raise
    except Exception as error:
        raise crashed(error) from error


def crashed(error: Exception, step: Step | None = None) -> Violation:
    """What is neither a refusal nor a broken rule, but an error that nobody meant to raise."""
    return Violation("crash", repr(error), step)
