"""What can happen to a world, by name."""

from __future__ import annotations

from typing import NamedTuple


class Step(NamedTuple):
    """`kind` is command, deliver, tick, sweep or fault; `by` the service concerned; `of` the command or the record."""

    kind: str
    by: str
    of: str
