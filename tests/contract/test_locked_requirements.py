"""The locks of requirements: current as they are committed, and noticed when they are not."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of all that the check reads."""
    shutil.copytree(ROOT / "requirements", tmp_path / "requirements", ignore=shutil.ignore_patterns("__pycache__"))
    for project in ("shared", *(f"services/{path.name}" for path in (ROOT / "services").iterdir() if path.is_dir())):
        (tmp_path / project).mkdir(parents=True)
        shutil.copy(ROOT / project / "pyproject.toml", tmp_path / project)
    return tmp_path


def check(tree: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(tree / "requirements" / "lock.py"), "--check"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def replace(file: Path, old: str, new: str) -> None:
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new, 1))


def test_the_committed_locks_are_current(tree: Path) -> None:
    answer = check(tree)
    assert (answer.returncode, answer.stdout) == (0, "requirements are current\n")


def test_a_dependency_that_is_not_locked_is_noticed_in_every_lock_that_it_concerns(tree: Path) -> None:
    replace(tree / "services/signing/pyproject.toml", "dependencies = [", 'dependencies = [\n    "another",')
    answer = check(tree)
    assert answer.returncode == 1
    assert [line.partition(" ")[0] for line in answer.stdout.splitlines()] == [
        "requirements/dev.txt",
        "requirements/signing.txt",
    ]


def test_a_service_with_another_version_than_developers_is_noticed(tree: Path) -> None:
    replace(tree / "requirements/packets.txt", "weasyprint==70", "weasyprint==69")
    answer = check(tree)
    assert answer.returncode == 1
    assert "requirements/packets.txt differs from dev.txt" in answer.stdout


def test_a_lock_that_names_a_host_is_noticed(tree: Path) -> None:
    replace(tree / "requirements/uv.txt", "uv==", "--index-url https://mirror.example/simple\nuv==")
    assert "requirements/uv.txt names a host" in check(tree).stdout


def test_only_packets_is_installed_with_the_renderer_of_documents() -> None:
    services = ("assessment", "notifications", "packets", "signing")
    locks = {name: (ROOT / "requirements" / f"{name}.txt").read_text() for name in services}
    assert [name for name, text in locks.items() if "weasyprint==" in text] == ["packets"]
