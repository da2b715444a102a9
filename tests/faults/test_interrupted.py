"""A run of faults that is told to end before its time says so, and leaves neither processes nor rows."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO

import psutil
import pytest

TESTS = Path(__file__).parents[1]
ENDED_S_MAX = 120


@pytest.mark.timeout(400)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda each: each.name)
def test_an_interrupted_run_says_so_and_puts_everything_away(tmp_path: Path, number: signal.Signals) -> None:
    tmp_path.chmod(0o755)  # as root, PostgreSQL is another user and keeps its rows in here
    command = [sys.executable, "-m", "faults", "--kills", "5", "--seed", "7", "--var", str(tmp_path)]
    env = os.environ | {"PYTHONPATH": str(TESTS)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env) as run:
        assert run.stdout is not None
        first, second, _ = (_line(run.stdout) for _ in range(3))  # the third: the servers run
        started = psutil.Process(run.pid).children(recursive=True)
        run.send_signal(number)
        said, errors = run.communicate(timeout=ENDED_S_MAX)

    folder = tmp_path / "kills-5-seed-7"
    assert first.startswith("seed 7: 5 kills and 2 other faults (pauses, broken connections), 7 faults in all")
    assert str(folder / "report.md") in second
    assert str(tmp_path / "report.md") in second
    assert run.returncode == 128 + number
    assert "interrupted: stopping everything that was started" in said
    assert said.splitlines()[-1].startswith("interrupted: nothing of it runs any more; there is no verdict.")
    assert "Traceback" not in errors
    assert started
    assert [one for one in started if _runs(one)] == []
    assert [each.name for each in tmp_path.iterdir()] == [folder.name]
    assert [each.name for each in folder.iterdir()] == ["log"]


def _line(stream: IO[str]) -> str:
    return stream.readline().rstrip("\n")


def _runs(one: psutil.Process) -> bool:
    # Where nobody collects orphans, as in a container, what has ended stays listed.
    try:
        return one.is_running() and one.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
