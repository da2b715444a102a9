"""Fields that many shapes share, each with its limit."""

from __future__ import annotations

import re
from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

TEXT_CHARS_MAX = 20_000
QUESTION_CHARS_MAX = 2_000
TITLE_CHARS_MAX = 200
EMAIL_CHARS_MAX = 320
QUESTIONS_MAX = 200
OPTIONS_MAX = 50
PARTICIPANTS_MAX = 5_000
IMPORT_ROWS_MAX = 10_000
ITEMS_MAX = 500
INTEGER_MAX = 2**31 - 1
SCALE_MAX = 1_000

_QUESTION_ID = "[A-Za-z0-9][A-Za-z0-9_-]{0,63}"
_UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


def matching(pattern: str, error: str, **options: Any) -> fields.String:
    """A string that is wholly of one pattern."""

    def check(given: str) -> None:
        # Not the library's own check, whose `$` lets a line feed pass.
        if re.fullmatch(pattern, given) is None:
            raise ma.ValidationError(error)

    return fields.String(validate=check, metadata={"pattern": f"^{pattern}$"}, **options)


def question_id(**options: Any) -> fields.String:
    """An id of a question or of an option, chosen by who writes the questionnaire."""
    return matching(_QUESTION_ID, "Letters, digits, - and _, up to 64.", **options)


def language(**options: Any) -> fields.String:
    """A language, with its country where that matters."""
    return matching("[a-z]{2}(-[A-Z]{2})?", "A language such as en or de-CH.", **options)


def _must_say_something(given: str) -> None:
    if not given.strip():
        raise ma.ValidationError("Must not be blank.")


def text(chars: int, **options: Any) -> fields.String:
    """A text that may be empty."""
    return fields.String(validate=validate.Length(max=chars), **options)


def words(chars: int, **options: Any) -> fields.String:
    """A text that must say something."""
    length = validate.Length(min=1, max=chars)
    return fields.String(validate=[length, _must_say_something], metadata={"pattern": r"\S"}, **options)


def count(**options: Any) -> fields.Integer:
    """A whole number from 0."""
    return fields.Integer(strict=True, validate=validate.Range(min=0, max=INTEGER_MAX), **options)


def our_id(**options: Any) -> fields.String:
    """An id that we made."""
    return matching(_UUID, "A lower-case UUID.", **options)


def one_of(words: Any, **options: Any) -> fields.String:
    """One of an enumeration's words."""
    return fields.String(validate=validate.OneOf([one.value for one in words]), **options)


def many(inner: Any, most: int, **options: Any) -> fields.List[Any]:
    """A list with a limit."""
    return fields.List(inner, validate=validate.Length(max=most), **options)


class AnswerValue(fields.Field[Any]):
    """An answer: HTML text or an option's id, a whole number, or null for none."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> str | int | None:  # noqa: ARG002
        if isinstance(value, str):
            if len(value) > TEXT_CHARS_MAX:
                raise ma.ValidationError(f"Longer than maximum length {TEXT_CHARS_MAX}.")
            return value
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= INTEGER_MAX:
            return value
        raise ma.ValidationError("Must be a text, a whole number or null.")


def answers(**options: Any) -> fields.Dict:
    """Answers by question."""
    return fields.Dict(
        keys=question_id(),
        values=AnswerValue(
            allow_none=True,
            metadata={
                "type": ["string", "integer"],
                "maxLength": TEXT_CHARS_MAX,
                "minimum": -INTEGER_MAX,
                "maximum": INTEGER_MAX,
            },
        ),
        validate=_not_too_many,
        metadata={"maxProperties": QUESTIONS_MAX},
        **options,
    )


def _not_too_many(given: dict[str, Any]) -> None:
    if len(given) > QUESTIONS_MAX:
        raise ma.ValidationError(f"More than {QUESTIONS_MAX} answers.")
