"""Review rows: one row holds all that decides about a review, and is locked before anything else of it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from assessment.domain.cycle import Participant
from assessment.domain.deadline import Deadline
from assessment.domain.ids import CycleId, PersonId, QuestionId, QuestionnaireId, ReviewId
from assessment.domain.registers import Holder, Outcome, OutcomeKind, Register, Registers, RejectReason
from assessment.domain.review import (
    CycleSettings,
    ManagerState,
    ReleaseMode,
    Review,
    SelfState,
    SelfVisibility,
)
from assessment.store.tables import backup, content, former_reviewer, review
from reviewbus.db import rows_of, uuids

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from reviewbus.db import Tx

_PREFIX = {holder: holder.replace(":", "_") for holder in Holder}
_SETTINGS = (
    *("calibration_required", "release_after_calibration", "recall_window_minutes"),
    *("questionnaire_id", "questionnaire_version"),
)
_PLAIN = (
    "manager_id",
    "started",
    "cycle_closed",
    "cancelled",
    "self_version",
    "self_hash",
    "self_shared_version",
    "self_read_version",
    "manager_has_access",
    "manager_version",
    "manager_hash",
    "manager_submitted_version",
)


# What a row holds beside the review.
_BESIDE = ("row_version", "event_sequence", "changed_at")


class LostUpdateError(Exception):
    """A row that was locked has another version than it was read with: a bug, never a race."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A review with what its row holds beside: its version, the number of its last event, when it last changed."""

    review: Review
    row_version: int
    event_sequence: int
    changed_at: datetime


def read(tx: Tx, review_id: str) -> Stored | None:
    """Return a review as it stands, without locking it."""
    row = tx.execute(sa.select(review).where(review.c.review_id == review_id)).mappings().one_or_none()
    return None if row is None else stored(row)


def load(tx: Tx, review_id: str) -> Stored | None:
    """Return a review and lock its row until the transaction ends."""
    found = load_many(tx, [review_id])
    return found[0] if found else None


def load_many(tx: Tx, review_ids: Sequence[str]) -> list[Stored]:
    """Return the reviews that exist, in the order of their ids, and lock their rows in that order."""
    return _locked(tx, sa.select(review).where(_among(review, review_ids)))


def load_chunk(tx: Tx, cycle_id: str, *, started: bool, rows: int, cycle_closed: bool | None = None) -> list[Stored]:
    """Lock and return the first reviews of a cycle that are (not) started and, if asked for, (not) flagged closed."""
    query = sa.select(review).where(review.c.cycle_id == cycle_id, review.c.started.is_(started)).limit(rows)
    return _locked(tx, query if cycle_closed is None else query.where(review.c.cycle_closed.is_(cycle_closed)))


def participants(tx: Tx, cycle_id: str) -> list[tuple[ReviewId, Participant]]:
    """Return who takes part in a cycle, which must be locked."""
    query = sa.select(review.c.review_id, review.c.subject_id, review.c.manager_id).where(review.c.cycle_id == cycle_id)
    return [
        (ReviewId(row.review_id), Participant(subject_id=row.subject_id, manager_id=row.manager_id))
        for row in tx.execute(query)
    ]


def read_many(tx: Tx, review_ids: Sequence[str]) -> dict[str, Review]:
    """Return the reviews that exist, by id, without locking them."""
    query = sa.select(review).where(_among(review, review_ids))
    return {row["review_id"]: stored(row).review for row in tx.execute(query).mappings()}


def add_many(tx: Tx, new: Sequence[tuple[Review, int]]) -> None:
    """Insert reviews that are not started, each with the year of its cycle."""
    rows = [
        {
            "review_id": one.review_id,
            "cycle_id": one.cycle_id,
            "subject_id": one.subject_id,
            "year": year,
            "row_version": 1,
            "event_sequence": 0,
            "changed_at": tx.now,
            **_values(one),
        }
        for one, year in new
    ]
    if rows:
        tx.execute(sa.insert(review), rows)


def with_texts(tx: Tx, review_ids: Sequence[str]) -> set[str]:
    """Return those of the reviews, which must be locked, in which somebody has a text: a version or a backup."""
    query = sa.union(*(sa.select(table.c.review_id).where(_among(table, review_ids)) for table in (content, backup)))
    return set(tx.execute(query).scalars())


def remove_many(tx: Tx, review_ids: Sequence[str]) -> None:
    """Delete reviews that were never started, and of which nothing was told."""
    tx.execute(sa.delete(review).where(_among(review, review_ids), ~review.c.started))


def save(tx: Tx, old: Stored, new: Review, *, facts: int = 0) -> Stored:
    """Store a review that was loaded; its row version grows if anything changed, its event sequence by `facts`."""
    return save_many(tx, [(old, new, facts)])[0]


def save_many(tx: Tx, changes: Sequence[tuple[Stored, Review, int]]) -> list[Stored]:
    """Store many reviews that were loaded, in few statements; each with the number of its facts."""
    alike: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    results: list[Stored] = []
    for old, new, facts in changes:
        changed = _values(new, since=old.review)
        result = replace(
            old,
            review=new,
            row_version=old.row_version + (1 if changed else 0),
            event_sequence=old.event_sequence + facts,
            changed_at=tx.now if changed or facts else old.changed_at,
        )
        results.append(result)
        if changed or facts:
            changed |= {name: getattr(result, name) for name in _BESIDE}
            row = {"review_id": new.review_id, "expected_version": old.row_version, **changed}
            alike[tuple(changed)].append(row)
    for columns, rows in alike.items():
        _update(tx, columns, rows)
    return results


def remember_former(tx: Tx, review_id: str, person_id: str | None) -> None:
    """Keep that this person was the manager of record."""
    if person_id is not None:
        statement = insert(former_reviewer).values(review_id=review_id, person_id=person_id)
        tx.execute(statement.on_conflict_do_nothing())


def stored(row: Mapping[Any, Any]) -> Stored:
    """Translate a row of the table."""
    return Stored(review=_review(row), **{name: row[name] for name in _BESIDE})


def _among(table: sa.Table, review_ids: Sequence[str]) -> sa.ColumnElement[bool]:
    return table.c.review_id == sa.any_(uuids(review_ids))


def _locked(tx: Tx, query: sa.Select[Any]) -> list[Stored]:
    ordered = query.order_by(review.c.review_id).with_for_update(key_share=True)
    return [stored(row) for row in tx.execute(ordered).mappings()]


def _update(tx: Tx, columns: tuple[str, ...], rows: Sequence[Mapping[str, Any]]) -> None:
    given = rows_of(review, rows, expected_version=sa.BigInteger())
    statement = (
        sa.update(review)
        .where(review.c.review_id == given.c.review_id, review.c.row_version == given.c.expected_version)
        .values({name: given.c[name] for name in columns})
        .returning(review.c.review_id)
    )
    done = tx.execute(statement).all()
    if len(done) != len(rows):
        raise LostUpdateError(len(rows) - len(done))


def _values(one: Review, since: Review | None = None) -> dict[str, Any]:
    """Return the columns that may change in a review's life: all, or those that differ `since` it was loaded."""
    values: dict[str, Any] = {
        name: getattr(one, name) for name in _PLAIN if since is None or getattr(one, name) != getattr(since, name)
    }
    for name in ("self_state", "manager_state"):
        if since is None or getattr(one, name) is not getattr(since, name):
            values[name] = getattr(one, name).value
    if since is None or one.settings != since.settings:
        values |= settings_values(one.settings)
    for side in ("self", "manager"):
        deadline = getattr(one, f"{side}_deadline")
        if since is None or deadline != getattr(since, f"{side}_deadline"):
            values[f"{side}_deadline_date"] = deadline and deadline.local_date
            values[f"{side}_deadline_zone"] = deadline and deadline.zone
            values[f"{side}_deadline_at"] = deadline and deadline.instant
    for holder, prefix in _PREFIX.items():
        register = one.registers.of(holder)
        if since is None or register != since.registers.of(holder):
            values |= _register_columns(register, prefix)
    return values


def _register_columns(register: Register, prefix: str) -> dict[str, Any]:
    return {
        f"{prefix}_fence": register.fence,
        f"{prefix}_held": register.held,
        f"{prefix}_epoch": register.epoch,
        f"{prefix}_snapshot_hash": register.snapshot_hash,
        f"{prefix}_outcome": register.outcome and _outcome_json(register.outcome),
    }


def _outcome_json(outcome: Outcome) -> dict[str, Any]:
    return {one.name: getattr(outcome, one.name) for one in fields(outcome)}


def _review(row: Mapping[Any, Any]) -> Review:
    registers = {prefix: _register(row, prefix) for prefix in _PREFIX.values()}
    plain: dict[str, Any] = {name: row[name] for name in _PLAIN if name != "manager_id"}
    return Review(
        review_id=ReviewId(row["review_id"]),
        cycle_id=CycleId(row["cycle_id"]),
        subject_id=PersonId(row["subject_id"]),
        manager_id=None if row["manager_id"] is None else PersonId(row["manager_id"]),
        settings=settings(row),
        self_deadline=_deadline(row, "self"),
        manager_deadline=_deadline(row, "manager"),
        self_state=SelfState(row["self_state"]),
        manager_state=ManagerState(row["manager_state"]),
        registers=Registers(**registers),
        **plain,
    )


def settings(row: Mapping[Any, Any]) -> CycleSettings:
    """Translate the settings that a row of a cycle or a review holds."""
    questionnaire_id = row["questionnaire_id"]
    return CycleSettings(
        release_mode=ReleaseMode(row["release_mode"]),
        calibration_required=row["calibration_required"],
        release_after_calibration=row["release_after_calibration"],
        recall_window_minutes=row["recall_window_minutes"],
        self_visibility=SelfVisibility(row["self_visibility"]),
        questionnaire_id=None if questionnaire_id is None else QuestionnaireId(questionnaire_id),
        questionnaire_version=row["questionnaire_version"],
        rating_question_ids=tuple(QuestionId(one) for one in row["rating_question_ids"]),
    )


def settings_values(chosen: CycleSettings) -> dict[str, Any]:
    """Return the columns of a cycle or a review that hold these settings."""
    return {
        **{name: getattr(chosen, name) for name in _SETTINGS},
        "release_mode": chosen.release_mode.value,
        "self_visibility": chosen.self_visibility.value,
        "rating_question_ids": list(chosen.rating_question_ids),
    }


def _deadline(row: Mapping[Any, Any], side: str) -> Deadline | None:
    at = row[f"{side}_deadline_at"]
    if at is None:
        return None
    return Deadline(local_date=row[f"{side}_deadline_date"], zone=row[f"{side}_deadline_zone"], instant=at)


def _register(row: Mapping[Any, Any], prefix: str) -> Register:
    outcome = row[f"{prefix}_outcome"]
    return Register(
        fence=row[f"{prefix}_fence"],
        held=row[f"{prefix}_held"],
        epoch=row[f"{prefix}_epoch"],
        snapshot_hash=row[f"{prefix}_snapshot_hash"],
        outcome=None if outcome is None else _outcome(outcome),
    )


def _outcome(stored_outcome: Mapping[str, Any]) -> Outcome:
    reason = stored_outcome["reason"]
    return Outcome(
        **{
            **stored_outcome,
            "kind": OutcomeKind(stored_outcome["kind"]),
            "reason": None if reason is None else RejectReason(reason),
        }
    )
