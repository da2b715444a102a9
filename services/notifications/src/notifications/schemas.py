"""The shapes of requests and answers."""

from __future__ import annotations

import marshmallow as ma

from reviewbus.schema import BIGINT_MAX, Body, Instant, Page, Shape, person_id

ITEMS_MAX = 500
KINDS = ("self-assessment", "manager-assessment", "release", "sign")
STATES = ("queued", "sending", "sent", "suppressed", "failed")


class DeadlineShape(Shape):
    """The last day in the calendar of the people concerned, and the instant from which it is too late."""

    date = ma.fields.Date(required=True)
    zone = ma.fields.String(required=True)
    instant = Instant(required=True)


class TaskShape(Shape):
    """Something that the caller is to do."""

    kind = ma.fields.String(required=True, validate=ma.validate.OneOf(KINDS))
    review_id = ma.fields.String(required=True)
    link = ma.fields.String(required=True, metadata={"description": "Opens the form"})
    deadline = ma.fields.Nested(DeadlineShape, required=True, allow_none=True)
    urgency = ma.fields.String(required=True, validate=ma.validate.OneOf(("overdue", "soon", "later", "undated")))


class TaskList(Shape):
    """Everything outstanding, most urgent first; at most 500."""

    items = ma.fields.List(ma.fields.Nested(TaskShape), required=True)


class DeliveriesQuery(Page):
    """Which deliveries to list."""

    review_id = ma.fields.UUID(load_default=None)
    recipient_id = person_id(load_default=None)
    state = ma.fields.String(load_default=None, validate=ma.validate.OneOf(STATES))


class DeliveryShape(Shape):
    """What became of one mail; nothing of what it said."""

    delivery_id = ma.fields.String(required=True)
    review_id = ma.fields.String(required=True)
    recipient_id = ma.fields.String(required=True)
    template = ma.fields.String(required=True, metadata={"description": "Which mail it is"})
    occasion = ma.fields.String(
        required=True,
        metadata={"description": "Sets it apart from other mails of that template: an epoch, a version, a fence"},
    )
    state = ma.fields.String(required=True, validate=ma.validate.OneOf(STATES))
    reason = ma.fields.String(
        required=True, allow_none=True, metadata={"description": "Why it was suppressed or has failed: a code"}
    )
    attempts = ma.fields.Integer(required=True)
    created_at = Instant(required=True)
    settled_at = Instant(required=True, allow_none=True)


class DeliveryPage(Shape):
    """A page of deliveries, newest first."""

    items = ma.fields.List(ma.fields.Nested(DeliveryShape), required=True)
    next_cursor = ma.fields.String(required=True, allow_none=True)


class OpenTaskShape(Shape):
    """Who is to do what."""

    person_id = ma.fields.String(required=True)
    kind = ma.fields.String(required=True, validate=ma.validate.OneOf(KINDS))


class StateShape(Shape):
    """One review for another service's comparison."""

    review_id = ma.fields.String(required=True)
    open_tasks = ma.fields.List(ma.fields.Nested(OpenTaskShape), required=True)


class StatesPage(Shape):
    """A page of reviews in the order of their ids."""

    items = ma.fields.List(ma.fields.Nested(StateShape), required=True)
    next_cursor = ma.fields.String(required=True, allow_none=True)


class VisibilityItem(Shape):
    """Whether this person may open this thing now, and `at` is current."""

    person_id = person_id(required=True)
    kind = ma.fields.String(required=True, validate=ma.validate.Length(max=64))
    review_id = ma.fields.UUID(required=True)
    at = ma.fields.Integer(required=True, strict=True, validate=ma.validate.Range(min=0, max=BIGINT_MAX))


class VisibilityBody(Body):
    """Up to 500 questions."""

    items = ma.fields.List(ma.fields.Nested(VisibilityItem), required=True, validate=ma.validate.Length(max=ITEMS_MAX))


class VisibleShape(Shape):
    """One answer."""

    allowed = ma.fields.Boolean(required=True)


class VisibilityShape(Shape):
    """The answers, in the order of the questions."""

    items = ma.fields.List(ma.fields.Nested(VisibleShape), required=True)
