"""Backups: texts that were autosaved or refused, kept for their author, and brought back as a copy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from assessment.commands import answers, standing
from assessment.domain import manager_assessment, self_assessment
from assessment.domain.questionnaire import Answer, Audience
from assessment.domain.reading import unmet_backups
from assessment.domain.refusals import NotFound, Refusal, refuse
from assessment.store import contents

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from assessment.commands.standing import Standing
    from assessment.domain.ids import QuestionId
    from assessment.domain.people import Actor
    from reviewbus.db import Tx


def autosave(
    tx: Tx, actor: Actor, review_id: str, audience: Audience, written: Mapping[QuestionId, Answer]
) -> tuple[int, datetime]:
    """Keep what the author is writing, in any state of the review; return the backup's number and instant."""
    at = standing.locked(tx, actor, review_id)
    unmet = self_assessment.unmet_autosave if audience is Audience.SELF else manager_assessment.unmet_autosave
    refuse(unmet(at.rel))
    values = answers.clean(written)
    return contents.keep(tx, answers.backup_of(review_id, audience, actor.person_id, values, kind="autosave"))


def keep_refused(
    tx: Tx, at: Standing, audience: Audience, values: Mapping[QuestionId, Answer], refusal: Refusal
) -> None:
    """Keep a text that is refused, where the refusal says so; the edge then commits, though it refuses."""
    if refusal.keep_backup:
        contents.keep(tx, answers.backup_of(at.review.review_id, audience, at.actor.person_id, values, kind="refused"))
        tx.keep_on_refusal = True


def values_of(tx: Tx, at: Standing, audience: Audience, number: int) -> dict[QuestionId, Answer]:
    """Return the answers of one of the actor's own backups; raises `NotFound`."""
    refuse(unmet_backups(at.review, at.rel, audience))
    found = contents.read_backup(tx, at.review.review_id, answers.SIDES[audience], at.actor.person_id, number)
    if found is None:
        refuse([NotFound()])
    assert found is not None  # refused above
    kept: dict[Any, Answer] = dict(found["answers"])
    return kept
