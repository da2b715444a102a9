"""What differs between two packets that were released one after the other: question by question, word by word."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# A word with the white space after it, so that the runs of a text joined are the text.
_WORDS = re.compile(r"\S+\s*")
# Of all changed texts together. Made to be slow, a text of 5,000 words takes a second to compare.
WORDS_COMPARED_MAX = 30_000


class Change(StrEnum):
    """What became of a question or of the rating."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


class Mark(StrEnum):
    """What became of a run of words."""

    SAME = "same"
    DELETED = "deleted"
    INSERTED = "inserted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Words that follow one another and share a mark. Plain text, never markup."""

    mark: Mark
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One question as a packet showed it; `text` is a rich text's plain words, `value` any other answer."""

    question_id: str
    asked: str
    kind: str
    answer_hash: str | None
    text: str | None = None
    value: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """One question that differs. `runs` are the words of a text, `before` and `after` any other answer."""

    question_id: str
    asked: str
    kind: str
    change: Change
    runs: tuple[Run, ...] = ()
    before: Any = None
    after: Any = None


def corrections(before: Sequence[Shown], after: Sequence[Shown]) -> tuple[Correction, ...]:
    """The questions that differ, in the order of the newer packet, then those that it shows no longer.

    Where the changed texts are longer than `WORDS_COMPARED_MAX`, the rest are told as deleted and inserted whole.
    """
    old = {each.question_id: each for each in before}
    new = {each.question_id: each for each in after}
    pairs = [(old.get(each.question_id), each) for each in after if _differs(old.get(each.question_id), each)]
    gone = [each for each in before if each.question_id not in new]
    found, left = [], WORDS_COMPARED_MAX
    for was, now in pairs:
        left -= _words_of(was) + _words_of(now)
        found.append(_correction(was, now, by_word=left >= 0))
    return (*found, *(_correction(each, None, by_word=False) for each in gone))


def rating_change(before: int | None, after: int | None) -> Change | None:
    """What became of the rating beside the answers; None if it is the same, or in neither packet."""
    if before == after:
        return None
    if before is None:
        return Change.ADDED
    return Change.REMOVED if after is None else Change.CHANGED


def words_changed(before: str, after: str) -> tuple[Run, ...]:
    """How one text became the other, word by word; white space alone is no change. What is not deleted is the new text.

    Words that are frequent in a long text are no anchors: that keeps the time bounded, whatever the texts.
    """
    return tuple(_runs(_words(before), _words(after)))


def whole_changed(before: str, after: str) -> tuple[Run, ...]:
    """One text in place of the other, without a look at their words."""
    runs = (Run(mark=Mark.DELETED, text=before), Run(mark=Mark.INSERTED, text=after))
    return tuple(each for each in runs if each.text)


def _differs(old: Shown | None, new: Shown) -> bool:
    return old is None or (old.answer_hash, old.asked) != (new.answer_hash, new.asked)


def _words_of(one: Shown | None) -> int:
    return len(_words(one.text)) if one is not None and one.text else 0


def _words(text: str) -> list[str]:
    # The last word has white space after it as well, so that whatever follows it in the answer stands apart.
    return _WORDS.findall(f"{text} ")


def _correction(old: Shown | None, new: Shown | None, *, by_word: bool) -> Correction:
    one = new or old
    if one is None:
        message = "a question of neither packet"
        raise AssertionError(message)
    change = Change.ADDED if old is None else Change.REMOVED if new is None else Change.CHANGED
    texts = (old and old.text) or "", (new and new.text) or ""
    runs = words_changed(*texts) if by_word else whole_changed(*texts)
    return Correction(
        question_id=one.question_id,
        asked=one.asked,
        kind=one.kind,
        change=change,
        runs=runs if one.kind == "text" else (),
        before=old.value if old else None,
        after=new.value if new else None,
    )


def _runs(before: list[str], after: list[str]) -> Iterator[Run]:
    matcher = SequenceMatcher(None, [each.rstrip() for each in before], [each.rstrip() for each in after])
    for word, i_from, i_to, j_from, j_to in matcher.get_opcodes():
        if word == "equal":
            yield Run(mark=Mark.SAME, text="".join(after[j_from:j_to]))
            continue
        if i_from < i_to:
            yield Run(mark=Mark.DELETED, text="".join(before[i_from:i_to]))
        if j_from < j_to:
            yield Run(mark=Mark.INSERTED, text="".join(after[j_from:j_to]))
