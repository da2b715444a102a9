"""Shapes of what HR sets up: people, questionnaires, cycles and who takes part."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from assessment.domain.questionnaire import Audience, QuestionKind
from assessment.domain.review import ReleaseMode, SelfVisibility
from assessment.schemas import parts
from reviewbus import schema
from reviewbus.schema import Body, Flag, Page, Shape

RECALL_MINUTES_MAX = 7 * 24 * 60


class Named(Shape):
    """One person of an import."""

    person_id = schema.person_id(required=True)
    name = parts.words(parts.TITLE_CHARS_MAX, required=True)
    email = fields.Email(required=True, validate=validate.Length(max=parts.EMAIL_CHARS_MAX))
    manager_id = schema.person_id(load_default=None, allow_none=True)
    active = Flag(load_default=True)
    language = parts.language(load_default="en")


class Rows(fields.List[Any]):
    """A list of rows; one that is malformed becomes its `ValidationError`, and does not stand in the others' way."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[Any]:  # noqa: ARG002 -- the library's
        if not isinstance(value, list):
            raise self.make_error("invalid")
        return [self._row(each) for each in value]

    def _row(self, written: Any) -> Any:
        try:
            return self.inner.deserialize(written)
        except ma.ValidationError as error:
            return error


class ImportBody(Body):
    """People as the personnel system knows them."""

    people = Rows(fields.Nested(Named), required=True, validate=validate.Length(min=1, max=parts.IMPORT_ROWS_MAX))


class RowProblem(Shape):
    """A row that was left out, and why, in a code and in words."""

    index = fields.Integer(required=True)
    person_id = fields.String(required=True, allow_none=True, metadata={"description": "Null where the row has none"})
    code = fields.String(required=True)
    detail = fields.String(required=True)
    errors = fields.Dict(required=True, metadata={"description": "What is wrong with a malformed row, by field"})


class ImportAnswer(Shape):
    """What an import came to."""

    changed = fields.Integer(required=True)
    unchanged = fields.Integer(required=True)
    problems = fields.List(fields.Nested(RowProblem), required=True)


class PeopleQuery(Page):
    """Which people to list."""

    manager_id = schema.person_id(load_default=None)
    active = fields.Boolean(load_default=None)


class Person(Shape):
    """Somebody in the directory."""

    person_id = fields.String(required=True)
    name = fields.String(required=True)
    email = fields.String(required=True)
    manager_id = fields.String(allow_none=True)
    active = fields.Boolean(required=True)
    language = fields.String(required=True)
    version = fields.Integer()


class PeoplePage(Shape):
    """A page of people."""

    items = fields.List(fields.Nested(Person), required=True)
    next_cursor = fields.String(allow_none=True)


class Scale(Shape):
    """Whole numbers from the lowest to the highest, with words for them."""

    lowest = fields.Integer(
        required=True, strict=True, validate=validate.Range(min=-parts.SCALE_MAX, max=parts.SCALE_MAX)
    )
    highest = fields.Integer(
        required=True, strict=True, validate=validate.Range(min=-parts.SCALE_MAX, max=parts.SCALE_MAX)
    )
    labels = parts.many(
        parts.text(parts.TITLE_CHARS_MAX),
        parts.OPTIONS_MAX,
        load_default=list,
        metadata={"description": "None, one for each end, or one for each step"},
    )

    @ma.validates_schema
    def _every_label_has_its_step(self, content: dict[str, Any], **_: Any) -> None:
        steps = content["highest"] - content["lowest"] + 1
        if len(content["labels"]) not in {0, 2, steps}:
            raise ma.ValidationError(f"Give no label, one for each end, or one for each of {steps} steps.", "labels")


class Option(Shape):
    """One choice."""

    id = parts.question_id(required=True)
    text = parts.words(parts.QUESTION_CHARS_MAX, required=True)


class Question(Shape):
    """What is asked."""

    question_id = parts.question_id(required=True)
    text = parts.words(parts.QUESTION_CHARS_MAX, required=True)
    text_hash = fields.String(dump_only=True)
    audience = parts.one_of(Audience, required=True)
    kind = parts.one_of(QuestionKind, required=True)
    required = Flag(load_default=False)
    help_text = parts.text(parts.QUESTION_CHARS_MAX, load_default=None, allow_none=True)
    scale = fields.Nested(Scale, load_default=None, allow_none=True)
    options = parts.many(fields.Nested(Option), parts.OPTIONS_MAX, load_default=None, allow_none=True)


class QuestionnaireBody(Body):
    """A questionnaire as it is written."""

    title = parts.words(parts.TITLE_CHARS_MAX, required=True)
    questions = fields.List(
        fields.Nested(Question), required=True, validate=validate.Length(min=1, max=parts.QUESTIONS_MAX)
    )


class QuestionnaireMade(Shape):
    """A questionnaire that was made."""

    questionnaire_id = fields.String(required=True)
    version = fields.Integer(required=True)


class QuestionnaireSummary(Shape):
    """A questionnaire in a list."""

    questionnaire_id = fields.String(required=True)
    title = fields.String(required=True)
    version = fields.Integer(required=True)
    in_use = fields.Boolean(required=True)


class QuestionnairePage(Shape):
    """A page of questionnaires."""

    items = fields.List(fields.Nested(QuestionnaireSummary), required=True)
    next_cursor = fields.String(allow_none=True)


class Questionnaire(QuestionnaireSummary):
    """A questionnaire with its questions."""

    content_hash = fields.String(required=True)
    questions = fields.List(fields.Nested(Question), required=True)


class CycleBody(Body):
    """A cycle as it is made; the deadlines are last days in `zone`."""

    name = parts.words(parts.TITLE_CHARS_MAX, required=True)
    zone = parts.words(64, required=True)
    self_deadline = fields.Date(required=True)
    manager_deadline = fields.Date(required=True)
    questionnaire_id = parts.our_id(required=True)
    release_mode = parts.one_of(ReleaseMode, load_default=ReleaseMode.HR_GATED.value)
    calibration_required = Flag(load_default=False)
    release_after_calibration = Flag(load_default=False)
    recall_window_minutes = fields.Integer(
        load_default=0,
        strict=True,
        validate=validate.Range(min=0, max=RECALL_MINUTES_MAX),
        metadata={"description": "Managers' releases wait so long, and can be cancelled until then"},
    )
    self_visibility = parts.one_of(SelfVisibility, load_default=SelfVisibility.ON_SHARE.value)
    instructions = parts.text(parts.TEXT_CHARS_MAX, load_default=None, allow_none=True)

    @ma.validates_schema
    def _within_the_calendar(self, content: dict[str, Any], **_: Any) -> None:
        """The day after a deadline must exist, and years beyond this are typing errors."""
        for name in ("self_deadline", "manager_deadline"):
            if name in content and not 2000 <= content[name].year <= 2999:  # noqa: PLR2004
                raise ma.ValidationError("Not within the years 2000 to 2999.", name)


class CycleChange(CycleBody):
    """What is to change of a cycle; what is left out stays as it is."""

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:  # noqa: ARG002 -- the library's
        """Require nothing, and put nothing in the place of what is left out."""
        field_obj.required = False
        field_obj.load_default = ma.missing


class CycleAck(Shape):
    """A cycle after a command."""

    cycle_id = fields.String(required=True)
    state = fields.String(required=True)
    row_version = fields.Integer(required=True)


class CloseBody(Body):
    """Closing a cycle, or planning to."""

    reason = schema.reason(required=False)
    dry_run = Flag(load_default=False, metadata={"description": "Only count: 200, and nothing changes"})


class ReviewsAtClose(Shape):
    """How far the reviews of a cycle are that are not cancelled, each counted once; the own review is left out."""

    not_submitted = fields.Integer(required=True)
    submitted = fields.Integer(required=True, metadata={"description": "Submitted, not released"})
    released = fields.Integer(required=True, metadata={"description": "Released, signed by nobody"})
    signed = fields.Integer(required=True, metadata={"description": "Signed by one at least, not completed"})
    completed = fields.Integer(required=True)


class CloseAnswer(CycleAck):
    """A cycle that is closed, or would be, and whom that leaves where."""

    dry_run = fields.Boolean(required=True)
    reviews = fields.Nested(ReviewsAtClose, required=True)
    warning = fields.String(required=True)


class Cycle(CycleAck):
    """A cycle with its settings."""

    name = fields.String(required=True)
    zone = fields.String(required=True)
    self_deadline = fields.Date(required=True)
    manager_deadline = fields.Date(required=True)
    questionnaire_id = fields.String(required=True)
    questionnaire_version = fields.Integer(required=True)
    release_mode = fields.String(required=True)
    calibration_required = fields.Boolean(required=True)
    release_after_calibration = fields.Boolean(required=True)
    recall_window_minutes = fields.Integer(required=True)
    self_visibility = fields.String(required=True)
    instructions = fields.String(allow_none=True)
    settled = fields.Boolean(
        required=True, metadata={"description": "No review waits to be opened or flagged any more"}
    )


class CyclePage(Shape):
    """A page of cycles."""

    items = fields.List(fields.Nested(Cycle), required=True)
    next_cursor = fields.String(allow_none=True)
