"""Shapes of shared questions and calibration sessions."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, validates_schema
from marshmallow.validate import Length, Range, Regexp

from packets.schemas.parts import ScaleShape, rating_value, review_ids
from reviewbus.schema import Body, Flag, Instant, Page, Shape, person_id, reason

QUESTIONS_MAX = 200
MEMBERS_MAX = 200
STEPS_MAX = 101
ROUNDING = 0.01
QUESTION_ID = Regexp(r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")


def _members() -> fields.List[Any]:
    return fields.List(person_id(), required=True, validate=Length(max=MEMBERS_MAX))


class Selected(Body):
    """What HR chooses to show."""

    question_ids = fields.List(
        fields.String(validate=QUESTION_ID),
        required=True,
        validate=Length(max=QUESTIONS_MAX),
        error_messages={"required": "Name all questions that are shown, also where only `rating` is switched."},
    )
    rating = Flag(
        load_default=True,
        metadata={"description": "Whether calibrated ratings are shown; they are none of the questions"},
        error_messages={"invalid": "Say true to show calibrated ratings, or false; the questions are named apart."},
    )


class ShareShape(Shape):
    """How many percent ought to have a rating."""

    rating = rating_value()
    percent = fields.Float(required=True, validate=Range(min=0, max=100))


class NewSession(Body):
    """A session to be."""

    cycle_id = fields.UUID(required=True)
    review_ids = review_ids()
    members = _members()
    guideline = fields.List(
        fields.Nested(ShareShape),
        load_default=list,
        validate=Length(max=STEPS_MAX),
        metadata={"description": "How the ratings ought to be spread, as advice: 100 percent in all, or nothing"},
    )

    @validates_schema
    def _adds_up(self, content: dict[str, Any], **_: Any) -> None:
        shares = content["guideline"]
        if len({each["rating"] for each in shares}) != len(shares):
            raise ValidationError("Each rating stands once.", "guideline")
        if shares and abs(sum(each["percent"] for each in shares) - 100) > ROUNDING:
            raise ValidationError("The percentages must add up to 100.", "guideline")


class SessionsQuery(Page):
    """What the list of sessions is narrowed to."""

    cycle_id = fields.UUID(load_default=None)


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


class RebindingShape(Shape):
    """How far a cycle's packets are in following the newest selection, without the reader's own."""

    bound = fields.Integer(required=True, metadata={"description": "They have it"})
    to_rebind = fields.Integer(required=True, metadata={"description": "They will get it by themselves"})
    kept = fields.Integer(
        required=True,
        metadata={"description": "Released, on the way there or back, or signed: they keep an older one until then"},
    )


class SelectionShape(Shape):
    """What a cycle's packets show."""

    cycle_id = fields.String(required=True)
    version = fields.Integer(required=True)
    question_ids = fields.List(fields.String(), required=True)
    rating = fields.Boolean(required=True)
    questionnaire_id = fields.String(
        required=True, allow_none=True, metadata={"description": "That they belong to; null before anything is chosen"}
    )
    questionnaire_version = fields.Integer(required=True, allow_none=True)
    left_out = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "Chosen, and not shown: the questionnaire has changed since, and does not ask it so"},
    )
    not_shown = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "Chosen, and not shown: ratings of reviews that are calibrated; see `rating`"},
    )
    questions = fields.List(
        fields.Nested(OfferedQuestion), allow_none=True, metadata={"description": "Null until they are fetched"}
    )
    rebinding = fields.Nested(RebindingShape, required=True)


class SessionShape(Shape):
    """How far a session is."""

    session_id = fields.String(required=True)
    state = fields.String(required=True)
    row_version = fields.Integer(required=True)


class MembersShape(SessionShape):
    """Who calibrates."""

    members = fields.List(fields.String(), required=True)


class ListedSessionShape(MembersShape):
    """A session in a list."""

    cycle_id = fields.String(required=True)
    review_count = fields.Integer(required=True)
    created_at = Instant(required=True)


class SessionsShape(Shape):
    """A page of sessions."""

    items = fields.List(fields.Nested(ListedSessionShape), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class StepShape(Shape):
    """How often a rating is proposed by managers and given in calibration, and how often it ought to be."""

    rating = fields.Integer(required=True)
    proposed = fields.Integer(required=True)
    calibrated = fields.Integer(required=True)
    guideline_percent = fields.Float(required=True, allow_none=True)


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
    rating_version = fields.Integer(required=True, metadata={"description": "What If-Match names when it is rated"})
    manager_rating = fields.Integer(required=True, allow_none=True)
    manager_version = fields.Integer(required=True)
    rated_version = fields.Integer(
        required=True, allow_none=True, metadata={"description": "The manager's version that was rated, or confirmed"}
    )
    outdated = fields.Boolean(
        required=True,
        metadata={"description": "Edited since it was rated: rate it again, or it is stale once the session completes"},
    )
    answers = fields.List(fields.Nested(BoardAnswer), allow_none=True)
    changes = fields.List(fields.Nested(BoardChange), required=True)


class BoardShape(MembersShape):
    """A session from within."""

    cycle_id = fields.String(required=True)
    scale = fields.Nested(ScaleShape, required=True)
    rating_question_id = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "What is calibrated: the manager's first question of kind rating"},
    )
    questions = fields.List(
        fields.Nested(OfferedQuestion),
        required=True,
        allow_none=True,
        metadata={"description": "What the managers were asked; null until it is fetched"},
    )
    reviews = fields.List(fields.Nested(BoardReview), required=True)
    distribution = fields.List(
        fields.Nested(StepShape), required=True, metadata={"description": "Of the reviews that are shown"}
    )


class RatingShape(Shape):
    """What came of a rating."""

    review_id = fields.String(required=True)
    rating_version = fields.Integer(required=True)
