"""Questionnaires: numbered versions that never change; the row beside them says which is the newest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from assessment.domain.cycle import CycleState
from assessment.domain.ids import QuestionId, QuestionnaireId
from assessment.domain.questionnaire import Audience, Question, QuestionKind, Questionnaire, Scale
from assessment.store.tables import cycle, questionnaire, questionnaire_version

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from assessment.domain.review import Review
    from reviewbus.db import Tx

Questions = list[dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredQuestionnaire:
    """One version of a questionnaire: what decides, and the words as people see them."""

    asked: Questionnaire
    title: str
    questions: Questions
    content_hash: str
    in_use: bool = False


def read(tx: Tx, questionnaire_id: str) -> StoredQuestionnaire | None:
    """Return the newest version."""
    return _newest(tx, questionnaire_id, sa.select(questionnaire.c.version))


def load(tx: Tx, questionnaire_id: str) -> StoredQuestionnaire | None:
    """Return the newest version and keep others from starting a cycle with it or adding a version."""
    return _newest(tx, questionnaire_id, sa.select(questionnaire.c.version).with_for_update(key_share=True))


def load_for_start(tx: Tx, questionnaire_id: str) -> StoredQuestionnaire | None:
    """Return the newest version and keep others from adding one until the cycle has started."""
    return _newest(tx, questionnaire_id, sa.select(questionnaire.c.version).with_for_update(read=True))


def version(tx: Tx, questionnaire_id: str, number: int) -> StoredQuestionnaire | None:
    """Return one version."""
    table = questionnaire_version
    query = sa.select(table).where(table.c.questionnaire_id == questionnaire_id, table.c.version == number)
    row = tx.execute(query).mappings().one_or_none()
    return None if row is None else stored(row)


def of_review(tx: Tx, review: Review) -> StoredQuestionnaire | None:
    """Return what a review asks, or None before it is started."""
    settings = review.settings
    if not review.started or settings.questionnaire_id is None or settings.questionnaire_version is None:
        return None
    return version(tx, settings.questionnaire_id, settings.questionnaire_version)


def add(tx: Tx, new: StoredQuestionnaire, author_id: str) -> None:
    """Store the first version of a questionnaire."""
    tx.execute(
        sa.insert(questionnaire).values(
            questionnaire_id=new.asked.questionnaire_id, version=new.asked.version, created_at=tx.now
        )
    )
    _add_version(tx, new, author_id)


def add_version(tx: Tx, new: StoredQuestionnaire, author_id: str) -> None:
    """Store the version that follows the one that was loaded."""
    tx.execute(
        sa.update(questionnaire)
        .where(
            questionnaire.c.questionnaire_id == new.asked.questionnaire_id,
            questionnaire.c.version == new.asked.version - 1,
        )
        .values(version=new.asked.version)
        .returning(questionnaire.c.version)
    ).one()
    _add_version(tx, new, author_id)


def stored(row: Mapping[Any, Any], *, in_use: bool = False) -> StoredQuestionnaire:
    """Translate a row of the versions' table."""
    asked = Questionnaire(
        questionnaire_id=QuestionnaireId(row["questionnaire_id"]),
        version=row["version"],
        questions=questions(row["questions"]),
    )
    return StoredQuestionnaire(
        asked=asked, title=row["title"], questions=row["questions"], content_hash=row["content_hash"], in_use=in_use
    )


def questions(written: Sequence[Mapping[str, Any]]) -> tuple[Question, ...]:
    """Translate questions as they are stored and sent."""
    return tuple(_question(one) for one in written)


def in_use() -> sa.Exists:
    """Return the condition that a started cycle asks the questionnaire."""
    mine = cycle.c.questionnaire_id == questionnaire.c.questionnaire_id
    return sa.exists().where(mine, cycle.c.state != CycleState.NOT_STARTED.value)


def _newest(tx: Tx, questionnaire_id: str, query: sa.Select[Any]) -> StoredQuestionnaire | None:
    number = tx.execute(query.where(questionnaire.c.questionnaire_id == questionnaire_id)).scalar()
    if number is None:
        return None
    table = questionnaire_version
    found = (
        sa.select(table, in_use().label("in_use"))
        .join(questionnaire, questionnaire.c.questionnaire_id == table.c.questionnaire_id)
        .where(table.c.questionnaire_id == questionnaire_id, table.c.version == number)
    )
    row = tx.execute(found).mappings().one()
    return stored(row, in_use=row["in_use"])


def _add_version(tx: Tx, new: StoredQuestionnaire, author_id: str) -> None:
    tx.execute(
        sa.insert(questionnaire_version).values(
            questionnaire_id=new.asked.questionnaire_id,
            version=new.asked.version,
            title=new.title,
            questions=new.questions,
            content_hash=new.content_hash,
            author_id=author_id,
            created_at=tx.now,
        )
    )


def _question(written: Mapping[str, Any]) -> Question:
    scale = written.get("scale")
    return Question(
        question_id=QuestionId(written["question_id"]),
        kind=QuestionKind(written["kind"]),
        audience=Audience(written["audience"]),
        required=written["required"],
        scale=None if scale is None else Scale(lowest=scale["lowest"], highest=scale["highest"]),
        options=tuple(one["id"] for one in written.get("options") or ()),
        text_hash=written.get("text_hash", ""),
    )
