"""The chassis knows events and requests, not what they are about: outside `contracts/` it has no word of the domain."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import reviewbus

WORDS = (
    "assessments?",
    "packets?",
    "signatures?",
    "signers?",
    "calibrat(e|es|ed|ion|ions)",
    "questionnaires?",
    "employees?",
    "reviewe(e|es|r|rs)",
    "reviews?",
    "appraisals?",
    "hr",
    "unreleas(e|es|ed)",
)
# Letters around a word belong to another word; underscores and digits do not.
FORBIDDEN = re.compile(rf"(?<![a-z])({'|'.join(WORDS)})(?![a-z])", re.IGNORECASE)
# The product's name, in the forms that programs need; and remarks to the linter, which speak of Python's signatures.
EXEMPT = re.compile(r"REVIEW_|review-|review system|# noqa.*")
PACKAGE = Path(reviewbus.__file__).parent
SOURCES = sorted(path for path in PACKAGE.rglob("*.py") if "contracts" not in path.relative_to(PACKAGE).parts)


def found_in(text: str) -> list[str]:
    return [match.group(0) for match in FORBIDDEN.finditer(EXEMPT.sub("", text))]


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_the_chassis_has_no_word_of_the_domain(source: Path) -> None:
    assert found_in(source.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "text", ["packet_id = 1", '"""Of an employee."""', "hr_admin", "class Reviewer:", "# Unreleased."]
)
def test_the_check_can_fail(text: str) -> None:
    assert found_in(text)


def test_the_check_spares_the_products_name() -> None:
    assert found_in("import reviewbus; REVIEW_PORT; review-shop; the review system; get_signing_key; preview") == []
