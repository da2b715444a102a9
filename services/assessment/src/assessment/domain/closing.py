"""What closing a cycle finds its reviews at: after it, none of them comes any further towards release."""

from __future__ import annotations

from dataclasses import dataclass

WARNING = "After this nothing of the cycle can be released any more, also not what is taken back; there is no way back."


@dataclass(frozen=True, slots=True, kw_only=True)
class Standings:
    """Reviews of a cycle, counted: each that is not cancelled once, by how far it came.

    `released` are those that nobody has signed, `signed` those that somebody has and that are not completed.
    """

    not_submitted: int
    submitted: int
    released: int
    signed: int
    completed: int
