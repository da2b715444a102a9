"""What became of a packet, as a list that only grows: each entry is told by the record of the step that made it.

Nothing in a packet's row is counted back from it, and nothing in it is ever changed: what a restore or a repair does to
the row stands in it as well. `lives` reads it as a person would tell it, release by release.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from functools import singledispatch
from typing import TYPE_CHECKING

from packets.domain import facts
from packets.domain.facts import Want
from packets.domain.packet import Packet, PacketState, Part, pinned, requester

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from packets.domain.facts import Record
    from packets.domain.ids import OperationId, PersonId, SnapshotHash


class Kind(StrEnum):
    """What an entry tells of."""

    SENT = "sent"
    TAKEN_BACK = "taken-back"
    ASKED = "asked"
    RELEASED = "released"
    REFUSED = "refused"
    UNRELEASED = "unreleased"
    CONVERSATION = "conversation"
    OVERRIDDEN = "overridden"


class Outcome(StrEnum):
    """How an attempt to release ended, or where it is."""

    IN_FLIGHT = "in-flight"
    RELEASED = "released"
    REFUSED = "refused"
    UNRELEASED = "unreleased"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What a person did: who it was, what they typed, and the operation over many packets that it was part of."""

    by: PersonId
    reason: str | None = None
    operation_id: OperationId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line. `number` is that of the event which told of it; `state` the packet's after it.

    `by` and `part` are who did it and as what, both None where nobody did; `code` is the reason as the event has it,
    `reason` what the person typed. Hash and versions are those of what was shown.
    """

    number: int
    kind: Kind
    epoch: int
    state: PacketState
    at: datetime | None = None
    by: PersonId | None = None
    part: Part | None = None
    code: str | None = None
    reason: str | None = None
    operation_id: OperationId | None = None
    snapshot_hash: SnapshotHash | None = None
    manager_version: int | None = None
    selection_version: int | None = None
    rating_version: int | None = None
    revoke_signatures: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One attempt to release, from its asking to its end; `asked` is None where a hold was found that nobody asked for.

    `ended` is the refusal, or the unrelease; an unrelease before the grant is `cancelled`.
    """

    epoch: int
    outcome: Outcome
    asked: Entry | None = None
    released: Entry | None = None
    ended: Entry | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """One stay with the manager; `ended` is what took the packet from there, None while it is so or was released."""

    sent: Entry
    ended: Entry | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lives:
    """A packet's history, oldest first."""

    releases: tuple[Release, ...]
    sendings: tuple[Sending, ...]
    conversations: tuple[Entry, ...]
    overrides: tuple[Entry, ...]


def moments(old: Packet, new: Packet) -> tuple[str, ...]:
    """Which instants a step makes new. They say when it came about last; whether it holds, the packet's state says."""
    home = old.state is PacketState.RELEASING and old.was_sent
    sent = new.state is PacketState.WITH_MANAGER and old.state is not PacketState.WITH_MANAGER and not home
    came = {
        "sent_at": sent,
        "released_at": new.state is PacketState.RELEASED and old.state is not PacketState.RELEASED,
        "viewed_at": new.viewed_epoch != old.viewed_epoch,
        "downloaded_at": new.downloaded_epoch != old.downloaded_epoch,
        "conversation_at": new.conversation_held and not old.conversation_held,
    }
    return tuple(name for name, new_one in came.items() if new_one)


def entries(packet: Packet, records: Sequence[Record], *, first: int, act: Act | None = None) -> tuple[Entry, ...]:
    """The lines that a step adds. `packet` is as it stands after the step, `first` the number of its first record."""
    told = ((number, entry(record, packet)) for number, record in enumerate(records, start=first))
    return tuple(_acted(replace(one, number=number), act) for number, one in told if one is not None)


@singledispatch
def entry(record: Record, packet: Packet) -> Entry | None:  # noqa: ARG001 -- the other implementations need it
    """The line of one record; None for what is told elsewhere, or is no step of the packet."""
    return None


@entry.register
def _(record: facts.PacketReleasedToManager, packet: Packet) -> Entry:
    part = None if record.by is None else Part.HR_ADMIN
    return _shown(packet, Kind.SENT, record.epoch, by=record.by, part=part)


@entry.register
def _(record: facts.PacketWithdrawn, packet: Packet) -> Entry | None:
    if record.was is not PacketState.WITH_MANAGER:
        return None
    return Entry(number=0, kind=Kind.TAKEN_BACK, epoch=record.epoch, state=packet.state, code=record.reason)


@entry.register
def _(record: facts.HoldRequested, packet: Packet) -> Entry | None:
    if record.want is not Want.HELD:
        return None
    person, part = requester(packet)
    return _shown(packet, Kind.ASKED, record.epoch, by=person, part=part)


@entry.register
def _(record: facts.PacketReleased, packet: Packet) -> Entry:
    return _shown(packet, Kind.RELEASED, record.epoch, by=record.released_by, part=record.released_as)


@entry.register
def _(record: facts.PacketReleaseFailed, packet: Packet) -> Entry:
    return Entry(
        number=0,
        kind=Kind.REFUSED,
        epoch=record.epoch,
        state=packet.state,
        code=record.reason,
        snapshot_hash=record.snapshot_hash,
        manager_version=record.manager_version,
    )


@entry.register
def _(record: facts.PacketUnreleased, packet: Packet) -> Entry:
    return Entry(
        number=0,
        kind=Kind.UNRELEASED,
        epoch=record.epoch,
        state=packet.state,
        by=record.by,
        part=None if record.by is None else Part.HR_ADMIN,
        code=record.reason.value,
        snapshot_hash=record.snapshot_hash,
        revoke_signatures=record.revoke_signatures,
    )


@entry.register
def _(record: facts.ConversationRecorded, packet: Packet) -> Entry:
    return _shown(packet, Kind.CONVERSATION, record.epoch, by=record.by, part=Part.MANAGER)


@entry.register
def _(record: facts.CalibrationOverridden, packet: Packet) -> Entry:
    return Entry(
        number=0,
        kind=Kind.OVERRIDDEN,
        epoch=packet.epoch,
        state=packet.state,
        by=record.by,
        part=Part.HR_ADMIN,
        manager_version=record.manager_version,
        rating_version=packet.rating_version,
    )


def lives(lines: Iterable[Entry]) -> Lives:
    """The history told release by release, from its lines in their order.

    An unrelease closes the newest attempt, whatever its own epoch: a repair or a restore moves the packet's on first.
    """
    releases: list[Release] = []
    sendings: list[Sending] = []
    others: dict[Kind, list[Entry]] = {Kind.CONVERSATION: [], Kind.OVERRIDDEN: []}
    for line in lines:
        if line.kind in others:
            others[line.kind].append(line)
        elif line.kind is Kind.SENT:
            sendings.append(Sending(sent=line))
        elif line.kind is not Kind.TAKEN_BACK:
            _tell(releases, line)
        if _leaves_manager(line) and sendings and sendings[-1].ended is None:
            sendings[-1] = replace(sendings[-1], ended=line)
    return Lives(
        releases=tuple(releases),
        sendings=tuple(sendings),
        conversations=tuple(others[Kind.CONVERSATION]),
        overrides=tuple(others[Kind.OVERRIDDEN]),
    )


def correction(releases: Iterable[Entry]) -> tuple[Entry, Entry] | None:
    """The newest correction: the last release of what was shown before, and the first of what took its place.

    `releases` are the lines of releases in their order. None where all that was ever released showed the same.
    """
    found: tuple[Entry, Entry] | None = None
    last: Entry | None = None
    for line in releases:
        if last is not None and line.snapshot_hash != last.snapshot_hash:
            found = (last, line)
        last = line
    return found


def _tell(releases: list[Release], line: Entry) -> None:
    open_one = releases[-1] if releases and releases[-1].ended is None else None
    if line.kind is Kind.ASKED:
        if open_one is not None:
            releases[-1] = replace(open_one, outcome=Outcome.SUPERSEDED, ended=line)
        releases.append(Release(epoch=line.epoch, outcome=Outcome.IN_FLIGHT, asked=line))
    elif line.kind is Kind.RELEASED:
        # Lines of before a restore may lack the asking.
        before = open_one or _unasked(releases, line)
        releases[-1] = replace(before, outcome=Outcome.RELEASED, released=line)
    else:
        before = open_one or _unasked(releases, line)
        releases[-1] = replace(before, outcome=_ending(before, line), ended=line)


def _unasked(releases: list[Release], line: Entry) -> Release:
    found = Release(epoch=line.epoch, outcome=Outcome.IN_FLIGHT)
    releases.append(found)
    return found


def _ending(release: Release, line: Entry) -> Outcome:
    if line.kind is Kind.REFUSED:
        return Outcome.REFUSED
    return Outcome.CANCELLED if release.asked is not None and release.released is None else Outcome.UNRELEASED


def _leaves_manager(line: Entry) -> bool:
    if line.kind is Kind.REFUSED:
        return line.state is not PacketState.WITH_MANAGER
    return line.kind in {Kind.TAKEN_BACK, Kind.UNRELEASED}


def _shown(packet: Packet, kind: Kind, epoch: int, *, by: PersonId | None, part: Part | None) -> Entry:
    snapshot = pinned(packet)
    return Entry(
        number=0,
        kind=kind,
        epoch=epoch,
        state=packet.state,
        by=by,
        part=part,
        snapshot_hash=snapshot.hash,
        manager_version=snapshot.ref.manager_version,
        selection_version=snapshot.ref.selection_version,
        rating_version=snapshot.ref.rating_version,
    )


def _acted(line: Entry, act: Act | None) -> Entry:
    # What a step brings about by itself, such as a packet that goes to its manager, is nobody's act.
    if act is None or (line.by is None and line.kind is not Kind.TAKEN_BACK):
        return line
    by_hr = Part.HR_ADMIN if line.part is None else line.part
    return replace(line, by=line.by or act.by, part=by_hr, reason=act.reason, operation_id=act.operation_id)
