"""The chassis' tables and the first tables of the assessment service."""

from __future__ import annotations

from alembic import op

from reviewbus import tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TABLES = (
    """
    create table person (
        person_id text not null,
        name text not null,
        email text not null,
        manager_id text,
        active boolean not null,
        language text not null,
        version bigint not null,
        primary key (person_id)
    )
    """,
    """
    create table questionnaire (
        questionnaire_id uuid not null,
        version integer not null,
        created_at timestamptz not null,
        primary key (questionnaire_id)
    )
    """,
    """
    create table cycle (
        cycle_id uuid not null,
        name text not null,
        instructions text,
        zone text not null,
        self_until date not null,
        manager_until date not null,
        release_mode text not null,
        calibration_required boolean not null,
        release_after_calibration boolean not null,
        recall_window_minutes integer not null,
        self_visibility text not null,
        questionnaire_id uuid not null,
        questionnaire_version integer not null,
        rating_question_ids jsonb not null,
        state text not null,
        row_version bigint not null,
        event_sequence bigint not null,
        created_at timestamptz not null,
        primary key (cycle_id),
        foreign key (questionnaire_id) references questionnaire (questionnaire_id)
    )
    """,
    """
    create table questionnaire_version (
        questionnaire_id uuid not null,
        version integer not null,
        title text not null,
        questions jsonb not null,
        content_hash text not null,
        author_id text not null,
        created_at timestamptz not null,
        primary key (questionnaire_id, version),
        foreign key (questionnaire_id) references questionnaire (questionnaire_id)
    )
    """,
    """
    create table review (
        review_id uuid not null,
        cycle_id uuid not null,
        subject_id text not null,
        manager_id text,
        year integer not null,
        release_mode text not null,
        calibration_required boolean not null,
        release_after_calibration boolean not null,
        recall_window_minutes integer not null,
        self_visibility text not null,
        questionnaire_id uuid,
        questionnaire_version integer,
        rating_question_ids jsonb not null,
        self_deadline_date date,
        self_deadline_zone text,
        self_deadline_at timestamptz,
        manager_deadline_date date,
        manager_deadline_zone text,
        manager_deadline_at timestamptz,
        started boolean not null,
        cycle_closed boolean not null,
        cancelled boolean not null,
        self_state text not null,
        self_version integer not null,
        self_hash text,
        self_shared_version integer,
        self_read_version integer,
        manager_has_access boolean not null,
        manager_state text not null,
        manager_version integer not null,
        manager_hash text,
        manager_submitted_version integer,
        release_fence bigint not null,
        release_held boolean not null,
        release_epoch bigint,
        release_snapshot_hash text,
        release_outcome jsonb,
        signature_employee_fence bigint not null,
        signature_employee_held boolean not null,
        signature_employee_epoch bigint,
        signature_employee_snapshot_hash text,
        signature_employee_outcome jsonb,
        signature_manager_fence bigint not null,
        signature_manager_held boolean not null,
        signature_manager_epoch bigint,
        signature_manager_snapshot_hash text,
        signature_manager_outcome jsonb,
        completion_fence bigint not null,
        completion_held boolean not null,
        completion_epoch bigint,
        completion_snapshot_hash text,
        completion_outcome jsonb,
        row_version bigint not null,
        event_sequence bigint not null,
        changed_at timestamptz not null,
        primary key (review_id),
        constraint review_cycle_subject unique (cycle_id, subject_id),
        foreign key (cycle_id) references cycle (cycle_id)
    )
    """,
    """
    create table backup (
        review_id uuid not null,
        side text not null,
        author_id text not null,
        number integer not null,
        kind text not null,
        answers jsonb not null,
        answers_hash text not null,
        chars integer not null,
        saved_at timestamptz not null,
        primary key (review_id, side, author_id, number),
        foreign key (review_id) references review (review_id)
    )
    """,
    """
    create table content (
        review_id uuid not null,
        side text not null,
        version integer not null,
        questionnaire_id uuid not null,
        questionnaire_version integer not null,
        answers jsonb not null,
        content_hash text not null,
        chars integer not null,
        author_id text not null,
        saved_at timestamptz not null,
        primary key (review_id, side, version),
        foreign key (review_id) references review (review_id)
    )
    """,
    """
    create table content_read (
        review_id uuid not null,
        reader_id text not null,
        self_version integer not null,
        read_at timestamptz not null,
        primary key (review_id, reader_id, self_version),
        foreign key (review_id) references review (review_id)
    )
    """,
    """
    create table calibration (
        review_id uuid not null,
        version bigint not null,
        calibrated boolean not null,
        primary key (review_id)
    )
    """,
    """
    create table operation (
        operation_id uuid not null,
        command text not null,
        state text not null,
        begun_by text not null,
        actor_id text not null,
        actor_roles jsonb not null,
        cycle_id uuid,
        reason text,
        size integer not null,
        position uuid,
        expires_at timestamptz,
        created_at timestamptz not null,
        applied_at timestamptz,
        started_at timestamptz,
        finished_at timestamptz,
        primary key (operation_id)
    )
    """,
    """
    create table operation_item (
        operation_id uuid not null,
        review_id uuid not null,
        subject_id text,
        outcome text not null,
        unmet jsonb not null,
        decided_at timestamptz,
        primary key (operation_id, review_id),
        foreign key (operation_id) references operation (operation_id)
    )
    """,
    """
    create table former_reviewer (
        person_id text not null,
        review_id uuid not null,
        primary key (person_id, review_id),
        foreign key (review_id) references review (review_id)
    )
    """,
)
_INDICES = (
    "create index operation_finished on operation (finished_at)",
    "create index person_manager on person (manager_id, person_id)",
    "create index cycle_questionnaire on cycle (questionnaire_id)",
    "create index review_cycle on review (cycle_id, review_id)",
    "create index review_unopened on review (cycle_id, review_id) where not started",
    "create index review_unclosed on review (cycle_id, review_id) where started and not cycle_closed",
    "create index review_manager on review (manager_id, review_id)",
    "create index review_subject on review (subject_id, review_id)",
    "create index review_year on review (year, review_id)",
)


def upgrade() -> None:
    """Create everything."""
    tables.create_v1(op)
    for statement in (*_TABLES, *_INDICES):
        op.execute(statement)
    # Room on the page lets an update of a register leave every index alone.
    op.execute("alter table review set (fillfactor = 80)")


def downgrade() -> None:
    """Drop everything."""
    for name in (
        "operation_item",
        "operation",
        "former_reviewer",
        "calibration",
        "content_read",
        "content",
        "backup",
        "review",
        "questionnaire_version",
        "cycle",
        "questionnaire",
        "person",
    ):
        op.execute(f"drop table {name}")
    tables.drop_v1(op)
