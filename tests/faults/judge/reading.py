"""F1, F2, F3, S5: what employees read, against what was locked, edited and taken back, and when.

Every read has a start and an end on one clock with all other calls. What was acknowledged before a read began counts
for it; what overlaps it may count or not.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

from faults.judge.history import NOTHING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from faults.judge.history import Call, History, Told

    Found = Iterator[tuple[str, str, str]]

MARK = re.compile(r"w\d+w")
UNRELEASED = "packet.unreleased.v1"
RELEASED = "packet.released.v1"
GRANTED = "hold.granted.v1"


def nothing_older_than_an_acknowledged_edit(history: History) -> Found:
    """F1: a read that begins after an edit was acknowledged shows that edit or a later one, never an earlier text."""
    for review in history.reviews:
        edits = sorted((one.ended, int(one.etag)) for one in history.acts("edit", review) if one.ok)
        for read in _reads(history, review):
            newest = max((version for ended, version in edits if ended < read.began), default=0)
            if _version(read) < newest:
                yield "F1", review, f"version {_version(read)} was read {_when(read)} after version {newest} was saved"
                break


def no_edit_after_a_read_unless_taken_back(history: History) -> Found:
    """F1: who edits after the employee has read a release can do so only because it was taken back."""
    for review in history.reviews:
        hidden = max(
            (one.data["epoch"] for one in history.told("/packets", review) if one.type == UNRELEASED), default=0
        )
        asked = min((one.began for one in _takings_back(history, review)), default=0.0)
        reads = [one for one in history.acts("read", review) if one.ok]
        for edit in (one for one in history.acts("edit", review) if one.ok):
            before = [one.body["epoch"] for one in reads if one.ended < edit.began]
            if before and (max(before) > hidden or edit.ended < asked):
                yield "F1", review, f"edited {_when(edit)} though epoch {max(before)} was released"


def _takings_back(history: History, review: str) -> Iterator[Call]:
    """Whoever asked to take a release back, alone or with others."""
    yield from history.acts("unrelease", review)
    for one in history.acts("bulk", ""):
        if one.sent["action"] == "unrelease" and review in one.sent["selection"]["review_ids"]:
            yield one


def what_is_read_is_what_was_locked(history: History) -> Found:
    """F2, S5: each read names a release that was granted, and shows the texts of the version that was locked."""
    for review in history.reviews:
        grants = _grants(history, review)
        for read in (one for one in history.acts("read", review) if one.ok):
            seen = read.body
            grant = grants.get(seen["epoch"])
            if grant is None:
                yield "S5", review, f"epoch {seen['epoch']} was read {_when(read)} and never granted"
                continue
            locked = (grant.data["manager_version"], grant.data["snapshot_hash"])
            if (seen["manager_version"], seen["snapshot_hash"]) != locked:
                yield "F2", review, f"read version {seen['manager_version']}, locked was {locked[0]}"
            elif words := _differs(history, review, read):
                yield "F2", review, f"epoch {seen['epoch']} showed {words}"


def _differs(history: History, review: str, read: Call) -> str:
    """Say how what was shown differs from what the services keep; nothing if it does not."""
    seen = read.body
    chosen = history.selections.get((seen["cycle_id"], seen["selection_version"]))
    content = history.contents.get((review, seen["manager_version"]))
    if content is None or chosen is None:
        return "what is nowhere kept"
    calibrated = history.holds[review]["calibration_required"]
    left_out = set(chosen["rating_question_ids"]) if calibrated else set()
    kept = {one["question_id"]: one["value"] for one in content["answers"]}
    wanted = {name: kept.get(name) for name in chosen["question_ids"] if name not in left_out}
    if {one["question_id"]: one["value"] for one in seen["questions"]} != wanted:
        return "other answers than were locked"
    if calibrated:
        version = int(read.etag.split(".")[3])
        if seen["rating"] is None or history.ratings.get((review, version)) != seen["rating"]["value"]:
            return f"the rating {seen['rating']}, which is not that of version {version}"
    elif seen["rating"] is not None:
        return "a rating where nothing was calibrated"
    return "" if snapshot_hash(seen) == seen["snapshot_hash"] else "what its snapshot is not the hash of"


def documents_hold_what_their_tag_says(history: History) -> Found:
    """F2: a downloaded document holds the texts of the version that it names, and of no other."""
    for review in history.reviews:
        for one in history.acts("download", review):
            if one.status != 200 or not one.document:
                continue
            content = history.contents.get((review, _version(one)), NOTHING)
            written = set(MARK.findall(json.dumps(content.get("answers", []))))
            found = set(history.documents.get(one.document, ()))
            if found != written:
                yield (
                    "F2",
                    review,
                    f"the document of version {_version(one)} holds {sorted(found)}, not {sorted(written)}",
                )


def nothing_is_read_after_it_was_taken_back(history: History) -> Found:
    """F3: a read that begins after an unrelease was acknowledged is refused, unless a newer release came since."""
    for review in history.reviews:
        hidden = [(one.ended, one.body["epoch"]) for one in history.acts("unrelease", review) if _hides(one)]
        newest = max((one.data["epoch"] for one in history.told("/packets", review) if one.type == RELEASED), default=0)
        for read in _reads(history, review):
            passed = [(ended, epoch) for ended, epoch in hidden if ended < read.began]
            if not passed:
                continue
            ended, epoch = max(passed, key=lambda pair: pair[1])
            if read.act == "read":
                again = read.body["epoch"] > epoch
            else:
                again = newest > epoch and _asked_again(history, review, ended, read)
            if not again:
                yield "F3", review, f"epoch {epoch} was read {_when(read)}, taken back at {ended:.3f}"


CHECKS = (
    nothing_older_than_an_acknowledged_edit,
    no_edit_after_a_read_unless_taken_back,
    what_is_read_is_what_was_locked,
    documents_hold_what_their_tag_says,
    nothing_is_read_after_it_was_taken_back,
)


def _reads(history: History, review: str) -> list[Call]:
    """What the employee was shown: packets, and documents (an answer of 202 shows nothing)."""
    documents = [one for one in history.acts("download", review) if one.status == 200]
    return [one for one in history.acts("read", review) if one.ok] + documents


def _version(read: Call) -> int:
    """The version that a read showed; a document names it in its tag, after the hash."""
    return int(read.body["manager_version"]) if read.act == "read" else int(read.etag.split(".")[1])


def _hides(one: Call) -> bool:
    return one.ok and one.body["state"] == "unreleasing"


def _asked_again(history: History, review: str, hidden_at: float, read: Call) -> bool:
    """Whether somebody asked for another release, which could have been granted before the read ended."""
    asked = [*history.acts("release", review), *history.acts("later", review), *_of_many(history, review)]
    given = [one for one in asked if one.ok or one.undecided]
    return any(one.ended > hidden_at and one.began < read.ended for one in given)


def _of_many(history: History, review: str) -> list[Call]:
    """Releases of many packets, this one among them."""
    many = [one for one in history.acts("bulk", "") if one.sent["action"] == "release"]
    return [one for one in many if review in one.sent["selection"]["review_ids"]]


def _grants(history: History, review: str) -> Mapping[int, Told]:
    told = history.told("/assessment", review)
    return {one.data["epoch"]: one for one in told if one.type == GRANTED and one.data["holder"] == "release"}


def snapshot_hash(seen: Mapping[str, Any]) -> str:
    """The hash over what a packet shows, computed from what was shown and nothing else."""
    rated = seen["rating"]
    shown = {
        "questions": [[one["question_id"], _digest(one["text"]), _answer(one["value"])] for one in seen["questions"]],
        "rating": {"value": rated["value"], "shown": rated["shown"]} if rated else None,
        "scale": rated["scale"] if rated else None,
    }
    return _digest(shown)


def _answer(value: Any) -> str | None:
    return None if value is None else _digest(value)


def _digest(value: Any) -> str:
    # Strings, whole numbers, lists and objects only: sorted and without spaces they are canonical.
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def _when(one: Call) -> str:
    return f"from {one.began:.3f} to {one.ended:.3f}"
