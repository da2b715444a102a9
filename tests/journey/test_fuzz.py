"""What schemathesis makes up from the documents: `make fuzz CASES=20000` for a longer run."""

from __future__ import annotations

import itertools
import os
import sys
import uuid
from typing import TYPE_CHECKING

import pytest

from harness.fuzz import Fuzz
from harness.journey import new_stage
from harness.people import SERVICES

if TYPE_CHECKING:
    from harness.world import World

# In all, over the four services.
CASES = int(os.environ.get("FUZZ_CASES", "2400"))
SEED = int(os.environ.get("FUZZ_SEED", "1"))
OPERATIONS = 90


def beginning(world: World, service: str) -> Fuzz:
    return Fuzz.on(service, (new_stage(world) for _ in itertools.count()))


@pytest.mark.timeout(max(300, CASES // 5))
@pytest.mark.parametrize("service", SERVICES)
def test_made_up_requests_are_answered_as_documented(
    shared_world: World, service: str, capsys: pytest.CaptureFixture[str]
) -> None:
    fuzz = beginning(shared_world, service)
    # A machine that never gets beyond the door finds nothing: every operation is carried out, and none is left out.
    assert fuzz.carry_out() == []
    each = -(-CASES // OPERATIONS)
    for operation in fuzz.described:
        fuzz.run(operation, each, SEED)
    seen = (
        f"{service}: {fuzz.cases} requests to {len(fuzz.described)} operations, {dict(sorted(fuzz.statuses.items()))},"
        f" {len(fuzz.reached)} operations carried out by what was made up"
    )
    with capsys.disabled():
        sys.stdout.write(f"\n{seen}: nothing is answered otherwise than documented\n")
    assert fuzz.cases >= each * len(fuzz.described) // 2
    assert len(fuzz.reached) > len(fuzz.described) // 2


def test_an_operation_that_is_never_carried_out_is_named(shared_world: World) -> None:
    fuzz = beginning(shared_world, "signing")
    fuzz.targets["released"].ids["review_id"] = str(uuid.uuid4())
    assert "POST /v1/signatures/{review_id}/sign" in fuzz.carry_out()
