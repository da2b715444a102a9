"""What request and response shapes are made of."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import UTC
from typing import Any

import marshmallow as ma

from reviewbus.clock import rfc3339
from reviewbus.problems import Problem

PAGE_ROWS_MAX = 200
REASON_CHARS_MAX = 2_000
CURSOR_CHARS_MAX = 512
BIGINT_MAX = 2**63 - 1


class Instant(ma.fields.AwareDateTime):
    """An instant in the one form that events have too: RFC 3339 in UTC, with microseconds and `Z`.

    One that is written so already, as in a stored answer, stays as it is.
    """

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:  # noqa: ARG002 -- the library's
        return value if value is None or isinstance(value, str) else rfc3339(value)


class Moment(ma.fields.AwareDateTime):
    """An instant in a request, loaded in UTC: with an offset, within the years that a calendar of people has."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        given = super()._deserialize(value, attr, data, **kwargs)
        try:
            instant = given.astimezone(UTC)
        except OverflowError:
            instant = None
        if instant is None or not 2000 <= instant.year <= 2999:  # noqa: PLR2004 -- beyond these it is a typing error
            raise ma.ValidationError("Not within the years 2000 to 2999.")
        return instant


class Shape(ma.Schema):
    """A response, or a nested part of a request; unknown fields are refused on loading."""

    class Meta:
        """Nothing is taken that is not named."""

        unknown = ma.RAISE


class Body(Shape):
    """A request's body or query. Text with NUL or half a surrogate pair is refused, since no column can hold it."""

    @ma.pre_load
    def _refuse_unstorable(self, content: Any, **_: Any) -> Any:
        pointer = _unstorable(content, ())
        if pointer is not None:
            message = "Contains a character that cannot be stored (NUL or a lone surrogate)."
            nested: Any = [message]
            for part in reversed(pointer):
                nested = {part: nested}
            raise ma.ValidationError(nested)
        return content


class Flag(ma.fields.Boolean):
    """True or false and nothing else: what merely looks true must not set off what cannot be undone."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:  # noqa: ARG002 -- the base class's interface
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


class Empty(Body):
    """A command that needs no body: none, or `{}`."""


class Page(Body):
    """The query of a list."""

    cursor = ma.fields.String(
        load_default=None,
        validate=ma.validate.Length(max=CURSOR_CHARS_MAX),
        metadata={"description": "Where the last page ended"},
    )
    limit = ma.fields.Integer(load_default=50, validate=ma.validate.Range(min=1, max=PAGE_ROWS_MAX))


class ProblemShape(Shape):
    """An error, as RFC 9457 has it; a code may bring more: versions, ids, holders."""

    class Meta:
        """What a code brings stands beside the rest."""

        unknown = ma.INCLUDE

    type = ma.fields.String(required=True)
    title = ma.fields.String(required=True)
    status = ma.fields.Integer(required=True)
    detail = ma.fields.String(required=True)
    code = ma.fields.String(required=True, metadata={"description": "Stable, kebab-case"})
    trace_id = ma.fields.String(required=True)
    errors = ma.fields.List(ma.fields.Dict(), metadata={"description": "What is wrong where, as JSON Pointers"})
    unmet = ma.fields.List(ma.fields.Dict(), metadata={"description": "Every condition that is not met"})
    allowed_actions = ma.fields.List(ma.fields.String())


def reason(*, required: bool = True) -> ma.fields.String:
    """A field for what a person types to justify an act; kept in the owner's database only."""
    return ma.fields.String(
        required=required,
        load_default=ma.missing if required else None,
        allow_none=not required,
        validate=[
            ma.validate.Length(min=1, max=REASON_CHARS_MAX),
            _not_blank,
        ],
    )


def _not_blank(text: str) -> None:
    if not text.strip():
        raise ma.ValidationError("Must not be blank.")


def person_id(**options: Any) -> ma.fields.String:
    """A field for a person's id: the identity provider's opaque subject."""
    return ma.fields.String(validate=ma.validate.Length(min=1, max=64), **options)


def sheet_format() -> ma.fields.String:
    """Whether a list is answered page by page as JSON, or as a file."""
    return ma.fields.String(
        load_default="json",
        validate=ma.validate.OneOf(["json", "csv"]),
        metadata={"description": "csv: the rows as one file, streamed; the limit is not looked at"},
    )


def encode_cursor(*parts: str | int) -> str:
    """Return an opaque cursor for the given sort key."""
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


def decode_cursor(cursor: str | None, *kinds: type) -> tuple[Any, ...] | None:
    """Return a cursor's sort key, or None for the first page; raises `Problem` 422 for one that is not ours."""
    if cursor is None:
        return None
    try:
        parts = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        return tuple(_part(kind, part) for kind, part in zip(kinds, parts, strict=True))
    except (ValueError, TypeError, RecursionError):
        pointer = [{"pointer": "/query/cursor", "detail": "Not a cursor of this list."}]
        raise Problem(422, "invalid-request", "The cursor is not one of this list's.", errors=pointer) from None


def _unstorable(content: Any, path: tuple[str, ...]) -> tuple[str, ...] | None:
    if isinstance(content, str):
        return path if "\x00" in content or not _encodable(content) else None
    items: Any = ()
    if isinstance(content, Mapping):
        items = content.items()
    elif isinstance(content, list):
        items = enumerate(content)
    for name, nested in items:
        if isinstance(name, str) and not _encodable(name):
            return path
        found = _unstorable(nested, (*path, str(name)))
        if found is not None:
            return found
    return None


def _part(kind: type, part: Any) -> Any:
    """Return one part of a cursor; raises `ValueError` for what no column could hold: a cursor may be forged."""
    expected = kind if kind in {int, str} else str
    if type(part) is not expected or (isinstance(part, int) and abs(part) > BIGINT_MAX):
        raise ValueError
    if isinstance(part, str) and _unstorable(part, ()) is not None:
        raise ValueError
    return kind(part)


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
