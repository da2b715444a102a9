from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from assessment.domain import questionnaire as q
from assessment.domain.ids import QuestionId, QuestionnaireId
from assessment.domain.people import Actor
from assessment.domain.questionnaire import Audience, Question, QuestionKind, Questionnaire, Scale
from harness.words import ADVICE
from unit.assessment.assessment_states import HANNA

if TYPE_CHECKING:
    from assessment.domain.questionnaire import Answer

HR_ADMIN = Actor(person_id=HANNA, roles=frozenset({"hr_admin"}))
FIVE = Scale(lowest=1, highest=5)


def ask(name: str, kind: QuestionKind, audience: Audience = Audience.MANAGER, **more: object) -> Question:
    return Question(question_id=QuestionId(name), kind=kind, audience=audience, **more)  # type: ignore[arg-type]


TEXT = ask("text", QuestionKind.TEXT, required=True)
RATING = ask("rating", QuestionKind.RATING, required=True, scale=FIVE)
CHOICE = ask("choice", QuestionKind.SINGLE_CHOICE, options=("yes", "no"))
OWN_RATING = ask("own", QuestionKind.RATING, Audience.SELF, scale=FIVE)
OWN_TEXT = ask("own-text", QuestionKind.TEXT, Audience.SELF, required=True)
ASKED = Questionnaire(
    questionnaire_id=QuestionnaireId("n1"), version=1, questions=(TEXT, OWN_TEXT, RATING, OWN_RATING, CHOICE)
)


def problems(answers: dict[str, Answer], audience: Audience = Audience.MANAGER) -> list[tuple[str, str]]:
    named = {QuestionId(name): answer for name, answer in answers.items()}
    return [(each.question_id, each.code) for each in q.answer_problems(ASKED, audience, named)]


def test_each_side_is_asked_its_own_questions_in_order() -> None:
    assert q.questions_for(ASKED, Audience.SELF) == (OWN_TEXT, OWN_RATING)
    assert q.required_question_ids(ASKED, Audience.MANAGER) == ("text", "rating")
    assert q.rating_question_ids(ASKED) == ("rating",)


def test_answers_that_fit_or_are_open_are_no_problem() -> None:
    assert problems({"text": "<p>Good</p>", "rating": 5, "choice": "no"}) == []
    assert problems({"text": None, "rating": None, "choice": None}) == []


@pytest.mark.parametrize(
    ("name", "answer", "code"),
    [
        ("nothing", "x", "unknown-question"),
        ("own-text", "x", "unknown-question"),
        ("text", 3, "wrong-kind"),
        ("rating", "3", "wrong-kind"),
        ("rating", True, "wrong-kind"),
        ("rating", 0, "not-on-scale"),
        ("rating", 6, "not-on-scale"),
        ("choice", 1, "wrong-kind"),
        ("choice", "perhaps", "not-an-option"),
    ],
)
def test_an_answer_that_does_not_fit_is_named(name: str, answer: Answer, code: str) -> None:
    assert problems({name: answer}) == [(name, code)]
    (refusal,) = q.unmet_answers((q.AnswerProblem(question_id=QuestionId(name), code=code),))
    told: list[dict[str, str]] = refusal.params["problems"]  # type: ignore[assignment]
    (problem,) = told
    assert (problem["question_id"], problem["code"]) == (name, code)
    assert ADVICE.fullmatch(problem["detail"])


@pytest.mark.parametrize("blank", [None, "", "  ", "<p></p>", "<p>&nbsp;<br></p>\n"])
def test_text_that_shows_nothing_is_no_answer(blank: Answer) -> None:
    answers: dict[QuestionId, Answer] = {TEXT.question_id: blank, RATING.question_id: 1}
    assert q.missing_answers(ASKED, Audience.MANAGER, answers) == ("text",)


def test_missing_answers_come_in_the_order_in_which_they_are_asked() -> None:
    assert q.missing_answers(ASKED, Audience.MANAGER, {}) == ("text", "rating")
    assert q.missing_answers(ASKED, Audience.SELF, {OWN_TEXT.question_id: "x"}) == ()


def test_changed_answers_are_those_whose_hashes_differ() -> None:
    before = {QuestionId("a"): "1", QuestionId("b"): "2", QuestionId("c"): "3"}
    after = {QuestionId("a"): "1", QuestionId("b"): "x", QuestionId("d"): "4"}
    assert q.changed_answers(before, after) == ("b", "c", "d")


@pytest.mark.parametrize(
    ("question", "code"),
    [
        (ask("r", QuestionKind.RATING), "scale-missing"),
        (ask("r", QuestionKind.RATING, scale=Scale(lowest=3, highest=3)), "scale-empty"),
        (ask("r", QuestionKind.RATING, scale=Scale(lowest=0, highest=100)), "scale-too-long"),
        (ask("c", QuestionKind.SINGLE_CHOICE, options=("one", "one")), "options-missing"),
        (ask("t", QuestionKind.TEXT, scale=FIVE), "unused"),
        (ask("t", QuestionKind.TEXT, options=("a", "b")), "unused"),
    ],
)
def test_a_question_that_cannot_be_asked_is_named(question: Question, code: str) -> None:
    assert [problem.code for problem in q.question_problems((question,))] == [code]
    (refusal,) = q.unmet_create(HR_ADMIN, (question,))
    told: list[dict[str, str]] = refusal.params["problems"]  # type: ignore[assignment]
    (problem,) = told
    assert (problem["question_id"], problem["code"]) == (question.question_id, code)
    assert ADVICE.fullmatch(problem["detail"])
    assert [reason.code for reason in q.unmet_create(HR_ADMIN, (question,))] == ["questions-invalid"]


def test_a_questionnaire_asks_each_question_once() -> None:
    assert [problem.code for problem in q.question_problems((TEXT, TEXT))] == ["duplicate-id"]
    assert q.question_problems(ASKED.questions) == ()
    longest = ask("r", QuestionKind.RATING, scale=Scale(lowest=1, highest=100))
    assert q.question_problems((longest,)) == ()


def test_a_questionnaire_in_use_is_not_changed_and_outsiders_change_none() -> None:
    assert q.unmet_change(HR_ADMIN, ASKED.questions, in_use=False) == []
    assert [r.code for r in q.unmet_change(HR_ADMIN, ASKED.questions, in_use=True)] == ["questionnaire-in-use"]
    nobody = Actor(person_id=HANNA)
    assert [r.code for r in q.unmet_change(nobody, (TEXT, TEXT), in_use=True)] == ["forbidden-role"]
