"""What was fetched or unpacked once and serves every later run: outside the tree, shared by runs at the same time."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from filelock import FileLock

if TYPE_CHECKING:
    from collections.abc import Callable

# Where root keeps what another user has to read: root's home is closed to others.
_FOR_EVERYBODY = Path("/var/cache/review-system")


def cache_root(*, for_everybody: bool = False) -> Path:
    """Return the folder of the cache, made if need be; as root and `for_everybody`, one that all users can read."""
    if for_everybody and os.geteuid() == 0:
        root = _FOR_EVERYBODY
    else:
        root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "review-system"
    root.mkdir(parents=True, exist_ok=True)
    return root


def cached(root: Path, name: str, build: Callable[[Path], None]) -> Path:
    """Return the folder `root/name`, calling `build` to fill it if it is not there.

    `build` gets an empty folder beside it, which is renamed when it returns: a folder in the cache is whole. Runs at
    the same time wait for each other.
    """
    target = root / name
    if target.is_dir():
        return target
    with FileLock(root / f".{name}.lock"):
        if target.is_dir():
            return target
        draft = root / f".{name}.{uuid4().hex}"
        draft.mkdir()
        try:
            build(draft)
            draft.rename(target)
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)
            raise
    return target
