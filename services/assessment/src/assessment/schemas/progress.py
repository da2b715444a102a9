"""The shape of how far the reviews of a cycle are."""

from __future__ import annotations

from marshmallow import fields

from assessment.domain.review import ManagerState, ReviewState, SelfState
from reviewbus.schema import Shape

States = Shape.from_dict({each.value: fields.Integer(required=True) for each in ReviewState}, name="ReviewsByState")
SelfStates = Shape.from_dict(
    {each.value: fields.Integer(required=True) for each in SelfState}, name="SelfAssessmentsByState"
)
ManagerStates = Shape.from_dict(
    {each.value: fields.Integer(required=True) for each in ManagerState}, name="ManagerAssessmentsByState"
)


class Progress(Shape):
    """The reviews of a cycle in numbers: all but the own, or those of the own team."""

    cycle_id = fields.String(required=True)
    reviews = fields.Integer(required=True)
    not_started = fields.Integer(required=True, metadata={"description": "Reviews that are not open yet"})
    states = fields.Nested(States, required=True)
    self_states = fields.Nested(
        SelfStates,
        required=True,
        metadata={"description": "Without those that are cancelled; to managers a draft is none"},
    )
    manager_states = fields.Nested(
        ManagerStates, required=True, metadata={"description": "Without those that are cancelled"}
    )
