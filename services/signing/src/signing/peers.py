"""What signing asks of other services: the registers and the packets as their owners have them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reviewbus import directory
from signing.domain.ids import CycleId, PersonId, ReviewId, SnapshotHash
from signing.domain.knowledge import PacketRow, ReviewKnowledge, new_record
from signing.domain.record import Holder, SelfState
from signing.domain.sweep import SeenRegister

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reviewbus.client import PeerClient
    from signing.domain.record import SigningRecord

STATES = "/internal/states"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewSeen:
    """One review as assessment's own row has it. `blank` names it, for a row that we lack."""

    blank: SigningRecord
    told: ReviewKnowledge
    registers: tuple[SeenRegister, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PacketSeen:
    """One packet as packets' own row has it."""

    blank: SigningRecord
    row: PacketRow


def people(assessment: PeerClient, cursor: str | None, limit: int) -> tuple[list[dict[str, Any]], str | None]:
    """Return a page of who reports to whom in the order of the people's ids, and the next cursor, if any.

    Raises:
        PeerUnavailable, PeerRefused: as the client does.
    """
    page = assessment.get(directory.ADDRESS, {"cursor": cursor, "limit": limit})
    return page["items"], page["next_cursor"]


def reviews(assessment: PeerClient, cursor: str | None, limit: int) -> tuple[list[ReviewSeen], str | None]:
    """Return a page of assessment's reviews in the order of their ids, and the cursor of the next, if any.

    Raises:
        PeerUnavailable, PeerRefused: as the client does.
    """
    page = assessment.get(STATES, {"cursor": cursor, "limit": limit})
    return [_review(item) for item in page["items"]], page["next_cursor"]


def restored(assessment: PeerClient) -> str | None:
    """Return the id of the restore of assessment after which a sweep that begins now is awaited; raises alike."""
    restore: str | None = assessment.get(STATES, {"limit": 1})["restored"]
    return restore


def swept(assessment: PeerClient, restore: str) -> None:
    """Tell that a sweep is over that began after `restore` was read; raises alike."""
    assessment.post("/internal/swept", {"restored": restore})


def packets(client: PeerClient, cursor: str | None, limit: int) -> tuple[list[PacketSeen], str | None]:
    """Return a page of packets in the order of their review ids, and the cursor of the next, if any; raises alike."""
    page = client.get(STATES, {"cursor": cursor, "limit": limit})
    return [_packet(item) for item in page["items"]], page["next_cursor"]


def _review(item: Mapping[str, Any]) -> ReviewSeen:
    state = SelfState(item["self_state"])
    return ReviewSeen(
        blank=_blank(item),
        told=ReviewKnowledge(
            version=item["row_version"],
            manager_id=PersonId(item["manager_id"]),
            self_state=state,
            self_version=item["self_version"] if state is SelfState.SHARED else None,
            closed=item["closed"],
            cancelled=item["cancelled"],
        ),
        registers=tuple(_register(holder, item["registers"][holder.value]) for holder in Holder),
    )


def _register(holder: Holder, seen: Mapping[str, Any]) -> SeenRegister:
    held = seen["held"]
    return SeenRegister(
        holder=holder,
        fence=seen["fence"],
        held=held,
        epoch=seen["epoch"] if held else None,
        snapshot_hash=SnapshotHash(seen["snapshot_hash"]) if held else None,
    )


def _packet(item: Mapping[str, Any]) -> PacketSeen:
    seen = item["snapshot_hash"]
    return PacketSeen(
        blank=_blank(item),
        row=PacketRow(
            state=item["state"],
            epoch=item["epoch"],
            snapshot_hash=None if seen is None else SnapshotHash(seen),
            manager_version=item["manager_version"],
            revoked_epoch=item["revoked_epoch"] or None,
        ),
    )


def _blank(item: Mapping[str, Any]) -> SigningRecord:
    return new_record(
        review_id=ReviewId(item["review_id"]),
        cycle_id=CycleId(item["cycle_id"]),
        subject_id=PersonId(item["subject_id"]),
        manager_id=PersonId(item["manager_id"]),
    )
