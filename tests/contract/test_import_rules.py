"""The import rules hold for the code as it is, and each of them notices when it is broken."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = ("shared", *(f"services/{name}" for name in ("assessment", "notifications", "packets", "signing")))
# For each rule a line of code that breaks it, and the file that it is added to.
BREACHES = {
    "services": ("services/packets/src/packets/queries/packets.py", "import signing.domain"),
    "chassis": ("shared/src/reviewbus/clock.py", "import assessment"),
    "layers": ("services/signing/src/signing/store.py", "import signing.commands"),
    "domain": ("services/assessment/src/assessment/domain/__init__.py", "import sqlalchemy"),
    "kafka": ("services/notifications/src/notifications/work.py", "import kafka"),
    "schemas": ("services/packets/src/packets/commands.py", "import packets.schemas"),
    "environment": ("services/assessment/src/assessment/store.py", "import environs"),
}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of everything that the rules are about."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for source in SOURCES:
        shutil.copytree(ROOT / source / "src", tmp_path / source / "src", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def broken_rules(tree: Path) -> set[str]:
    rules = tomllib.loads((tree / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", "--no-logo"]
    path = os.pathsep.join(str(tree / source / "src") for source in SOURCES)
    answer = subprocess.run(
        command, cwd=tree, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True, check=False
    )
    told = {rule["id"] for rule in rules if f"{rule['name']} BROKEN" in answer.stdout}
    assert f"{len(rules) - len(told)} kept, {len(told)} broken" in answer.stdout, answer.stdout + answer.stderr
    return told


def test_the_code_keeps_every_import_rule(tree: Path) -> None:
    assert broken_rules(tree) == set()


def test_every_import_rule_notices_its_breach(tree: Path) -> None:
    for name, line in BREACHES.values():
        file = tree / name
        # What the line imports has to be there.
        for needed in (file, file.with_name("commands.py"), file.with_name("schemas.py")):
            needed.touch()
        with file.open("a") as code:
            code.write(f"\n{line}\n")
    rules = tomllib.loads((tree / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    assert broken_rules(tree) == {rule["id"] for rule in rules} == set(BREACHES)


@pytest.mark.parametrize(
    "domain",
    [path for source in SOURCES for path in (ROOT / source).glob("src/*/domain")],
    ids=lambda path: path.parent.name,
)
def test_a_domain_asks_neither_clock_nor_chance_nor_surroundings(domain: Path) -> None:
    forbidden = (
        "datetime.now",
        "utcnow",
        "time.time",
        "uuid4",
        "uuid7",
        "import random",
        "import os",
        "import secrets",
    )
    code = "\n".join(path.read_text() for path in domain.rglob("*.py"))
    assert [word for word in forbidden if word in code] == []
