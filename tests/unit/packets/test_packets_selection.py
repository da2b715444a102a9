"""Shared questions: opt-in, numbered, bound to each packet."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from packets.domain import selection, visibility
from packets.domain.facts import SharedQuestionsChanged
from packets.domain.packet import CalibrationState, Holder, PacketState, RatingShown, snapshot_ref
from packets.domain.refusals import Refusal
from packets.domain.selection import Audience, Question, QuestionKind, Selection
from unit.packets.packet_rows import (
    ASSISTANT_ACTOR,
    CYCLE,
    HANNA,
    HR_ACTOR,
    Q_GOALS,
    Q_GROWTH,
    Q_RATING,
    Q_SELF,
    QUESTIONS,
    SELECTION,
    WIDER,
    a_packet,
    signed,
    told,
)

if TYPE_CHECKING:
    from packets.domain.ids import QuestionId
    from packets.domain.people import Actor

NEW = Selection(cycle_id=CYCLE)
ASKED, ASKED_NOW = ("questionnaire", 1), ("questionnaire", 2)
RATED = Selection(
    cycle_id=CYCLE, version=2, question_ids=(Q_GOALS, Q_RATING), rating_question_ids=frozenset({Q_RATING})
)


def test_nothing_is_shared_until_hr_selects_it() -> None:
    assert (NEW.question_ids, NEW.version, NEW.shares_rating) == ((), 0, True)


def test_a_change_makes_the_next_numbered_selection_in_the_order_of_the_questionnaire() -> None:
    changed, facts = selection.change(
        NEW,
        actor=HR_ACTOR,
        expected_version=0,
        question_ids=[Q_RATING, Q_GOALS],
        shares_rating=False,
        questionnaire=ASKED,
        questions=QUESTIONS,
    )
    assert changed == replace(RATED, version=1, questionnaire=ASKED, shares_rating=False)
    assert facts == (SharedQuestionsChanged(cycle_id=CYCLE, selection_version=1, question_count=2, by=HANNA),)


def test_the_same_selection_again_is_no_change() -> None:
    same = selection.change(
        SELECTION,
        actor=HR_ACTOR,
        expected_version=1,
        question_ids=[Q_GOALS],
        shares_rating=True,
        questionnaire=ASKED,
        questions=QUESTIONS,
    )
    assert same == (SELECTION, ())


@pytest.mark.parametrize(
    ("actor", "expected_version", "ids", "fetched", "closed", "codes"),
    [
        (ASSISTANT_ACTOR, 1, [Q_GOALS], True, False, ["403 forbidden-role"]),
        (HR_ACTOR, None, [Q_GOALS], True, False, ["428 version-missing"]),
        (HR_ACTOR, 0, [Q_GOALS], True, False, ["412 stale-version"]),
        (HR_ACTOR, 1, [Q_GOALS], False, False, ["409 questionnaire-not-fetched"]),
        (HR_ACTOR, 1, [Q_GOALS], True, True, ["409 cycle-closed"]),
        (HR_ACTOR, 1, [Q_SELF, "other"], True, False, ["422 unknown-questions"]),
    ],
)
def test_who_may_change_the_selection_and_to_what(
    actor: Actor,
    expected_version: int | None,
    ids: list[QuestionId],
    fetched: bool,  # noqa: FBT001
    closed: bool,  # noqa: FBT001
    codes: list[str],
) -> None:
    with pytest.raises(Refusal) as refused:
        selection.change(
            SELECTION,
            actor=actor,
            expected_version=expected_version,
            question_ids=ids,
            shares_rating=True,
            questionnaire=ASKED,
            questions=QUESTIONS if fetched else None,
            cycle_closed=closed,
        )
    assert told(list(refused.value.unmet)) == codes


CHOSEN = Selection(
    cycle_id=CYCLE,
    version=4,
    questionnaire=ASKED,
    question_ids=(Q_GOALS, Q_GROWTH, Q_RATING),
    rating_question_ids=frozenset({Q_RATING}),
    shares_rating=False,
)


def asked(*, audience: Audience = Audience.MANAGER, **kinds: QuestionKind) -> tuple[Question, ...]:
    return tuple(
        Question(id=each.id, audience=audience, kind=kinds[each.id]) if each.id in kinds else each for each in QUESTIONS
    )


@pytest.mark.parametrize(
    ("questions", "kept", "ratings"),
    [
        (QUESTIONS, (Q_GOALS, Q_GROWTH, Q_RATING), {Q_RATING}),
        (QUESTIONS[::-1], (Q_RATING, Q_GROWTH, Q_GOALS), {Q_RATING}),
        (QUESTIONS[1:3], (Q_GOALS, Q_GROWTH), set()),
        (asked(goals=QuestionKind.RATING), (Q_GROWTH, Q_RATING), {Q_RATING}),
        (asked(growth=QuestionKind.TEXT), (Q_GOALS, Q_RATING), {Q_RATING}),
        (asked(rating=QuestionKind.TEXT), (Q_GOALS, Q_GROWTH), set()),
        (asked(goals=QuestionKind.TEXT, audience=Audience.SELF), (Q_GROWTH, Q_RATING), {Q_RATING}),
        ((), (), set()),
    ],
    ids=["reworded", "reordered", "gone", "a-rating-now", "a-text-now", "no-rating-now", "the-employees-now", "empty"],
)
def test_under_another_questionnaire_what_is_still_asked_of_the_manager_in_the_same_kind_is_kept(
    questions: tuple[Question, ...], kept: tuple[QuestionId, ...], ratings: set[QuestionId]
) -> None:
    followed, facts = selection.follow(
        CHOSEN, chosen=CHOSEN, known=QUESTIONS, questionnaire=ASKED_NOW, questions=questions
    )
    wanted = {
        "question_ids": kept,
        "rating_question_ids": frozenset(ratings),
        "questionnaire": ASKED_NOW,
        "followed": True,
    }
    assert followed == replace(CHOSEN, version=5, **wanted)  # type: ignore[arg-type]
    assert facts == (SharedQuestionsChanged(cycle_id=CYCLE, selection_version=5, question_count=len(kept), by=None),)
    assert set(selection.left_out(followed, CHOSEN)) == set(CHOSEN.question_ids) - set(kept)


def test_where_a_questionnaire_comes_back_so_does_what_was_chosen_from_it() -> None:
    emptied, _ = selection.follow(CHOSEN, chosen=CHOSEN, known=QUESTIONS, questionnaire=ASKED_NOW, questions=())
    again, _ = selection.follow(emptied, chosen=CHOSEN, known=QUESTIONS, questionnaire=ASKED, questions=QUESTIONS)
    assert again == replace(CHOSEN, version=6, followed=True)


def test_another_question_under_the_same_id_is_none_that_hr_chose_but_a_new_wording_is() -> None:
    reworded = tuple(replace(each, text_hash="another") if each.id == Q_GOALS else each for each in QUESTIONS)
    words = {"chosen": CHOSEN, "known": QUESTIONS, "questions": reworded}
    elsewhere, _ = selection.follow(CHOSEN, questionnaire=("another-questionnaire", 1), **words)  # type: ignore[arg-type]
    assert elsewhere.question_ids == (Q_GROWTH, Q_RATING)
    edited, _ = selection.follow(CHOSEN, questionnaire=(ASKED[0], ASKED[1] + 1), **words)  # type: ignore[arg-type]
    assert edited.question_ids == CHOSEN.question_ids


def test_what_hr_confirms_after_it_followed_is_hrs_choice_from_then_on() -> None:
    followed, _ = selection.follow(
        CHOSEN, chosen=CHOSEN, known=QUESTIONS, questionnaire=ASKED_NOW, questions=QUESTIONS[:2]
    )
    words = {
        "actor": HR_ACTOR,
        "question_ids": followed.question_ids,
        "shares_rating": followed.shares_rating,
        "questionnaire": ASKED_NOW,
        "questions": QUESTIONS[:2],
    }
    confirmed, facts = selection.change(followed, expected_version=5, **words)  # type: ignore[arg-type]
    assert confirmed == replace(followed, version=6, followed=False)
    assert len(facts) == 1
    assert selection.left_out(confirmed, confirmed) == ()
    assert selection.change(confirmed, expected_version=6, **words) == (confirmed, ())  # type: ignore[arg-type]


def test_what_was_chosen_as_a_text_and_answered_as_a_rating_is_not_shown_of_a_calibrated_review() -> None:
    packet, retyped = a_packet(PacketState.READY, selection_version=2), asked(growth=QuestionKind.RATING)
    assert visibility.chosen(packet, WIDER, retyped).question_ids == (Q_GOALS,)
    assert selection.shown_question_ids(WIDER, calibration_required=True, asked=retyped) == (Q_GOALS,)
    assert selection.shown_question_ids(WIDER, calibration_required=False, asked=retyped) == (Q_GOALS, Q_GROWTH)


def test_with_calibration_rating_answers_leave_and_the_calibrated_rating_takes_their_place() -> None:
    assert selection.bind(a_packet(PacketState.READY), RATED).shared_count == 1
    packet = a_packet(PacketState.READY, selection_version=2)
    choice = visibility.chosen(packet, RATED, QUESTIONS)
    assert (choice.question_ids, choice.rating_shown) == ((Q_GOALS,), RatingShown.CALIBRATED)


def test_without_calibration_a_rating_is_an_ordinary_question() -> None:
    plain = {"calibration": CalibrationState.NOT_REQUIRED, "rating": None}
    assert selection.bind(a_packet(PacketState.READY, **plain), RATED).shared_count == 2
    choice = visibility.chosen(a_packet(PacketState.READY, selection_version=2, **plain), RATED, QUESTIONS)
    assert (choice.question_ids, choice.rating_shown) == ((Q_GOALS, Q_RATING), RatingShown.NONE)


def test_a_selection_of_nothing_but_ratings_shows_nothing_of_a_calibrated_review() -> None:
    only = replace(RATED, question_ids=(Q_RATING,))
    assert selection.bind(a_packet(PacketState.READY), only).shared_count == 0


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({}, RatingShown.CALIBRATED),
        ({"shares_rating": False}, RatingShown.NONE),
        ({"calibration": CalibrationState.STALE}, RatingShown.NONE),
        ({"calibration": CalibrationState.NOT_REQUIRED}, RatingShown.NONE),
    ],
)
def test_which_rating_a_packet_shows(changes: dict[str, object], shown: RatingShown) -> None:
    ref = snapshot_ref(a_packet(PacketState.NONE, **changes))
    assert (ref.rating_shown, ref.rating is not None) == (shown, shown is RatingShown.CALIBRATED)


def test_a_packet_never_holds_a_question_of_the_self_assessment() -> None:
    slipped = replace(SELECTION, question_ids=(Q_SELF, Q_GOALS))
    assert visibility.chosen(a_packet(PacketState.READY), slipped, QUESTIONS).question_ids == (Q_GOALS,)


def test_a_packet_is_not_shown_by_another_selection_than_its_own() -> None:
    with pytest.raises(AssertionError, match="selection 2"):
        visibility.chosen(a_packet(PacketState.READY), WIDER, QUESTIONS)


@pytest.mark.parametrize("state", PacketState)
def test_only_packets_that_are_not_released_are_rebound(state: PacketState) -> None:
    bound = selection.bind(a_packet(state), WIDER)
    now = state in {PacketState.NONE, PacketState.READY, PacketState.WITH_MANAGER}
    assert (bound.selection_version, bound.shared_count) == ((2, 2) if now else (1, 1))


def test_an_older_selection_and_a_signed_packet_are_left_alone() -> None:
    packet = a_packet(PacketState.READY, selection_version=2, holds=signed(Holder.COMPLETION))
    assert selection.bind(packet, SELECTION) is packet
    assert selection.bind(packet, replace(WIDER, version=3)) is packet
    assert not selection.may_be_rebound(packet)
