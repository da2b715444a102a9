"""What a process loads: relay, consumer and jobs have no use for HTTP operations, nor they for migrations."""

from __future__ import annotations

import subprocess
import sys

import pytest

from harness.people import SERVICES

_SAY = "import sys; import {service}.app, reviewbus.verbs; print(*sys.modules)"


@pytest.mark.parametrize("service", SERVICES)
def test_composing_a_service_loads_neither_its_operations_nor_alembic(service: str) -> None:
    command = [sys.executable, "-c", _SAY.format(service=service)]
    loaded = set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())
    assert {f"{service}.store", f"{service}.subscriptions"} <= loaded
    assert not loaded & {f"{service}.api", "reviewbus.http", "flask_smorest", "alembic"}
