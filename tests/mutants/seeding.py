"""A copy of the shipped code with one bug in it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from mutants.patching import PatchDoesNotApply, patched

if TYPE_CHECKING:
    from mutants.catalogue import Mutant

ROOT = Path(__file__).resolve().parents[2]
# Migrations belong to the copy because services find them beside their code.
PARTS = ("shared/src", "services/*/src", "services/*/migrations")


def changed_files(mutant: Mutant, root: Path = ROOT) -> dict[str, str]:
    """Return the files of the tree as the bug changes them; each of them compiles.

    Raises:
        PatchDoesNotApply: the shipped code is not what the patch was made for, or the change is no Python.
    """
    files = patched(root, mutant.changes)
    for path, text in files.items():
        try:
            compile(text, path, "exec")
        except SyntaxError as error:
            raise PatchDoesNotApply(f"{path}:{error.lineno}: {error.msg}") from error
    return files


def seed(mutant: Mutant | None, into: Path, root: Path = ROOT) -> Path:
    """Make `into` a copy of the shipped code with the bug in it (None: without any), in place of what is there.

    Raises:
        PatchDoesNotApply: as `changed_files`; nothing is made then.
    """
    files = {} if mutant is None else changed_files(mutant, root)
    shutil.rmtree(into, ignore_errors=True)
    for part in PARTS:
        for folder in sorted(root.glob(part)):
            shutil.copytree(folder, into / folder.relative_to(root), ignore=shutil.ignore_patterns("__pycache__"))
    for path, text in files.items():
        (into / path).write_text(text, encoding="utf-8")
    return into


def sources(copy: Path) -> list[Path]:
    """Return the folders of a copy from which its packages are imported."""
    return [copy / "shared" / "src", *sorted(copy.glob("services/*/src"))]
