"""What people are told: what is so, a colon, and what to do about it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

from reviewbus.problems import explain

if TYPE_CHECKING:
    from reviewbus.problems import RefusalLike

ADVICE = re.compile(r"[A-Z][^:]{10,}: [^:]{10,}[.]")


def spoken(refusal: Exception) -> tuple[str, str]:
    """Return a refusal's code, and what a person is told."""
    told = cast("RefusalLike", refusal)
    return told.code, explain(told)
