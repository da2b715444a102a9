"""What other services ask for, each with its own rights: contents, people, states and visibility."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from assessment.domain.manager_assessment import is_reopened
from assessment.domain.registers import Holder, Register
from assessment.domain.self_assessment import manager_may_read_self
from assessment.domain.visibility import Pointer, may_open
from assessment.queries import shapes
from assessment.store import questionnaires, reviews
from assessment.store.contents import stored as stored_content
from assessment.store.tables import content, cycle, person, questionnaire_version, review

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from assessment.domain.review import Review
    from reviewbus.db import Tx

Item = dict[str, Any]
MANAGER_ASSESSMENT = "manager-assessment"
QUESTIONNAIRE = "questionnaire"


def contents(tx: Tx, wanted: Sequence[Item]) -> list[Item]:
    """Return immutable contents with their hashes, in the order in which they were asked for."""
    by_kind: dict[str, Callable[[Tx, list[tuple[str, int]]], dict[tuple[str, int], Item]]] = {
        MANAGER_ASSESSMENT: _manager_assessments,
        QUESTIONNAIRE: _questionnaires,
    }
    found: dict[tuple[str, str, int], Item] = {}
    for kind, read in by_kind.items():
        keys = sorted({(one["id"], one["version"]) for one in wanted if one["kind"] == kind})
        found |= {(kind, *key): item for key, item in (read(tx, keys) if keys else {}).items()}
    return [_found(one, found.get((one["kind"], one["id"], one["version"]))) for one in wanted]


def people(tx: Tx, wanted: Sequence[str]) -> list[Item]:
    """Return names and addresses of those of `wanted` who are known."""
    columns = (person.c[name] for name in ("person_id", "name", "email", "active", "manager_id", "language"))
    query = sa.select(*columns).where(person.c.person_id.in_(sorted(set(wanted)))).order_by(person.c.person_id)
    return [dict(row) for row in tx.execute(query).mappings()]


def cycles(tx: Tx, wanted: Sequence[str]) -> list[Item]:
    """Return the names of those of `wanted` that there are."""
    columns = cycle.c.cycle_id, cycle.c.name
    query = sa.select(*columns).where(cycle.c.cycle_id.in_(sorted(set(wanted)))).order_by(cycle.c.cycle_id)
    return [dict(row) for row in tx.execute(query).mappings()]


def directory(tx: Tx, *, after: str | None, limit: int) -> tuple[list[Item], str | None]:
    """Return people in the order of their ids, as facts tell of them, and where it ended."""
    columns = (person.c[name] for name in ("person_id", "manager_id", "active", "version"))
    query = sa.select(*columns).order_by(person.c.person_id).limit(limit + 1)
    if after is not None:
        query = query.where(person.c.person_id > after)
    items = [dict(row) for row in tx.execute(query).mappings()]
    return items[:limit], items[limit - 1]["person_id"] if len(items) > limit else None


def states(tx: Tx, *, after: str | None, limit: int) -> tuple[list[Item], str | None]:
    """Return started reviews in the order of their ids, with all that others hold copies of, and where it ended."""
    query = sa.select(review).where(review.c.started).order_by(review.c.review_id).limit(limit + 1)
    if after is not None:
        query = query.where(review.c.review_id > after)
    rows = tx.execute(query).mappings().all()
    items = [_state(reviews.stored(row)) for row in rows[:limit]]
    return items, items[-1]["review_id"] if len(rows) > limit else None


def visibility(tx: Tx, wanted: Sequence[Item]) -> list[bool]:
    """Say of each person and thing whether it can be opened now and is still as it was; in order."""
    found = reviews.read_many(tx, sorted({one["review_id"] for one in wanted}))
    return [_allowed(found.get(one["review_id"]), one) for one in wanted]


def _allowed(found: Review | None, one: Item) -> bool:
    if found is None or one["kind"] not in set(Pointer):
        return False
    return may_open(found, one["person_id"], Pointer(one["kind"]), at=one["at"])


def _found(asked: Item, item: Item | None) -> Item:
    head = {"kind": asked["kind"], "id": asked["id"], "version": asked["version"], "found": item is not None}
    return head | (item or {})


def _manager_assessments(tx: Tx, keys: list[tuple[str, int]]) -> dict[tuple[str, int], Item]:
    """A draft that was never submitted is nobody else's."""
    query = (
        sa.select(content)
        .join(review, review.c.review_id == content.c.review_id)
        .where(
            content.c.side == "manager",
            content.c.version <= review.c.manager_submitted_version,
            sa.tuple_(content.c.review_id, content.c.version).in_(keys),
        )
    )
    items: dict[tuple[str, int], Item] = {}
    for row in tx.execute(query).mappings():
        written = stored_content(row).content
        items[row["review_id"], row["version"]] = {
            "content_hash": written.content_hash,
            "questionnaire_id": written.questionnaire_id,
            "questionnaire_version": written.questionnaire_version,
            "answers": list(written.answers),
        }
    return items


def _questionnaires(tx: Tx, keys: list[tuple[str, int]]) -> dict[tuple[str, int], Item]:
    table = questionnaire_version
    query = sa.select(table).where(sa.tuple_(table.c.questionnaire_id, table.c.version).in_(keys))
    items: dict[tuple[str, int], Item] = {}
    for row in tx.execute(query).mappings():
        found = questionnaires.stored(row)
        items[row["questionnaire_id"], row["version"]] = {
            "content_hash": found.content_hash,
            "title": found.title,
            "questions": found.questions,
        }
    return items


def _state(found: reviews.Stored) -> Item:
    one, settings = found.review, found.review.settings
    return {
        "review_id": one.review_id,
        "row_version": found.row_version,
        "changed_at": found.changed_at,
        "cycle_id": one.cycle_id,
        "subject_id": one.subject_id,
        "manager_id": one.manager_id,
        "release_mode": settings.release_mode.value,
        "calibration_required": settings.calibration_required,
        "release_after_calibration": settings.release_after_calibration,
        "recall_window_minutes": settings.recall_window_minutes,
        "self_visibility": settings.self_visibility.value,
        "questionnaire_id": settings.questionnaire_id,
        "questionnaire_version": settings.questionnaire_version,
        "rating_question_ids": list(settings.rating_question_ids),
        "self_deadline": shapes.deadline(one.self_deadline),
        "manager_deadline": shapes.deadline(one.manager_deadline),
        "self_state": one.self_state.value,
        "self_version": one.self_version,
        "self_visible_to_manager": manager_may_read_self(one),
        "manager_state": one.manager_state.value,
        "manager_reopened": is_reopened(one),
        "manager_version": one.manager_version,
        "content_hash": one.manager_hash,
        "closed": one.cycle_closed,
        "cancelled": one.cancelled,
        "registers": {holder.value: _register(one.registers.of(holder)) for holder in Holder},
    }


def _register(register: Register) -> Item:
    return {
        "fence": register.fence,
        "held": register.held,
        "epoch": register.epoch,
        "snapshot_hash": register.snapshot_hash,
    }
