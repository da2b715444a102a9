"""Records as events: the only place where payloads are built. Ids, versions, hashes, epochs, codes; no content."""

from __future__ import annotations

from functools import singledispatch
from typing import TYPE_CHECKING, Any

from packets.domain import facts
from reviewbus.envelope import Event

if TYPE_CHECKING:
    from packets.domain.facts import OperationCompleted, OperationStarted, Record, SharedQuestionsChanged
    from packets.domain.ids import PersonId
    from packets.domain.packet import Packet

SYSTEM = "system"
HR_ADMIN = "hr_admin"


def event(record: Record, packet: Packet, sequence: int) -> Event:
    """The event of one record of a packet, as the packet stands after the step; `sequence` counts its events."""
    kind, data = payload(record)
    if not isinstance(record, facts.HoldRequested):
        data = {
            "review_id": packet.review_id,
            "cycle_id": packet.cycle_id,
            "subject_id": packet.subject_id,
            "manager_id": packet.manager_id,
            "version": packet.row_version,
            **data,
        }
    return Event(type=kind, key=packet.review_id, data=data, sequence=sequence)


def selection_event(fact: SharedQuestionsChanged) -> Event:
    """The event of a cycle's new selection; its number is that of the selection."""
    data = {
        "cycle_id": fact.cycle_id,
        "selection_version": fact.selection_version,
        "question_count": fact.question_count,
        **_by(fact.by),
    }
    return Event(type="shared-questions.changed.v1", key=fact.cycle_id, data=data, sequence=fact.selection_version)


def operation_started(fact: OperationStarted) -> Event:
    """The event of an operation that begins; its facts are numbered by themselves."""
    data = {
        "operation_id": fact.operation_id,
        "command": fact.command,
        "review_count": fact.review_count,
        "by": fact.by,
    }
    return Event(type="bulk-operation.started.v1", key=fact.operation_id, data=data, sequence=1)


def operation_completed(fact: OperationCompleted) -> Event:
    """The event of an operation whose every packet has its outcome."""
    data = {
        "operation_id": fact.operation_id,
        "command": fact.command,
        "cancelled": fact.was_cancelled,
        **{f"{outcome}_count": count for outcome, count in fact.counts.items()},
    }
    return Event(type="bulk-operation.completed.v1", key=fact.operation_id, data=data, sequence=2)


@singledispatch
def payload(record: Record) -> tuple[str, dict[str, Any]]:
    """The type and the particular data of a record. TypeError for what is none."""
    raise TypeError(type(record).__name__)


@payload.register
def _(record: facts.HoldRequested) -> tuple[str, dict[str, Any]]:
    return "hold.requested.v1", {
        "review_id": record.review_id,
        "holder": record.holder.value,
        "fence": record.fence,
        "want": record.want.value,
        "epoch": record.epoch,
        "manager_version": record.manager_version,
        "self_version": None,
        "snapshot_hash": record.snapshot_hash,
        "manager_id": record.manager_id,
    }


@payload.register
def _(record: facts.PacketReady) -> tuple[str, dict[str, Any]]:
    return "packet.ready.v1", {**_shown(record), "was": record.was.value}


@payload.register
def _(record: facts.PacketRebuilt) -> tuple[str, dict[str, Any]]:
    return "packet.rebuilt.v1", {**_shown(record), "state": record.state.value, "reason": record.reason}


@payload.register
def _(record: facts.PacketWithdrawn) -> tuple[str, dict[str, Any]]:
    return "packet.withdrawn.v1", {
        "epoch": record.epoch,
        "was": record.was.value,
        "state": record.state.value,
        "reason": record.reason,
    }


@payload.register
def _(record: facts.PacketReleasedToManager) -> tuple[str, dict[str, Any]]:
    return "packet.released-to-manager.v1", {**_shown(record), **_by(record.by), "operation_id": None}


@payload.register
def _(record: facts.PacketReleased) -> tuple[str, dict[str, Any]]:
    return "packet.released.v1", {
        **_shown(record),
        "self_version": record.self_version,
        "released_by": record.released_by,
        "by_role": record.released_as.value,
        "operation_id": None,
    }


@payload.register
def _(record: facts.PacketReleaseFailed) -> tuple[str, dict[str, Any]]:
    return "packet.release-failed.v1", {
        "epoch": record.epoch,
        "state": record.state.value,
        "snapshot_hash": record.snapshot_hash,
        "manager_version": record.manager_version,
        "reason": record.reason,
        "requested_by": record.requested_by,
        "by_role": record.requested_as.value,
        "operation_id": None,
    }


@payload.register
def _(record: facts.PacketUnreleased) -> tuple[str, dict[str, Any]]:
    return "packet.unreleased.v1", {
        "epoch": record.epoch,
        "was": record.was.value,
        "snapshot_hash": record.snapshot_hash,
        "revoke_signatures": record.revoke_signatures,
        "reason": record.reason.value,
        **_by(record.by),
        "operation_id": None,
    }


@payload.register
def _(record: facts.PacketViewed) -> tuple[str, dict[str, Any]]:
    return "packet.viewed.v1", {"epoch": record.epoch, "snapshot_hash": record.snapshot_hash}


@payload.register
def _(record: facts.PacketDownloaded) -> tuple[str, dict[str, Any]]:
    return "packet.downloaded.v1", {
        "epoch": record.epoch,
        "snapshot_hash": record.snapshot_hash,
        "reader_id": record.reader_id,
        "by_role": record.reader_part.value,
    }


@payload.register
def _(record: facts.ConversationRecorded) -> tuple[str, dict[str, Any]]:
    return "conversation.recorded.v1", {
        "epoch": record.epoch,
        "state": record.state.value,
        "snapshot_hash": record.snapshot_hash,
        "by": record.by,
    }


@payload.register
def _(record: facts.CalibrationStarted) -> tuple[str, dict[str, Any]]:
    return "calibration.started.v1", _session(record)


@payload.register
def _(record: facts.CalibrationCompleted) -> tuple[str, dict[str, Any]]:
    return "calibration.completed.v1", _session(record)


@payload.register
def _(record: facts.CalibrationCancelled) -> tuple[str, dict[str, Any]]:
    return "calibration.cancelled.v1", _session(record)


@payload.register
def _(record: facts.CalibrationConfirmed) -> tuple[str, dict[str, Any]]:
    return "calibration.confirmed.v1", {**_session(record), "by": record.by}


@payload.register
def _(record: facts.CalibrationMarkedStale) -> tuple[str, dict[str, Any]]:
    return "calibration.marked-stale.v1", {**_session(record), "reason": record.reason}


@payload.register
def _(record: facts.CalibrationRatingChanged) -> tuple[str, dict[str, Any]]:
    return "calibration.rating-changed.v1", {**_session(record), "by": record.by, "by_role": record.by_part.value}


@payload.register
def _(record: facts.CalibrationOverridden) -> tuple[str, dict[str, Any]]:
    return "calibration.overridden.v1", {"manager_version": record.manager_version, "by": record.by}


def _shown(
    record: facts.PacketReady | facts.PacketRebuilt | facts.PacketReleasedToManager | facts.PacketReleased,
) -> dict[str, Any]:
    return {
        "epoch": record.epoch,
        "snapshot_hash": record.snapshot_hash,
        "manager_version": record.manager_version,
        "selection_version": record.selection_version,
    }


def _session(
    record: facts.CalibrationStarted
    | facts.CalibrationCompleted
    | facts.CalibrationCancelled
    | facts.CalibrationConfirmed
    | facts.CalibrationMarkedStale
    | facts.CalibrationRatingChanged,
) -> dict[str, Any]:
    return {"session_id": record.session_id, "manager_version": record.manager_version}


def _by(person_id: PersonId | None) -> dict[str, Any]:
    return {"by": person_id, "by_role": SYSTEM if person_id is None else HR_ADMIN}
