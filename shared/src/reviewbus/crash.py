"""Crash points: named places where a process can be told to die, so that tests can prove what survives.

Nothing happens unless `REVIEW_CRASH_POINT` names the place; it is refused in production settings.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

_armed: dict[str, str] = {}


def arm(point: str, marker: str = "") -> None:
    """Make the process kill itself (SIGKILL) the next time it passes `point`, unless the file `marker` exists.

    The file is written just before dying, so that the restarted process passes the same place unharmed.
    """
    _armed.clear()
    if point:
        _armed[point] = marker


def crash_point(name: str) -> None:
    """Die here if this place was armed."""
    if not _armed or name not in _armed:
        return
    marker = _armed[name]
    if marker:
        if Path(marker).exists():
            return
        Path(marker).write_text(name, encoding="utf-8")
    os.kill(os.getpid(), signal.SIGKILL)
