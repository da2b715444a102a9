"""Waiting for what another process will do: ask again until it is so."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

WAIT_S_MAX = 30.0
PAUSE_S = 0.02
PAUSE_S_MAX = 0.25


def eventually(
    condition: Callable[[], bool],
    timeout_s: float = WAIT_S_MAX,
    *,
    what: str = "the condition",
    why: Callable[[], object] | None = None,
) -> None:
    """Return once `condition` holds, asking often at first and then four times a second.

    Args:
        condition: what is waited for; whatever it raises goes to the caller at once.
        timeout_s: how long.
        what: names it in the message.
        why: says, once the time is over, what stood in the way; it ends the message.

    Raises:
        TimeoutError: it still did not hold when the time was over.
    """
    deadline = time.monotonic() + timeout_s
    pause = PAUSE_S
    while not condition():
        if time.monotonic() > deadline:
            reason = f": {why()}" if why else ""
            raise TimeoutError(f"{what} did not come about within {timeout_s:.0f} s{reason}")
        time.sleep(pause)
        pause = min(PAUSE_S_MAX, pause * 1.5)


@dataclass(frozen=True, slots=True)
class Polling:
    """The wait of a story on the real system: what in one process is done by settling is asked for again here."""

    timeout_s: float = WAIT_S_MAX

    def __call__(self, until: Callable[[], bool]) -> None:
        """Return once `until` holds; raises TimeoutError."""
        eventually(until, self.timeout_s)
