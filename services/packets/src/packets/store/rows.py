"""A packet as a row, and back."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from packets.domain.ids import ContentHash, PersonId, Rating, SnapshotHash
from packets.domain.packet import (
    CalibrationState,
    Holder,
    KnownHold,
    Override,
    Packet,
    PacketState,
    Part,
    RatingShown,
    ReleaseMode,
    Snapshot,
    SnapshotRef,
)
from packets.domain.tracking import tracked

if TYPE_CHECKING:
    from collections.abc import Mapping

_NESTED = frozenset({"snapshot", "override", "holds"})
_PLAIN = tuple(field.name for field in fields(Packet) if field.name not in _NESTED)
_WORDS = {
    "release_mode": ReleaseMode,
    "state": PacketState,
    "requested_as": Part,
    "calibration": CalibrationState,
}


def to_row(packet: Packet) -> dict[str, Any]:
    """The columns that a packet fills: all but the store's own. `tracked` follows from the others, to be counted by."""
    row = {name: getattr(packet, name) for name in _PLAIN}
    row |= {name: word.value for name in _WORDS if (word := row[name]) is not None}
    ref = packet.snapshot.ref if packet.snapshot else None
    return row | {
        "tracked": tracked(packet),
        "holds": [[hold.holder.value, hold.fence, hold.held] for hold in packet.holds],
        "override_by": packet.override.by if packet.override else None,
        "override_manager_version": packet.override.manager_version if packet.override else None,
        "override_rating_version": packet.override.rating_version if packet.override else None,
        "snapshot_hash": packet.snapshot.hash if packet.snapshot else None,
        "snapshot_manager_version": ref.manager_version if ref else None,
        "snapshot_content_hash": ref.content_hash if ref else None,
        "snapshot_selection_version": ref.selection_version if ref else None,
        "snapshot_rating_shown": ref.rating_shown.value if ref else None,
        "snapshot_rating": ref.rating if ref else None,
        "snapshot_rating_version": ref.rating_version if ref else None,
    }


def from_row(row: Mapping[Any, Any]) -> Packet:
    """The packet of a row of `packets`."""
    plain = {name: row[name] for name in _PLAIN}
    plain |= {name: word(row[name]) for name, word in _WORDS.items() if row[name] is not None}
    return Packet(**plain, snapshot=_snapshot(row), override=_override(row), holds=_holds(row["holds"]))


def _snapshot(row: Mapping[Any, Any]) -> Snapshot | None:
    if row["snapshot_hash"] is None:
        return None
    ref = SnapshotRef(
        manager_version=row["snapshot_manager_version"],
        content_hash=_hash(row["snapshot_content_hash"]),
        selection_version=row["snapshot_selection_version"],
        rating_shown=RatingShown(row["snapshot_rating_shown"]),
        rating=Rating(row["snapshot_rating"]) if row["snapshot_rating"] is not None else None,
        rating_version=row["snapshot_rating_version"],
    )
    return Snapshot(ref=ref, hash=SnapshotHash(row["snapshot_hash"]))


def _override(row: Mapping[Any, Any]) -> Override | None:
    if row["override_by"] is None:
        return None
    return Override(
        by=PersonId(row["override_by"]),
        manager_version=row["override_manager_version"],
        rating_version=row["override_rating_version"],
    )


def _holds(rows: list[list[Any]]) -> tuple[KnownHold, ...]:
    return tuple(KnownHold(holder=Holder(holder), fence=fence, held=held) for holder, fence, held in rows)


def _hash(word: str | None) -> ContentHash | None:
    return None if word is None else ContentHash(word)
