"""One byte sequence, and so one digest, for each JSON value, whoever computes it.

Canonical JSON as in RFC 8785 (keys sorted by UTF-16 code units, no whitespace, ECMAScript numbers) and SHA-256.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, TypeAlias

import rfc8785

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

JsonValue: TypeAlias = "str | float | bool | Sequence[JsonValue] | Mapping[str, JsonValue] | None"

PREFIX = "sha256:"


class NotCanonical(Exception):
    """The value has no canonical JSON form: another type, NaN, an integer beyond 2**53, a lone surrogate."""

    code = "not-canonical"


def canonical(value: JsonValue) -> bytes:
    """Return the RFC 8785 bytes of a JSON value; tuples count as arrays. Raises NotCanonical."""
    try:
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeError) as error:
        raise NotCanonical(type(error).__name__) from error


def digest(value: JsonValue) -> str:
    """Return `sha256:` and the 64 hexadecimal digits of the value's canonical bytes. Raises NotCanonical."""
    return PREFIX + hashlib.sha256(canonical(value)).hexdigest()
