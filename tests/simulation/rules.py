"""The rules that hold after every step, judged from the rows and from what people were answered.

Each rule is a function of what was seen before the step and after it; it yields a sentence for each breach, which
begins with the rule's name.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from simulation.sight import HOLDERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from simulation.sight import Row, Sight

REGISTERS = ("release", *HOLDERS)
SIGNERS = ("employee", "manager")
MANAGER_SIDE = ("manager_version", "manager_hash", "manager_state")
SELF_SIDE = ("self_version", "self_hash")


@dataclass(slots=True)
class Memory:
    """What rules must remember beyond the last step: nothing that the system told, only what was seen of it."""

    # The epoch at which an unrelease was acknowledged.
    hidden: dict[str, int] = field(default_factory=dict)
    # The hash of a content.
    hashes: dict[tuple[Any, ...], str] = field(default_factory=dict)
    # Signatures that a restore has cut off from their hold, until a sweep takes them back.
    excused: set[tuple[str, str]] = field(default_factory=set)
    # What a restored signing held for signed, with the fence: what frees it may still have been in flight.
    brought_back: set[tuple[str, str, int]] = field(default_factory=set)


def breaches(before: Sight, after: Sight, memory: Memory, *, restored: str = "") -> list[str]:
    """Return every rule that is broken; `restored` names the service whose database went back in this step."""
    found = [wrong for rule in _AFTER for wrong in rule(after, memory)]
    return found + [wrong for rule in _STEPS for wrong in rule(before, after, restored)]


def shown_epoch(packet: Row | None) -> int | None:
    """The epoch in which the employee may read, or None."""
    return packet["epoch"] if packet is not None and packet["state"] == "released" else None


# -- of one moment -----------------------------------------------------------------------------------------------------


def _uncompared(after: Sight, service: str) -> bool:
    """Whether a service's rows and assessment's may differ, since one of them was restored.

    A restored assessment takes nothing while it is quarantined, and no edit until the service has compared its rows.
    """
    return after.quarantined(service) or after.quarantined("assessment") or after.awaits(service)


def _released_is_held(after: Sight, _: Memory) -> Iterator[str]:
    """S1: what is released has its register held, at the same epoch over the same snapshot."""
    if _uncompared(after, "packets"):
        return
    for review_id, packet in after.packet_rows.items():
        if packet["state"] != "released":
            continue
        review = after.reviews.get(review_id)
        held = review is not None and review["release_held"]
        theirs = (review["release_epoch"], review["release_snapshot_hash"]) if review is not None and held else None
        if theirs != (packet["epoch"], packet["snapshot_hash"]):
            yield f"S1 {review_id}: released is {packet['epoch'], packet['snapshot_hash']}, held is {theirs}"


def _released_is_current(after: Sight, _: Memory) -> Iterator[str]:
    """S2: what is released is the current version, with the rating and the selection of the packet's row."""
    if _uncompared(after, "packets"):
        return
    for review_id, packet in after.packet_rows.items():
        if packet["state"] != "released" or review_id not in after.reviews:
            continue
        review = after.reviews[review_id]
        for what, shown, current in (
            ("manager version", packet["snapshot_manager_version"], review["manager_version"]),
            ("content", packet["snapshot_content_hash"], review["manager_hash"]),
            ("selection", packet["snapshot_selection_version"], packet["selection_version"]),
            ("rating version", packet["snapshot_rating_version"], packet["rating_version"]),
        ):
            if shown != current:
                yield f"S2 {review_id}: released with {what} {shown}, current is {current}"
        if packet["snapshot_rating_shown"] == "calibrated" and packet["snapshot_rating"] != packet["rating"]:
            yield f"S2 {review_id}: released with rating {packet['snapshot_rating']}, it is {packet['rating']}"


def _signed_is_held(after: Sight, memory: Memory) -> Iterator[str]:
    """S3: what counts as signed or completed has its register held, over the versions as they are."""
    memory.excused = _excused(after, memory)
    if _uncompared(after, "signing"):
        return
    for review_id, record in after.records.items():
        review = after.reviews.get(review_id)
        for prefix, name in HOLDERS.items():
            if record[f"{name}_state"] != "signed" or (review_id, name) in memory.excused:
                continue
            if review is None or not review[f"{prefix}_held"]:
                yield f"S3 {review_id}: {name} is signed and its register is not held"
                continue
            for what in ("snapshot_hash", "epoch"):
                signed, held = record[f"{name}_{what}"], review[f"{prefix}_{what}"]
                if signed != held:
                    yield f"S3 {review_id}: {name}'s {what} is {signed}, its register is held over {held}"
            if name in SIGNERS:
                yield from _covers_current(review_id, record, review, name)


def _excused(after: Sight, memory: Memory) -> set[tuple[str, str]]:
    waits = after.quarantined("assessment") or after.awaits("signing") or after.awaits("packets")
    return {
        (review_id, name)
        for review_id, record in after.records.items()
        for prefix, name in HOLDERS.items()
        if record[f"{name}_state"] == "signed"
        and not _is_held(after, review_id, prefix, record, name)
        and (
            waits
            or (review_id, name) in memory.excused
            or (review_id, name, record[f"{name}_fence"]) in memory.brought_back
        )
    }


def _is_held(after: Sight, review_id: str, prefix: str, record: Row, name: str) -> bool:
    review = after.reviews.get(review_id)
    return (
        review is not None
        and review[f"{prefix}_held"]
        and review[f"{prefix}_fence"] == record[f"{name}_fence"]
        and review[f"{prefix}_epoch"] == record[f"{name}_epoch"]
        and review[f"{prefix}_snapshot_hash"] == record[f"{name}_snapshot_hash"]
    )


def _covers_current(review_id: str, record: Row, review: Row, name: str) -> Iterator[str]:
    current_self = review["self_version"] if review["self_state"] == "shared" else None
    if record[f"{name}_manager_version"] != review["manager_version"]:
        yield f"S3 {review_id}: {name} signed manager version {record[f'{name}_manager_version']}, not the current one"
    if record[f"{name}_self_version"] != current_self:
        yield f"S3 {review_id}: {name} signed self version {record[f'{name}_self_version']}, current is {current_self}"


def _released_is_signed(after: Sight, memory: Memory) -> Iterator[str]:
    """S3: who has signed has signed what is released."""
    restored = any(after.quarantined(one) or after.awaits(one) for one in ("packets", "signing"))
    for review_id, packet in after.packet_rows.items():
        record = after.records.get(review_id)
        if restored or record is None or packet["state"] != "released":
            continue
        for name in (*SIGNERS, "completion"):
            if (review_id, name) in memory.excused:
                continue
            if record[f"{name}_state"] == "signed" and record[f"{name}_snapshot_hash"] != packet["snapshot_hash"]:
                yield f"S3 {review_id}: released is another snapshot than {name} signed"


def _same_content_same_hash(after: Sight, memory: Memory) -> Iterator[str]:
    """I5: a snapshot hash stands for one content, and the same content has the same hash again."""
    for review_id, packet in after.packet_rows.items():
        digest = packet["snapshot_hash"]
        if digest is None:
            continue
        selection = packet["snapshot_selection_version"]
        rating = (packet["snapshot_rating_shown"], packet["snapshot_rating"])
        content = (review_id, packet["snapshot_content_hash"], selection, *rating)
        known = memory.hashes.setdefault(content, digest)
        if known != digest:
            yield f"I5 {review_id}: the same content has the hash {digest} and had {known}"


# -- of one step -------------------------------------------------------------------------------------------------------


def _no_edit_under_lock(before: Sight, after: Sight, restored: str) -> Iterator[str]:
    """S4, I3: what a held register locks did not change in this step."""
    if restored == "assessment":
        return
    for review_id, was in before.reviews.items():
        now = after.reviews.get(review_id)
        if now is None:
            continue
        signed = any(was[f"{prefix}_held"] and now[f"{prefix}_held"] for prefix in HOLDERS)
        released = was["release_held"] and now["release_held"]
        changed = [name for name in MANAGER_SIDE if was[name] != now[name]]
        if changed and (signed or released):
            yield f"S4 {review_id}: {changed} changed under a lock"
        shown = was["self_state"] in {"shared", "waived"}
        changed = [name for name in (*SELF_SIDE, "self_state") if was[name] != now[name]]
        if changed and (signed or (released and shown and was["self_state"] != "waived")):
            yield f"S4 {review_id}: {changed} changed under a lock"
        if (signed or released) and was["manager_id"] != now["manager_id"]:
            yield f"S4 {review_id}: the manager changed under a lock"
        if (signed or released) and now["cancelled"] and not was["cancelled"]:
            yield f"S4 {review_id}: cancelled under a lock"


def _released_stays(before: Sight, after: Sight, restored: str) -> Iterator[str]:
    """I3: what is released does not change while it is."""
    if restored == "packets":
        return
    for review_id, was in before.packet_rows.items():
        now = after.packet_rows.get(review_id)
        if now is None or not was["state"] == now["state"] == "released" or was["epoch"] != now["epoch"]:
            continue
        changed = [name for name in was if name.startswith("snapshot_") and was[name] != now[name]]
        changed += [name for name in ("rating", "selection_version") if was[name] != now[name]]
        # Who is manager of record is assessment's to say: packets may have to learn it from the row, after lost facts.
        truth = after.reviews.get(review_id)
        if was["manager_id"] != now["manager_id"] and (truth is None or now["manager_id"] != truth["manager_id"]):
            changed.append("manager_id")
        if changed:
            yield f"I3 {review_id}: {changed} changed while released"


def _no_edit_while_awaited(before: Sight, after: Sight, restored: str) -> Iterator[str]:
    """S4: a restored assessment takes no edit before the others have compared their rows with it."""
    if restored == "assessment" or not (before.awaits("packets") or before.awaits("signing")):
        return
    if not (after.awaits("packets") or after.awaits("signing")):
        return
    for review_id, was in before.reviews.items():
        now = after.reviews.get(review_id, was)
        changed = [name for name in (*MANAGER_SIDE, *SELF_SIDE) if was[name] != now[name]]
        if changed:
            yield f"S4 {review_id}: {changed} changed before the others had compared their rows"


def _fences_rise(before: Sight, after: Sight, restored: str) -> Iterator[str]:
    """S6: no fence goes down, and what a fence came to stays."""
    if restored != "assessment":
        for review_id, was in before.reviews.items():
            now = after.reviews.get(review_id)
            if now is None:
                # Who is taken out of a cycle before its start was never told of.
                if was["event_sequence"]:
                    yield f"S6 {review_id}: assessment's row is gone"
                continue
            for name in REGISTERS:
                if now[f"{name}_fence"] < was[f"{name}_fence"]:
                    yield f"S6 {review_id}: {name} went from {was[f'{name}_fence']} down to {now[f'{name}_fence']}"
                same = now[f"{name}_fence"] == was[f"{name}_fence"]
                if same and now[f"{name}_outcome"] != was[f"{name}_outcome"]:
                    yield f"S6 {review_id}: {name}'s outcome {was[f'{name}_outcome']} became {now[f'{name}_outcome']}"
    if restored != "packets":
        yield from _never_down(before.packet_rows, after.packet_rows, ("epoch", "row_version", "assessment_version"))
    if restored != "signing":
        fences = tuple(f"{name}_fence" for name in HOLDERS.values())
        yield from _never_down(before.records, after.records, (*fences, "packet_epoch", "revoked_epoch", "row_version"))


def _never_down(before: dict[str, Row], after: dict[str, Row], names: tuple[str, ...]) -> Iterator[str]:
    for review_id, was in before.items():
        now = after.get(review_id)
        if now is None:
            yield f"S6 {review_id}: a row is gone"
            continue
        for name in names:
            if now[name] < was[name]:
                yield f"S6 {review_id}: {name} went from {was[name]} down to {now[name]}"


_AFTER: tuple[Callable[[Sight, Memory], Iterator[str]], ...] = (
    _released_is_held,
    _released_is_current,
    _signed_is_held,
    _released_is_signed,
    _same_content_same_hash,
)
_STEPS: tuple[Callable[[Sight, Sight, str], Iterator[str]], ...] = (
    _no_edit_under_lock,
    _no_edit_while_awaited,
    _released_stays,
    _fences_rise,
)
