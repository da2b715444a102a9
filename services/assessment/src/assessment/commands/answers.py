"""Answers as they are kept: sanitised, in the order of the questions, each with its hash, and one hash over all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assessment.domain.questionnaire import (
    Answer,
    AnswerProblem,
    Audience,
    QuestionKind,
    answer_problems,
    missing_answers,
    questions_for,
)
from assessment.store.contents import Backup, Content
from reviewbus import richtext
from reviewbus.canonical import JsonValue, digest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from assessment.domain.ids import QuestionId
    from assessment.store.questionnaires import StoredQuestionnaire

SIDES = {Audience.SELF: "self", Audience.MANAGER: "manager"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What came with a save: cleaned values, the content that they make, and what is wrong or lacking."""

    values: Mapping[QuestionId, Answer]
    content: Content
    problems: tuple[AnswerProblem, ...] = ()
    missing: tuple[QuestionId, ...] = ()


def draft(asked: StoredQuestionnaire | None, audience: Audience, answers: Mapping[QuestionId, Answer]) -> Draft:
    """Clean the answers of one side and hold them against the questionnaire; without one nothing is checked."""
    if asked is None:
        values = clean(answers)
        return Draft(
            values=values,
            content=Content(questionnaire_id="", questionnaire_version=0, content_hash=digest({}), chars=chars(values)),
        )
    questionnaire = asked.asked
    kinds = {one.question_id: one.kind for one in questions_for(questionnaire, audience)}
    values = clean(answers, kinds)
    kept = [
        {"question_id": one, "kind": kind.value, "value": values[one], "answer_hash": digest(values[one])}
        for one, kind in kinds.items()
        if one in values
    ]
    hashed: JsonValue = {
        "questionnaire_id": questionnaire.questionnaire_id,
        "questionnaire_version": questionnaire.version,
        "answers": [{"question_id": one["question_id"], "answer_hash": one["answer_hash"]} for one in kept],
    }
    return Draft(
        values=values,
        content=Content(
            questionnaire_id=questionnaire.questionnaire_id,
            questionnaire_version=questionnaire.version,
            answers=tuple(kept),
            content_hash=digest(hashed),
            chars=chars(values),
        ),
        problems=answer_problems(questionnaire, audience, values),
        missing=missing_answers(questionnaire, audience, values),
    )


def clean(
    answers: Mapping[QuestionId, Answer], kinds: Mapping[QuestionId, QuestionKind] | None = None
) -> dict[QuestionId, Answer]:
    """Sanitise texts and drop what says nothing; an option's id is no text."""
    cleaned: dict[QuestionId, Answer] = {}
    for question_id, value in answers.items():
        kept = value
        if isinstance(value, str) and (kinds or {}).get(question_id) is not QuestionKind.SINGLE_CHOICE:
            kept = richtext.sanitise(value)
            if richtext.empty(kept):
                kept = None
        if kept is not None:
            cleaned[question_id] = kept
    return cleaned


def chars(values: Mapping[QuestionId, Answer]) -> int:
    """Return how much was written, in characters without markup."""
    return sum(richtext.plain_length(value) for value in values.values() if isinstance(value, str))


def backup_of(
    review_id: str, audience: Audience, author_id: str, values: Mapping[QuestionId, Answer], *, kind: str
) -> Backup:
    """Return answers as a backup; `kind`: `autosave` or `refused`."""
    plain: dict[str, Any] = {str(one): value for one, value in values.items()}
    return Backup(
        review_id=review_id,
        side=SIDES[audience],
        author_id=author_id,
        kind=kind,
        answers=plain,
        answers_hash=digest(plain),
        chars=chars(values),
    )


def missing_in(
    asked: StoredQuestionnaire | None, audience: Audience, written: Content | None
) -> tuple[QuestionId, ...]:
    """Return the required questions that a stored content leaves open."""
    if asked is None:
        return ()
    return missing_answers(asked.asked, audience, {} if written is None else written.values)
