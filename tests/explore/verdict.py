"""What a run says in words: at its beginning what it will look at, at its end what came of it."""

from __future__ import annotations

# So many schedules meet every cell of the tables.
COVERING = 20_000


def beginning(*, configurations: int, schedules: int, seed: int, jobs: int) -> str:
    """Return what will be looked at."""
    whole = f"every state of {configurations} configurations" if configurations else ""
    drawn = f"{schedules:,} schedules at random with seed {seed}" if schedules else ""
    return f"exploring {_both(whole, drawn)}; processes: {jobs}"


def held(*, states: int, schedules: int) -> str:
    """Return what no rule was broken in, without a full stop."""
    whole = f"{states:,} states within bounds" if states else ""
    drawn = f"{schedules:,} schedules at random" if schedules else ""
    return f"No rule was broken in any of {_both(whole, drawn)}"


def verdict(*, states: int, schedules: int, missing: int) -> tuple[bool, str]:
    """Return whether a whole run is good, and why; `missing` outcomes of the state tables were not met."""
    none_broken = held(states=states, schedules=schedules)
    if not missing:
        return True, f"{none_broken}; every cell of the state tables was met."
    cells = f"{missing} outcomes in the state tables above were NOT MET"
    if schedules < COVERING:
        return True, f"{none_broken}; {cells}, which so few schedules need not do: {COVERING:,} do."
    return False, f"{none_broken}, BUT {cells}: what they lead to was not looked at."


def _both(whole: str, drawn: str) -> str:
    return " and ".join(filter(None, [whole, drawn]))
