"""The manager's side: saving, submitting, HR's corrections and reopening."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assessment.commands import answers, backups, standing
from assessment.commands.self_side import Saved
from assessment.domain import manager_assessment as domain
from assessment.domain.ids import QuestionId
from assessment.domain.questionnaire import Answer, Audience, changed_answers
from assessment.domain.refusals import NotFound, Refusal, refuse
from assessment.domain.self_assessment import newest_self_unread
from assessment.store import calibrations, contents, people, questionnaires, reviews

if TYPE_CHECKING:
    from collections.abc import Mapping

    from assessment.commands.answers import Draft
    from assessment.commands.standing import Standing
    from assessment.domain.people import Actor, Relation
    from assessment.domain.review import Review
    from assessment.store.contents import Version
    from assessment.store.reviews import Stored
    from reviewbus.db import Tx

SIDE = Audience.MANAGER
UNREAD = "newest-self-assessment-unread"
_KEY = answers.SIDES[SIDE]


def save(tx: Tx, actor: Actor, review_id: str, *, expected: int | None, written: Mapping[QuestionId, Answer]) -> Saved:
    """Store a new version; a refused text is kept as the author's backup. Raises `Refusal`."""
    at = standing.editing(tx, actor, review_id)
    draft = _draft(tx, at, written)
    try:
        return _save(tx, at, expected, draft)
    except Refusal as refusal:
        backups.keep_refused(tx, at, SIDE, draft.values, refusal)
        raise


def restore(tx: Tx, actor: Actor, review_id: str, number: int, *, expected: int | None) -> Saved:
    """Make a backup the newest version; nothing is overwritten. Raises `Refusal`."""
    at = standing.editing(tx, actor, review_id)
    # A refusal has nothing to keep here: the text is a backup already.
    return _save(tx, at, expected, _draft(tx, at, backups.values_of(tx, at, SIDE, number)))


def submit(tx: Tx, actor: Actor, review_id: str) -> tuple[Stored, Relation, tuple[str, ...]]:
    """Finish the manager-assessment; return also what the manager should know. Raises `Refusal`."""
    at = standing.editing(tx, actor, review_id)
    current = contents.read(tx, review_id, _KEY, at.review.manager_version)
    written = None if current is None else current.content
    missing = answers.missing_in(questionnaires.of_review(tx, at.review), SIDE, written)
    submitted, told = domain.submit(at.review, at.rel, now=tx.now, missing=missing)
    saved = standing.conclude(tx, at, submitted, told, action="manager-assessment.submit")
    if submitted.manager_version > at.review.manager_version and current is not None:
        contents.add(
            tx, review_id, _KEY, submitted.manager_version, written=current.content, author_id=current.author_id
        )
    return saved, at.rel, (UNREAD,) if newest_self_unread(at.review) else ()


def reopen(tx: Tx, actor: Actor, review_id: str, *, reason: str) -> tuple[Stored, Relation]:
    """Give it back to the manager as a draft; raises `Refusal`."""
    at = standing.editing(tx, actor, review_id)
    reopened, told = domain.reopen(at.review, at.rel)
    return standing.conclude(tx, at, reopened, told, action="manager-assessment.reopen", reason=reason), at.rel


def read(tx: Tx, actor: Actor, review_id: str) -> tuple[Review, Version | None]:
    """Return the review and its manager-assessment as it stands; raises `Refusal`."""
    found = reviews.read(tx, review_id)
    if found is None:
        refuse([NotFound()])
    assert found is not None  # refused above
    refuse(domain.unmet_read(found.review, people.relation_to(tx, actor, found.review)))
    return found.review, contents.read(tx, review_id, _KEY, found.review.manager_version)


def _draft(tx: Tx, at: Standing, written: Mapping[QuestionId, Answer]) -> Draft:
    return answers.draft(questionnaires.of_review(tx, at.review), SIDE, written)


def _save(tx: Tx, at: Standing, expected: int | None, draft: Draft) -> Saved:
    current = contents.read(tx, at.review.review_id, _KEY, at.review.manager_version)
    before = {} if current is None else current.content.hashes
    review, told = domain.save(
        at.review,
        at.rel,
        expected=expected,
        now=tx.now,
        content_hash=draft.content.content_hash,
        changed_question_ids=changed_answers(_ids(before), _ids(draft.content.hashes)),
        calibrated=calibrations.is_calibrated(tx, at.review.review_id),
        problems=draft.problems,
        missing=draft.missing,
    )
    # A draft's own row says who wrote it and when; what changes a finished assessment is noted beside it.
    stored = standing.conclude(tx, at, review, told, action="manager-assessment.revise" if told else None)
    contents.add(
        tx, review.review_id, _KEY, review.manager_version, written=draft.content, author_id=at.actor.person_id
    )
    return Saved(stored=stored, rel=at.rel, version=review.manager_version, content=draft.content)


def _ids(hashes: Mapping[str, str]) -> dict[QuestionId, str]:
    return {QuestionId(one): value for one, value in hashes.items()}
