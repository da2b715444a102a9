"""The tables of the assessment database beside the chassis' own.

A review's row holds both content versions and all four registers: what decides a race lies in one row.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP, UUID

metadata = sa.MetaData()
INSTANT = TIMESTAMP(timezone=True)
JSON = JSONB(none_as_null=True)
ID = UUID(as_uuid=False)

REGISTERS = ("release", "signature_employee", "signature_manager", "completion")


def _needed(name: str, kind: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)


person = sa.Table(
    "person",
    metadata,
    sa.Column("person_id", sa.Text, primary_key=True),
    _needed("name", sa.Text),
    _needed("email", sa.Text),
    sa.Column("manager_id", sa.Text),
    _needed("active", sa.Boolean),
    _needed("language", sa.Text),
    _needed("version", sa.BigInteger),
)
sa.Index("person_manager", person.c.manager_id, person.c.person_id)

questionnaire = sa.Table(
    "questionnaire",
    metadata,
    sa.Column("questionnaire_id", ID, primary_key=True),
    _needed("version", sa.Integer),
    _needed("created_at", INSTANT),
)

questionnaire_version = sa.Table(
    "questionnaire_version",
    metadata,
    sa.Column("questionnaire_id", ID, sa.ForeignKey("questionnaire.questionnaire_id"), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    _needed("title", sa.Text),
    _needed("questions", JSON),
    _needed("content_hash", sa.Text),
    _needed("author_id", sa.Text),
    _needed("created_at", INSTANT),
)

cycle = sa.Table(
    "cycle",
    metadata,
    sa.Column("cycle_id", ID, primary_key=True),
    _needed("name", sa.Text),
    sa.Column("instructions", sa.Text),
    _needed("zone", sa.Text),
    _needed("self_until", sa.Date),
    _needed("manager_until", sa.Date),
    _needed("release_mode", sa.Text),
    _needed("calibration_required", sa.Boolean),
    _needed("release_after_calibration", sa.Boolean),
    _needed("recall_window_minutes", sa.Integer),
    _needed("self_visibility", sa.Text),
    sa.Column("questionnaire_id", ID, sa.ForeignKey("questionnaire.questionnaire_id"), nullable=False),
    _needed("questionnaire_version", sa.Integer),
    _needed("rating_question_ids", JSON),
    _needed("state", sa.Text),
    _needed("row_version", sa.BigInteger),
    _needed("event_sequence", sa.BigInteger),
    _needed("created_at", INSTANT),
)
sa.Index("cycle_questionnaire", cycle.c.questionnaire_id)


def _register(prefix: str) -> tuple[sa.Column[Any], ...]:
    return (
        _needed(f"{prefix}_fence", sa.BigInteger),
        _needed(f"{prefix}_held", sa.Boolean),
        sa.Column(f"{prefix}_epoch", sa.BigInteger),
        sa.Column(f"{prefix}_snapshot_hash", sa.Text),
        # What the fence came to, whole, so that a repeated command gets the very same answer.
        sa.Column(f"{prefix}_outcome", JSON),
    )


review = sa.Table(
    "review",
    metadata,
    sa.Column("review_id", ID, primary_key=True),
    sa.Column("cycle_id", ID, sa.ForeignKey("cycle.cycle_id"), nullable=False),
    _needed("subject_id", sa.Text),
    sa.Column("manager_id", sa.Text),
    _needed("year", sa.Integer),
    _needed("release_mode", sa.Text),
    _needed("calibration_required", sa.Boolean),
    _needed("release_after_calibration", sa.Boolean),
    _needed("recall_window_minutes", sa.Integer),
    _needed("self_visibility", sa.Text),
    sa.Column("questionnaire_id", ID),
    sa.Column("questionnaire_version", sa.Integer),
    _needed("rating_question_ids", JSON),
    sa.Column("self_deadline_date", sa.Date),
    sa.Column("self_deadline_zone", sa.Text),
    sa.Column("self_deadline_at", INSTANT),
    sa.Column("manager_deadline_date", sa.Date),
    sa.Column("manager_deadline_zone", sa.Text),
    sa.Column("manager_deadline_at", INSTANT),
    _needed("started", sa.Boolean),
    _needed("cycle_closed", sa.Boolean),
    _needed("cancelled", sa.Boolean),
    _needed("self_state", sa.Text),
    _needed("self_version", sa.Integer),
    sa.Column("self_hash", sa.Text),
    sa.Column("self_shared_version", sa.Integer),
    sa.Column("self_read_version", sa.Integer),
    _needed("manager_has_access", sa.Boolean),
    _needed("manager_state", sa.Text),
    _needed("manager_version", sa.Integer),
    sa.Column("manager_hash", sa.Text),
    sa.Column("manager_submitted_version", sa.Integer),
    *(column for prefix in REGISTERS for column in _register(prefix)),
    _needed("row_version", sa.BigInteger),
    _needed("event_sequence", sa.BigInteger),
    _needed("changed_at", INSTANT),
    sa.UniqueConstraint("cycle_id", "subject_id", name="review_cycle_subject"),
)
sa.Index("review_cycle", review.c.cycle_id, review.c.review_id)
# What is still to be opened or closed: few rows, or none, of many.
sa.Index("review_unopened", review.c.cycle_id, review.c.review_id, postgresql_where=~review.c.started)
sa.Index(
    "review_unclosed",
    review.c.cycle_id,
    review.c.review_id,
    postgresql_where=sa.and_(review.c.started, ~review.c.cycle_closed),
)
sa.Index("review_subject", review.c.subject_id, review.c.review_id)
sa.Index("review_manager", review.c.manager_id, review.c.review_id)
sa.Index("review_year", review.c.year, review.c.review_id)

# Who was the manager of record before: their list keeps the row, without content.
former_reviewer = sa.Table(
    "former_reviewer",
    metadata,
    sa.Column("person_id", sa.Text, primary_key=True),
    sa.Column("review_id", ID, sa.ForeignKey("review.review_id"), primary_key=True),
)

# What packets told of calibration, by the version of its row. No key to the review: a fact may come before it is here.
calibration = sa.Table(
    "calibration",
    metadata,
    sa.Column("review_id", ID, primary_key=True),
    _needed("version", sa.BigInteger),
    _needed("calibrated", sa.Boolean),
)

# Every version ever saved, for good. `answers`: [{question_id, kind, value, answer_hash}] in the questionnaire's order.
content = sa.Table(
    "content",
    metadata,
    sa.Column("review_id", ID, sa.ForeignKey("review.review_id"), primary_key=True),
    sa.Column("side", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    _needed("questionnaire_id", ID),
    _needed("questionnaire_version", sa.Integer),
    _needed("answers", JSON),
    _needed("content_hash", sa.Text),
    _needed("chars", sa.Integer),
    _needed("author_id", sa.Text),
    _needed("saved_at", INSTANT),
)

# Who read which version of a self-assessment first when.
content_read = sa.Table(
    "content_read",
    metadata,
    sa.Column("review_id", ID, sa.ForeignKey("review.review_id"), primary_key=True),
    sa.Column("reader_id", sa.Text, primary_key=True),
    sa.Column("self_version", sa.Integer, primary_key=True),
    _needed("read_at", INSTANT),
)

# Texts that were autosaved or refused, by author. `answers`: {question_id: value}.
backup = sa.Table(
    "backup",
    metadata,
    sa.Column("review_id", ID, sa.ForeignKey("review.review_id"), primary_key=True),
    sa.Column("side", sa.Text, primary_key=True),
    sa.Column("author_id", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    _needed("kind", sa.Text),
    _needed("answers", JSON),
    _needed("answers_hash", sa.Text),
    _needed("chars", sa.Integer),
    _needed("saved_at", INSTANT),
)

# One command for many reviews, and what became of each of them.
operation = sa.Table(
    "operation",
    metadata,
    sa.Column("operation_id", ID, primary_key=True),
    _needed("command", sa.Text),
    _needed("state", sa.Text),
    _needed("begun_by", sa.Text),
    _needed("actor_id", sa.Text),
    _needed("actor_roles", JSON),
    sa.Column("cycle_id", ID),
    sa.Column("reason", sa.Text),
    _needed("size", sa.Integer),
    sa.Column("position", ID),
    sa.Column("expires_at", INSTANT),
    _needed("created_at", INSTANT),
    sa.Column("applied_at", INSTANT),
    sa.Column("started_at", INSTANT),
    sa.Column("finished_at", INSTANT),
)
sa.Index("operation_finished", operation.c.finished_at)

# No key to the review: an id that was named may be of none. `unmet`: the codes of all reasons.
operation_item = sa.Table(
    "operation_item",
    metadata,
    sa.Column("operation_id", ID, sa.ForeignKey("operation.operation_id"), primary_key=True),
    sa.Column("review_id", ID, primary_key=True),
    sa.Column("subject_id", sa.Text),
    _needed("outcome", sa.Text),
    _needed("unmet", JSON),
    sa.Column("decided_at", INSTANT),
)
