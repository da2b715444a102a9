"""What `make up` prints: all that is needed to use the system, on lines that can be read, and no secret."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from harness import doorplate

TOKEN = "header.claims.signature"
SERVICES = ("assessment", "packets", "signing", "notifications")
LINE_MAX = 160


@pytest.fixture
def known(tmp_path: Path) -> dict[str, Any]:
    people = {
        name: {"id": f"p-{name}", "roles": [], "role": "employee", "story": f"{name} acts", "token": TOKEN}
        | {"token_file": str(tmp_path / "tokens" / name)}
        for name in ("anna", "max", "helen")
    }
    return {
        "services": {name: f"http://127.0.0.1:{port}" for port, name in enumerate(SERVICES, 1000)},
        "background": {name: f"http://127.0.0.1:{port}" for port, name in enumerate(SERVICES, 2000)},
        "kafka": "127.0.0.1:3000",
        "postgres": "127.0.0.1:4000",
        "mails": str(tmp_path / "mails"),
        "environments": str(tmp_path / "env"),
        "people": people,
        "reviews": [{"review_id": "r-1", "employee": "anna", "manager": "max", "story": "released"}],
        "review_ids": ["r-1"],
    }


def test_everybody_every_review_and_every_address_is_told_and_no_token(known: dict[str, Any], tmp_path: Path) -> None:
    said = list(doorplate.lines(known, file=tmp_path / "up.json"))
    people = [line for line in said if " acts " in line]
    assert [line.split()[0] for line in people] == ["anna", "max", "helen"]
    assert all(str(tmp_path / "tokens") in line for line in people)
    assert any("released" in line and "r-1" in line for line in said)
    text = "\n".join(said)
    addresses = [*known["services"].values(), *(f"{url}/metrics" for url in known["background"].values())]
    assert [one for one in (*addresses, known["kafka"], known["postgres"]) if one not in text] == []
    assert TOKEN not in text


def test_a_path_below_the_present_folder_is_told_as_it_would_be_typed(
    known: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = list(doorplate.lines(known, file=tmp_path / "up.json"))
    assert any(line.endswith("  tokens/anna") for line in said)


def test_whoever_stops_reading_does_not_stop_the_program(tmp_path: Path) -> None:
    done = tmp_path / "done"
    program = f"""
import pathlib
from harness.doorplate import tell
for number in range(20_000):
    tell(str(number))
pathlib.Path({str(done)!r}).touch()
"""
    env = os.environ | {"PYTHONPATH": str(Path(doorplate.__file__).parents[1])}
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env
    ) as talking:
        assert talking.stdout is not None
        assert talking.stderr is not None
        assert talking.stdout.readline() == "0\n"
        talking.stdout.close()
        assert talking.stderr.read() == ""
    assert talking.returncode == 0
    assert done.exists()
