"""The packet row: everything that a decision about one review's packet needs, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from packets.domain.ids import (
        ContentHash,
        CycleId,
        OperationId,
        PersonId,
        Rating,
        ReviewId,
        SessionId,
        SnapshotHash,
    )


class PacketState(StrEnum):
    """Where the packet is on its way to the employee."""

    NONE = "none"
    READY = "ready"
    WITH_MANAGER = "with_manager"
    RELEASING = "releasing"
    RELEASED = "released"
    UNRELEASING = "unreleasing"


class CalibrationState(StrEnum):
    """Where the review is in calibration."""

    NOT_REQUIRED = "not_required"
    PENDING = "pending"
    IN_SESSION = "in_session"
    CALIBRATED = "calibrated"
    STALE = "stale"


class ReleaseMode(StrEnum):
    """Whether HR sends packets to managers, or managers get them at once."""

    HR_GATED = "hr_gated"
    MANAGER_DIRECT = "manager_direct"


class RatingShown(StrEnum):
    """Which rating stands in a packet beside its answers."""

    NONE = "none"
    CALIBRATED = "calibrated"
    MANAGER_FINAL = "manager_final"


class Part(StrEnum):
    """In what part somebody acts on a review."""

    EMPLOYEE = "employee"
    MANAGER = "manager"
    HR_ADMIN = "hr_admin"
    HR_ASSISTANT = "hr_assistant"
    CALIBRATOR = "calibrator"


class Holder(StrEnum):
    """The registers that assessment keeps per review."""

    RELEASE = "release"
    SIGNATURE_EMPLOYEE = "signature:employee"
    SIGNATURE_MANAGER = "signature:manager"
    COMPLETION = "completion"


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownHold:
    """The newest that packets was told about one signature or completion register."""

    holder: Holder
    fence: int
    held: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """HR opened the calibration gate, for these versions only."""

    by: PersonId
    manager_version: int
    rating_version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotRef:
    """What a packet shows, by reference. `rating` is set only where the calibrated one is shown."""

    manager_version: int
    content_hash: ContentHash | None
    selection_version: int
    rating_shown: RatingShown
    rating: Rating | None
    rating_version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A reference to what is shown, and the hash over it: same content, same hash, whatever the versions."""

    ref: SnapshotRef
    hash: SnapshotHash


@dataclass(frozen=True, slots=True, kw_only=True)
class Packet:
    """One row per review. The store counts `row_version` up with each write; only a restore jumps it.

    `epoch` counts release attempts and never goes down. `snapshot` is what was previewed or, from RELEASING to
    UNRELEASING, the pin of what was asked for. `requested_by` and `requested_as` (manager or hr_admin) are who asked
    for the newest release. `was_sent`: it was with the manager when it was asked for. `send_when_ready`: it goes to
    the manager as soon as it is ready. `assessment_version` is that of assessment's row, as of the newest fact taken
    in. `session_id` is the calibration session that the review is in, or was calibrated in. `rated_version` and
    `rated_hash` are the manager-assessment that its rating judged, or that was confirmed since. `hidden_by` is the bulk
    unrelease that will take the packet back when its turn comes: until then nobody below HR reads it.
    `conversation_held`: the manager has said so since the packet was sent or released, until it was taken back.
    """

    review_id: ReviewId
    cycle_id: CycleId
    subject_id: PersonId
    manager_id: PersonId
    release_mode: ReleaseMode = ReleaseMode.HR_GATED
    release_after_calibration: bool = False
    recall_window_minutes: int = 0

    state: PacketState = PacketState.NONE
    epoch: int = 0
    row_version: int = 1
    snapshot: Snapshot | None = None
    was_sent: bool = False
    send_when_ready: bool = False
    requested_by: PersonId | None = None
    requested_as: Part | None = None
    last_refusal: str | None = None
    revoked_epoch: int | None = None
    viewed_epoch: int | None = None
    downloaded_epoch: int | None = None
    conversation_held: bool = False
    hidden_by: OperationId | None = None

    assessment_version: int = 0
    manager_version: int = 0
    submitted: bool = False
    content_hash: ContentHash | None = None
    fetched_version: int | None = None
    fetched_hash: ContentHash | None = None
    closed: bool = False
    cancelled: bool = False
    holds: tuple[KnownHold, ...] = ()

    calibration: CalibrationState = CalibrationState.NOT_REQUIRED
    session_id: SessionId | None = None
    override: Override | None = None
    rating: Rating | None = None
    rating_version: int = 0
    rated_version: int | None = None
    rated_hash: ContentHash | None = None

    selection_version: int = 0
    shared_count: int = 0
    shares_rating: bool = True


# In these states a release was asked for and assessment may hold the review: nothing shown may change.
FROZEN = frozenset({PacketState.RELEASING, PacketState.RELEASED, PacketState.UNRELEASING})


def opened(
    *,
    review_id: ReviewId,
    cycle_id: CycleId,
    subject_id: PersonId,
    manager_id: PersonId,
    release_mode: ReleaseMode,
    calibration_required: bool,
    release_after_calibration: bool,
    version: int,
) -> Packet:
    """The row with which a review's packet begins, when its cycle starts; `version` is that of assessment's row."""
    return Packet(
        review_id=review_id,
        cycle_id=cycle_id,
        subject_id=subject_id,
        manager_id=manager_id,
        release_mode=release_mode,
        release_after_calibration=release_after_calibration,
        assessment_version=version,
        calibration=CalibrationState.PENDING if calibration_required else CalibrationState.NOT_REQUIRED,
    )


def is_overridden(packet: Packet) -> bool:
    """Whether HR's override of the calibration gate still stands: it is void once a version changes."""
    override = packet.override
    return (
        override is not None
        and packet.calibration in {CalibrationState.PENDING, CalibrationState.IN_SESSION, CalibrationState.STALE}
        and override.manager_version == packet.manager_version
        and override.rating_version == packet.rating_version
    )


def calibration_is_ok(packet: Packet) -> bool:
    """Whether calibration lets the packet be released."""
    return packet.calibration in {CalibrationState.NOT_REQUIRED, CalibrationState.CALIBRATED} or is_overridden(packet)


def has_content(packet: Packet) -> bool:
    """Whether the submitted version of the manager-assessment is in our own database."""
    return (
        packet.submitted
        and packet.fetched_version == packet.manager_version
        and packet.content_hash in {None, packet.fetched_hash}
    )


def signed_holders(packet: Packet) -> tuple[Holder, ...]:
    """The signature and completion registers that are held, as far as packets was told; pending ones do not count."""
    return tuple(hold.holder for hold in packet.holds if hold.held)


def rating_shown(packet: Packet) -> RatingShown:
    """Which rating stands beside the answers; without calibration ratings are ordinary questions."""
    if packet.calibration is CalibrationState.NOT_REQUIRED or not packet.shares_rating:
        return RatingShown.NONE
    if packet.calibration is CalibrationState.CALIBRATED:
        return RatingShown.CALIBRATED
    return RatingShown.MANAGER_FINAL if is_overridden(packet) else RatingShown.NONE


def snapshot_ref(packet: Packet) -> SnapshotRef:
    """What the packet would show as the row stands now."""
    shown = rating_shown(packet)
    return SnapshotRef(
        manager_version=packet.manager_version,
        content_hash=packet.fetched_hash,
        selection_version=packet.selection_version,
        rating_shown=shown,
        rating=packet.rating if shown is RatingShown.CALIBRATED else None,
        rating_version=packet.rating_version,
    )


def pinned(packet: Packet) -> Snapshot:
    """The snapshot of a packet that must have one: ready, sent, asked for, released. AssertionError if it has none."""
    if packet.snapshot is None:
        message = f"packet {packet.review_id} is {packet.state} without a snapshot"
        raise AssertionError(message)
    return packet.snapshot


def requester(packet: Packet) -> tuple[PersonId, Part]:
    """Who asked for the newest release, and as what (manager or HR). AssertionError if nobody ever did."""
    if packet.requested_by is None or packet.requested_as is None:
        message = f"packet {packet.review_id} is {packet.state} and nobody asked for it"
        raise AssertionError(message)
    return packet.requested_by, packet.requested_as


def snapshot_is_current(packet: Packet) -> bool:
    """Whether the stored snapshot is of what the row says now; if not, it must be computed again."""
    return packet.snapshot is not None and packet.snapshot.ref == snapshot_ref(packet)


def preview_tag(packet: Packet) -> str | None:
    """What a release must name, and the ETag of the packet: snapshot hash and versions. None without a snapshot."""
    if packet.snapshot is None:
        return None
    ref = packet.snapshot.ref
    return f"{packet.snapshot.hash}.{ref.manager_version}.{ref.selection_version}.{ref.rating_version}"


def is_viewed(packet: Packet) -> bool:
    """Whether the employee has read the packet in its present epoch."""
    return packet.state is PacketState.RELEASED and packet.viewed_epoch == packet.epoch


def is_downloaded(packet: Packet) -> bool:
    """Whether the employee has downloaded the packet in its present epoch."""
    return packet.state is PacketState.RELEASED and packet.downloaded_epoch == packet.epoch
