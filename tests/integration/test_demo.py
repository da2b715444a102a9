"""The demo and the system that is left running, as people start them: as programs of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import psutil
import pypdf
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

TESTS = Path(__file__).parents[1]
SERVICES = {"assessment", "packets", "signing", "notifications"}
# The whole system starts and stops within it, also on a machine that is busy with other things.
TIMEOUT_S = 420


def program(name: str, var: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.run(
        [sys.executable, "-m", f"harness.{name}", "--var", str(var), *arguments],
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT_S,
    )


@pytest.mark.timeout(TIMEOUT_S)
def test_the_demo_tells_the_whole_way_and_leaves_what_came_of_it(tmp_path: Path) -> None:
    var = tmp_path / "demo"
    var.mkdir()
    (var / "from-an-earlier-run").touch()

    ended = program("demo", var)

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.splitlines()[0].startswith("This starts PostgreSQL, Kafka")
    assert not (var / "from-an-earlier-run").exists()
    report = json.loads((var / "report.json").read_text())
    assert set(report) == {"ok", "steps", "checks"}
    assert report["ok"] is True
    assert all(set(step) == {"name", "service", "status", "ms"} for step in report["steps"])
    assert {step["service"] for step in report["steps"]} >= SERVICES
    assert {step["status"] for step in report["steps"]} >= {200, 202, 404, 409, 423}
    assert all(set(check) == {"name", "ok"} for check in report["checks"])
    assert all(check["ok"] for check in report["checks"])
    events = [json.loads(line) for line in (var / "events.ndjson").read_text().splitlines()]
    assert {"packet.released.v1", "packet.unreleased.v1", "review.completed.v1"} <= {
        event["headers"]["ce_type"] for event in events
    }
    assert len(pypdf.PdfReader(var / "packet.pdf").pages) >= 1
    assert len(list((var / "mails").glob("*.eml"))) > len(SERVICES)
    assert not (var / "issuer").exists()


@pytest.fixture
def var(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    program("down", tmp_path)


@pytest.mark.timeout(TIMEOUT_S)
def test_the_system_stays_up_until_it_is_taken_down(var: Path) -> None:
    nothing = program("down", var)
    first = program("up", var)
    assert first.returncode == 0, first.stdout + first.stderr
    known: dict[str, Any] = json.loads((var / "up.json").read_text())
    supervisor = psutil.Process(int((var / "up" / "supervisor.pid").read_text()))
    processes = [supervisor, *supervisor.children(recursive=True)]
    headers = {"Authorization": f"Bearer {known['people']['anna']['token']}"}
    released = httpx.get(f"{known['services']['packets']}/v1/packets/{known['review_ids'][0]}", headers=headers)
    second = program("up", var)
    token = program("tokens", var, "anna")
    background = httpx.get(f"{known['background']['packets']}/metrics")
    check = checked("packets", var / "up" / "env" / "packets")
    down = program("down", var)

    assert (nothing.returncode, nothing.stdout) == (0, "Nothing is running.\n")
    servers = {"kafka", "postgres", "mails", "environments"}
    assert set(known) == {"services", "background", "people", "reviews", "review_ids"} | servers
    assert set(known["services"]) == set(known["background"]) == SERVICES
    told = {"id", "roles", "role", "story", "token", "token_file"}
    assert all(set(one) == told for one in known["people"].values())
    assert [one["review_id"] for one in known["reviews"]] == known["review_ids"]
    assert 'consumed_total{type="review.opened.v1"}' in background.text
    assert check.returncode == 0, check.stderr
    assert [name for name in ("kafka", "postgres") if known[name] not in first.stdout] == []
    assert known["people"]["anna"]["token"] not in first.stdout
    assert released.json()["state"] == "released"
    assert second.returncode == 0
    assert "It is running already." in second.stdout
    assert known["services"]["signing"] in second.stdout
    assert first.stdout.count("curl -s") == 3
    assert len(token.stdout.split(".")) == 3
    assert down.returncode == 0
    assert not (var / "up.json").exists()
    assert [one for one in processes if runs(one)] == []


def checked(service: str, environment: Path) -> subprocess.CompletedProcess[str]:
    """Run a service's `check` with nothing but the variables of the file, as a shell that has sourced it does."""
    assert environment.stat().st_mode & 0o777 == 0o600
    words = f'set -a; . "$1"; exec "$2" -m {service} check'
    return subprocess.run(
        ["/bin/sh", "-c", words, "sh", str(environment), sys.executable],
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT_S,
    )


def runs(one: psutil.Process) -> bool:
    # Where nobody collects orphans, as in a container, what has ended stays listed.
    return one.is_running() and one.status() != psutil.STATUS_ZOMBIE
