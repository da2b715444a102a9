"""Shapes of a packet's history and of what a release corrected."""

from __future__ import annotations

from marshmallow import fields
from marshmallow.validate import OneOf

from packets.domain.history import Outcome
from packets.domain.packet import Part
from packets.domain.redline import Change, Mark
from reviewbus.schema import Instant, Shape


class LineShape(Shape):
    """One thing that was done: when, by whom and as what, why in a code, and what was typed."""

    at = Instant(required=True)
    by = fields.String(required=True, allow_none=True, metadata={"description": "Null where nobody did it"})
    by_role = fields.String(required=True, allow_none=True, validate=OneOf([each.value for each in Part]))
    code = fields.String(required=True, allow_none=True)
    reason = fields.String(required=True, allow_none=True)
    operation_id = fields.String(required=True, allow_none=True)


class ReleaseShape(Shape):
    """One attempt to release, and how it ended."""

    epoch = fields.Integer(required=True)
    outcome = fields.String(
        required=True,
        validate=OneOf([each.value for each in Outcome]),
        metadata={"description": "cancelled: taken back before the employee could read it"},
    )
    snapshot_hash = fields.String(required=True, allow_none=True)
    manager_version = fields.Integer(required=True, allow_none=True)
    selection_version = fields.Integer(required=True, allow_none=True)
    rating_version = fields.Integer(required=True, allow_none=True)
    asked = fields.Nested(
        LineShape, required=True, allow_none=True, metadata={"description": "Null where a hold was found, unasked for"}
    )
    released_at = Instant(required=True, allow_none=True)
    ended = fields.Nested(LineShape, required=True, allow_none=True)
    revoked_signatures = fields.Boolean(required=True, allow_none=True)


class SendingShape(Shape):
    """One stay with the manager."""

    epoch = fields.Integer(required=True, metadata={"description": "Of the last attempt to release before it"})
    snapshot_hash = fields.String(required=True, allow_none=True)
    sent = fields.Nested(LineShape, required=True)
    ended = fields.Nested(
        LineShape, required=True, allow_none=True, metadata={"description": "What took the packet from the manager"}
    )


class RatedShape(Shape):
    """A change of the calibrated rating: when, by whom and as what, from what to what, and why."""

    at = Instant(required=True)
    by = fields.String(required=True)
    by_role = fields.String(required=True, validate=OneOf([each.value for each in Part]))
    rating_version = fields.Integer(required=True, metadata={"description": "Of the new one"})
    old = fields.Integer(required=True)
    new = fields.Integer(required=True)
    reason = fields.String(required=True)


class HistoryShape(Shape):
    """A packet's history, oldest first."""

    review_id = fields.String(required=True)
    state = fields.String(required=True)
    epoch = fields.Integer(required=True)
    complete = fields.Boolean(required=True, metadata={"description": "False: too long, its beginning is left out"})
    releases = fields.List(fields.Nested(ReleaseShape), required=True)
    sendings = fields.List(fields.Nested(SendingShape), required=True)
    conversations = fields.List(fields.Nested(LineShape), required=True)
    overrides = fields.List(fields.Nested(LineShape), required=True)
    ratings = fields.List(
        fields.Nested(RatedShape),
        required=True,
        metadata={"description": "The rating's changes after calibration; those in a session are on its board"},
    )


class ComparedShape(Shape):
    """A release whose snapshot is compared."""

    epoch = fields.Integer(required=True)
    released_at = Instant(required=True)
    snapshot_hash = fields.String(required=True)


class RunShape(Shape):
    """Words in a row. Plain text: what looks like markup is none."""

    mark = fields.String(required=True, validate=OneOf([each.value for each in Mark]))
    text = fields.String(required=True)


class CorrectionShape(Shape):
    """A question that differs; a text word by word, any other answer as it was and is."""

    question_id = fields.String(required=True)
    text = fields.String(required=True)
    kind = fields.String(required=True)
    change = fields.String(required=True, validate=OneOf([each.value for each in Change]))
    words = fields.List(fields.Nested(RunShape), required=True)
    before = fields.Raw(required=True, allow_none=True)
    after = fields.Raw(required=True, allow_none=True)


class RatingCorrectionShape(Shape):
    """The rating beside the answers, where it differs; null where a packet showed none."""

    change = fields.String(required=True, validate=OneOf([each.value for each in Change]))
    before = fields.Integer(required=True, allow_none=True)
    after = fields.Integer(required=True, allow_none=True)


class CorrectionsShape(Shape):
    """What a release corrected of the one before; `before` and `after` are null where nothing was."""

    review_id = fields.String(required=True)
    before = fields.Nested(ComparedShape, required=True, allow_none=True)
    after = fields.Nested(ComparedShape, required=True, allow_none=True)
    questions = fields.List(fields.Nested(CorrectionShape), required=True)
    rating = fields.Nested(RatingCorrectionShape, required=True, allow_none=True)
