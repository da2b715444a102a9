"""Shapes of what other services ask for."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from assessment.schemas import parts
from assessment.schemas.reviews import Deadline
from assessment.schemas.setup import Person, Question
from reviewbus import schema
from reviewbus.schema import Body, Instant, Page, Shape


def _items(inner: type[Shape] | fields.Field[Any]) -> fields.List[Any]:
    one = fields.Nested(inner) if isinstance(inner, type) else inner
    return fields.List(one, required=True, validate=validate.Length(min=1, max=parts.ITEMS_MAX))


class WantedContent(Shape):
    """One immutable content."""

    kind = fields.String(required=True, validate=validate.OneOf(["manager-assessment", "questionnaire"]))
    id = parts.our_id(required=True)
    version = parts.count(required=True)


class ContentsBody(Body):
    """Contents to be told."""

    items = _items(WantedContent)


class Answer(Shape):
    """An answer with its hash."""

    question_id = fields.String(required=True)
    kind = fields.String(required=True)
    value = parts.AnswerValue(required=True, metadata={"type": ["string", "integer"]})
    answer_hash = fields.String(required=True)


class Content(Shape):
    """One immutable content with its hashes, or `found` false."""

    kind = fields.String(required=True)
    id = fields.String(required=True)
    version = fields.Integer(required=True)
    found = fields.Boolean(required=True)
    content_hash = fields.String()
    questionnaire_id = fields.String()
    questionnaire_version = fields.Integer()
    answers = fields.List(fields.Nested(Answer))
    title = fields.String()
    questions = fields.List(fields.Nested(Question))


class Contents(Shape):
    """Contents in the order in which they were asked for."""

    items = fields.List(fields.Nested(Content), required=True)


class PeopleBody(Body):
    """People whose names and addresses are needed."""

    person_ids = _items(schema.person_id())


class People(Shape):
    """Those who are known."""

    items = fields.List(fields.Nested(Person), required=True)


class CyclesBody(Body):
    """Cycles whose names are needed."""

    cycle_ids = _items(parts.our_id())


class CycleName(Shape):
    """What a cycle is called."""

    cycle_id = fields.String(required=True)
    name = fields.String(required=True)


class CycleNames(Shape):
    """Those that there are."""

    items = fields.List(fields.Nested(CycleName), required=True)


class DirectoryQuery(Page):
    """Which page of the directory."""


class DirectoryPerson(Shape):
    """Whom a person reports to, and whether they are active; `version` counts their changes."""

    person_id = fields.String(required=True)
    manager_id = fields.String(required=True, allow_none=True)
    active = fields.Boolean(required=True)
    version = fields.Integer(required=True)


class Directory(Shape):
    """A page of the directory in the order of the people's ids."""

    items = fields.List(fields.Nested(DirectoryPerson), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class Register(Shape):
    """A register of a review."""

    fence = fields.Integer(required=True)
    held = fields.Boolean(required=True)
    epoch = fields.Integer(allow_none=True)
    snapshot_hash = fields.String(allow_none=True)


class State(Shape):
    """A review as others keep copies of it."""

    review_id = fields.String(required=True)
    row_version = fields.Integer(required=True)
    changed_at = Instant(required=True)
    cycle_id = fields.String(required=True)
    subject_id = fields.String(required=True)
    manager_id = fields.String(allow_none=True)
    release_mode = fields.String(required=True)
    calibration_required = fields.Boolean(required=True)
    release_after_calibration = fields.Boolean(required=True)
    recall_window_minutes = fields.Integer(required=True)
    self_visibility = fields.String(required=True)
    questionnaire_id = fields.String(allow_none=True)
    questionnaire_version = fields.Integer(allow_none=True)
    rating_question_ids = fields.List(fields.String(), required=True)
    self_deadline = fields.Nested(Deadline, allow_none=True)
    manager_deadline = fields.Nested(Deadline, allow_none=True)
    self_state = fields.String(required=True)
    self_version = fields.Integer(required=True)
    self_visible_to_manager = fields.Boolean(required=True)
    manager_state = fields.String(required=True)
    manager_reopened = fields.Boolean(required=True)
    manager_version = fields.Integer(required=True)
    content_hash = fields.String(allow_none=True)
    closed = fields.Boolean(required=True)
    cancelled = fields.Boolean(required=True)
    registers = fields.Dict(keys=fields.String(), values=fields.Nested(Register), required=True)


class StatesQuery(Page):
    """Which page of the states."""


class States(Shape):
    """A page of states in the order of the reviews' ids."""

    items = fields.List(fields.Nested(State), required=True)
    next_cursor = fields.String(allow_none=True)
    restored = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "After a restore: its id, until both sweeps that begin now have been reported"},
    )


class SweptBody(Body):
    """The restore that the states named before the sweep began."""

    restored = fields.UUID(required=True)


class Swept(Shape):
    """Whether the sweep was awaited."""

    counted = fields.Boolean(required=True)


class WantedVisibility(Shape):
    """A person and what a message would point to; `at` is the version that it speaks of."""

    person_id = schema.person_id(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(["self-assessment", "packet", "signature", "form"]))
    review_id = parts.our_id(required=True)
    at = parts.count(required=True)


class VisibilityBody(Body):
    """What is to be checked."""

    items = _items(WantedVisibility)


class Allowed(Shape):
    """Whether it can be opened."""

    allowed = fields.Boolean(required=True)


class Visibility(Shape):
    """Answers in the order of the questions."""

    items = fields.List(fields.Nested(Allowed), required=True)
