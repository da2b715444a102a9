"""What packets learns from assessment's facts, in every state of the packet.

Each fact carries the version of assessment's row, which never goes down: a fact older than what was taken in changes
nothing, and a repeat finds everything as it says.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from packets.domain.facts import CalibrationMarkedStale
from packets.domain.packet import CalibrationState, Packet
from packets.domain.readiness import recompute

if TYPE_CHECKING:
    from packets.domain.facts import Record
    from packets.domain.ids import ContentHash, PersonId
    from packets.domain.readiness import Sources


REVISED = "manager-assessment-revised"


def submitted(
    packet: Packet, *, version: int, manager_version: int, content_hash: ContentHash, sources: Sources
) -> tuple[Packet, tuple[Record, ...]]:
    """The manager-assessment was submitted, or revised after that. A calibration of other answers becomes stale."""
    if version < packet.assessment_version:
        return packet, ()
    known = replace(
        packet,
        assessment_version=version,
        submitted=True,
        manager_version=manager_version,
        content_hash=content_hash,
    )
    if content_hash == packet.content_hash:
        return recompute(known, sources)
    return _then_recompute(*mark_stale(known, REVISED), sources)


def reopened(
    packet: Packet, *, version: int, manager_version: int, sources: Sources
) -> tuple[Packet, tuple[Record, ...]]:
    """HR turned the submitted manager-assessment into a draft again: no packet until it is submitted anew."""
    if version < packet.assessment_version:
        return packet, ()
    known = replace(packet, assessment_version=version, submitted=False, manager_version=manager_version)
    return _then_recompute(*mark_stale(known, "manager-assessment-reopened"), sources)


def reassigned(packet: Packet, *, version: int, manager_id: PersonId) -> Packet:
    """Another person is the manager of record; a packet with the manager is with that person from now on."""
    if version < packet.assessment_version:
        return packet
    return replace(packet, assessment_version=version, manager_id=manager_id)


def closed(packet: Packet, *, version: int) -> Packet:
    """The cycle is closed: nothing is released any more. What is ready stays ready."""
    return packet if version < packet.assessment_version else replace(packet, assessment_version=version, closed=True)


def cancelled(packet: Packet, *, version: int, sources: Sources) -> tuple[Packet, tuple[Record, ...]]:
    """HR cancelled the review: its packet is withdrawn."""
    if version < packet.assessment_version:
        return packet, ()
    return recompute(replace(packet, assessment_version=version, cancelled=True), sources)


def content_fetched(
    packet: Packet, *, manager_version: int, content_hash: ContentHash, sources: Sources
) -> tuple[Packet, tuple[Record, ...]]:
    """A version of the manager-assessment is in our database; any but the submitted one, as announced, is ignored."""
    if manager_version != packet.manager_version or packet.content_hash not in {None, content_hash}:
        return packet, ()
    return recompute(replace(packet, fetched_version=manager_version, fetched_hash=content_hash), sources)


def wants_content(packet: Packet) -> bool:
    """Whether the submitted version is still to be fetched."""
    return packet.submitted and (packet.fetched_version, packet.fetched_hash) != (
        packet.manager_version,
        packet.content_hash,
    )


def mark_stale(packet: Packet, reason: str) -> tuple[Packet, tuple[Record, ...]]:
    """A calibrated review whose answers changed must be confirmed again; any other is left as it is."""
    if packet.calibration is not CalibrationState.CALIBRATED:
        return packet, ()
    stale = replace(packet, calibration=CalibrationState.STALE, send_when_ready=False)
    fact = CalibrationMarkedStale(
        review_id=packet.review_id,
        session_id=packet.session_id,
        manager_version=packet.manager_version,
        reason=reason,
    )
    return stale, (fact,)


def _then_recompute(packet: Packet, facts: tuple[Record, ...], sources: Sources) -> tuple[Packet, tuple[Record, ...]]:
    settled, more = recompute(packet, sources)
    return settled, (*facts, *more)
