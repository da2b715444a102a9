"""The history as the judge sees it: calls, records, mails, final rows, and the few ways in which rules ask for them."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

NOTHING: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request and its answer. `began` and `ended` are seconds of one clock; `status` is 0 where no answer came."""

    who: str
    act: str
    review: str
    key: str
    trace: str
    tag: str
    sent: Any
    began: float
    ended: float
    status: int
    body: Any = None
    etag: str = ""
    document: str = ""

    @property
    def ok(self) -> bool:
        """Whether it was done."""
        return 200 <= self.status < 300

    @property
    def undecided(self) -> bool:
        """Whether it may have been done, or not."""
        return self.status == 0 or self.status >= 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A record. `life` counts how often Kafka began anew; `number` is the source's own count of what it told.

    `occurred`: when the transaction began that it tells of; `at`: when it was written to its topic, after the commit.
    """

    life: int
    topic: str
    partition: int
    offset: int
    review: str
    type: str
    id: str
    source: str
    number: int
    cause: str
    data: Mapping[str, Any]
    at: float = 0.0
    occurred: float = 0.0

    @property
    def place(self) -> tuple[int, str, int, int]:
        """Where it lies, in the order in which it was written to its partition."""
        return (self.life, self.topic, self.partition, self.offset)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """A mail that the mail server took. `decided`: its own date, the second within which it was asked about."""

    id: str
    to: str
    arrived: float
    decided: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Disturbance:
    """Something that was done to a process or a connection."""

    kind: str
    target: str
    began: float
    ended: float


@dataclass(frozen=True)
class History:
    """Everything. `rows` by service and table; `documents` are the marks found in each PDF, by its digest."""

    run: Mapping[str, Any]
    calls: Sequence[Call]
    records: Sequence[Told]
    mails: Sequence[Mail]
    faults: Sequence[Disturbance]
    rows: Mapping[str, Mapping[str, Sequence[Mapping[str, Any]]]]
    documents: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def table(self, service: str, name: str) -> Sequence[Mapping[str, Any]]:
        """The final rows of a table."""
        return self.rows.get(service, {}).get(name, ())

    @cached_property
    def reviews(self) -> list[str]:
        """The reviews that were acted on."""
        return [one["id"] for one in self.run["reviews"]]

    @cached_property
    def employee(self) -> Mapping[str, str]:
        """Who each review is about."""
        return {one["id"]: one["employee"] for one in self.run["reviews"]}

    @cached_property
    def holds(self) -> Mapping[str, Mapping[str, Any]]:
        """Assessment's row of each review: versions and registers."""
        return _by_review(self.table("assessment", "review"))

    @cached_property
    def packets(self) -> Mapping[str, Mapping[str, Any]]:
        """Packets' row of each review."""
        return _by_review(self.table("packets", "packets"))

    @cached_property
    def signatures(self) -> Mapping[str, Mapping[str, Any]]:
        """Signing's row of each review."""
        return _by_review(self.table("signing", "record"))

    @cached_property
    def contents(self) -> Mapping[tuple[str, int], Mapping[str, Any]]:
        """What managers wrote, by review and version, as assessment keeps it."""
        rows = self.table("assessment", "content")
        return {(one["review_id"], one["version"]): one for one in rows if one["side"] == "manager"}

    @cached_property
    def selections(self) -> Mapping[tuple[str, int], Mapping[str, Any]]:
        """Which questions were chosen, by cycle and version."""
        return {(one["cycle_id"], one["version"]): one for one in self.table("packets", "selections")}

    @cached_property
    def ratings(self) -> Mapping[tuple[str, int], int]:
        """Calibrated ratings, by review and version."""
        rows = self.table("packets", "calibration_ratings")
        return {(one["review_id"], one["rating_version"]): int(one["new"]) for one in rows}

    @cached_property
    def once(self) -> Sequence[Told]:
        """Every record once, where it came first."""
        found: dict[str, Told] = {}
        for one in sorted(self.records, key=lambda each: each.place):
            found.setdefault(one.id, one)
        return list(found.values())

    @cached_property
    def _told(self) -> Mapping[tuple[str, str], list[Told]]:
        found: dict[tuple[str, str], list[Told]] = defaultdict(list)
        for one in sorted(self.once, key=lambda each: each.number):
            found[one.source, one.review].append(one)
        return found

    def told(self, source: str, review: str) -> Sequence[Told]:
        """What a service told of a review, in the order in which it decided it."""
        return self._told.get((source, review), [])

    @cached_property
    def by_cause(self) -> Mapping[str, Sequence[Told]]:
        """Records by the call that set them in motion."""
        return _grouped(self.once, lambda one: one.cause)

    @cached_property
    def audits(self) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        """What the services noted of people's acts, by the call."""
        rows = [row for tables in self.rows.values() for row in tables.get("audit", ())]
        return _grouped(rows, lambda one: one["request_id"])

    @cached_property
    def _acts(self) -> Mapping[tuple[str, str], Sequence[Call]]:
        return _grouped(self.calls, lambda one: (one.act, one.review))

    def acts(self, act: str, review: str) -> Sequence[Call]:
        """The calls of one kind about a review, in the order in which they began."""
        return self._acts.get((act, review), ())

    @cached_property
    def intents(self) -> Mapping[str, Sequence[Call]]:
        """Commands and saves by their key: what was sent again belongs to what was sent first."""
        return _grouped([one for one in self.calls if one.key], lambda one: one.key)


def load(folder: Path) -> History:
    """Read the files of a run."""
    rows = {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in (folder / "rows").glob("*.json")}
    documents = folder / "documents.json"
    return History(
        run=json.loads((folder / "run.json").read_text(encoding="utf-8")),
        calls=sorted(map(_call, _lines(folder / "calls.jsonl")), key=lambda one: one.began),
        records=[_told(one) for one in _lines(folder / "records.jsonl")],
        mails=[Mail(**one) for one in _lines(folder / "mails.jsonl")],
        faults=[_disturbance(one) for one in _lines(folder / "faults.jsonl")],
        rows=rows,
        documents=json.loads(documents.read_text(encoding="utf-8")) if documents.exists() else {},
    )


def _lines(file: Path) -> Iterator[dict[str, Any]]:
    with file.open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def _call(one: Mapping[str, Any]) -> Call:
    return Call(**{name: one[name] for name in Call.__slots__ if name in one})


def _disturbance(one: Mapping[str, Any]) -> Disturbance:
    return Disturbance(**{name: one[name] for name in Disturbance.__slots__})


def _told(one: Mapping[str, Any]) -> Told:
    headers = one["headers"]
    return Told(
        life=one["life"],
        topic=one["topic"],
        partition=one["partition"],
        offset=one["offset"],
        review=one["key"],
        type=headers["ce_type"],
        id=headers["ce_id"],
        source=headers["ce_source"],
        number=int(headers.get("ce_sequence", 0)),
        cause=headers.get("ce_correlationid", ""),
        data=one["data"],
        at=one.get("at", 0.0),
        occurred=one.get("occurred", 0.0),
    )


def _by_review(rows: Iterable[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    return {row["review_id"]: row for row in rows}


def _grouped(items: Iterable[Any], of: Any) -> dict[Any, list[Any]]:
    found: dict[Any, list[Any]] = defaultdict(list)
    for one in items:
        found[of(one)].append(one)
    return found
