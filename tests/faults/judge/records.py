"""S7, S8: rows count what they tell; the records must be just those, in order."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from faults.judge.history import History

    Found = Iterator[tuple[str, str, str]]

# Which row counts what a service tells of a review.
COUNTERS = {
    "/assessment": ("assessment", "review"),
    "/packets": ("packets", "packets"),
    "/signing": ("signing", "record"),
    "/notifications": ("notifications", "board"),
}
ENDS = {"packet.released.v1": "released", "packet.release-failed.v1": "failed"}


def numbers_are_whole(history: History) -> Found:
    """S7: every number that a row has counted is one record, and no record has a number beyond."""
    for source, (service, table) in COUNTERS.items():
        counted = {row["review_id"]: row["event_sequence"] for row in history.table(service, table)}
        for review in history.reviews:
            ids: dict[int, set[str]] = defaultdict(set)
            for one in history.told(source, review):
                ids[one.number].add(one.id)
            wanted = set(range(1, counted.get(review, 0) + 1))
            if missing := sorted(wanted - ids.keys()):
                yield "S7", review, f"{source} has counted {len(wanted)} records, and {missing[:5]} were never sent"
            if beyond := sorted(ids.keys() - wanted):
                yield "S7", review, f"{source} sent records {beyond[:5]} beyond the {len(wanted)} that its row counts"
            for number, each in ids.items():
                if len(each) > 1:
                    yield "S7", review, f"{source} sent {len(each)} records numbered {number}"


def attempts_end_once(history: History) -> Found:
    """S7: each attempt to release is asked for, and ends once: released, failed, or taken back on the way."""
    for review in history.reviews:
        asked: set[int] = set()
        ends: dict[int, list[str]] = defaultdict(list)
        for one in history.told("/packets", review):
            epoch = one.data.get("epoch") or 0
            if one.type == "hold.requested.v1" and one.data["want"] == "held":
                asked.add(epoch)
            elif one.type in ENDS:
                ends[epoch].append(ENDS[one.type])
            elif one.type == "packet.unreleased.v1" and one.data["was"] == "releasing":
                ends[epoch].append("taken back")
        for epoch in sorted(asked | ends.keys()):
            if epoch not in asked:
                yield "S7", review, f"epoch {epoch} ended {ends[epoch]} and was never asked for"
            elif len(ends[epoch]) > 1:
                yield "S7", review, f"epoch {epoch} ended {ends[epoch]}"
            elif not ends[epoch] and epoch < max(asked):
                yield "S7", review, f"epoch {epoch} never ended"


def records_are_in_order(history: History) -> Found:
    """S8: in each topic, where records come for the first time, their numbers go up."""
    last: dict[tuple[str, str, str], int] = defaultdict(int)
    for one in history.once:
        if not one.number:
            continue
        place = (one.topic, one.source, one.review)
        if one.number < last[place]:
            yield "S8", one.review, f"{one.type} numbered {one.number} came after {last[place]} in {one.topic}"
        last[place] = max(one.number, last[place])


CHECKS = (numbers_are_whole, attempts_end_once, records_are_in_order)
