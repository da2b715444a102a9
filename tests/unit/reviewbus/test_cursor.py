"""Cursors: opaque to clients, and of no use when forged."""

from __future__ import annotations

import base64
import json
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewbus.problems import Problem
from reviewbus.schema import BIGINT_MAX, CURSOR_CHARS_MAX, decode_cursor, encode_cursor

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)
NUMBERS = st.integers(-BIGINT_MAX, BIGINT_MAX)


@given(TEXTS, NUMBERS)
def test_a_cursor_comes_back_as_it_went(text: str, number: int) -> None:
    cursor = encode_cursor(text, number)
    assert decode_cursor(cursor, str, int) == (text, number)
    assert "=" not in cursor


def test_a_cursor_of_an_id_fits_and_may_be_read_as_one() -> None:
    one = UUID("0198c0de-2001-7b21-9c3f-4d6e8f0a1b03")
    assert len(encode_cursor(str(one), 2**62)) < CURSOR_CHARS_MAX
    assert decode_cursor(encode_cursor(str(one)), UUID) == (one,)


def test_the_first_page_has_no_cursor() -> None:
    assert decode_cursor(None, str) is None


def forged(content: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode()


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "ü",
        "!!!!",
        "bm90IGpzb24",
        forged(None),
        forged(7),
        forged([]),
        forged(["a"]),
        forged(["a", 1, 2]),
        forged([1, "a"]),
        forged(["a", 1.5]),
        forged(["a", True]),
        forged(["a", "1"]),
        forged(["a", None]),
        forged([["a"], 1]),
        forged(["a", BIGINT_MAX + 1]),
        forged(["a\x00", 1]),
        forged(["\ud800", 1]),
        base64.urlsafe_b64encode(b"[" * 300).decode(),
        base64.urlsafe_b64encode(b'["a", ' + b"9" * 5_000 + b"]").decode(),
    ],
)
def test_a_forged_cursor_is_a_422(cursor: str) -> None:
    with pytest.raises(Problem) as refused:
        decode_cursor(cursor, str, int)
    assert refused.value.status == 422
    assert refused.value.errors[0]["pointer"] == "/query/cursor"


def test_a_cursor_that_is_no_id_is_refused_where_an_id_is_expected() -> None:
    with pytest.raises(Problem):
        decode_cursor(encode_cursor("no uuid"), UUID)
