"""The verdict on what a system did: its rows and its records, held against the rules that must never be broken.

    wrongs = violations(collect(system, review_ids))

The rows are those of a system at rest. Reading them and judging them are apart, so that the judge itself is tested
with made-up evidence.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.people import SERVICES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from harness.observer import Written
    from harness.system import System

    Row = Mapping[str, Any]
    Rows = Mapping[str, Row]

SIGNERS = ("employee", "manager")
ENDINGS = {"packet.released.v1": "released", "packet.release-failed.v1": "failed"}
HIDING = "packet.unreleased.v1"
COMMAND = "hold.requested.v1"
ANSWERS = {"hold.granted.v1", "hold.rejected.v1", "hold.released.v1"}
EDITS = {"manager-assessment.revised.v1", "manager-assessment.reopened.v1"}
# Which row counts the events of which source.
COUNTERS = {
    "/packets": "packets",
    "/assessment": "reviews",
    "/signing": "signatures",
    "/notifications": "boards",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Rows by review id as their tables have them, the reviews' records in order, and what was put aside."""

    packets: Rows
    reviews: Rows
    signatures: Rows
    boards: Rows
    records: Sequence[Written]
    deliveries: Sequence[Row] = ()
    # How many mails have which Message-ID.
    mails: Mapping[str, int] = field(default_factory=dict)
    put_aside: Mapping[str, int] = field(default_factory=dict)


def collect(system: System, review_ids: Sequence[str]) -> Evidence:
    """Read what there is about these reviews."""
    wanted = set(review_ids)
    return Evidence(
        packets=_rows(system, "packets", "packets", review_ids),
        reviews=_rows(system, "assessment", "review", review_ids),
        signatures=_rows(system, "signing", "record", review_ids),
        boards=_rows(system, "notifications", "board", review_ids),
        deliveries=_deliveries(system, review_ids),
        mails=Counter(str(mail["Message-ID"]).strip("<>").partition("@")[0] for mail in system.mails()),
        records=[one for one in system.records() if one.key in wanted],
        put_aside=_put_aside(system),
    )


def violations(evidence: Evidence) -> list[str]:
    """Return every rule that is broken, with the review that breaks it; nothing if all is well."""
    rules: tuple[Callable[[Evidence], Iterator[str]], ...] = (
        _unsettled,
        _release_registers,
        _contents,
        _signatures,
        _numbers,
        _orders,
        _outcomes,
        _epochs,
        _edits,
        _mails,
    )
    found = [wrong for rule in rules for wrong in rule(evidence)]
    return found + [f"{number} records put aside in {place}" for place, number in evidence.put_aside.items() if number]


def facts(records: Sequence[Written], kind: str, review_id: str | None = None) -> list[Written]:
    """Return the records of a type (of one review), each once however often it was sent."""
    seen = {one.headers["ce_id"]: one for one in reversed(records) if one.type == kind}
    return [one for one in reversed(seen.values()) if review_id in {None, one.key}]


def repeats(records: Sequence[Written]) -> int:
    """Return how many records lie in the topics a second time."""
    return len(records) - len({one.headers["ce_id"] for one in records})


def locked_spans(records: Sequence[Written]) -> Iterator[tuple[str, list[tuple[int, int]]]]:
    """Yield for each review the spans of assessment's numbers in which its release register was held."""
    for review_id, told in _by_review(records).items():
        spans: list[tuple[int, int]] = []
        began: int | None = None
        for number, one in _told_by("/assessment", told):
            if one.type not in ANSWERS or one.data["holder"] != "release":
                continue
            if one.type == "hold.granted.v1" and began is None:
                began = number
            elif one.type != "hold.granted.v1" and began is not None:
                spans.append((began, number))
                began = None
        yield review_id, [*spans, *([(began, 2**62)] if began is not None else [])]


# -- the rules -------------------------------------------------------------------------------------------------------


def _unsettled(evidence: Evidence) -> Iterator[str]:
    """L1, L2, L3: nothing hangs."""
    for review_id, row in evidence.packets.items():
        if row["state"] in {"releasing", "unreleasing"}:
            yield f"{review_id}: the packet hangs in {row['state']}"
    for review_id, row in evidence.signatures.items():
        for name in (*SIGNERS, "completion"):
            if row[f"{name}_state"] in {"pending", "revoking", "lost"}:
                yield f"{review_id}: signing's {name} hangs in {row[f'{name}_state']}"


def _release_registers(evidence: Evidence) -> Iterator[str]:
    """S1, L4: released if and only if the register is held, at the same epoch over the same snapshot."""
    for review_id, review in evidence.reviews.items():
        packet = evidence.packets.get(review_id)
        released = packet is not None and packet["state"] == "released"
        if released != review["release_held"]:
            yield f"{review_id}: released is {released}, its register held is {review['release_held']}"
        elif packet is not None and released:
            for ours, theirs in (("epoch", "release_epoch"), ("snapshot_hash", "release_snapshot_hash")):
                if packet[ours] != review[theirs]:
                    yield f"{review_id}: released with {ours} {packet[ours]}, held with {review[theirs]}"


def _contents(evidence: Evidence) -> Iterator[str]:
    """S2: what is released is the current version, with the rating and the selection of the row."""
    for review_id, packet in evidence.packets.items():
        if packet["state"] != "released":
            continue
        review = evidence.reviews[review_id]
        pairs = {
            "manager version": (packet["snapshot_manager_version"], review["manager_version"]),
            "content": (packet["snapshot_content_hash"], review["manager_hash"]),
            "selection": (packet["snapshot_selection_version"], packet["selection_version"]),
            "rating": (packet["snapshot_rating_version"], packet["rating_version"]),
        }
        for what, (shown, current) in pairs.items():
            if shown != current:
                yield f"{review_id}: released with {what} {shown}, current is {current}"


def _signatures(evidence: Evidence) -> Iterator[str]:
    """S3, L4: signed if and only if the register is held; what is released is what was signed."""
    for review_id, record in evidence.signatures.items():
        review, packet = evidence.reviews[review_id], evidence.packets.get(review_id)
        for name in SIGNERS:
            signed = record[f"{name}_state"] == "signed"
            if signed != review[f"signature_{name}_held"]:
                yield f"{review_id}: the {name} has signed is {signed}, the register says otherwise"
            elif signed:
                covered = record[f"{name}_snapshot_hash"]
                if covered != review[f"signature_{name}_snapshot_hash"]:
                    yield f"{review_id}: the {name}'s register holds another snapshot than was signed"
                if packet is not None and packet["state"] == "released" and packet["snapshot_hash"] != covered:
                    yield f"{review_id}: released is another snapshot than the {name} signed"
        if (record["completion_state"] == "signed") != review["completion_held"]:
            yield f"{review_id}: completion is {record['completion_state']}, the register says otherwise"


def _numbers(evidence: Evidence) -> Iterator[str]:
    """S7: every number that a row counted is one record, sent at least once; no record without a number of the row."""
    for review_id, told in _by_review(evidence.records).items():
        for source, table in COUNTERS.items():
            row = getattr(evidence, table).get(review_id)
            ids: dict[int, set[str]] = defaultdict(set)
            for number, one in _told_by(source, told):
                ids[number].add(one.headers["ce_id"])
            counted = 0 if row is None else row["event_sequence"]
            if set(ids) != set(range(1, counted + 1)):
                odd = sorted(set(ids) ^ set(range(1, counted + 1)))
                yield f"{review_id}: {source} counted {counted} records, and not (or not only) sent are {odd}"
            yield from (
                f"{review_id}: {source} sent {len(each)} records numbered {number}"
                for number, each in ids.items()
                if len(each) > 1
            )


def _orders(evidence: Evidence) -> Iterator[str]:
    """S8: in each topic, one source's records of a review are in order apart from repeats."""
    last: dict[tuple[str, str, str], int] = defaultdict(int)
    seen: set[str] = set()
    for one in sorted(evidence.records, key=lambda each: (each.topic, each.partition, each.offset)):
        if one.headers["ce_id"] in seen or "ce_sequence" not in one.headers:
            continue
        seen.add(one.headers["ce_id"])
        place, number = (one.topic, one.headers["ce_source"], one.key), int(one.headers["ce_sequence"])
        if number < last[place]:
            yield f"{one.key}: {one.type} numbered {number} came after {last[place]} in {one.topic}"
        last[place] = max(number, last[place])


def _outcomes(evidence: Evidence) -> Iterator[str]:
    """S6: of one fence of one register there is one outcome, and a register's fences never go down."""
    outcomes: dict[tuple[str, str, int], set[str]] = defaultdict(set)
    highest: dict[tuple[str, str], int] = defaultdict(int)
    for review_id, told in _by_review(evidence.records).items():
        for _, one in _told_by("/assessment", told):
            if one.type not in ANSWERS:
                continue
            holder, fence = one.data["holder"], one.data["fence"]
            outcomes[review_id, holder, fence].add(one.type)
            if fence < highest[review_id, holder]:
                yield f"{review_id}: {holder} answered fence {fence} after {highest[review_id, holder]}"
            highest[review_id, holder] = max(fence, highest[review_id, holder])
    yield from (f"{key}: two outcomes {sorted(kinds)}" for key, kinds in outcomes.items() if len(kinds) > 1)


def _epochs(evidence: Evidence) -> Iterator[str]:
    """S7: each attempt to release was asked for once and has one end: released, refused, or taken back on the way."""
    asked: set[tuple[str, int]] = set()
    ends: dict[tuple[str, int], list[str]] = defaultdict(list)
    passed: set[tuple[str, int]] = set()
    for one in _once(evidence.records):
        at = (one.key, one.data.get("epoch") or 0)
        if one.type == COMMAND and one.data["holder"] == "release" and one.data["want"] == "held":
            asked.add(at)
        elif one.type in ENDINGS:
            ends[at].append(ENDINGS[one.type])
        elif one.type == HIDING and one.data["was"] == "releasing":
            ends[at].append("taken back")
        elif one.type == "hold.superseded.v1" and one.data["holder"] == "release":
            passed.add((one.key, one.data["fence"] // 2))
    for at in asked - passed:
        if len(ends[at]) != 1:
            yield f"{at[0]}: the release of epoch {at[1]} ended {ends[at] or 'never'}"
    yield from (
        f"{at[0]}: epoch {at[1]} ended {ends[at]} and was never asked for" for at in ends.keys() - asked if ends[at]
    )


def _edits(evidence: Evidence) -> Iterator[str]:
    """S4: no edit was accepted while the release register was held."""
    told = _by_review(evidence.records)
    for review_id, spans in locked_spans(evidence.records):
        for number, one in _told_by("/assessment", told[review_id]):
            if one.type in EDITS and any(began < number < ended for began, ended in spans):
                yield f"{review_id}: {one.type} numbered {number} while the release register was held"


def _mails(evidence: Evidence) -> Iterator[str]:
    """Each mail that was called for went out at most once, and exactly once where we say so."""
    for row in evidence.deliveries:
        key = ":".join(str(row[name]) for name in ("recipient_id", "template", "review_id", "occasion"))
        copies = evidence.mails.get(mail_id(key), 0)
        # Of an attempt that was cut off nobody knows how it ended.
        allowed = {"sent": {1}, "suppressed": {0}, "failed": {0, 1} if row["reason"] == "outcome-unknown" else {0}}
        if row["state"] not in allowed:
            yield f"{row['review_id']}: the mail {row['template']} to {row['recipient_id']} hangs in {row['state']}"
        elif copies not in allowed[row["state"]]:
            yield f"{row['review_id']}: {copies} mails {row['template']} to {row['recipient_id']}, it is {row['state']}"


# -- inside ----------------------------------------------------------------------------------------------------------


def mail_id(key: str) -> str:
    """Return the first part of the Message-ID of the mail with this key."""
    return hashlib.sha256(key.encode()).hexdigest()[:40]


def _once(records: Sequence[Written]) -> list[Written]:
    found: dict[str, Written] = {}
    for one in records:
        found.setdefault(one.headers["ce_id"], one)
    return list(found.values())


def _by_review(records: Sequence[Written]) -> dict[str, list[Written]]:
    found: dict[str, list[Written]] = defaultdict(list)
    for one in records:
        found[one.key].append(one)
    return found


def _told_by(source: str, records: Sequence[Written]) -> list[tuple[int, Written]]:
    """What a source told of one review, by its own numbers: the order in which it was decided."""
    numbered = [(int(one.headers["ce_sequence"]), one) for one in records if one.headers["ce_source"] == source]
    return sorted(numbered, key=lambda pair: pair[0])


def _rows(system: System, service: str, table: str, review_ids: Sequence[str]) -> Rows:
    statement = f"select review_id::text, to_jsonb(t) from {table} t where review_id = any(%s::uuid[])"  # noqa: S608 -- our own tables
    return dict(system.rows(service, statement, [list(review_ids)]))


def _deliveries(system: System, review_ids: Sequence[str]) -> list[Row]:
    statement = "select to_jsonb(d) from delivery d where review_id = any(%s::uuid[])"
    return [row for (row,) in system.rows("notifications", statement, [list(review_ids)])]


def _put_aside(system: System) -> dict[str, int]:
    statement = (
        "select (select count(*) from dead_letter), (select count(*) from outbox_dead), "
        "(select count(*) from jobs where status = 'dead')"
    )
    found: dict[str, int] = {}
    for service in SERVICES:
        ((incoming, outgoing, given_up),) = system.rows(service, statement)
        found |= {
            f"{service}'s dead letters": incoming,
            f"{service}'s outgoing dead letters": outgoing,
            f"{service}'s jobs given up": given_up,
        }
    return found
