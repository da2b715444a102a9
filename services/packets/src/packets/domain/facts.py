"""What has happened, in the past tense, and the one command to another service.

Facts hold what only the moment knows: ids, versions, hashes, codes. Cycle, people and row version stand in the row.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from packets.domain.ids import CycleId, OperationId, PersonId, ReviewId, SessionId, SnapshotHash
    from packets.domain.packet import Holder, PacketState, Part


class Want(StrEnum):
    """The wanted state of a register as of a fence."""

    HELD = "held"
    FREE = "free"


class Was(StrEnum):
    """What an unrelease took back; unknown where packets repaired its own row."""

    RELEASED = "released"
    RELEASING = "releasing"
    UNKNOWN = "unknown"


class UnreleaseReason(StrEnum):
    """Why a packet was unreleased."""

    CORRECTION = "correction"
    REGISTER_WITHOUT_RELEASE = "register-without-release"
    RELEASE_WITHOUT_REGISTER = "release-without-register"
    RESTORED = "restored"


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldRequested:
    """Command to assessment: as of `fence` the release register shall be `want`."""

    review_id: ReviewId
    holder: Holder
    fence: int
    want: Want
    epoch: int
    manager_version: int | None
    snapshot_hash: SnapshotHash | None
    manager_id: PersonId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PacketReady:
    """The packet is complete; `was` is none or unreleasing."""

    review_id: ReviewId
    epoch: int
    was: PacketState
    snapshot_hash: SnapshotHash
    manager_version: int
    selection_version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PacketRebuilt:
    """A ready or sent packet shows something else. `reason`: content-changed, selection-changed, rating-changed."""

    review_id: ReviewId
    epoch: int
    state: PacketState
    snapshot_hash: SnapshotHash
    manager_version: int
    selection_version: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PacketWithdrawn:
    """The packet fell back, was taken back from its manager, or is not ready after it was unreleased.

    `reason`: unreleased, manager-assessment-reopened, content-not-fetched, not-calibrated, no-shared-questions,
    cancelled.
    """

    review_id: ReviewId
    epoch: int
    was: PacketState
    state: PacketState
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PacketReleasedToManager:
    """The manager has the packet; `by` is None where a setting of the cycle sent it."""

    review_id: ReviewId
    epoch: int
    snapshot_hash: SnapshotHash
    manager_version: int
    selection_version: int
    by: PersonId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PacketReleased:
    """The employee has the packet: the release register is held. `self_version` is the shared one at that moment."""

    review_id: ReviewId
    epoch: int
    snapshot_hash: SnapshotHash
    manager_version: int
    self_version: int | None
    selection_version: int
    released_by: PersonId
    released_as: Part


@dataclass(frozen=True, slots=True, kw_only=True)
class PacketReleaseFailed:
    """The hold was rejected for `reason`; hash and version are those that were to be released, `state` the new one."""

    review_id: ReviewId
    epoch: int
    state: PacketState
    snapshot_hash: SnapshotHash
    manager_version: int
    reason: str
    requested_by: PersonId
    requested_as: Part


@dataclass(frozen=True, slots=True, kw_only=True)
class PacketUnreleased:
    """Nobody below HR reads the packet any more. The wish to revoke binds every signature up to this epoch."""

    review_id: ReviewId
    epoch: int
    was: Was
    snapshot_hash: SnapshotHash | None
    revoke_signatures: bool
    reason: UnreleaseReason
    by: PersonId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PacketViewed:
    """The employee read or downloaded this epoch for the first time."""

    review_id: ReviewId
    epoch: int
    snapshot_hash: SnapshotHash


@dataclass(frozen=True, slots=True, kw_only=True)
class PacketDownloaded:
    """Somebody downloaded the packet as a document."""

    review_id: ReviewId
    epoch: int
    snapshot_hash: SnapshotHash
    reader_id: PersonId
    reader_part: Part


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationRecorded:
    """The manager said that the conversation about the packet took place; `state`: with_manager or released."""

    review_id: ReviewId
    epoch: int
    state: PacketState
    snapshot_hash: SnapshotHash
    by: PersonId


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationStarted:
    """The review is in a session that started or was reopened."""

    review_id: ReviewId
    session_id: SessionId
    manager_version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationCompleted:
    """The review's session completed."""

    review_id: ReviewId
    session_id: SessionId
    manager_version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationCancelled:
    """The review's session was cancelled."""

    review_id: ReviewId
    session_id: SessionId
    manager_version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationConfirmed:
    """A stale calibration was confirmed for this version."""

    review_id: ReviewId
    session_id: SessionId
    manager_version: int
    by: PersonId


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationMarkedStale:
    """A calibrated review was edited or reopened. `reason`: manager-assessment-revised, manager-assessment-reopened."""

    review_id: ReviewId
    session_id: SessionId | None
    manager_version: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationRatingChanged:
    """A rating was set in a session, or changed after calibration (then `session_id` is None)."""

    review_id: ReviewId
    session_id: SessionId | None
    manager_version: int
    by: PersonId
    by_part: Part


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationOverridden:
    """HR opened the calibration gate for this version."""

    review_id: ReviewId
    manager_version: int
    by: PersonId


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedQuestionsChanged:
    """The cycle has a new selection; the packets concerned follow, each with its own fact.

    `by` is None where it followed the cycle's questionnaire by itself.
    """

    cycle_id: CycleId
    selection_version: int
    question_count: int
    by: PersonId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationStarted:
    """A command for many packets begins to be carried out."""

    operation_id: OperationId
    command: str
    review_count: int
    by: PersonId


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationCompleted:
    """Every packet of the operation has its outcome. `counts`: how many done, skipped, failed, cancelled."""

    operation_id: OperationId
    command: str
    counts: Mapping[str, int]
    was_cancelled: bool


Fact = (
    PacketReady
    | PacketRebuilt
    | PacketWithdrawn
    | PacketReleasedToManager
    | PacketReleased
    | PacketReleaseFailed
    | PacketUnreleased
    | PacketViewed
    | PacketDownloaded
    | ConversationRecorded
    | CalibrationStarted
    | CalibrationCompleted
    | CalibrationCancelled
    | CalibrationConfirmed
    | CalibrationMarkedStale
    | CalibrationRatingChanged
    | CalibrationOverridden
)
Record = Fact | HoldRequested
