"""Shapes of packets."""

from __future__ import annotations

from marshmallow import fields
from marshmallow.validate import OneOf

from packets.domain.packet import PacketState
from packets.schemas.parts import ScaleShape, WithReason, rating_value
from reviewbus.schema import Body, Flag, Instant, Moment, Page, Shape, person_id, reason


def _rating_version() -> fields.Integer:
    told = "For HR, what If-Match names when the rating is changed; else null"
    return fields.Integer(required=True, allow_none=True, metadata={"description": told})


class RatingChanged(Body):
    """A rating after calibration."""

    rating = rating_value()
    reason = reason(required=False)


class Unrelease(Body):
    """Why a packet is taken back, and whether signatures go with it."""

    reason = reason(required=False)
    revoke_signatures = Flag(load_default=False)


class PacketsQuery(Page):
    """What the list of packets is narrowed to."""

    cycle_id = fields.UUID(load_default=None)
    state = fields.String(load_default=None, validate=OneOf([each.value for each in PacketState]))
    manager_id = person_id(load_default=None)
    person_id = person_id(load_default=None)


class PacketShape(Shape):
    """How far a packet is, after a command."""

    review_id = fields.String(required=True)
    state = fields.String(required=True)
    epoch = fields.Integer(required=True)


class Release(WithReason):
    """Why a packet is released, where that is needed, and when."""

    not_before = Moment(
        load_default=None, allow_none=True, metadata={"description": "Released at this instant, if it still can be"}
    )


class ScheduledShape(Shape):
    """A release that fires at an instant."""

    not_before = Instant(required=True)
    by = fields.String(required=True, metadata={"description": "Who scheduled it"})
    operation_id = fields.String(required=True)


class ReleasedShape(PacketShape):
    """How far a packet is, after its release was asked for."""

    scheduled = fields.Nested(
        ScheduledShape, required=True, allow_none=True, metadata={"description": "Null where nothing waits"}
    )


class RecalledShape(PacketShape):
    """How far a packet is, after what was scheduled for it was taken back."""

    cancelled = fields.List(
        fields.Nested(ScheduledShape),
        required=True,
        metadata={"description": "What would have fired, and whose it was"},
    )


class RatedPacketShape(PacketShape):
    """How far a packet is, after its rating changed."""

    rating_version = fields.Integer(required=True)


class OverviewShape(PacketShape):
    """A packet in a list."""

    row_version = fields.Integer(required=True, allow_none=True, metadata={"description": "For HR; else null"})
    cycle_id = fields.String(required=True)
    subject_id = fields.String(required=True)
    manager_id = fields.String(required=True)
    viewed = fields.Boolean(required=True)
    calibration = fields.String(required=True, allow_none=True)
    overridden = fields.Boolean(required=True, allow_none=True)
    last_refusal = fields.String(required=True, allow_none=True)
    scheduled = fields.Nested(
        ScheduledShape, required=True, allow_none=True, metadata={"description": "For HR and the manager; else null"}
    )


class PacketsShape(Shape):
    """A page of packets."""

    items = fields.List(fields.Nested(OverviewShape), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class OptionShape(Shape):
    """One choice of a question."""

    id = fields.String(required=True)
    text = fields.String(required=True)


class ShownQuestion(Shape):
    """One shared question and its answer: rich text, a number, or the id of an option."""

    question_id = fields.String(required=True)
    text = fields.String(required=True)
    kind = fields.String(required=True)
    scale = fields.Nested(ScaleShape, allow_none=True)
    options = fields.List(fields.Nested(OptionShape), allow_none=True)
    value = fields.Raw(required=True, allow_none=True)


class ShownRating(Shape):
    """The rating that stands beside the answers."""

    value = fields.Integer(required=True)
    shown = fields.String(required=True, metadata={"description": "calibrated, or manager_final"})
    scale = fields.Nested(ScaleShape, required=True)


class ViewShape(Shape):
    """What a packet shows to its readers."""

    review_id = fields.String(required=True)
    cycle_id = fields.String(required=True)
    subject_id = fields.String(required=True)
    manager_id = fields.String(required=True)
    subject_name = fields.String(required=True, allow_none=True)
    manager_name = fields.String(required=True, allow_none=True)
    cycle_name = fields.String(required=True, allow_none=True)
    state = fields.String(required=True)
    epoch = fields.Integer(required=True)
    viewed = fields.Boolean(required=True)
    read_as = fields.String(required=True)
    snapshot_hash = fields.String(required=True)
    manager_version = fields.Integer(required=True)
    selection_version = fields.Integer(required=True)
    rating_version = _rating_version()
    questions = fields.List(fields.Nested(ShownQuestion), required=True)
    rating = fields.Nested(ShownRating, required=True, allow_none=True)
    corrected_at = Instant(
        required=True, allow_none=True, metadata={"description": "When it took the place of a packet that differed"}
    )
    conversation_at = Instant(
        required=True, allow_none=True, metadata={"description": "For HR and the manager; else null"}
    )
    scheduled = fields.Nested(
        ScheduledShape, required=True, allow_none=True, metadata={"description": "For HR and the manager; else null"}
    )


class RenderingShape(Shape):
    """The PDF is being made; ask again."""

    state = fields.String(required=True)


class ActionShape(Shape):
    """One thing that the person could do, or why not."""

    name = fields.String(required=True)
    allowed = fields.Boolean(required=True)
    unmet = fields.List(fields.Dict(), required=True)


class ActionsShape(Shape):
    """What the person could do with a packet."""

    review_id = fields.String(required=True)
    state = fields.String(required=True, allow_none=True, metadata={"description": "Null to whom it is hidden"})
    row_version = fields.Integer(required=True, allow_none=True, metadata={"description": "For HR; else null"})
    rating_version = _rating_version()
    actions = fields.List(fields.Nested(ActionShape), required=True)
