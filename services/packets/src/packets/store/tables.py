"""The tables of the packets database. One row of `packets` for each review is where every race is decided."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import BYTEA, JSONB, TIMESTAMP, UUID

metadata = sa.MetaData()


def _id() -> UUID[str]:
    return UUID(as_uuid=False)


def _instant() -> TIMESTAMP:
    return TIMESTAMP(timezone=True)


packets = sa.Table(
    "packets",
    metadata,
    sa.Column("review_id", _id(), primary_key=True),
    sa.Column("cycle_id", _id(), nullable=False),
    sa.Column("subject_id", sa.Text, nullable=False),
    sa.Column("manager_id", sa.Text, nullable=False),
    sa.Column("release_mode", sa.Text, nullable=False),
    sa.Column("release_after_calibration", sa.Boolean, nullable=False),
    sa.Column("recall_window_minutes", sa.Integer, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("epoch", sa.BigInteger, nullable=False),
    sa.Column("row_version", sa.BigInteger, nullable=False),
    sa.Column("snapshot_hash", sa.Text),
    sa.Column("snapshot_manager_version", sa.BigInteger),
    sa.Column("snapshot_content_hash", sa.Text),
    sa.Column("snapshot_selection_version", sa.BigInteger),
    sa.Column("snapshot_rating_shown", sa.Text),
    sa.Column("snapshot_rating", sa.Text),
    sa.Column("snapshot_rating_version", sa.BigInteger),
    sa.Column("was_sent", sa.Boolean, nullable=False),
    sa.Column("send_when_ready", sa.Boolean, nullable=False),
    sa.Column("requested_by", sa.Text),
    sa.Column("requested_as", sa.Text),
    sa.Column("last_refusal", sa.Text),
    sa.Column("revoked_epoch", sa.BigInteger),
    sa.Column("viewed_epoch", sa.BigInteger),
    sa.Column("downloaded_epoch", sa.BigInteger),
    sa.Column("conversation_held", sa.Boolean, nullable=False),
    sa.Column("hidden_by", _id()),
    sa.Column("assessment_version", sa.BigInteger, nullable=False),
    sa.Column("manager_version", sa.BigInteger, nullable=False),
    sa.Column("submitted", sa.Boolean, nullable=False),
    sa.Column("content_hash", sa.Text),
    sa.Column("fetched_version", sa.BigInteger),
    sa.Column("fetched_hash", sa.Text),
    sa.Column("closed", sa.Boolean, nullable=False),
    sa.Column("cancelled", sa.Boolean, nullable=False),
    sa.Column("holds", JSONB, nullable=False),
    sa.Column("calibration", sa.Text, nullable=False),
    sa.Column("session_id", _id()),
    sa.Column("override_by", sa.Text),
    sa.Column("override_manager_version", sa.BigInteger),
    sa.Column("override_rating_version", sa.BigInteger),
    sa.Column("rating", sa.Text),
    sa.Column("rating_version", sa.BigInteger, nullable=False),
    sa.Column("rated_version", sa.BigInteger),
    sa.Column("rated_hash", sa.Text),
    sa.Column("selection_version", sa.BigInteger, nullable=False),
    sa.Column("shared_count", sa.Integer, nullable=False),
    sa.Column("shares_rating", sa.Boolean, nullable=False),
    sa.Column("tracked", sa.Integer, nullable=False),
    # What no decision asks for: the numbering of events, the reconciler's notes, which restore the row was moved for.
    sa.Column("event_sequence", sa.BigInteger, nullable=False),
    sa.Column("waiting_since", _instant()),
    sa.Column("retry_at", _instant()),
    sa.Column("resent", sa.Integer, nullable=False),
    sa.Column("moved_for", _instant()),
    # When each came about last; whether it still holds, the state and the epochs say.
    sa.Column("sent_at", _instant()),
    sa.Column("released_at", _instant()),
    sa.Column("viewed_at", _instant()),
    sa.Column("downloaded_at", _instant()),
    sa.Column("conversation_at", _instant()),
    sa.Column("created_at", _instant(), nullable=False),
    sa.Column("changed_at", _instant(), nullable=False),
)
sa.Index("packets_cycle", packets.c.cycle_id, packets.c.review_id)
sa.Index("packets_subject", packets.c.subject_id, packets.c.review_id)
sa.Index("packets_manager", packets.c.manager_id, packets.c.review_id)
# All that counting a cycle takes, so that it never reads the rows themselves.
sa.Index(
    "packets_tracked", packets.c.cycle_id, packets.c.manager_id, packets.c.tracked, postgresql_include=["subject_id"]
)
sa.Index("packets_waiting", packets.c.waiting_since, postgresql_where=packets.c.waiting_since.is_not(None))

cycles = sa.Table(
    "cycles",
    metadata,
    sa.Column("cycle_id", _id(), primary_key=True),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("questionnaire_id", _id(), nullable=False),
    sa.Column("questionnaire_version", sa.BigInteger, nullable=False),
    # Once a review was opened, or the cycle started, its questionnaire is the last one.
    sa.Column("frozen", sa.Boolean, nullable=False),
    sa.Column("closed", sa.Boolean, nullable=False),
)
sa.Index("cycles_questionnaire", cycles.c.questionnaire_id, cycles.c.questionnaire_version)

questionnaires = sa.Table(
    "questionnaires",
    metadata,
    sa.Column("id", _id(), primary_key=True),
    sa.Column("version", sa.BigInteger, primary_key=True),
    sa.Column("content_hash", sa.Text, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("questions", JSONB, nullable=False),
    sa.Column("fetched_at", _instant(), nullable=False),
)

contents = sa.Table(
    "contents",
    metadata,
    sa.Column("review_id", _id(), primary_key=True),
    sa.Column("version", sa.BigInteger, primary_key=True),
    sa.Column("content_hash", sa.Text, nullable=False),
    sa.Column("questionnaire_id", _id(), nullable=False),
    sa.Column("questionnaire_version", sa.BigInteger, nullable=False),
    sa.Column("answers", JSONB, nullable=False),
    sa.Column("fetched_at", _instant(), nullable=False),
)

selections = sa.Table(
    "selections",
    metadata,
    sa.Column("cycle_id", _id(), primary_key=True),
    sa.Column("version", sa.BigInteger, primary_key=True),
    sa.Column("questionnaire_id", _id(), nullable=False),
    sa.Column("questionnaire_version", sa.BigInteger, nullable=False),
    sa.Column("question_ids", JSONB, nullable=False),
    sa.Column("rating_question_ids", JSONB, nullable=False),
    sa.Column("shares_rating", sa.Boolean, nullable=False),
    # Null where it followed the cycle's questionnaire by itself.
    sa.Column("chosen_by", sa.Text),
    sa.Column("chosen_at", _instant(), nullable=False),
)

snapshots = sa.Table(
    "snapshots",
    metadata,
    sa.Column("review_id", _id(), primary_key=True),
    sa.Column("hash", sa.Text, primary_key=True),
    sa.Column("manager_id", sa.Text, primary_key=True),
    sa.Column("manager_version", sa.BigInteger, nullable=False),
    sa.Column("content_hash", sa.Text),
    sa.Column("selection_version", sa.BigInteger, nullable=False),
    sa.Column("rating_shown", sa.Text, nullable=False),
    sa.Column("rating", sa.Text),
    sa.Column("rating_version", sa.BigInteger, nullable=False),
    sa.Column("taken_at", _instant(), nullable=False),
    # The names as they were when they were fetched for this snapshot; they stay so.
    sa.Column("subject_name", sa.Text),
    sa.Column("manager_name", sa.Text),
    sa.Column("cycle_name", sa.Text),
    sa.Column("language", sa.Text),
)
sa.Index("snapshots_manager", snapshots.c.manager_id, snapshots.c.taken_at)

pdf_files = sa.Table(
    "pdf_files",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("snapshot_hash", sa.Text, nullable=False),
    sa.Column("body", BYTEA),
    # Why no PDF comes of it; then there is no body.
    sa.Column("failure", sa.Text),
    sa.Column("rendered_at", _instant(), nullable=False),
)
sa.Index("pdf_files_rendered", pdf_files.c.rendered_at)

calibration_sessions = sa.Table(
    "calibration_sessions",
    metadata,
    sa.Column("id", _id(), primary_key=True),
    sa.Column("cycle_id", _id(), nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("row_version", sa.BigInteger, nullable=False),
    # Pairs of a rating and its percentage.
    sa.Column("guideline", JSONB, nullable=False),
    sa.Column("created_at", _instant(), nullable=False),
)
sa.Index("calibration_sessions_cycle", calibration_sessions.c.cycle_id)

calibration_members = sa.Table(
    "calibration_members",
    metadata,
    sa.Column("session_id", _id(), primary_key=True),
    sa.Column("person_id", sa.Text, primary_key=True),
)
sa.Index("calibration_members_person", calibration_members.c.person_id)

calibration_reviews = sa.Table(
    "calibration_reviews",
    metadata,
    sa.Column("session_id", _id(), primary_key=True),
    sa.Column("review_id", _id(), primary_key=True),
)

calibration_ratings = sa.Table(
    "calibration_ratings",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("review_id", _id(), nullable=False),
    # Null where the rating was changed after its session.
    sa.Column("session_id", _id()),
    sa.Column("rating_version", sa.BigInteger, nullable=False),
    sa.Column("old", sa.Text),
    sa.Column("new", sa.Text, nullable=False),
    sa.Column("justification", sa.Text, nullable=False),
    sa.Column("changed_by", sa.Text, nullable=False),
    sa.Column("changed_as", sa.Text, nullable=False),
    sa.Column("changed_at", _instant(), nullable=False),
)
sa.Index("calibration_ratings_review", calibration_ratings.c.review_id, calibration_ratings.c.id)

operations = sa.Table(
    "operations",
    metadata,
    sa.Column("id", _id(), primary_key=True),
    sa.Column("command", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("begun_by", sa.Text, nullable=False),
    # Who acts: who began it, or applied its plan.
    sa.Column("actor_id", sa.Text, nullable=False),
    sa.Column("actor_roles", JSONB, nullable=False),
    # Of a filter; what is named may be of several cycles.
    sa.Column("cycle_id", _id()),
    sa.Column("reason", sa.Text),
    sa.Column("revoke_signatures", sa.Boolean, nullable=False),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("position", _id()),
    sa.Column("fires_at", _instant()),
    sa.Column("expires_at", _instant()),
    sa.Column("created_at", _instant(), nullable=False),
    sa.Column("applied_at", _instant()),
    sa.Column("started_at", _instant()),
    sa.Column("finished_at", _instant()),
    # When it last had its turn: operations take turns.
    sa.Column("turned_at", _instant(), nullable=False),
)
sa.Index(
    "operations_open",
    operations.c.turned_at,
    postgresql_where=operations.c.state.in_(["planning", "scheduled", "running", "cancelling"]),
)
sa.Index(
    "operations_plans",
    operations.c.begun_by,
    postgresql_where=operations.c.state.in_(["planning", "planned"]),
)

operation_items = sa.Table(
    "operation_items",
    metadata,
    sa.Column("operation_id", _id(), primary_key=True),
    sa.Column("review_id", _id(), primary_key=True),
    # Null where no packet had the id when it was named.
    sa.Column("subject_id", sa.Text),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("tag", sa.Text),
    sa.Column("unmet", JSONB, nullable=False),
    sa.Column("decided_at", _instant()),
)
sa.Index("operation_items_review", operation_items.c.review_id)
sa.Index(
    "operation_items_asked",
    operation_items.c.operation_id,
    operation_items.c.review_id,
    postgresql_where=operation_items.c.outcome == "asked",
)

# Lines are added, never changed, by the transaction of the step that they tell of; `number` is its event's.
history = sa.Table(
    "history",
    metadata,
    sa.Column("review_id", _id(), primary_key=True),
    sa.Column("number", sa.BigInteger, primary_key=True),
    sa.Column("at", _instant(), nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("epoch", sa.BigInteger, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("by", sa.Text),
    sa.Column("part", sa.Text),
    sa.Column("code", sa.Text),
    # What a person typed.
    sa.Column("reason", sa.Text),
    sa.Column("operation_id", _id()),
    sa.Column("snapshot_hash", sa.Text),
    sa.Column("manager_version", sa.BigInteger),
    sa.Column("selection_version", sa.BigInteger),
    sa.Column("rating_version", sa.BigInteger),
    sa.Column("revoke_signatures", sa.Boolean),
)
