"""What is asked, and whether answers fit it. Texts stay outside: a question carries the hash of its own."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from html import unescape
from typing import TYPE_CHECKING

from assessment.domain.cycle_refusals import QuestionnaireInUse, QuestionsInvalid
from assessment.domain.people import HR_ADMIN, HR_ASSISTANT, Actor, unmet_role
from assessment.domain.refusals import AnswersInvalid, Refusal
from assessment.domain.sentences import told

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from assessment.domain.ids import QuestionId, QuestionnaireId

OPTIONS_MIN = 2
SCALE_STEPS_MAX = 100
_TAG = re.compile(r"<[^>]*>")

# Sanitised: rich text (HTML) for text, a whole number for rating, an option's word for single_choice; null = open.
Answer = str | int | None


class QuestionKind(StrEnum):
    """How a question is answered."""

    TEXT = "text"
    RATING = "rating"
    SINGLE_CHOICE = "single_choice"


class Audience(StrEnum):
    """Who answers a question."""

    SELF = "self"
    MANAGER = "manager"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """The whole numbers from `lowest` to `highest`, both included."""

    lowest: int
    highest: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question. A rating has a scale, a single choice its options; others have neither."""

    question_id: QuestionId
    kind: QuestionKind
    audience: Audience
    required: bool = False
    scale: Scale | None = None
    options: tuple[str, ...] = ()
    text_hash: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Questionnaire:
    """One immutable version of a questionnaire, its questions in the order in which they are asked."""

    questionnaire_id: QuestionnaireId
    version: int
    questions: tuple[Question, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerProblem:
    """Why an answer does not fit: `unknown-question`, `wrong-kind`, `not-on-scale`, `not-an-option`."""

    question_id: QuestionId
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionProblem:
    """Why a question cannot be asked.

    `duplicate-id`, `scale-missing`, `scale-empty`, `scale-too-long`, `options-missing`, `unused`: a scale or options
    that the kind does not have.
    """

    question_id: QuestionId
    code: str


def questions_for(questionnaire: Questionnaire, audience: Audience) -> tuple[Question, ...]:
    """What one side is asked, in order."""
    return tuple(question for question in questionnaire.questions if question.audience is audience)


def required_question_ids(questionnaire: Questionnaire, audience: Audience) -> tuple[QuestionId, ...]:
    """What one side must answer, in order."""
    return tuple(question.question_id for question in questions_for(questionnaire, audience) if question.required)


def rating_question_ids(questionnaire: Questionnaire) -> tuple[QuestionId, ...]:
    """The manager's ratings, in order: what calibration is about."""
    asked = questions_for(questionnaire, Audience.MANAGER)
    return tuple(question.question_id for question in asked if question.kind is QuestionKind.RATING)


def answer_problems(
    questionnaire: Questionnaire, audience: Audience, answers: Mapping[QuestionId, Answer]
) -> tuple[AnswerProblem, ...]:
    """How the answers of one side miss the questionnaire, in the order of the answers; open questions do not."""
    asked = {question.question_id: question for question in questions_for(questionnaire, audience)}
    codes = ((question_id, _answer_problem(asked.get(question_id), value)) for question_id, value in answers.items())
    return tuple(AnswerProblem(question_id=question_id, code=code) for question_id, code in codes if code)


def missing_answers(
    questionnaire: Questionnaire, audience: Audience, answers: Mapping[QuestionId, Answer]
) -> tuple[QuestionId, ...]:
    """The required questions of one side that are open, in order."""
    required = required_question_ids(questionnaire, audience)
    return tuple(question_id for question_id in required if is_blank(answers.get(question_id)))


def is_blank(answer: Answer) -> bool:
    """Whether nothing was said: no answer, or rich text that shows no character."""
    return answer is None or (isinstance(answer, str) and not unescape(_TAG.sub("", answer)).strip())


def changed_answers(before: Mapping[QuestionId, str], after: Mapping[QuestionId, str]) -> tuple[QuestionId, ...]:
    """The questions whose answer hashes differ, sorted; a question without an answer has no hash."""
    return tuple(sorted(qid for qid in before.keys() | after.keys() if before.get(qid) != after.get(qid)))


def unmet_answers(problems: tuple[AnswerProblem, ...]) -> list[Refusal]:
    """The answers fit the questionnaire."""
    listed = [told(problem.code, question_id=problem.question_id) for problem in problems]
    return [AnswersInvalid(problems=listed)] if listed else []


def unmet_create(actor: Actor, questions: tuple[Question, ...]) -> list[Refusal]:
    """Why this questionnaire cannot be made."""
    listed = [told(each.code, question_id=each.question_id) for each in question_problems(questions)]
    return unmet_role(actor, HR_ADMIN, HR_ASSISTANT) or ([QuestionsInvalid(problems=listed)] if listed else [])


def unmet_change(actor: Actor, questions: tuple[Question, ...], *, in_use: bool) -> list[Refusal]:
    """Why a questionnaire cannot be given these questions; `in_use`: a started cycle asks it."""
    denied = unmet_role(actor, HR_ADMIN, HR_ASSISTANT)
    return denied or unmet_create(actor, questions) + ([QuestionnaireInUse()] if in_use else [])


def question_problems(questions: tuple[Question, ...]) -> tuple[QuestionProblem, ...]:
    """Why these questions do not make a questionnaire, in their order."""
    times = Counter(question.question_id for question in questions)
    problems: list[QuestionProblem] = []
    for question in questions:
        codes = _question_problems(question)
        if times.pop(question.question_id, 0) > 1:
            problems.append(QuestionProblem(question_id=question.question_id, code="duplicate-id"))
        problems.extend(QuestionProblem(question_id=question.question_id, code=code) for code in codes)
    return tuple(problems)


def _answer_problem(question: Question | None, answer: Answer) -> str | None:
    if question is None:
        return "unknown-question"
    if answer is None:
        return None
    if question.kind is QuestionKind.RATING:
        return _rating_problem(question.scale, answer)
    if not isinstance(answer, str):
        return "wrong-kind"
    if question.kind is QuestionKind.SINGLE_CHOICE and answer not in question.options:
        return "not-an-option"
    return None


def _rating_problem(scale: Scale | None, answer: str | int) -> str | None:
    # True is a whole number to Python, not to people.
    if not isinstance(answer, int) or isinstance(answer, bool):
        return "wrong-kind"
    return None if scale is not None and scale.lowest <= answer <= scale.highest else "not-on-scale"


def _question_problems(question: Question) -> Iterator[str]:
    rating, choice = question.kind is QuestionKind.RATING, question.kind is QuestionKind.SINGLE_CHOICE
    if rating and question.scale is None:
        yield "scale-missing"
    if question.scale is not None and question.scale.lowest >= question.scale.highest:
        yield "scale-empty"
    if question.scale is not None and question.scale.highest - question.scale.lowest >= SCALE_STEPS_MAX:
        yield "scale-too-long"
    if choice and len(set(question.options)) < OPTIONS_MIN:
        yield "options-missing"
    if (question.scale is not None and not rating) or (question.options and not choice):
        yield "unused"
