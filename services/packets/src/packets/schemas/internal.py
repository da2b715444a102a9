"""Shapes between services."""

from __future__ import annotations

from marshmallow import fields
from marshmallow.validate import Length, Range

from packets.schemas.parts import INTEGER_MAX
from reviewbus.schema import Body, Instant, Page, Shape, person_id

ITEMS_MAX = 500


class StatesQuery(Page):
    """Where to go on."""


class StateShape(Shape):
    """A packet's row, for other services' sweeps."""

    review_id = fields.String(required=True)
    cycle_id = fields.String(required=True)
    subject_id = fields.String(required=True)
    manager_id = fields.String(required=True)
    state = fields.String(required=True)
    epoch = fields.Integer(required=True)
    row_version = fields.Integer(required=True)
    changed_at = Instant(required=True)
    snapshot_hash = fields.String(required=True, allow_none=True)
    manager_version = fields.Integer(required=True)
    selection_version = fields.Integer(required=True)
    revoked_epoch = fields.Integer(required=True)
    released_by = fields.String(required=True, allow_none=True)
    released_as = fields.String(required=True, allow_none=True)


class StatesShape(Shape):
    """A page of rows."""

    items = fields.List(fields.Nested(StateShape), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class VisibilityItem(Shape):
    """Can this person open that, as of that epoch?"""

    person_id = person_id(required=True)
    kind = fields.String(required=True, validate=Length(max=64))
    review_id = fields.UUID(required=True)
    at = fields.Integer(required=True, strict=True, validate=Range(min=0, max=INTEGER_MAX))


class VisibilityQuestions(Body):
    """Many questions at once."""

    items = fields.List(fields.Nested(VisibilityItem), required=True, validate=Length(max=ITEMS_MAX))


class Allowed(Shape):
    """One answer."""

    allowed = fields.Boolean(required=True)


class VisibilityAnswers(Shape):
    """The answers, in the order of the questions."""

    items = fields.List(fields.Nested(Allowed), required=True)
