"""R1, and what goes with many packets at once: who asked for a release, when it was taken back, and when it began.

Calls have a start and an end, and what they did was done in between. So a command is over before another one only if
its answer came before the other was sent.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from faults.judge.history import Call, History, Told

    Found = Iterator[tuple[str, str, str]]

# Times of several processes, of the broker and of the calendar, shifted to one clock.
CLOCKS_S_MAX = 0.1
OVER = {"completed", "cancelled"}
ENDS = {"packet.released.v1", "packet.release-failed.v1", "packet.unreleased.v1"}
TAKEN_BACK = {"unreleased", "taken-back"}
UNDONE = {"chosen", "allowed", "asked"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Meant:
    """What somebody wanted of a packet, done at some time from `began` to `ended`; not before `instant`."""

    began: float
    ended: float
    instant: float = -math.inf
    waits: bool = False


def releases_are_asked_for(history: History) -> Found:
    """R1: each release was asked for, since the packet was last taken back or its release cancelled, and is due."""
    asks, backs = _asks(history), _backs(history)
    for review in history.reviews:
        for one in _attempts(history, review):
            standing = [
                ask
                for ask in asks.get(review, ())
                if ask.began <= one.at + CLOCKS_S_MAX
                and ask.instant <= one.at + CLOCKS_S_MAX
                and not any(_ends(back, ask, one) for back in backs.get(review, ()))
            ]
            if not standing:
                yield "R1", review, f"epoch {one.data['epoch']} was released, and nobody asked for that since"


def nothing_is_read_after_many_were_taken_back(history: History) -> Found:
    """F3: what one command takes back of many is not read any more, from its answer on, though its turn comes later."""
    for operation, attempts in _bulk(history, "unrelease"):
        answered = min((one.ended for one in attempts if one.ok), default=math.inf)
        for review, entry in _taken_back(history, operation):
            for read in history.acts("read", review):
                if read.ok and read.began > answered and read.body["epoch"] <= entry["epoch"]:
                    yield "F3", review, f"epoch {entry['epoch']} was read at {read.began:.3f}, hidden at {answered:.3f}"
                    break


def operations_come_to_an_end(history: History) -> Found:
    """E2: no command for many hangs, and of one that is over each packet has its outcome."""
    over = set()
    for row in history.table("packets", "operations"):
        if row["state"] in OVER:
            over.add(row["id"])
        elif row["state"] != "planned":
            yield "E2", "", f"the operation {row['id']} hangs in {row['state']}"
    for item in history.table("packets", "operation_items"):
        if item["operation_id"] in over and item["outcome"] in UNDONE:
            yield "E2", item["review_id"], f"the operation {item['operation_id']} is over, and it is {item['outcome']}"


CHECKS = (releases_are_asked_for, nothing_is_read_after_many_were_taken_back, operations_come_to_an_end)


def _ends(back: Meant, ask: Meant, attempt: Told) -> bool:
    """Whether an ask was over for certain when the attempt began."""
    fits = ask.waits or not back.waits
    return fits and back.began > ask.ended and back.ended < attempt.occurred - CLOCKS_S_MAX


def _attempts(history: History, review: str) -> Iterator[Told]:
    """The first command of each release; one that goes on at another epoch is none of its own."""
    open_, seen = False, set[int]()
    for one in history.told("/packets", review):
        if one.type in ENDS:
            open_ = False
        elif one.type == "hold.requested.v1" and one.data["want"] == "held" and one.data["epoch"] not in seen:
            seen.add(one.data["epoch"])
            if not open_:
                yield one
            open_ = True


def _asks(history: History) -> Mapping[str, Sequence[Meant]]:
    found: dict[str, list[Meant]] = {}
    for attempts in history.intents.values():
        one = attempts[0]
        if one.act not in {"release", "later", "bulk"} or not any(each.ok or each.undecided for each in attempts):
            continue
        if one.act == "bulk" and one.sent["action"] != "release":
            continue
        named = (one.sent or {}).get("not_before")
        instant = datetime.fromisoformat(named).timestamp() - history.run["calendar"] if named else -math.inf
        meant = Meant(began=one.began, ended=_done(attempts), instant=instant, waits=bool(named))
        for review in one.sent["selection"]["review_ids"] if one.act == "bulk" else [one.review]:
            found.setdefault(review, []).append(meant)
    return found


def _backs(history: History) -> Mapping[str, Sequence[Meant]]:
    found: dict[str, list[Meant]] = {}
    for attempts in history.intents.values():
        one = attempts[0]
        # An unrelease of what is being taken back already does nothing, and leaves no trace.
        did = one.act == "unrelease" and any(each.trace in history.audits for each in attempts)
        cancelled = one.act == "cancel-later" and any(each.ok for each in attempts)
        if did or cancelled:
            meant = Meant(began=one.began, ended=_done(attempts), waits=cancelled)
            found.setdefault(one.review, []).append(meant)
    for operation, attempts in _bulk(history, "unrelease"):
        for review, entry in _taken_back(history, operation):
            told = next((one for one in history.told("/packets", review) if one.number == entry["number"]), None)
            if told is not None:
                found.setdefault(review, []).append(Meant(began=attempts[0].began, ended=told.at))
    return found


def _done(attempts: Sequence[Call]) -> float:
    """By when a command was carried out, if it was; repeats after its answer do nothing."""
    return min((one.ended for one in attempts if one.ok), default=math.inf)


def _bulk(history: History, action: str) -> Iterator[tuple[str, Sequence[Call]]]:
    for attempts in history.intents.values():
        accepted = next((one for one in attempts if one.ok), None)
        if accepted is not None and accepted.act == "bulk" and accepted.sent["action"] == action:
            yield accepted.body["operation_id"], attempts


def _taken_back(history: History, operation: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for row in history.table("packets", "history"):
        if row["operation_id"] == operation and row["kind"] in TAKEN_BACK:
            yield row["review_id"], row
