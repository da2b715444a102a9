"""What schemathesis makes up from the documents: `make fuzz CASES=20000` for a longer run."""

from __future__ import annotations

import os
import sys
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


@pytest.mark.timeout(max(300, CASES // 5))
@pytest.mark.parametrize("service", SERVICES)
def test_made_up_requests_are_answered_as_documented(
    shared_world: World, service: str, capsys: pytest.CaptureFixture[str]
) -> None:
    fuzz = Fuzz.on(new_stage(shared_world) for _ in range(4))
    operations = fuzz.operations(service)
    each = -(-CASES // OPERATIONS)
    for operation in operations:
        fuzz.run(operation, each, SEED)
    seen = f"{service}: {fuzz.cases} requests to {len(operations)} operations, {dict(sorted(fuzz.statuses.items()))}"
    with capsys.disabled():
        sys.stdout.write(f"\n{seen}: nothing is answered otherwise than documented\n")
    assert fuzz.cases >= each * len(operations) // 2
    # A machine that never gets beyond the door finds nothing.
    assert sum(count for status, count in fuzz.statuses.items() if status < 300) > 0
