"""Shapes of operations over many packets."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, validates_schema
from marshmallow.validate import Length, OneOf

from packets.domain.operation import Command, OperationState, Outcome
from packets.domain.packet import CalibrationState, PacketState
from reviewbus.schema import Body, Flag, Instant, Moment, Page, Shape, person_id, reason, sheet_format

NAMED_MAX = 5_000
LEFT_OUT_MAX = 1_000


def _one_of(words: Any) -> OneOf:
    return OneOf([each.value for each in words])


def _not_before() -> Moment:
    return Moment(
        load_default=None, allow_none=True, metadata={"description": "Releases only: carried out at this instant"}
    )


class Filter(Shape):
    """All packets of a cycle that are like this, but never the caller's own."""

    cycle_id = fields.UUID(required=True)
    state = fields.String(validate=_one_of(PacketState))
    calibration = fields.String(validate=_one_of(CalibrationState))
    manager_id = person_id()


class Selection(Shape):
    """Which packets: named, or all that a filter leaves but some."""

    review_ids = fields.List(fields.UUID(), validate=Length(min=1, max=NAMED_MAX))
    filter = fields.Nested(Filter)
    leave_out = fields.List(fields.UUID(), data_key="except", load_default=list, validate=Length(max=LEFT_OUT_MAX))

    @validates_schema
    def _one_way(self, content: dict[str, Any], **_: Any) -> None:
        if ("review_ids" in content) == ("filter" in content):
            raise ValidationError("Name either review_ids or a filter.", "review_ids")
        if content["leave_out"] and "filter" not in content:
            raise ValidationError("Only a filter can leave some out.", "except")


class NewOperation(Body):
    """One command for many packets."""

    action = fields.String(required=True, validate=_one_of(Command))
    selection = fields.Nested(Selection, required=True)
    reason = reason(required=False)
    revoke_signatures = Flag(load_default=False)
    dry_run = Flag(load_default=False, metadata={"description": "Only plan: say what would become of each"})
    not_before = _not_before()

    @validates_schema
    def _fits(self, content: dict[str, Any], **_: Any) -> None:
        action = content["action"]
        if action == Command.UNRELEASE and content["reason"] is None:
            raise ValidationError("To take packets back needs a reason.", "reason")
        if action != Command.UNRELEASE and content["revoke_signatures"]:
            raise ValidationError("Only an unrelease revokes signatures.", "revoke_signatures")
        if content["not_before"] is not None and (action != Command.RELEASE or content["dry_run"]):
            raise ValidationError("Only a release that is no plan has an instant; apply a plan with it.", "not_before")


class Applied(Body):
    """When a plan is carried out."""

    not_before = _not_before()


class OutcomesShape(Shape):
    """How many packets have which outcome."""

    chosen = fields.Integer(required=True, metadata={"description": "Their turn is to come"})
    allowed = fields.Integer(required=True, metadata={"description": "Planned: would be carried out"})
    asked = fields.Integer(required=True, metadata={"description": "In flight: another service has to agree"})
    done = fields.Integer(required=True, metadata={"description": "By this operation"})
    skipped = fields.Integer(
        required=True,
        metadata={"description": "Refused, or left as it was: `nothing-to-do`; a plan says so in the same words"},
    )
    failed = fields.Integer(required=True)
    cancelled = fields.Integer(required=True)


class OperationsQuery(Page):
    """What the list of operations is narrowed to."""

    cycle_id = fields.UUID(load_default=None)
    state = fields.String(load_default=None, validate=_one_of(OperationState))
    action = fields.String(load_default=None, validate=_one_of(Command))


class SummaryShape(Shape):
    """An operation in a list."""

    operation_id = fields.String(required=True)
    action = fields.String(required=True, validate=_one_of(Command))
    state = fields.String(required=True, validate=_one_of(OperationState))
    cycle_id = fields.String(
        required=True, allow_none=True, metadata={"description": "Of a filter; null where packets were named"}
    )
    by = fields.String(required=True, metadata={"description": "Who began or planned it"})
    applied_by = fields.String(required=True, allow_none=True, metadata={"description": "Who applied the plan"})
    review_count = fields.Integer(required=True, metadata={"description": "Without the reader's own"})
    created_at = Instant(required=True)
    applied_at = Instant(required=True, allow_none=True)
    not_before = Instant(required=True, allow_none=True)
    expires_at = Instant(required=True, allow_none=True, metadata={"description": "Until when a plan can be applied"})
    started_at = Instant(required=True, allow_none=True)
    finished_at = Instant(required=True, allow_none=True)


class OperationsShape(Shape):
    """A page of operations, the newest first."""

    items = fields.List(fields.Nested(SummaryShape), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class OperationShape(SummaryShape):
    """How far an operation is."""

    reason = fields.String(required=True, allow_none=True)
    revoke_signatures = fields.Boolean(required=True)
    counts = fields.Nested(OutcomesShape, required=True)
    per_second = fields.Float(required=True, allow_none=True, metadata={"description": "Outcomes since the start"})
    seconds_left = fields.Float(required=True, allow_none=True, metadata={"description": "At this rate"})


class BegunShape(Shape):
    """An operation after a command."""

    operation_id = fields.String(required=True)
    action = fields.String(required=True)
    state = fields.String(required=True, validate=_one_of(OperationState))
    review_count = fields.Integer(required=True)


class ItemsQuery(Page):
    """What an operation's items are narrowed to, and how they are written."""

    outcome = fields.String(load_default=None, validate=_one_of(Outcome))
    format = sheet_format()


class UnmetShape(Shape):
    """Why not, in a code and in words."""

    code = fields.String(required=True)
    detail = fields.String(required=True)


class ItemShape(Shape):
    """What became of one packet, or would."""

    review_id = fields.String(required=True)
    subject_id = fields.String(required=True, allow_none=True)
    outcome = fields.String(required=True, validate=_one_of(Outcome))
    unmet = fields.List(fields.Nested(UnmetShape), required=True)
    decided_at = Instant(required=True, allow_none=True)


class ItemsShape(Shape):
    """A page of items."""

    items = fields.List(fields.Nested(ItemShape), required=True)
    next_cursor = fields.String(required=True, allow_none=True)
