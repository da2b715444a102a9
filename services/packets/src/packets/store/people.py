"""Who is asking: the lines of the directory that a decision needs, and what a person is to a review."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from packets.domain import people
from packets.domain.ids import PersonId
from packets.store.sessions import is_calibrator
from reviewbus.directory import line_above
from reviewbus.tables import directory as directory_table

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from packets.domain.packet import Packet
    from packets.domain.people import Actor, Directory, Standing
    from reviewbus.db import Tx


def directory(tx: Tx, actor: Actor, subject_ids: Collection[str]) -> Directory:
    """The part of the directory that decides what `actor` may do for these reviewees."""
    line = line_above(tx, actor.person_id)
    columns = (directory_table.c.person_id, directory_table.c.manager_id)
    wanted = sorted({actor.person_id, *line, *subject_ids})
    rows = tx.execute(sa.select(*columns).where(directory_table.c.person_id.in_(wanted)))
    return {PersonId(row.person_id): PersonId(row.manager_id) if row.manager_id is not None else None for row in rows}


def standing(tx: Tx, packet: Packet, actor: Actor) -> Standing:
    """What `actor` is to one review."""
    calibrator = is_calibrator(tx, packet.session_id, actor.person_id)
    # Only those who claim to act for the company are held against the reporting line.
    claims = calibrator or people.HR_ADMIN in actor.roles
    lines = directory(tx, actor, [packet.subject_id]) if claims else {}
    return people.standing(packet, actor, lines, calibrator=calibrator)


def standings(tx: Tx, packets: Mapping[str, Packet], actor: Actor) -> dict[str, Standing]:
    """What `actor` is to each of these reviews, where no seat in a calibration session decides.

    Somebody who has left may have asked for it long ago, and does nothing any more.
    """
    if _has_left(tx, actor.person_id):
        nobody = people.unknown(actor)
        return dict.fromkeys(packets, nobody)
    lines = directory(tx, actor, {packet.subject_id for packet in packets.values()})
    return {review_id: people.standing(packet, actor, lines) for review_id, packet in packets.items()}


def strangers(tx: Tx, person_ids: Collection[str]) -> list[str]:
    """Those of the people who are not in the directory, or have left, in the order of their ids."""
    known = sa.select(directory_table.c.person_id).where(
        directory_table.c.person_id.in_(person_ids), directory_table.c.active
    )
    return sorted(set(person_ids) - set(tx.execute(known).scalars()))


def _has_left(tx: Tx, person_id: str) -> bool:
    left = sa.select(directory_table.c.active).where(directory_table.c.person_id == person_id)
    return tx.execute(left).scalar_one_or_none() is False
