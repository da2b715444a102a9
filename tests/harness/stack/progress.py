"""Say what is being fetched and started, and how long it took."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

from rich.console import Console

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_console = Console(stderr=True, highlight=False)


@contextlib.contextmanager
def step(text: str, say: Callable[[str], None] | None = None) -> Iterator[None]:
    """Show that `text` is going on: a spinner on a terminal, in any case one line with the seconds at the end.

    Args:
        text: what is done, as a phrase: "starting Kafka 4.3.0".
        say: takes the line instead of standard error.
    """
    began = time.monotonic()
    spinner = _console.status(f"{text} …") if say is None and _console.is_terminal else contextlib.nullcontext()
    with spinner:
        yield
    line = f"{text}: {time.monotonic() - began:.1f} s"
    if say is None:
        _console.print(f"  {line}", markup=False)
    else:
        say(line)
