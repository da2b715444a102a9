"""R1: after a packet was taken back, cancelled or restored, it is released only if a person has asked for that since.

What people asked for is kept by the commands that they gave and the answers that they got. Of what the services wrote
down, only the packets' states and epochs count, and whether an operation is over.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from harness.people import HELEN, HUGO
from simulation.kill import BEFORE_COMMIT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from simulation.play import Given
    from simulation.sight import Row, Sight

UNDER_WAY = {"releasing", "released"}
OVER = {"completed", "cancelled"}
NO_ANSWER = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """Somebody wants these packets released, from an instant on. `number` counts commands.

    `waits`: until that instant it can be cancelled. `operation_id` is empty where the answer was lost; `once`: then one
    release is all that can come of it.
    """

    number: int
    who: str
    reviews: frozenset[str]
    earliest: datetime
    waits: bool = False
    operation_id: str = ""
    once: bool = False


@dataclass(slots=True)
class Consent:
    """What is asked for and stands. `known` is each packet's newest epoch, as it was seen last."""

    known: dict[str, int]
    asks: list[Ask] = field(default_factory=list)
    number: int = 0
    # Epochs that the answer to a command named.
    named: set[tuple[str, int]] = field(default_factory=set)
    plans: dict[str, frozenset[str]] = field(default_factory=dict)
    # By operation: the number of the command that began it.
    begun: dict[str, int] = field(default_factory=dict)
    keys: set[str] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)

    def heard(self, given: Given, sight: Sight) -> None:
        """Take in a command that took effect, also if its answer was lost; a repeat under its key is none."""
        took = 200 <= given.status < 300 or (given.status == NO_ANSWER and given.died != BEFORE_COMMIT)
        note = _NOTED.get(given.act.operation)
        if note is None or not took or given.key in self.keys:
            return
        self.keys.add(given.key)
        self.number += 1
        note(self, given, sight)

    def restored(self) -> None:
        """Packets forgot what it was told: nothing that was asked for before stands any more."""
        self.asks.clear()

    def breaches(self, before: Sight, after: Sight, now: datetime) -> Iterator[str]:
        """Hold what has changed since the last call against what is asked for."""
        yield from self.wrong
        self.wrong.clear()
        for review_id, packet in after.packet_rows.items():
            was = before.packet_rows.get(review_id)
            self._taken_back(review_id, was, packet)
            if packet["epoch"] <= self.known.get(review_id, 0):
                continue
            self.known[review_id] = packet["epoch"]
            # Who hears of a newer fence while releasing goes on with the same release at another epoch.
            goes_on = was is not None and was["state"] == "releasing"
            if packet["state"] in UNDER_WAY and not goes_on:
                if not self._is_asked_for(packet, (before, after), now):
                    yield f"R1 {review_id}: epoch {packet['epoch']} is {packet['state']}, and nobody asked for it since"
                self._leave(_comes_once, review_id)

    # -- what stands -----------------------------------------------------------------------------------------------

    def _is_asked_for(self, packet: Row, sights: tuple[Sight, Sight], now: datetime) -> bool:
        review_id = packet["review_id"]
        goes_on = {key for one in sights for key, row in one.operations.items() if row["state"] not in OVER}
        return (review_id, packet["epoch"]) in self.named or any(
            review_id in ask.reviews and ask.earliest <= now and (not ask.operation_id or ask.operation_id in goes_on)
            for ask in self.asks
        )

    def _taken_back(self, review_id: str, was: Row | None, packet: Row) -> None:
        """Whoever took it back, and however: what was asked for before has ended with that."""
        if was is None or was["state"] == packet["state"]:
            return
        if was["hidden_by"] is not None and packet["state"] not in UNDER_WAY:
            begun = self.begun.get(was["hidden_by"], 0)
            self._leave(lambda ask: ask.number < begun, review_id)
        elif packet["state"] == "unreleasing":
            self._leave(lambda _: True, review_id)

    def _leave(self, which: Callable[[Ask], bool], review_id: str) -> None:
        """What fits does not stand for this packet any more."""
        self.asks = [
            replace(ask, reviews=ask.reviews - {review_id}) if which(ask) else ask for ask in self.asks if ask.reviews
        ]

    # -- what people say -------------------------------------------------------------------------------------------

    def _released(self, given: Given, sight: Sight) -> None:
        review_id, answer = _named(given), given.answer or {}
        earliest = _earliest(given, sight.reviews[review_id])
        state = answer.get("state")
        if state == "releasing":
            self.named.add((review_id, answer["epoch"]))
            if earliest > given.at:
                self.wrong.append(f"R1 {review_id}: released at once, and asked for was {earliest}")
        elif state != "released":
            operation = given.location.rpartition("/operations/")[2]
            words = {"waits": True, "operation_id": operation, "once": not operation}
            self._ask(given, {review_id}, earliest, **words)

    def _unreleased(self, given: Given, sight: Sight) -> None:
        # An unrelease of what is being taken back changes nothing, and the answer to one may be lost.
        if given.answer is not None and sight.packet_rows[_named(given)]["state"] != "unreleasing":
            self._leave(lambda _: True, _named(given))

    def _cancelled_scheduled(self, given: Given, _: Sight) -> None:
        # Hugo is no HR in his own line.
        anybody, who = given.who is HELEN, given.who.id
        self._leave(lambda ask: ask.waits and (anybody or ask.who == who), _named(given))

    def _bulk(self, given: Given, sight: Sight) -> None:
        reviews, answer = _chosen(given.body["selection"], sight), given.answer or {}
        operation = answer.get("operation_id", "")
        self.begun[operation] = self.number
        if given.body["dry_run"]:
            self.plans[operation] = reviews
        elif given.body["action"] == "release":
            self._ask(given, reviews, _instant(given), waits="not_before" in given.body, operation_id=operation)

    def _applied(self, given: Given, sight: Sight) -> None:
        operation = given.path.split("/")[4]
        self.begun[operation] = self.number
        if sight.operations[operation]["command"] == "release":
            reviews = self.plans.get(operation, frozenset(sight.reviews))
            self._ask(given, reviews, _instant(given), waits="not_before" in given.body, operation_id=operation)

    def _cancelled(self, given: Given, _: Sight) -> None:
        self.asks = [ask for ask in self.asks if ask.operation_id != given.path.split("/")[4]]

    def _ask(self, given: Given, reviews: set[str] | frozenset[str], earliest: datetime, **words: Any) -> None:
        ask = Ask(number=self.number, who=given.who.id, reviews=frozenset(reviews), earliest=earliest, **words)
        self.asks.append(ask)


_NOTED: Mapping[str, Callable[[Consent, Given, Sight], None]] = {
    "POST /v1/packets/{review_id}/release": Consent._released,
    "POST /v1/packets/{review_id}/unrelease": Consent._unreleased,
    "POST /v1/packets/{review_id}/cancel-scheduled": Consent._cancelled_scheduled,
    "POST /v1/packets/bulk": Consent._bulk,
    "POST /v1/packets/operations/{operation_id}/apply": Consent._applied,
    "POST /v1/packets/operations/{operation_id}/cancel": Consent._cancelled,
}


def _comes_once(ask: Ask) -> bool:
    return ask.once


def _named(given: Given) -> str:
    return given.path.split("/")[3]


def _chosen(selection: Mapping[str, Any], sight: Sight) -> frozenset[str]:
    if "review_ids" in selection:
        return frozenset(selection["review_ids"])
    return frozenset(key for key, row in sight.reviews.items() if row["cycle_id"] == selection["filter"]["cycle_id"])


def _instant(given: Given) -> datetime:
    named = (given.body or {}).get("not_before")
    return datetime.fromisoformat(named) if named else given.at


def _earliest(given: Given, review: Row) -> datetime:
    """When a release may come at the earliest: managers can take theirs back for a while, HR's comes at once."""
    window = 0 if given.who in (HELEN, HUGO) else review["recall_window_minutes"]
    return max(_instant(given), given.at + timedelta(minutes=window))
