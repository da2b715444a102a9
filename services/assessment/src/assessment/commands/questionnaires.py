"""Making questionnaires and changing those that nobody has been asked yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from assessment.commands.standing import audit_role
from assessment.domain import questionnaire as domain
from assessment.domain.ids import QuestionnaireId
from assessment.domain.people import HR_ADMIN, HR_ASSISTANT, unmet_role
from assessment.domain.refusals import NotFound, refuse
from assessment.domain.review import unmet_version
from assessment.store import questionnaires
from reviewbus import richtext
from reviewbus.canonical import digest
from reviewbus.db import AuditEntry

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from assessment.domain.people import Actor
    from assessment.store.questionnaires import StoredQuestionnaire
    from reviewbus.db import Tx


def create(tx: Tx, actor: Actor, *, title: str, questions: Sequence[Mapping[str, Any]]) -> StoredQuestionnaire:
    """Store version 1 of a new questionnaire."""
    new = _written(str(tx.new_id()), 1, title, questions)
    refuse(domain.unmet_create(actor, new.asked.questions))
    questionnaires.add(tx, new, actor.person_id)
    _note(tx, actor, "questionnaire.create", new)
    return new


def change(
    tx: Tx,
    actor: Actor,
    questionnaire_id: str,
    *,
    expected: int | None,
    title: str,
    questions: Sequence[Mapping[str, Any]],
) -> StoredQuestionnaire:
    """Store the next version of a questionnaire that no started cycle asks; raises `Refusal`."""
    refuse(unmet_role(actor, HR_ADMIN, HR_ASSISTANT))
    old = questionnaires.load(tx, questionnaire_id)
    if old is None:
        refuse([NotFound()])
    assert old is not None  # refused above
    new = _written(questionnaire_id, old.asked.version + 1, title, questions)
    refuse(
        domain.unmet_change(actor, new.asked.questions, in_use=old.in_use) + unmet_version(old.asked.version, expected)
    )
    questionnaires.add_version(tx, new, actor.person_id)
    _note(tx, actor, "questionnaire.change", new)
    return new


def _written(
    questionnaire_id: str, version: int, title: str, questions: Sequence[Mapping[str, Any]]
) -> StoredQuestionnaire:
    clean = [_question(one) for one in questions]
    return questionnaires.StoredQuestionnaire(
        asked=domain.Questionnaire(
            questionnaire_id=QuestionnaireId(questionnaire_id),
            version=version,
            questions=questionnaires.questions(clean),
        ),
        title=richtext.single_line(title),
        questions=clean,
        content_hash=digest(clean),
    )


def _question(written: Mapping[str, Any]) -> dict[str, Any]:
    """Return a question as it is stored: plain text without control characters, and the hash of its words."""
    text = richtext.without_controls(written["text"]).strip()
    help_text, scale, options = written.get("help_text"), written.get("scale"), written.get("options")
    return {
        "question_id": written["question_id"],
        "text": text,
        "text_hash": digest(text),
        "audience": written["audience"],
        "kind": written["kind"],
        "required": written.get("required", False),
        "help_text": None if help_text is None else richtext.without_controls(help_text).strip(),
        "scale": None if scale is None else _scale(scale),
        "options": None if options is None else [_option(one) for one in options],
    }


def _scale(written: Mapping[str, Any]) -> dict[str, Any]:
    labels = [richtext.single_line(label) for label in written.get("labels", [])]
    return {"lowest": written["lowest"], "highest": written["highest"], "labels": labels}


def _option(written: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": written["id"], "text": richtext.single_line(written["text"])}


def _note(tx: Tx, actor: Actor, action: str, new: StoredQuestionnaire) -> None:
    role, object_id = audit_role(actor), new.asked.questionnaire_id
    tx.audit(AuditEntry(actor=actor.person_id, role=role, action=action, object_id=object_id))
