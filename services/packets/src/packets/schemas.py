"""Shapes of requests and answers."""

from __future__ import annotations

from typing import Any

from marshmallow import fields
from marshmallow.validate import Length, OneOf, Range, Regexp

from packets.domain.packet import PacketState
from reviewbus.schema import Body, Flag, Instant, Page, Shape, person_id, reason

INTEGER_MAX = 2**31 - 1
QUESTIONS_MAX = 200
REVIEWS_MAX = 500
MEMBERS_MAX = 200
ITEMS_MAX = 500
QUESTION_ID = Regexp(r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")


def _rating() -> fields.Integer:
    return fields.Integer(required=True, strict=True, validate=Range(min=-INTEGER_MAX, max=INTEGER_MAX))


def _review_ids() -> fields.List[Any]:
    return fields.List(fields.UUID(), required=True, validate=Length(min=1, max=REVIEWS_MAX))


def _members() -> fields.List[Any]:
    return fields.List(person_id(), required=True, validate=Length(max=MEMBERS_MAX))


class Selected(Body):
    """What HR chooses to show."""

    question_ids = fields.List(fields.String(validate=QUESTION_ID), required=True, validate=Length(max=QUESTIONS_MAX))
    rating = Flag(load_default=True, metadata={"description": "Whether calibrated ratings are shown"})


class NewSession(Body):
    """A session to be."""

    cycle_id = fields.UUID(required=True)
    review_ids = _review_ids()
    members = _members()


class Members(Body):
    """Who calibrates."""

    members = _members()


class Confirmed(Body):
    """Whose calibration stands."""

    review_ids = _review_ids()


class Rated(Body):
    """A rating in a session."""

    rating = _rating()
    justification = reason(required=False)


class RatingChanged(Body):
    """A rating after calibration."""

    rating = _rating()
    reason = reason(required=False)


class WithReason(Body):
    """A command that is recorded with a reason."""

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


class StatesQuery(Page):
    """Where to go on."""


class ScaleShape(Shape):
    """A scale of whole numbers."""

    lowest = fields.Integer(required=True)
    highest = fields.Integer(required=True)
    labels = fields.List(fields.String())


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


class PacketShape(Shape):
    """How far a packet is, after a command."""

    review_id = fields.String(required=True)
    state = fields.String(required=True)
    epoch = fields.Integer(required=True)


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
    state = fields.String(required=True)
    epoch = fields.Integer(required=True)
    viewed = fields.Boolean(required=True)
    read_as = fields.String(required=True)
    snapshot_hash = fields.String(required=True)
    manager_version = fields.Integer(required=True)
    selection_version = fields.Integer(required=True)
    questions = fields.List(fields.Nested(ShownQuestion), required=True)
    rating = fields.Nested(ShownRating, required=True, allow_none=True)


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
    actions = fields.List(fields.Nested(ActionShape), required=True)


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
