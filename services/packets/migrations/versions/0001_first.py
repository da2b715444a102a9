"""The tables of the packets service, beside those of the chassis."""

from __future__ import annotations

from alembic import op

from reviewbus import tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = (
    "calibration_members",
    "calibration_ratings",
    "calibration_reviews",
    "calibration_sessions",
    "contents",
    "cycles",
    "history",
    "operation_items",
    "operations",
    "packets",
    "pdf_files",
    "questionnaires",
    "selections",
    "snapshots",
)
STATEMENTS = (
    """
    create table calibration_members (
        session_id uuid not null,
        person_id text not null,
        primary key (session_id, person_id)
    )
    """,
    "create index calibration_members_person on calibration_members (person_id)",
    """
    create table calibration_ratings (
        id bigint generated always as identity,
        review_id uuid not null,
        session_id uuid,
        rating_version bigint not null,
        "old" text,
        "new" text not null,
        justification text not null,
        changed_by text not null,
        changed_as text not null,
        changed_at timestamptz not null,
        primary key (id)
    )
    """,
    "create index calibration_ratings_review on calibration_ratings (review_id, id)",
    """
    create table calibration_reviews (
        session_id uuid not null,
        review_id uuid not null,
        primary key (session_id, review_id)
    )
    """,
    """
    create table calibration_sessions (
        id uuid not null,
        cycle_id uuid not null,
        state text not null,
        row_version bigint not null,
        guideline jsonb not null,
        created_at timestamptz not null,
        primary key (id)
    )
    """,
    "create index calibration_sessions_cycle on calibration_sessions (cycle_id)",
    """
    create table contents (
        review_id uuid not null,
        version bigint not null,
        content_hash text not null,
        questionnaire_id uuid not null,
        questionnaire_version bigint not null,
        answers jsonb not null,
        fetched_at timestamptz not null,
        primary key (review_id, version)
    )
    """,
    """
    create table cycles (
        cycle_id uuid not null,
        version bigint not null,
        questionnaire_id uuid not null,
        questionnaire_version bigint not null,
        frozen boolean not null,
        closed boolean not null,
        primary key (cycle_id)
    )
    """,
    "create index cycles_questionnaire on cycles (questionnaire_id, questionnaire_version)",
    """
    create table history (
        review_id uuid not null,
        number bigint not null,
        at timestamptz not null,
        kind text not null,
        epoch bigint not null,
        state text not null,
        by text,
        part text,
        code text,
        reason text,
        operation_id uuid,
        snapshot_hash text,
        manager_version bigint,
        selection_version bigint,
        rating_version bigint,
        revoke_signatures boolean,
        primary key (review_id, number)
    )
    """,
    """
    create table operation_items (
        operation_id uuid not null,
        review_id uuid not null,
        subject_id text,
        outcome text not null,
        tag text,
        unmet jsonb not null,
        decided_at timestamptz,
        primary key (operation_id, review_id)
    )
    """,
    "create index operation_items_asked on operation_items (operation_id, review_id) where outcome = 'asked'",
    "create index operation_items_review on operation_items (review_id)",
    """
    create table operations (
        id uuid not null,
        command text not null,
        state text not null,
        begun_by text not null,
        actor_id text not null,
        actor_roles jsonb not null,
        cycle_id uuid,
        reason text,
        revoke_signatures boolean not null,
        size integer not null,
        position uuid,
        fires_at timestamptz,
        expires_at timestamptz,
        created_at timestamptz not null,
        applied_at timestamptz,
        started_at timestamptz,
        finished_at timestamptz,
        turned_at timestamptz not null,
        primary key (id)
    )
    """,
    """
    create index operations_open on operations (turned_at)
    where state in ('planning', 'scheduled', 'running', 'cancelling')
    """,
    "create index operations_plans on operations (begun_by) where state in ('planning', 'planned')",
    """
    create table packets (
        review_id uuid not null,
        cycle_id uuid not null,
        subject_id text not null,
        manager_id text not null,
        release_mode text not null,
        release_after_calibration boolean not null,
        recall_window_minutes integer not null,
        state text not null,
        epoch bigint not null,
        row_version bigint not null,
        snapshot_hash text,
        snapshot_manager_version bigint,
        snapshot_content_hash text,
        snapshot_selection_version bigint,
        snapshot_rating_shown text,
        snapshot_rating text,
        snapshot_rating_version bigint,
        was_sent boolean not null,
        send_when_ready boolean not null,
        requested_by text,
        requested_as text,
        last_refusal text,
        revoked_epoch bigint,
        viewed_epoch bigint,
        downloaded_epoch bigint,
        conversation_held boolean not null,
        hidden_by uuid,
        assessment_version bigint not null,
        manager_version bigint not null,
        submitted boolean not null,
        content_hash text,
        fetched_version bigint,
        fetched_hash text,
        closed boolean not null,
        cancelled boolean not null,
        holds jsonb not null,
        calibration text not null,
        session_id uuid,
        override_by text,
        override_manager_version bigint,
        override_rating_version bigint,
        rating text,
        rating_version bigint not null,
        rated_version bigint,
        rated_hash text,
        selection_version bigint not null,
        shared_count integer not null,
        shares_rating boolean not null,
        tracked integer not null,
        event_sequence bigint not null,
        waiting_since timestamptz,
        retry_at timestamptz,
        resent integer not null,
        moved_for timestamptz,
        sent_at timestamptz,
        released_at timestamptz,
        viewed_at timestamptz,
        downloaded_at timestamptz,
        conversation_at timestamptz,
        created_at timestamptz not null,
        changed_at timestamptz not null,
        primary key (review_id)
    )
    """,
    "create index packets_cycle on packets (cycle_id, review_id)",
    "create index packets_manager on packets (manager_id, review_id)",
    "create index packets_subject on packets (subject_id, review_id)",
    "create index packets_tracked on packets (cycle_id, manager_id, tracked) include (subject_id)",
    "create index packets_waiting on packets (waiting_since) where waiting_since is not null",
    """
    create table pdf_files (
        key text not null,
        snapshot_hash text not null,
        body bytea,
        failure text,
        rendered_at timestamptz not null,
        primary key (key)
    )
    """,
    "create index pdf_files_rendered on pdf_files (rendered_at)",
    """
    create table questionnaires (
        id uuid not null,
        version bigint not null,
        content_hash text not null,
        title text not null,
        questions jsonb not null,
        fetched_at timestamptz not null,
        primary key (id, version)
    )
    """,
    """
    create table selections (
        cycle_id uuid not null,
        version bigint not null,
        questionnaire_id uuid not null,
        questionnaire_version bigint not null,
        question_ids jsonb not null,
        rating_question_ids jsonb not null,
        shares_rating boolean not null,
        chosen_by text,
        chosen_at timestamptz not null,
        primary key (cycle_id, version)
    )
    """,
    """
    create table snapshots (
        review_id uuid not null,
        hash text not null,
        manager_id text not null,
        manager_version bigint not null,
        content_hash text,
        selection_version bigint not null,
        rating_shown text not null,
        rating text,
        rating_version bigint not null,
        taken_at timestamptz not null,
        subject_name text,
        manager_name text,
        cycle_name text,
        language text,
        primary key (review_id, hash, manager_id)
    )
    """,
    "create index snapshots_manager on snapshots (manager_id, taken_at)",
)


def upgrade() -> None:
    tables.create_v1(op)
    for statement in STATEMENTS:
        op.execute(statement)
    # Every step of a packet rewrites its row: room on the page keeps the new one beside the old.
    op.execute("alter table packets set (fillfactor = 70)")


def downgrade() -> None:
    for name in reversed(TABLES):
        op.execute(f"drop table {name}")
    tables.drop_v1(op)
