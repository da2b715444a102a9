"""S1 to S4, S6, F4: the registers of assessment, in its own order of events and in its final rows.

A register is held from the grant of a fence until anything else is answered to a higher one.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from faults.judge.history import History, Told

    Found = Iterator[tuple[str, str, str]]

FOR_EVER = 2**62
SIGNERS = ("employee", "manager")
GRANTED = "hold.granted.v1"
ANSWERS = {GRANTED, "hold.rejected.v1", "hold.released.v1"}
MANAGER_EDITS = {"manager-assessment.submitted.v1", "manager-assessment.revised.v1", "manager-assessment.reopened.v1"}
SELF_EDITS = {
    "self-assessment.shared.v1",
    "self-assessment.unshared.v1",
    "self-assessment.waived.v1",
    "self-assessment.unwaived.v1",
}


@dataclass(frozen=True, slots=True)
class Span:
    """How long a register was held, in assessment's numbers of a review."""

    holder: str
    first: int
    last: int
    snapshot: str

    def covers(self, number: int) -> bool:
        """Whether it was held then."""
        return self.first < number < self.last


def spans(history: History, review: str) -> list[Span]:
    """Return when which register was held."""
    found: list[Span] = []
    open_: dict[str, Told] = {}
    for one in history.told("/assessment", review):
        if one.type not in ANSWERS:
            continue
        holder = one.data["holder"]
        before = open_.get(holder)
        if before is not None and one.data["fence"] > before.data["fence"]:
            found.append(Span(holder, before.number, one.number, before.data["snapshot_hash"]))
            del open_[holder]
        if one.type == GRANTED and holder not in open_:
            open_[holder] = one
    return found + [Span(name, one.number, FOR_EVER, one.data["snapshot_hash"]) for name, one in open_.items()]


def edits_only_while_editable(history: History) -> Found:
    """S4, F4: nothing that a held register covers was edited."""
    for review in history.reviews:
        held = spans(history, review)
        for one in history.told("/assessment", review):
            for span in held:
                if not span.covers(one.number):
                    continue
                signed = span.holder != "release"
                if (
                    one.type in MANAGER_EDITS
                    or one.type == "review.reassigned.v1"
                    or (signed and one.type in SELF_EDITS)
                ):
                    yield "F4" if signed else "S4", review, f"{one.type} ({one.number}) while {span.holder} was held"
                elif not signed and one.type == "self-assessment.unshared.v1":
                    yield "S4", review, f"{one.type} ({one.number}) while the release was locked"


def releases_only_what_is_signed(history: History) -> Found:
    """S3: while a signature is held nothing else than what was signed is granted a release."""
    for review in history.reviews:
        signed = [one for one in spans(history, review) if one.holder.startswith("signature:")]
        for one in history.told("/assessment", review):
            if one.type != GRANTED or one.data["holder"] != "release":
                continue
            if any(span.covers(one.number) and span.snapshot != one.data["snapshot_hash"] for span in signed):
                yield "S3", review, f"epoch {one.data['epoch']} was granted over another signature"


def outcomes_stay(history: History) -> Found:
    """S6: one outcome a fence, and the fences that are answered never go down."""
    for review in history.reviews:
        outcomes: dict[tuple[str, int], set[tuple[str, str | None]]] = defaultdict(set)
        highest: dict[str, int] = defaultdict(int)
        for one in history.told("/assessment", review):
            if one.type not in ANSWERS:
                continue
            holder, fence = one.data["holder"], one.data["fence"]
            outcomes[holder, fence].add((one.type, one.data.get("snapshot_hash")))
            if fence < highest[holder]:
                yield "S6", review, f"{holder} answered fence {fence} after {highest[holder]}"
            highest[holder] = max(fence, highest[holder])
        for (holder, fence), kinds in outcomes.items():
            if len(kinds) > 1:
                yield "S6", review, f"{holder} has two outcomes of fence {fence}: {sorted(map(str, kinds))}"


def facts_follow_grants(history: History) -> Found:
    """S1, S3: who told that something is released or signed had been granted just that."""
    for review in history.reviews:
        granted = {
            (one.data["holder"], one.data["fence"]): one.data["snapshot_hash"]
            for one in history.told("/assessment", review)
            if one.type == GRANTED
        }
        for one in history.told("/packets", review):
            fence = ("release", 2 * one.data.get("epoch", 0))
            if one.type == "packet.released.v1" and granted.get(fence) != one.data["snapshot_hash"]:
                yield "S1", review, f"epoch {one.data['epoch']} was released without its grant"
        for one in history.told("/signing", review):
            if one.type == "signature.completed.v1":
                fence = (f"signature:{one.data['signer_role']}", one.data["fence"])
                if granted.get(fence) != one.data["snapshot_hash"]:
                    yield "S3", review, f"{fence[0]} was signed without its grant"


def released_rows_are_held(history: History) -> Found:
    """S1, S2: the final rows of what is released."""
    for review, packet in history.packets.items():
        hold = history.holds[review]
        if packet["state"] != "released":
            continue
        if not hold["release_held"]:
            yield "S1", review, "released, and its register is not held"
            continue
        pairs = {
            "S1 epoch": (packet["epoch"], hold["release_epoch"]),
            "S1 snapshot": (packet["snapshot_hash"], hold["release_snapshot_hash"]),
            "S2 version": (packet["snapshot_manager_version"], hold["manager_version"]),
            "S2 content": (packet["snapshot_content_hash"], hold["manager_hash"]),
            "S2 selection": (packet["snapshot_selection_version"], packet["selection_version"]),
            "S2 rating": (packet["snapshot_rating_version"], packet["rating_version"]),
        }
        for name, (ours, theirs) in pairs.items():
            if ours != theirs:
                rule, what = name.split()
                yield rule, review, f"released with {what} {ours}, which is {theirs}"


def signed_rows_are_held(history: History) -> Found:
    """S3, F4: the final rows of what is signed."""
    for review, record in history.signatures.items():
        hold, packet = history.holds[review], history.packets.get(review)
        for name in SIGNERS:
            if record[f"{name}_state"] != "signed":
                continue
            snapshot = record[f"{name}_snapshot_hash"]
            if not hold[f"signature_{name}_held"]:
                yield "S3", review, f"the {name} has signed, and the register is not held"
            elif hold[f"signature_{name}_snapshot_hash"] != snapshot:
                yield "S3", review, f"the {name} signed another snapshot than is held"
            elif packet is not None and packet["state"] == "released" and packet["snapshot_hash"] != snapshot:
                yield "S3", review, f"released is another snapshot than the {name} signed"
            elif record[f"{name}_manager_version"] != hold["manager_version"]:
                yield "F4", review, f"the {name} signed version {record[f'{name}_manager_version']}, it is another now"
            elif hold["self_state"] != "waived" and record[f"{name}_self_version"] != hold["self_version"]:
                yield "F4", review, f"the self-assessment that the {name} signed is another now"


CHECKS = (
    edits_only_while_editable,
    releases_only_what_is_signed,
    outcomes_stay,
    facts_follow_grants,
    released_rows_are_held,
    signed_rows_are_held,
)
