"""Shapes of who takes part in a cycle."""

from __future__ import annotations

import csv
import io
from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from assessment.schemas import parts
from assessment.schemas.setup import Rows
from reviewbus import schema
from reviewbus.schema import Body, Flag, Page, Shape

CSV_CHARS_MAX = 1_000_000
_DRY_RUN = {"description": "Only say what would become of each"}


class Participant(Shape):
    """Who is reviewed, and by whom: the directory's manager if nobody is named."""

    subject_id = schema.person_id(required=True)
    manager_id = schema.person_id(load_default=None, allow_none=True)


class ParticipantsBody(Body):
    """Who takes part."""

    participants = fields.List(
        fields.Nested(Participant), required=True, validate=validate.Length(min=1, max=parts.PARTICIPANTS_MAX)
    )


class ParticipantReview(Shape):
    """Whose review is which."""

    review_id = fields.String(required=True)
    subject_id = fields.String(required=True)


class ParticipantsAnswer(Shape):
    """The reviews of all who were named."""

    cycle_id = fields.String(required=True)
    changed = fields.Integer(required=True)
    reviews = fields.List(fields.Nested(ParticipantReview), required=True)


class IntakeBody(Body):
    """A list of participants, as rows or as the text of a CSV file."""

    participants = Rows(fields.Nested(Participant), validate=validate.Length(min=1, max=parts.PARTICIPANTS_MAX))
    csv = fields.String(
        validate=validate.Length(min=1, max=CSV_CHARS_MAX),
        metadata={"description": "A line `subject_id,manager_id`, then one for each person; separated by , or ;"},
    )
    dry_run = Flag(load_default=False, metadata=_DRY_RUN)

    @ma.validates_schema
    def _one_way(self, content: dict[str, Any], **_: Any) -> None:
        if ("participants" in content) == ("csv" in content):
            raise ma.ValidationError("Name either participants or csv.", "participants")

    @ma.post_load
    def _read(self, content: dict[str, Any], **_: Any) -> dict[str, Any]:
        if "csv" in content:
            rows = _lines(content.pop("csv"))
            # The same field, so that a line is judged as a row is, and no more of them are taken.
            content["participants"] = self.fields["participants"].deserialize(rows)
        return content


class RemovalBody(Body):
    """Who is to take part no more."""

    subject_ids = fields.List(
        schema.person_id(), required=True, validate=validate.Length(min=1, max=parts.PARTICIPANTS_MAX)
    )
    dry_run = Flag(load_default=False, metadata=_DRY_RUN)


class ParticipantProblem(Shape):
    """Somebody who was left out, and why, in a code and in words."""

    index = fields.Integer(
        required=True, metadata={"description": "Of the row, from 0; a CSV's head and its empty lines do not count"}
    )
    subject_id = fields.String(required=True, allow_none=True, metadata={"description": "Null where the row has none"})
    code = fields.String(required=True)
    detail = fields.String(required=True)
    errors = fields.Dict(required=True, metadata={"description": "What is wrong with a malformed row, by field"})


class IntakeAnswer(Shape):
    """What became of a list, or would."""

    cycle_id = fields.String(required=True)
    dry_run = fields.Boolean(required=True)
    changed = fields.Integer(required=True)
    unchanged = fields.Integer(required=True)
    problems = fields.List(fields.Nested(ParticipantProblem), required=True)


class RemovalAnswer(Shape):
    """What became of those who were named, or would."""

    cycle_id = fields.String(required=True)
    dry_run = fields.Boolean(required=True)
    removed = fields.Integer(required=True)
    problems = fields.List(fields.Nested(ParticipantProblem), required=True)


class ParticipantsQuery(Page):
    """Which participants to list, and how they are written."""

    manager_id = schema.person_id(load_default=None)
    without_manager = fields.Boolean(
        load_default=False,
        metadata={"description": "Those without a manager who is still there, who keep it from starting"},
    )
    format = schema.sheet_format()


class ParticipantListed(Shape):
    """Somebody who takes part."""

    review_id = fields.String(required=True)
    subject_id = fields.String(required=True)
    subject_name = fields.String(required=True, allow_none=True)
    manager_id = fields.String(required=True, allow_none=True)
    manager_name = fields.String(required=True, allow_none=True)
    cancelled = fields.Boolean(required=True)
    manager_active = fields.Boolean(
        required=True, allow_none=True, metadata={"description": "False once the manager has left; null without one"}
    )


class ParticipantPage(Shape):
    """A page of participants."""

    items = fields.List(fields.Nested(ParticipantListed), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


def _lines(text: str) -> list[dict[str, Any]]:
    """Read a file's lines as rows by its head; raises `ValidationError` where it has not the columns."""
    plain = text.removeprefix("\ufeff")
    separator = ";" if ";" in plain.partition("\n")[0] else ","
    lines = io.StringIO(plain, newline="")
    try:
        head, *rows = [line for line in csv.reader(lines, delimiter=separator, strict=True) if line] or [[]]
    except csv.Error as error:
        raise ma.ValidationError("Not a CSV file.", "csv") from error
    columns = [column.strip() for column in head]
    if "subject_id" not in columns or set(columns) - {"subject_id", "manager_id"} or len(set(columns)) < len(columns):
        raise ma.ValidationError("The first line must be subject_id, or subject_id and manager_id.", "csv")
    if not 1 <= len(rows) <= parts.PARTICIPANTS_MAX:
        raise ma.ValidationError(f"From 1 to {parts.PARTICIPANTS_MAX} people.", "csv")
    return [_row(columns, [cell.strip() for cell in row]) for row in rows]


def _row(columns: list[str], cells: list[str]) -> dict[str, Any]:
    named: dict[str, Any] = dict(zip(columns, cells, strict=False))
    if len(cells) > len(columns):
        named["more"] = cells[len(columns) :]
    return {name: value for name, value in named.items() if value or name == "subject_id"}
