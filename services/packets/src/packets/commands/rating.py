"""The rating after its calibration, and HR's override of the gate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packets import store
from packets.commands.keeping import keep, locked
from packets.domain import rating as domain
from packets.domain.facts import CalibrationRatingChanged
from packets.domain.history import Act
from packets.domain.ids import Rating
from packets.domain.refusals import refuse
from reviewbus.db import AuditEntry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from packets.domain.facts import Record
    from packets.domain.packet import Packet
    from packets.domain.people import Actor
    from packets.store import Library
    from reviewbus.db import Tx


def change_rating(
    tx: Tx, review_id: str, actor: Actor, *, value: int, reason: str | None, expected_version: int | None
) -> Packet:
    """Another rating for a calibrated review, which stays calibrated; `expected_version` is that of the last one."""
    packet = locked(tx, review_id)
    library = store.Library(tx)
    after, records = domain.change_rating(
        packet,
        store.standing(tx, packet, actor),
        rating=Rating(str(value)),
        expected_version=expected_version,
        has_reason=bool(reason),
        sources=library.sources(packet),
    )
    on_scale(library, packet, value)
    saved = keep(tx, packet, after, records)
    note_rating(tx, packet, after, records, justification=reason or "", action="rating.change")
    return saved


def override_calibration(tx: Tx, review_id: str, actor: Actor, *, reason: str | None) -> Packet:
    """Open the calibration gate for the versions as they are."""
    packet = locked(tx, review_id)
    who = store.standing(tx, packet, actor)
    sources = store.Library(tx).sources(packet)
    after, records = domain.override_calibration(packet, who, has_reason=bool(reason), sources=sources)
    saved = keep(tx, packet, after, records, act=Act(by=who.person_id, reason=reason))
    if records:
        entry = AuditEntry(
            actor=who.person_id,
            role="hr_admin",
            action="calibration.override",
            object_id=review_id,
            reason=reason,
        )
        tx.audit(entry)
    return saved


def on_scale(library: Library, packet: Packet, value: int) -> None:
    """Refuse a rating that the cycle's scale does not have."""
    questionnaire = library.of_cycle(packet.cycle_id)
    refuse(domain.unmet_scale(value, questionnaire.scale if questionnaire else store.SCALE))


def note_rating(
    tx: Tx, before: Packet, after: Packet, records: Sequence[Record], *, justification: str, action: str
) -> None:
    """Write down a changed rating, old and new, with what the person typed; nothing if it did not change."""
    for fact in records:
        if isinstance(fact, CalibrationRatingChanged):
            store.note_rating(
                tx,
                before,
                after,
                justification=justification,
                by=fact.by,
                part=fact.by_part,
                session_id=fact.session_id,
            )
            role = fact.by_part.value
            tx.audit(
                AuditEntry(actor=fact.by, role=role, action=action, object_id=after.review_id, reason=justification)
            )
