"""What people do with a packet: release it, send it to its manager, take it back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packets import store
from packets.commands.keeping import keep, locked
from packets.domain import release as domain
from packets.domain.history import Act
from packets.domain.packet import Part
from reviewbus.db import AuditEntry

if TYPE_CHECKING:
    from packets.domain.packet import Packet
    from packets.domain.people import Actor, Standing
    from reviewbus.db import Tx

UNRELEASE_AND_REVOKE = "packet.unrelease-and-revoke"


def release(tx: Tx, packet: Packet, who: Standing, *, previewed: str | None, reason: str | None) -> Packet:
    """Ask for the hold under which the employee may read a locked packet.

    `previewed` is the tag of what the person has seen.
    """
    after, records = domain.release(packet, who, previewed=previewed, has_reason=bool(reason))
    saved = keep(tx, packet, after, records, act=Act(by=who.person_id, reason=reason))
    if records:
        note(tx, "packet.release", packet, who, reason, part=after.requested_as)
    return saved


def send_to_manager(tx: Tx, review_id: str, actor: Actor) -> Packet:
    """Give a ready packet to its manager."""
    packet = locked(tx, review_id)
    who = store.standing(tx, packet, actor)
    after, records = domain.send_to_manager(packet, who)
    saved = keep(tx, packet, after, records)
    if records:
        note(tx, "packet.release-to-manager", packet, who, None)
    return saved


def unrelease(tx: Tx, review_id: str, actor: Actor, *, reason: str | None, revoke_signatures: bool) -> Packet:
    """Take the packet back: hidden with this transaction, unlocked after it."""
    packet = locked(tx, review_id)
    who = store.standing(tx, packet, actor)
    after, records = domain.unrelease(packet, who, revoke_signatures=revoke_signatures, has_reason=bool(reason))
    saved = keep(tx, packet, after, records, act=Act(by=actor.person_id, reason=reason))
    if records:
        note(tx, UNRELEASE_AND_REVOKE if revoke_signatures else "packet.unrelease", packet, who, reason)
    return saved


def note(
    tx: Tx, action: str, packet: Packet, who: Standing, reason: str | None, *, part: Part | None = Part.HR_ADMIN
) -> None:
    """Write down who did what to the packet, as what, and why."""
    role = (part or Part.HR_ADMIN).value
    tx.audit(AuditEntry(actor=who.person_id, role=role, action=action, object_id=packet.review_id, reason=reason))
