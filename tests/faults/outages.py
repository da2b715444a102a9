"""An hour without one of them, sixty times as fast: what goes on, what waits, what is refused, and how it recovers.

Each spell: people act and read as always; in the middle of it one service or server is down for a minute. What was
promised for just this is held against the calls of that minute; all else is for the judge.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from faults.judge.history import Call
from faults.stage import Rates, Stage, staged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

DOWN_S = 60.0
BEFORE_S = 5.0
# Calls that overlap the fall or the return may be answered either way.
EDGE_S = 1.0
RECOVERY_S_MAX = 120.0
NAMES = ("assessment", "packets", "kafka", "postgres")
OWNER = {
    **dict.fromkeys(("edit", "open", "reopen", "submit", "share", "unshare", "reassign"), "assessment"),
    **dict.fromkeys(("preview", "release", "later", "cancel-later", "bulk", "unrelease", "send", "read"), "packets"),
    **dict.fromkeys(("selection", "select", "download", "rating", "rate", "confirm"), "packets"),
    **dict.fromkeys(("statement", "sign", "revoke", "complete"), "signing"),
}


@dataclass(slots=True, kw_only=True)
class Spell:
    """What came of one outage. `broken` are the promises that were."""

    name: str
    began: float
    ended: float
    settle_s: float | None = None
    calls: int = 0
    done: int = 0
    refused: int = 0
    unanswered: int = 0
    broken: list[str] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """How long it was down."""
        return self.ended - self.began


def outages(
    var_dir: Path, *, seed: int, reviews: int, rates: Rates, say: Callable[[str], None]
) -> tuple[list[Spell], bool, str]:
    """Run every outage in turn on one system; return what came of each, whether all is well, and the verdict."""
    spells: list[Spell] = []
    with staged(var_dir, reviews=reviews, say=say) as stage:
        for number, name in enumerate(NAMES):
            say(f"an hour without {name}")
            spells.append(_spell(stage, name, seed + number, rates))
        stage.hands.keep_records()
        took = [one.settle_s for one in spells]
        settled = None if None in took else max(one for one in took if one is not None)
        passed, verdict = stage.finish(seed=seed, settled_s=settled, settle_s_max=RECOVERY_S_MAX)
    calls = _calls(stage.book.folder)
    for one in spells:
        hold_against(one, [each for each in calls if one.began < each.began < one.ended])
    return spells, passed and not any(one.broken for one in spells), verdict


def _spell(stage: Stage, name: str, seed: int, rates: Rates) -> Spell:
    with stage.load(rates, seed):
        time.sleep(BEFORE_S)
        began = time.monotonic()
        stage.orchestrator.take_down(name)
        time.sleep(DOWN_S)
        ended = time.monotonic()
        stage.book.fault(kind="outage", target=name, deed="", began=began, ended=ended)
        stage.orchestrator.let_up(name)
        stage.hands.heal()
    return Spell(name=name, began=began, ended=ended, settle_s=stage.settle(ended))


def hold_against(spell: Spell, calls: Sequence[Call]) -> None:
    """Count what became of the calls of the outage, and note the promises that were broken."""
    spell.calls = len(calls)
    spell.done = sum(one.ok for one in calls)
    spell.unanswered = sum(one.undecided for one in calls)
    spell.refused = spell.calls - spell.done - spell.unanswered
    within = [one for one in calls if spell.began + EDGE_S < one.began and one.ended < spell.ended - EDGE_S]
    spell.broken += PROMISES[spell.name](within)
    if spell.settle_s is None or spell.settle_s > RECOVERY_S_MAX:
        spell.broken.append(f"not quiet within {RECOVERY_S_MAX:.0f} s of its return")


def _without_assessment(calls: Sequence[Call]) -> Iterator[str]:
    """Releases wait, unrelease hides at once; nothing that was asked for meanwhile becomes visible."""
    yield from _answered(calls, "packets", "signing")
    yield from _done(calls, "release", "unrelease", "read")
    yield from _not_shown_early(calls)


def _without_packets(calls: Sequence[Call]) -> Iterator[str]:
    """Employees read nothing; everything else goes on."""
    yield from _answered(calls, "assessment", "signing")
    yield from _done(calls, "edit")
    yield from (
        f"{one.act} of {one.review} was answered {one.status}"
        for one in calls
        if OWNER[one.act] == "packets" and one.ok
    )


def _without_kafka(calls: Sequence[Call]) -> Iterator[str]:
    """Every write still works; nothing becomes visible early."""
    yield from _answered(calls, "assessment", "packets", "signing")
    yield from _done(calls, "edit", "release", "unrelease", "read")
    yield from _not_shown_early(calls)


def _without_postgres(calls: Sequence[Call]) -> Iterator[str]:
    """Nobody is shown anything, and people are told to come back."""
    yield from (f"{one.act} of {one.review} was answered {one.status}" for one in calls if not one.undecided)
    if not any(one.status == 503 for one in calls):
        yield "nobody was told to come back"


PROMISES: dict[str, Any] = {
    "assessment": _without_assessment,
    "packets": _without_packets,
    "kafka": _without_kafka,
    "postgres": _without_postgres,
}


def _answered(calls: Sequence[Call], *services: str) -> Iterator[str]:
    """Those who are up answer."""
    for one in calls:
        if OWNER[one.act] in services and one.undecided:
            yield f"{one.act} of {one.review}: {one.status or 'no answer'} after {one.ended - one.began:.1f} s"


def _done(calls: Sequence[Call], *acts: str) -> Iterator[str]:
    """What goes on was done at least once, so that the other promises mean something."""
    yield from (f"nobody succeeded to {act}" for act in acts if not any(one.act == act and one.ok for one in calls))


def _not_shown_early(calls: Sequence[Call]) -> Iterator[str]:
    """A release that was asked for during the outage is not read during it."""
    asked = {(one.review, one.body["epoch"]) for one in calls if one.act == "release" and one.status == 202}
    for one in calls:
        if one.act == "read" and one.ok and (one.review, one.body["epoch"]) in asked:
            yield f"epoch {one.body['epoch']} of {one.review} was read before it can have been granted"


def _calls(folder: Path) -> list[Call]:
    with (folder / "calls.jsonl").open(encoding="utf-8") as lines:
        return [Call(**{name: one[name] for name in Call.__slots__}) for one in map(json.loads, lines)]
