"""One service's part of the world: a row, what people command of it, and what records do to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from explore.bus import Message

R = TypeVar("R")
# The row after a step, and the records that were written with it.
Moved: TypeAlias = "tuple[R, tuple[Message, ...]]"


@dataclass(frozen=True, slots=True)
class Command(Generic[R]):
    """What a person does. `act` raises the service's refusal where it is not possible; `story` is for readers.

    `often`: how often it may happen in one schedule of those in which everybody does everything.
    """

    name: str
    story: str
    act: Callable[[R], Moved[R]]
    often: int = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Side(Generic[R]):
    """A service. `handlers` by type of record; `ticks` is what it does unasked; `refusal` what its commands raise."""

    name: str
    commands: tuple[Command[R], ...]
    handlers: Mapping[str, Callable[[R, Message], Moved[R]]]
    refusal: type[Exception]
    ticks: tuple[Command[R], ...] = field(default=())
