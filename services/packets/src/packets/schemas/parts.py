"""What several shapes are made of."""

from __future__ import annotations

from typing import Any

from marshmallow import fields
from marshmallow.validate import Length, Range

from reviewbus.schema import Body, Shape, reason

INTEGER_MAX = 2**31 - 1
REVIEWS_MAX = 500


def rating_value() -> fields.Integer:
    """A rating."""
    return fields.Integer(required=True, strict=True, validate=Range(min=-INTEGER_MAX, max=INTEGER_MAX))


def review_ids() -> fields.List[Any]:
    """Some reviews, by id."""
    return fields.List(fields.UUID(), required=True, validate=Length(min=1, max=REVIEWS_MAX))


class WithReason(Body):
    """A command that is recorded with a reason."""

    reason = reason(required=False)


class ScaleShape(Shape):
    """A scale of whole numbers."""

    lowest = fields.Integer(required=True)
    highest = fields.Integer(required=True)
    labels = fields.List(fields.String())
