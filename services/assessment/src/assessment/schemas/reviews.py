"""Shapes of reviews, of their two forms, and of the commands on them."""

from __future__ import annotations

from marshmallow import fields, validate

from assessment.domain.review import ReviewState
from assessment.schemas import parts
from assessment.schemas.setup import Question
from reviewbus import schema
from reviewbus.schema import Body, Instant, Page, Shape


class Reason(Body):
    """A command that needs a reason."""

    reason = schema.reason()


class OptionalReason(Body):
    """A command that may say why."""

    reason = schema.reason(required=False)


class ReassignBody(OptionalReason):
    """Another manager of record; a reason is needed while there is an unfinished draft."""

    manager_id = schema.person_id(required=True)


class ReviewsQuery(Page):
    """Which reviews to list."""

    role = fields.String(load_default=None, validate=validate.OneOf(["reviewee", "reviewer", "hr"]))
    cycle_id = parts.our_id(load_default=None)
    state = parts.one_of(ReviewState, load_default=None)
    person_id = schema.person_id(load_default=None)
    year = fields.Integer(load_default=None, validate=validate.Range(min=2000, max=2999))


class Deadline(Shape):
    """The last day in a zone, and the instant from which it is too late."""

    date = fields.String(required=True)
    zone = fields.String(required=True)
    instant = fields.String(required=True)


class Head(Shape):
    """What every view of a review begins with."""

    review_id = fields.String(required=True)
    cycle_id = fields.String(required=True)
    cycle_name = fields.String(required=True)
    year = fields.Integer(required=True)
    subject_id = fields.String(required=True)
    subject_name = fields.String(allow_none=True)
    manager_id = fields.String(allow_none=True)
    manager_name = fields.String(allow_none=True)
    state = fields.String(required=True)
    self_state = fields.String(allow_none=True)
    manager_state = fields.String(allow_none=True)
    self_deadline = fields.Nested(Deadline, allow_none=True)
    manager_deadline = fields.Nested(Deadline, allow_none=True)
    started = fields.Boolean(required=True)
    closed = fields.Boolean(required=True)
    cancelled = fields.Boolean(required=True)


class ReviewSummary(Head):
    """A review in a list."""

    role = fields.String(required=True)


class ReviewPage(Shape):
    """A page of reviews; it may be shorter than asked for while there is a next one."""

    items = fields.List(fields.Nested(ReviewSummary), required=True)
    next_cursor = fields.String(allow_none=True)


class Links(Shape):
    """What this reader may open."""

    self_assessment = fields.String(allow_none=True)
    manager_assessment = fields.String(allow_none=True)


class Review(Head):
    """A review with the head of its forms."""

    row_version = fields.Integer(metadata={"description": "For HR only"})
    self_version = fields.Integer(allow_none=True)
    manager_version = fields.Integer(allow_none=True)
    self_saved_at = fields.String(allow_none=True)
    self_chars = fields.Integer(allow_none=True)
    manager_saved_at = fields.String(allow_none=True)
    manager_chars = fields.Integer(allow_none=True)
    instructions = fields.String(allow_none=True)
    release_mode = fields.String(required=True)
    calibration_required = fields.Boolean(required=True)
    self_visibility = fields.String(required=True)
    questionnaire_id = fields.String(allow_none=True)
    questionnaire_version = fields.Integer(allow_none=True)
    links = fields.Nested(Links, required=True)


class Unmet(Shape):
    """A condition that is not met, who can clear it, and what it is about."""

    code = fields.String(required=True)
    detail = fields.String(required=True)
    cleared_by = fields.List(fields.String(), required=True)
    holders = fields.List(fields.String())
    question_ids = fields.List(fields.String())
    person_ids = fields.List(fields.String())
    deadline = fields.String()
    current_version = fields.Integer()


class Action(Shape):
    """Something that one could do."""

    name = fields.String(required=True)
    allowed = fields.Boolean(required=True)
    unmet = fields.List(fields.Nested(Unmet), required=True)


class Actions(Shape):
    """All that could be done with a review."""

    review_id = fields.String(required=True)
    actions = fields.List(fields.Nested(Action), required=True)


class ReviewAck(Shape):
    """A review after a command."""

    review_id = fields.String(required=True)
    row_version = fields.Integer(metadata={"description": "For HR only"})
    state = fields.String(required=True)
    self_state = fields.String(required=True)
    self_version = fields.Integer(allow_none=True)
    manager_state = fields.String(allow_none=True)
    manager_version = fields.Integer(allow_none=True)
    manager_id = fields.String(allow_none=True)
    cancelled = fields.Boolean(required=True)


class SubmitAck(ReviewAck):
    """A review after its manager-assessment was submitted, and what the manager should know."""

    warnings = fields.List(fields.String(), required=True)


class AnswersBody(Body):
    """The whole of one side's answers."""

    answers = parts.answers(required=True)


class Form(Shape):
    """One side's form. Version 0 was never saved."""

    review_id = fields.String(required=True)
    side = fields.String(required=True)
    state = fields.String(required=True)
    version = fields.Integer(required=True)
    content_hash = fields.String(allow_none=True)
    answers = parts.answers(required=True)
    saved_at = Instant(allow_none=True)
    questions = fields.List(fields.Nested(Question), required=True)
    instructions = fields.String(allow_none=True)
    deadline = fields.Nested(Deadline, allow_none=True)


class SavedForm(Shape):
    """What was saved, sanitised."""

    review_id = fields.String(required=True)
    version = fields.Integer(required=True)
    state = fields.String(required=True)
    content_hash = fields.String(required=True)
    saved_at = Instant(required=True)
    answers = parts.answers(required=True)


class Version(Shape):
    """One version of the self-assessment."""

    review_id = fields.String(required=True)
    side = fields.String(required=True)
    version = fields.Integer(required=True)
    content_hash = fields.String(required=True)
    answers = parts.answers(required=True)
    saved_at = Instant(required=True)
    superseded = fields.Boolean(required=True)


class BackupMade(Shape):
    """A backup that was kept."""

    review_id = fields.String(required=True)
    number = fields.Integer(required=True)
    saved_at = Instant(required=True)


class BackupSummary(Shape):
    """A backup in a list."""

    number = fields.Integer(required=True)
    kind = fields.String(required=True)
    saved_at = Instant(required=True)
    chars = fields.Integer(required=True)


class Backups(Shape):
    """All backups of an author, newest first."""

    items = fields.List(fields.Nested(BackupSummary), required=True)


class Backup(Shape):
    """A backup with its answers."""

    number = fields.Integer(required=True)
    kind = fields.String(required=True)
    saved_at = Instant(required=True)
    answers = parts.answers(required=True)
