"""Shapes of tracking."""

from __future__ import annotations

from marshmallow import fields
from marshmallow.validate import OneOf

from packets.domain.packet import PacketState
from reviewbus.schema import Instant, Page, Shape, person_id, sheet_format


class CountsQuery(Page):
    """What the counts are narrowed to; the cursor goes from manager to manager."""

    manager_id = person_id(load_default=None)
    format = sheet_format()


class PeopleQuery(CountsQuery):
    """What the list is narrowed to."""

    state = fields.String(load_default=None, validate=OneOf([each.value for each in PacketState]))


class TrackedCountsShape(Shape):
    """How many packets are where, and what came about with them. What was taken back does not count."""

    packets = fields.Integer(required=True)
    none = fields.Integer(required=True)
    ready = fields.Integer(required=True)
    with_manager = fields.Integer(required=True)
    releasing = fields.Integer(required=True)
    released = fields.Integer(required=True)
    unreleasing = fields.Integer(required=True)
    sent = fields.Integer(
        required=True, metadata={"description": "With their managers, or released after having been there"}
    )
    released_by_manager = fields.Integer(required=True)
    released_by_hr = fields.Integer(required=True)
    viewed = fields.Integer(required=True, metadata={"description": "By their employees, in the present release"})
    downloaded = fields.Integer(required=True, metadata={"description": "By their employees, in the present release"})
    conversations = fields.Integer(required=True)
    signed_by_employee = fields.Integer(required=True)
    signed_by_manager = fields.Integer(required=True)
    completed = fields.Integer(required=True)
    overridden = fields.Integer(required=True, metadata={"description": "Released, or to be, without calibration"})


class ManagerCountsShape(TrackedCountsShape):
    """The same for one manager's team."""

    manager_id = fields.String(required=True)


class TrackingShape(Shape):
    """A cycle in numbers: all that the reader follows, and a page of managers."""

    cycle_id = fields.String(required=True)
    counts = fields.Nested(TrackedCountsShape, required=True)
    managers = fields.List(fields.Nested(ManagerCountsShape), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class OverrideShape(Shape):
    """Why a packet needs no calibration."""

    at = Instant(required=True)
    by = fields.String(required=True)
    reason = fields.String(required=True, allow_none=True)


class TrackedShape(Shape):
    """How far one packet is. An instant is null where the thing has not come about, or was taken back."""

    review_id = fields.String(required=True)
    subject_id = fields.String(required=True)
    manager_id = fields.String(required=True)
    state = fields.String(required=True)
    epoch = fields.Integer(required=True)
    calibration = fields.String(required=True)
    sent_at = Instant(required=True, allow_none=True)
    released_at = Instant(required=True, allow_none=True)
    released_by = fields.String(required=True, allow_none=True)
    released_as = fields.String(required=True, allow_none=True, metadata={"description": "manager or hr_admin"})
    viewed_at = Instant(required=True, allow_none=True)
    downloaded_at = Instant(required=True, allow_none=True)
    conversation_at = Instant(required=True, allow_none=True)
    signed_by_employee = fields.Boolean(required=True)
    signed_by_manager = fields.Boolean(required=True)
    completed = fields.Boolean(required=True)
    last_refusal = fields.String(required=True, allow_none=True)
    overridden = fields.Boolean(required=True)
    override = fields.Nested(OverrideShape, required=True, allow_none=True, metadata={"description": "For HR Admins"})


class PeopleShape(Shape):
    """A page of people."""

    items = fields.List(fields.Nested(TrackedShape), required=True)
    next_cursor = fields.String(required=True, allow_none=True)
