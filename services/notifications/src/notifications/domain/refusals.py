"""Why a request is not answered: one class per business reason, and the order in which reasons answer."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable


class Rank(IntEnum):
    """The order in which refusals answer; the first present decides the status."""

    NOT_FOUND = 1  # 404
    FORBIDDEN = 2  # 403
    CLOSED = 3  # 409 cancelled, cycle closed
    LOCKED = 4  # 423
    CONFLICT = 5  # 409
    VERSION_MISSING = 6  # 428
    STALE = 7  # 412
    UNPROCESSABLE = 8  # 422


class Refusal(Exception):
    """A business reason why a command is not carried out.

    Each reason is a subclass with a stable kebab-case `code`. `params` are JSON-able and never hold text, ratings or
    names. `unmet` holds all reasons that were present, this one first; `refuse` sets it.
    """

    code: ClassVar[str]
    rank: ClassVar[Rank]

    def __init__(self, detail: str = "", **params: object) -> None:
        super().__init__(f"{self.code}: {detail}" if detail else self.code)
        self.detail = detail
        self.params = params
        self.unmet: tuple[Refusal, ...] = (self,)


def refuse(reasons: Iterable[Refusal]) -> None:
    """Raise the first reason in rank order (stable within a rank), carrying all; return when there is none."""
    ordered = tuple(sorted(reasons, key=lambda reason: reason.rank))
    if ordered:
        ordered[0].unmet = ordered
        raise ordered[0]


class ForbiddenRole(Refusal):
    """The person's roles do not admit this; the words say whose do."""

    code = "forbidden-role"
    rank = Rank.FORBIDDEN
