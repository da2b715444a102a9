"""The employee's side: saving, sharing, taking back, HR's waiver, and reading it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from assessment.commands import answers, backups, standing
from assessment.domain import reading
from assessment.domain import self_assessment as domain
from assessment.domain.questionnaire import Answer, Audience
from assessment.domain.refusals import NotFound, Refusal, refuse
from assessment.store import contents, people, questionnaires, reviews

if TYPE_CHECKING:
    from collections.abc import Mapping

    from assessment.commands.answers import Draft
    from assessment.commands.standing import Standing
    from assessment.domain.ids import QuestionId
    from assessment.domain.people import Actor, Relation
    from assessment.domain.review import Review
    from assessment.store.contents import Content, Version
    from assessment.store.reviews import Stored
    from reviewbus.db import Tx

SIDE = Audience.SELF
_KEY = answers.SIDES[SIDE]


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """What a save came to."""

    stored: Stored
    rel: Relation
    version: int
    content: Content


def save(tx: Tx, actor: Actor, review_id: str, *, expected: int | None, written: Mapping[QuestionId, Answer]) -> Saved:
    """Store a new version of the draft; a refused text is kept as the author's backup. Raises `Refusal`."""
    at = standing.editing(tx, actor, review_id)
    draft = _draft(tx, at, written)
    try:
        return _save(tx, at, expected, draft)
    except Refusal as refusal:
        backups.keep_refused(tx, at, SIDE, draft.values, refusal)
        raise


def restore(tx: Tx, actor: Actor, review_id: str, number: int, *, expected: int | None) -> Saved:
    """Make a backup the newest version of the draft; nothing is overwritten. Raises `Refusal`."""
    at = standing.editing(tx, actor, review_id)
    # A refusal has nothing to keep here: the text is a backup already.
    return _save(tx, at, expected, _draft(tx, at, backups.values_of(tx, at, SIDE, number)))


def share(tx: Tx, actor: Actor, review_id: str) -> tuple[Stored, Relation]:
    """Show the draft to the manager and HR; raises `Refusal`."""
    at = standing.editing(tx, actor, review_id)
    current = contents.read(tx, review_id, _KEY, at.review.self_version)
    written = None if current is None else current.content
    missing = answers.missing_in(questionnaires.of_review(tx, at.review), SIDE, written)
    shared, told = domain.share(at.review, at.rel, now=tx.now, missing=missing)
    saved = standing.conclude(tx, at, shared, told, action="self-assessment.share")
    if shared.self_version > at.review.self_version and current is not None:
        contents.add(tx, review_id, _KEY, shared.self_version, written=current.content, author_id=current.author_id)
    return saved, at.rel


def unshare(tx: Tx, actor: Actor, review_id: str) -> tuple[Stored, Relation]:
    """Hide it from everybody else at once; raises `Refusal`."""
    at = standing.editing(tx, actor, review_id)
    hidden, told = domain.unshare(at.review, at.rel, now=tx.now)
    return standing.conclude(tx, at, hidden, told, action="self-assessment.unshare"), at.rel


def waive(tx: Tx, actor: Actor, review_id: str, *, reason: str) -> tuple[Stored, Relation]:
    """Go on without a self-assessment; raises `Refusal`."""
    at = standing.editing(tx, actor, review_id)
    waived, told = domain.waive(at.review, at.rel)
    return standing.conclude(tx, at, waived, told, action="self-assessment.waive", reason=reason), at.rel


def unwaive(tx: Tx, actor: Actor, review_id: str, *, reason: str | None) -> tuple[Stored, Relation]:
    """Withdraw the waiver; raises `Refusal`."""
    at = standing.editing(tx, actor, review_id)
    asked, told = domain.unwaive(at.review, at.rel)
    return standing.conclude(tx, at, asked, told, action="self-assessment.unwaive", reason=reason), at.rel


def read(tx: Tx, actor: Actor, review_id: str) -> tuple[Review, Version | None]:
    """Return the review and its self-assessment as it stands; a reader other than the author is remembered.

    Raises `Refusal`. Nothing is locked for the employee, who is only looking.
    """
    found = reviews.read(tx, review_id)
    if found is None:
        refuse([NotFound()])
    assert found is not None  # refused above
    at = standing.Standing(stored=found, rel=people.relation_to(tx, actor, found.review), actor=actor)
    if not at.rel.employee:
        at = standing.locked(tx, actor, review_id)
        _read_by_another(tx, at)
    refuse(domain.unmet_read(at.review, at.rel))
    return at.review, contents.read(tx, review_id, _KEY, at.review.self_version)


def read_version(tx: Tx, actor: Actor, review_id: str, version: int) -> tuple[Review, Version]:
    """Return a numbered version to the employee, or to who has read it before; raises `NotFound`."""
    at = standing.locked(tx, actor, review_id)
    before = contents.was_read(tx, review_id, reader_id=actor.person_id, self_version=version)
    refuse(reading.unmet_read_version(at.review, at.rel, version=version, read_then=before))
    found = contents.read(tx, review_id, _KEY, version)
    if found is None:
        refuse([NotFound()])
    assert found is not None  # refused above
    if not at.rel.employee and version == at.review.self_version:
        _read_by_another(tx, at)
    return at.review, found


def _draft(tx: Tx, at: Standing, written: Mapping[QuestionId, Answer]) -> Draft:
    return answers.draft(questionnaires.of_review(tx, at.review), SIDE, written)


def _save(tx: Tx, at: Standing, expected: int | None, draft: Draft) -> Saved:
    review, told = domain.save(
        at.review,
        at.rel,
        expected=expected,
        now=tx.now,
        content_hash=draft.content.content_hash,
        problems=draft.problems,
    )
    # The version's own row says who wrote it and when: that is its audit.
    stored = standing.conclude(tx, at, review, told, action=None)
    contents.add(tx, review.review_id, _KEY, review.self_version, written=draft.content, author_id=at.actor.person_id)
    return Saved(stored=stored, rel=at.rel, version=review.self_version, content=draft.content)


def _read_by_another(tx: Tx, at: Standing) -> None:
    reader_id, version = at.actor.person_id, at.review.self_version
    before = contents.was_read(tx, at.review.review_id, reader_id=reader_id, self_version=version)
    after, told = domain.read(at.review, at.rel, read_before=before)
    standing.conclude(tx, at, after, told, action=None)
    contents.record_read(tx, after.review_id, reader_id=reader_id, self_version=version)
