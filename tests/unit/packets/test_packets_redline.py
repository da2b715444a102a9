"""What a corrected packet says otherwise: question by question, word by word."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packets.domain import redline
from packets.domain.redline import Change, Mark, Run, Shown, corrections, rating_change, words_changed

WORDS = st.lists(st.sampled_from(["the", "goals", "were", "met", "<b>", "2026", "&amp;", "\u00fcber"]), max_size=60)


def shown(question_id: str, text: str | None = None, *, kind: str = "text", value: object = None) -> Shown:
    answer = f"{text}{value}" if text or value else None
    return Shown(question_id=question_id, asked="Asked?", kind=kind, answer_hash=answer, text=text, value=value)


def drawn(runs: tuple[Run, ...]) -> str:
    signs = {Mark.SAME: "", Mark.DELETED: "-", Mark.INSERTED: "+"}
    return "|".join(f"{signs[run.mark]}{run.text.strip()}" for run in runs)


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("Met all goals.", "Met all goals.", "Met all goals."),
        ("Met all goals.", "Met most goals.", "Met|-all|+most|goals."),
        ("Met goals.", "Met goals. Early.", "Met goals.|+Early."),
        ("Met goals. Early.", "Met goals.", "Met goals.|-Early."),
        ("", "New.", "+New."),
        ("Old.", "", "-Old."),
        ("Same  words\nhere", "Same words here", "Same words here"),
        ("1 < 2 <b>", "1 < 3 <b>", "1 <|-2|+3|<b>"),
    ],
)
def test_words_that_differ_are_marked_and_white_space_alone_is_not(before: str, after: str, told: str) -> None:
    assert drawn(words_changed(before, after)) == told


@given(WORDS, WORDS)
def test_without_what_was_inserted_it_is_the_old_text_and_without_what_was_deleted_the_new(
    before: list[str], after: list[str]
) -> None:
    runs = words_changed(" ".join(before), " ".join(after))
    assert "".join(run.text for run in runs if run.mark is not Mark.INSERTED).split() == before
    assert "".join(run.text for run in runs if run.mark is not Mark.DELETED).split() == after
    assert all(one.mark is not other.mark for one, other in pairwise(runs))


def test_only_what_differs_is_told_in_the_order_of_the_new_packet_then_what_is_gone() -> None:
    before = [shown("a", "Same."), shown("b", "Old."), shown("c", "Gone."), shown("d", kind="rating", value=3)]
    after = [shown("e", "New."), shown("a", "Same."), shown("b", "Other."), shown("d", kind="rating", value=4)]
    found = corrections(before, after)
    assert [(each.question_id, each.change, drawn(each.runs)) for each in found] == [
        ("e", Change.ADDED, "+New."),
        ("b", Change.CHANGED, "-Old.|+Other."),
        ("d", Change.CHANGED, ""),
        ("c", Change.REMOVED, "-Gone."),
    ]
    assert [(each.before, each.after) for each in found if each.kind == "rating"] == [(3, 4)]


def test_a_question_that_is_asked_otherwise_differs_though_its_answer_does_not() -> None:
    one = shown("a", "Same.")
    other = Shown(question_id="a", asked="Asked anew?", kind="text", answer_hash=one.answer_hash, text="Same.")
    (found,) = corrections([one], [other])
    assert (found.change, found.asked, drawn(found.runs)) == (Change.CHANGED, "Asked anew?", "Same.")


def test_beyond_a_limit_texts_are_told_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redline, "WORDS_COMPARED_MAX", 6)
    before, after = [shown("a", "x same"), shown("b", "x same")], [shown("a", "y same"), shown("b", "y same")]
    assert [drawn(each.runs) for each in corrections(before, after)] == ["-x|+y|same", "-x same|+y same"]


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (None, None, None),
        (3, 3, None),
        (None, 3, Change.ADDED),
        (3, None, Change.REMOVED),
        (3, 4, Change.CHANGED),
    ],
)
def test_a_rating_is_told_where_it_differs(before: int | None, after: int | None, told: Change | None) -> None:
    assert rating_change(before, after) is told
