"""Canonical JSON and its digest."""

from __future__ import annotations

import hashlib
import json
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewbus.canonical import JsonValue, NotCanonical, canonical, digest

INTEGERS = st.integers(min_value=-(2**53) + 1, max_value=2**53 - 1)
VALUES = st.recursive(
    st.none() | st.booleans() | INTEGERS | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner)
    ),
    max_leaves=12,
)


class Colour(StrEnum):
    RED = "red"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"b": 1, "a": [True, None, "é"]}, '{"a":[true,null,"é"],"b":1}'),
        ({"\u20ac": 1, "\U0001f600": 2, "\ufb33": 3, "1": 4}, '{"1":4,"\u20ac":1,"\U0001f600":2,"\ufb33":3}'),
        ([1.0, 1e21, 1e-7, 0.000001], "[1,1e+21,1e-7,0.000001]"),
        (("tuple", Colour.RED), '["tuple","red"]'),
        ("\x00\b\u2028/", '"\\u0000\\b\u2028/"'),
    ],
)
def test_a_value_has_the_bytes_that_the_standard_gives_it(value: JsonValue, expected: str) -> None:
    assert canonical(value) == expected.encode()


def test_a_digest_names_its_algorithm() -> None:
    assert digest({}) == "sha256:" + hashlib.sha256(b"{}").hexdigest()


@given(VALUES)
def test_a_value_read_back_has_the_same_digest(value: JsonValue) -> None:
    assert digest(json.loads(json.dumps(value))) == digest(value)


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), INTEGERS, min_size=2))
def test_the_order_of_keys_does_not_matter(value: dict[str, int]) -> None:
    assert digest(dict(reversed(value.items()))) == digest(value)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2**53, "\ud800", {"\ud800": 1}, {1: 2}, {1, 2}, b"x"])
def test_what_json_cannot_say_is_refused(value: JsonValue) -> None:
    with pytest.raises(NotCanonical):
        digest(value)
