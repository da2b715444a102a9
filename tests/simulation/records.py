"""What the services told: that it is in order, that it is all, and that it tells of nothing but what the rows came to.

`in_order` is asked after every step, the others when everything is at rest.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping, Sequence

    from simulation.lines import Sent
    from simulation.sight import Row, Rows, Sight

_COUNTED = {
    "/packets": "packets",
    "/assessment": "assessment",
    "/signing": "signing",
    "/notifications": "notifications",
}
_ALARMS = frozenset({"register-without-release", "release-without-register"})
_JUMPING = ("assessment", "signing")
# From which states a record of the packet may lead, and to which; None: the record says it.
_PACKET: dict[str, tuple[frozenset[str] | None, str | None]] = {
    "packet.ready.v1": (frozenset({"none", "unreleasing"}), "ready"),
    "packet.rebuilt.v1": (frozenset({"ready", "with_manager"}), None),
    "packet.withdrawn.v1": (frozenset({"ready", "with_manager", "unreleasing"}), None),
    "packet.released-to-manager.v1": (frozenset({"none", "ready", "unreleasing"}), "with_manager"),
    "packet.released.v1": (frozenset({"releasing"}), "released"),
    "packet.release-failed.v1": (frozenset({"releasing"}), None),
    "packet.unreleased.v1": (None, "unreleasing"),
}
_SIGNER: dict[str, tuple[frozenset[str], str]] = {
    "signature.requested.v1": (frozenset({"none", "revoking"}), "pending"),
    "signature.completed.v1": (frozenset({"pending"}), "signed"),
    "signature.rejected.v1": (frozenset({"pending"}), "none"),
    "signature.revoked.v1": (frozenset({"pending", "signed", "lost"}), "revoking"),
    "review.completion-requested.v1": (frozenset({"none", "revoking"}), "pending"),
    "review.completed.v1": (frozenset({"pending"}), "signed"),
    "review.completion-rejected.v1": (frozenset({"pending"}), "none"),
    "review.completion-lifted.v1": (frozenset({"pending", "signed", "lost"}), "revoking"),
}


@dataclass(slots=True)
class Order:
    """S8: in each topic one source's records of a key are in order, apart from repeats."""

    read: int = 0
    seen: set[str] = field(default_factory=set)
    last: dict[tuple[int, str, str, str], int] = field(default_factory=dict)

    def breaches(self, sent: Sequence[Sent]) -> Iterator[str]:
        """Look at what was sent since the last call."""
        fresh, self.read = sent[self.read :], len(sent)
        for one in fresh:
            number = one.sequence
            if number is None or one.id in self.seen:
                continue
            self.seen.add(one.id)
            place = (one.life, one.topic, one.headers["ce_source"], one.key)
            if number <= self.last.get(place, -1):
                yield f"S8 {one.key}: {one.type} numbered {number} came after {self.last[place]} in {one.topic}"
            self.last[place] = number


def once(sent: Sequence[Sent]) -> list[Sent]:
    """Each record the first time."""
    found: dict[str, Sent] = {}
    for one in sent:
        found.setdefault(one.id, one)
    return list(found.values())


def doubled(sent: Sequence[Sent], untrue: Container[str]) -> Iterator[str]:
    """S7: what a record causes is told once: no two facts of one type and register have the same cause.

    Not of a service in `untrue`, which was restored or has forgotten what it had read.
    """
    seen: dict[tuple[str, ...], str] = {}
    for one in once(sent):
        cause = one.headers.get("ce_causationid")
        # How often a mail was tried, and to whom, is judged by the mails.
        if cause is None or one.service in untrue or one.service == "notifications":
            continue
        content = json.loads(one.body)
        effect = (
            one.service,
            one.type,
            one.key,
            cause,
            *(str(content.get(name)) for name in ("holder", "signer_role")),
        )
        if seen.setdefault(effect, one.id) != one.id:
            yield f"S7 {one.key}: {one.service} told {one.type} numbered {one.sequence} of a cause that it had told of"


def unanswered(sent: Sequence[Sent]) -> Iterator[str]:
    """E: each command on a register has its answer."""
    told = once(sent)
    causes = {one.headers.get("ce_causationid") for one in told if one.service == "assessment"}
    for one in told:
        if one.type == "hold.requested.v1" and one.id not in causes:
            yield f"E {one.key}: the command of {one.service} numbered {one.sequence} was never answered"


def alarms(sent: Sequence[Sent]) -> Iterator[str]:
    """L4: where nothing was restored, no sweep finds a release without its register, nor the other way round."""
    for one in once(sent):
        if one.type == "packet.unreleased.v1" and json.loads(one.body)["reason"] in _ALARMS:
            yield f"L4 {one.key}: {one.type} numbered {one.sequence} is an alarm, and nothing was restored"


def untold(
    sight: Sight, sent: Sequence[Sent], lives: Mapping[str, int], counted_before: Mapping[str, Mapping[str, int]]
) -> Iterator[str]:
    """S7: every number that a row counted is one record that was sent; no record has a number that no row counted.

    `lives`: how often each service's database was restored; `counted_before`: what the rows of one that was restored
    had counted then.
    """
    numbers: dict[tuple[str, str], dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    for one in once(sent):
        if one.sequence is not None and one.life == lives[one.service]:
            numbers[one.headers["ce_source"], one.key][one.sequence].add(one.id)
    for source, service in _COUNTED.items():
        rows: Rows = sight.of(service)["rows"]
        for key, row in rows.items():
            told = numbers[source, key]
            start = counted_before.get(service, {}).get(key, 0)
            fresh, last = {one for one in told if one > start}, row["event_sequence"]
            # Who was restored may jump ahead: then only the last number is known.
            jumped = service in counted_before and service in _JUMPING
            wanted = fresh if jumped else set(range(start + 1, last + 1))
            if fresh != wanted or max(fresh, default=last) > last:
                odd = sorted(fresh ^ wanted)[:10]
                yield f"S7 {key}: {source} counted from {start} to {last}, not (or not only) sent: {odd}"
            yield from (f"S7 {key}: {source} sent {n} twice" for n, ids in told.items() if len(ids) > 1 and n > start)


def retold(sight: Sight, sent: Sequence[Sent], restored: Container[str]) -> Iterator[str]:
    """S7: the records, read in the order of their numbers, are a way through the states that ends where the row is.

    Not of a service that was `restored`: what it told before does not end where it went on.
    """
    by_key: dict[tuple[str, str], list[tuple[int, Sent]]] = defaultdict(list)
    for one in once(sent):
        if one.sequence is not None:
            by_key[one.service, one.key].append((one.sequence, one))
    for (service, key), numbered in sorted(by_key.items()):
        told = [one for _, one in sorted(numbered, key=lambda pair: pair[0])]
        row = sight.of(service)["rows"].get(key)
        if row is None or service in restored:
            continue
        if service == "packets":
            yield from _packet_way(row, told)
        elif service == "signing":
            yield from _signing_way(row, told)
        elif service == "assessment":
            yield from _manager_way(row, told)


def _packet_way(row: Row, told: Sequence[Sent]) -> Iterator[str]:
    state, epoch = "none", 0
    for one in told:
        content = json.loads(one.body)
        if one.type == "hold.requested.v1":
            if content["want"] == "held" and not (state == "releasing" and content["epoch"] == epoch):
                if state not in {"ready", "with_manager", "releasing"} or content["epoch"] <= epoch:
                    yield f"S7 {row['review_id']}: a release of epoch {content['epoch']} was asked for in {state}"
                state = "releasing"
            epoch = content["epoch"]
        elif one.type in _PACKET:
            allowed, to = _PACKET[one.type]
            was = content.get("was")
            if (allowed is not None and state not in allowed) or was not in {None, "unknown", state}:
                yield f"S7 {row['review_id']}: {one.type} numbered {one.sequence} (was {was}) was told in {state}"
            state = to or content.get("state", state)
            epoch = content["epoch"]
    if (state, epoch) != (row["state"], row["epoch"]):
        now = f"{row['state']} at {row['epoch']}"
        yield f"S7 {row['review_id']}: the records lead to {state} at {epoch}, the row is {now}"


def _signing_way(row: Row, told: Sequence[Sent]) -> Iterator[str]:
    states: dict[str, str] = dict.fromkeys(("employee", "manager", "completion"), "none")
    for one in told:
        if one.type not in _SIGNER:
            continue
        name = json.loads(one.body).get("signer_role", "completion")
        allowed, to = _SIGNER[one.type]
        # What is lost or freed is not told by a record of its own.
        if states[name] not in allowed and "lost" not in allowed:
            yield f"S7 {row['review_id']}: {one.type} numbered {one.sequence} was told in {states[name]}"
        states[name] = to
    for name, state in states.items():
        now = row[f"{name}_state"]
        if now != "lost" and now not in {state, "none" if state == "revoking" else state}:
            yield f"S7 {row['review_id']}: the records lead {name} to {state}, the row is {now}"


def _manager_way(row: Row, told: Sequence[Sent]) -> Iterator[str]:
    state, version = "none", 0
    for one in told:
        if not one.type.startswith("manager-assessment."):
            continue
        content: dict[str, Any] = json.loads(one.body)
        if one.type == "manager-assessment.reopened.v1":
            state = "draft"
            continue
        if one.type == "manager-assessment.revised.v1" and state != "submitted":
            yield f"S7 {row['review_id']}: {one.type} numbered {one.sequence} was told in {state}"
        state, version = "submitted", content["manager_version"]
    submitted = row["manager_state"] == "submitted"
    if submitted != (state == "submitted") or (submitted and version != row["manager_version"]):
        yield (
            f"S7 {row['review_id']}: the records lead to {state} {version}, "
            f"the row is {row['manager_state']} {row['manager_version']}"
        )
