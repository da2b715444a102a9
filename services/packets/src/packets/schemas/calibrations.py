"""Shapes of shared questions and calibration sessions."""

from __future__ import annotations

from typing import Any

from marshmallow import fields
from marshmallow.validate import Length, Regexp

from packets.schemas.parts import ScaleShape, rating_value, review_ids
from reviewbus.schema import Body, Flag, Instant, Shape, person_id, reason

QUESTIONS_MAX = 200
MEMBERS_MAX = 200
QUESTION_ID = Regexp(r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")


def _members() -> fields.List[Any]:
    return fields.List(person_id(), required=True, validate=Length(max=MEMBERS_MAX))


class Selected(Body):
    """What HR chooses to show."""

    question_ids = fields.List(fields.String(validate=QUESTION_ID), required=True, validate=Length(max=QUESTIONS_MAX))
    rating = Flag(load_default=True, metadata={"description": "Whether calibrated ratings are shown"})


class NewSession(Body):
    """A session to be."""

    cycle_id = fields.UUID(required=True)
    review_ids = review_ids()
    members = _members()


class Members(Body):
    """Who calibrates."""

    members = _members()


class Confirmed(Body):
    """Whose calibration stands."""

    review_ids = review_ids()


class Rated(Body):
    """A rating in a session."""

    rating = rating_value()
    justification = reason(required=False)


class OfferedQuestion(Shape):
    """A question that can be shown."""

    question_id = fields.String(required=True)
    text = fields.String(required=True)
    kind = fields.String(required=True)


class SelectionShape(Shape):
    """What a cycle's packets show."""

    cycle_id = fields.String(required=True)
    version = fields.Integer(required=True)
    question_ids = fields.List(fields.String(), required=True)
    rating = fields.Boolean(required=True)
    questions = fields.List(
        fields.Nested(OfferedQuestion), allow_none=True, metadata={"description": "Null until they are fetched"}
    )


class SessionShape(Shape):
    """How far a session is."""

    session_id = fields.String(required=True)
    state = fields.String(required=True)
    row_version = fields.Integer(required=True)


class MembersShape(SessionShape):
    """Who calibrates."""

    members = fields.List(fields.String(), required=True)


class BoardAnswer(Shape):
    """One answer of a manager."""

    question_id = fields.String(required=True)
    kind = fields.String(required=True)
    value = fields.Raw(required=True, allow_none=True)


class BoardChange(Shape):
    """One change of a rating."""

    rating_version = fields.Integer(required=True)
    old = fields.Integer(required=True, allow_none=True)
    new = fields.Integer(required=True)
    justification = fields.String(required=True)
    by = fields.String(required=True)
    at = Instant(required=True)


class BoardReview(Shape):
    """One review on the board."""

    review_id = fields.String(required=True)
    subject_id = fields.String(required=True)
    manager_id = fields.String(required=True)
    calibration = fields.String(required=True)
    rating = fields.Integer(required=True, allow_none=True)
    rating_version = fields.Integer(required=True)
    manager_rating = fields.Integer(required=True, allow_none=True)
    manager_version = fields.Integer(required=True)
    answers = fields.List(fields.Nested(BoardAnswer), allow_none=True)
    changes = fields.List(fields.Nested(BoardChange), required=True)


class BoardShape(MembersShape):
    """A session from within."""

    cycle_id = fields.String(required=True)
    scale = fields.Nested(ScaleShape, required=True)
    reviews = fields.List(fields.Nested(BoardReview), required=True)


class RatingShape(Shape):
    """What came of a rating."""

    review_id = fields.String(required=True)
    rating_version = fields.Integer(required=True)
