"""All rules, and the verdict over a history."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from faults.judge import commands, consent, endings, holds, mails, reading, records

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from faults.judge.history import History

# What is promised, by the name under which it is broken.
RULES = {
    "F1": "no employee reads a packet while its manager side can be edited",
    "F2": "what an employee reads is what was locked: the manager side, the chosen questions, the rating",
    "F3": "after an unrelease was acknowledged no employee reads that release any more",
    "F4": "what a held signature covers does not change",
    "S1": "released: the release register is held, at the same epoch over the same snapshot",
    "S2": "released: its version is the current one, its selection and rating are those of the row",
    "S3": "signed: the register is held over what was signed, and what is released is the same snapshot",
    "S4": "an edit is accepted only where that side is editable",
    "S5": "nobody reads a release that was taken back, nor one that was never granted",
    "S6": "fences never go down, and an outcome never changes",
    "S7": "every committed change has its records, and every record its committed change",
    "S8": "one service's records of a review are in order, apart from repeats",
    "R1": "after it was taken back or cancelled, nothing is released that nobody has asked for since",
    "E1": "no review stays locked though nothing is released",
    "E2": "no release or unrelease hangs for ever",
    "E3": "every signature and completion comes to an end",
    "N1": "a mail about a release goes out only if it is released at the decision to send",
    "N2": "at most one mail for each recipient, template, review and occasion",
    "lost": "what was answered with success is done, and stays",
    "twice": "a command that is repeated under its key is done once",
    "undone": "what was refused is not done",
    "aside": "no record, job or command was put aside",
    "quiet": "everything is at rest within the time allowed",
}


@dataclass(frozen=True, slots=True)
class Wrong:
    """One broken rule, with the review and what was seen."""

    rule: str
    review: str
    words: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.review}: {self.words}" if self.review else f"{self.rule}: {self.words}"


CHECKS: tuple[Callable[[History], Iterator[tuple[str, str, str]]], ...] = (
    *reading.CHECKS,
    *holds.CHECKS,
    *records.CHECKS,
    *endings.CHECKS,
    *mails.CHECKS,
    *commands.CHECKS,
    *consent.CHECKS,
)


def judge(history: History) -> list[Wrong]:
    """Return everything that is wrong; nothing if all rules hold."""
    return [Wrong(*words) for check in CHECKS for words in check(history)]
