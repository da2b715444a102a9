"""Shapes of operations over many reviews."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from assessment.domain.operation import Command, OperationState, Outcome
from assessment.domain.review import ManagerState, SelfState
from assessment.schemas import parts
from reviewbus import schema
from reviewbus.schema import Body, Flag, Instant, Page, Shape

NAMED_MAX = 5_000
LEFT_OUT_MAX = 1_000


class Filter(Shape):
    """All reviews of a cycle that are like this, but never the caller's own."""

    cycle_id = parts.our_id(required=True)
    self_state = parts.one_of(SelfState)
    manager_state = parts.one_of(ManagerState)
    manager_id = schema.person_id()


class Selection(Shape):
    """Which reviews: named, or all that a filter leaves but some."""

    review_ids = fields.List(parts.our_id(), validate=validate.Length(min=1, max=NAMED_MAX))
    filter = fields.Nested(Filter)
    leave_out = parts.many(parts.our_id(), LEFT_OUT_MAX, data_key="except", load_default=list)

    @ma.validates_schema
    def _one_way(self, content: dict[str, Any], **_: Any) -> None:
        if ("review_ids" in content) == ("filter" in content):
            raise ma.ValidationError("Name either review_ids or a filter.", "review_ids")
        if content["leave_out"] and "filter" not in content:
            raise ma.ValidationError("Only a filter can leave some out.", "except")


class NewOperation(Body):
    """One command for many reviews."""

    action = parts.one_of(Command, required=True)
    selection = fields.Nested(Selection, required=True)
    reason = schema.reason(required=False)
    dry_run = Flag(load_default=False, metadata={"description": "Only plan: say what would become of each"})

    @ma.validates_schema
    def _fits(self, content: dict[str, Any], **_: Any) -> None:
        if content["action"] == Command.WAIVE and content["reason"] is None:
            raise ma.ValidationError("To waive self-assessments needs a reason.", "reason")


class OperationsQuery(Page):
    """What the list of operations is narrowed to."""

    cycle_id = parts.our_id(load_default=None)
    state = parts.one_of(OperationState, load_default=None)
    action = parts.one_of(Command, load_default=None)


class ItemsQuery(Page):
    """What an operation's items are narrowed to, and how they are written."""

    outcome = parts.one_of(Outcome, load_default=None)
    format = schema.sheet_format()


class Begun(Shape):
    """An operation after a command."""

    operation_id = fields.String(required=True)
    action = parts.one_of(Command, required=True)
    state = parts.one_of(OperationState, required=True)
    review_count = fields.Integer(required=True)


class OperationSummary(Begun):
    """An operation in a list."""

    cycle_id = fields.String(
        required=True, allow_none=True, metadata={"description": "Of a filter; null where reviews were named"}
    )
    by = fields.String(required=True, metadata={"description": "Who began or planned it"})
    applied_by = fields.String(required=True, allow_none=True, metadata={"description": "Who applied the plan"})
    created_at = Instant(required=True)
    applied_at = Instant(required=True, allow_none=True)
    expires_at = Instant(required=True, allow_none=True, metadata={"description": "Until when a plan can be applied"})
    started_at = Instant(required=True, allow_none=True)
    finished_at = Instant(required=True, allow_none=True)


class OperationPage(Shape):
    """A page of operations, the newest first."""

    items = fields.List(fields.Nested(OperationSummary), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class Outcomes(Shape):
    """How many reviews have which outcome."""

    chosen = fields.Integer(required=True, metadata={"description": "Their turn is to come"})
    allowed = fields.Integer(required=True, metadata={"description": "Planned: would be carried out"})
    done = fields.Integer(required=True)
    skipped = fields.Integer(required=True)
    failed = fields.Integer(required=True)
    cancelled = fields.Integer(required=True)


class OperationProgress(OperationSummary):
    """How far an operation is."""

    reason = fields.String(required=True, allow_none=True)
    counts = fields.Nested(Outcomes, required=True)
    per_second = fields.Float(required=True, allow_none=True, metadata={"description": "Outcomes since the start"})
    seconds_left = fields.Float(required=True, allow_none=True, metadata={"description": "At this rate"})


class OperationUnmet(Shape):
    """Why not, in a code and in words."""

    code = fields.String(required=True)
    detail = fields.String(required=True)


class OperationItem(Shape):
    """What became of one review, or would."""

    review_id = fields.String(required=True)
    subject_id = fields.String(required=True, allow_none=True)
    outcome = parts.one_of(Outcome, required=True)
    unmet = fields.List(fields.Nested(OperationUnmet), required=True)
    decided_at = Instant(required=True, allow_none=True)


class OperationItemPage(Shape):
    """A page of items."""

    items = fields.List(fields.Nested(OperationItem), required=True)
    next_cursor = fields.String(required=True, allow_none=True)
