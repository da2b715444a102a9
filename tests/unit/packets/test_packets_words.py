"""What people are told when something is refused or left out: what is so, and what to do about it."""

from __future__ import annotations

import json
from importlib.resources import files

import pytest

from harness.words import ADVICE
from packets.domain import operation
from packets.domain.operation import Outcome
from packets.queries.operations import words_of

ENDS = (operation.NOTHING_TO_DO, operation.UNEXPECTED, operation.TAKEN_BACK)
# Assessment answers a release with none of these.
OF_SIGNATURES = {"self-assessment-not-shared", "completed"}
LEFT = (operation.CANCELLED, operation.DECIDED_ANEW, operation.RESTORED)


@pytest.mark.parametrize(
    ("code", "outcome"), [*((code, Outcome.SKIPPED) for code in ENDS), *((code, Outcome.CANCELLED) for code in LEFT)]
)
def test_the_end_of_an_item_says_what_to_do(code: str, outcome: Outcome) -> None:
    assert ADVICE.fullmatch(words_of(code, outcome))


def test_every_reason_of_assessment_says_what_to_do() -> None:
    schema = json.loads(files("reviewbus").joinpath("contracts/events/hold.rejected.v1.schema.json").read_text())
    reasons = set(schema["properties"]["reason"]["enum"]) - OF_SIGNATURES
    told = {code: words_of(code, Outcome.FAILED) for code in reasons}
    assert "content-changed" in told
    assert {code: words for code, words in told.items() if not ADVICE.fullmatch(words)} == {}
    assert words_of("cancelled", Outcome.FAILED) != words_of("cancelled", Outcome.CANCELLED)
