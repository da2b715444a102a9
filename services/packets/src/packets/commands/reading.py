"""Reading a packet: it writes where the employee reads an epoch for the first time, and where a PDF is downloaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packets import store
from packets.commands.keeping import PDF, keep, known, locked
from packets.domain import visibility as domain
from packets.domain.refusals import refuse
from reviewbus import jobs

if TYPE_CHECKING:
    from packets.domain.packet import Packet, Part
    from packets.domain.people import Actor
    from reviewbus.db import Tx


def read(tx: Tx, review_id: str, actor: Actor) -> tuple[Packet, Part]:
    """The packet for somebody who may read it, and in which part."""
    packet = known(tx, review_id)
    who = store.standing(tx, packet, actor)
    _, records = domain.read(packet, who)
    if records:
        packet = locked(tx, review_id)
        who = store.standing(tx, packet, actor)
        packet = keep(tx, packet, *domain.read(packet, who))
    return packet, domain.read_as(packet, who)


def authorise(tx: Tx, review_id: str, actor: Actor) -> Packet:
    """The packet for somebody who may read it, without noting that it was read."""
    packet = known(tx, review_id)
    refuse(domain.unmet_read(packet, store.standing(tx, packet, actor)))
    return packet


def want_pdf(tx: Tx, review_id: str) -> None:
    """Have the packet's PDF rendered for somebody who waits for it."""
    jobs.enqueue(tx, PDF, review_id, {"review_id": review_id})


def download(tx: Tx, previewed: Packet, actor: Actor) -> Packet | None:
    """Note the download of a file that was made for `previewed`; None if the packet shows something else by now.

    Something else is also the draft of what is released, and the other way round.

    This is the last look at the rights: the file's bytes are in memory, and the row stays locked until the commit.
    """
    packet = locked(tx, previewed.review_id)
    after, records = domain.download(packet, store.standing(tx, packet, actor))
    if (store.shown_by(packet), domain.is_draft(packet)) != (store.shown_by(previewed), domain.is_draft(previewed)):
        return None
    return keep(tx, packet, after, records)
