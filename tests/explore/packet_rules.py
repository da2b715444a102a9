"""What holds of packets' row and of each step of it: readiness, who reads, what is shown, epochs, what is told.

Written from the rules. Where the domain is asked here, its answer is compared with the rule's.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from explore import cast
from explore.violation import Violation
from packets.domain import visibility
from packets.domain.packet import CalibrationState, Packet, PacketState, Part, RatingShown, SnapshotRef
from packets.domain.people import standing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explore.bus import Message
    from explore.packets_side import Row
    from explore.steps import Step

NONE, READY, WITH_MANAGER = PacketState.NONE, PacketState.READY, PacketState.WITH_MANAGER
RELEASING, RELEASED, UNRELEASING = PacketState.RELEASING, PacketState.RELEASED, PacketState.UNRELEASING
FROZEN = frozenset({RELEASING, RELEASED, UNRELEASING})
RELEASES = frozenset({"release", "release-by-manager", "release-by-successor"})
# What a change of state is told by; where two are named, both are told.
_TOLD = {
    (NONE, READY): "packet.ready.v1",
    (NONE, WITH_MANAGER): "packet.released-to-manager.v1",
    (READY, NONE): "packet.withdrawn.v1",
    (READY, WITH_MANAGER): "packet.released-to-manager.v1",
    (READY, RELEASING): "hold.requested.v1",
    (WITH_MANAGER, NONE): "packet.withdrawn.v1",
    (WITH_MANAGER, READY): "packet.withdrawn.v1",
    (WITH_MANAGER, RELEASING): "hold.requested.v1",
    (RELEASING, NONE): "packet.release-failed.v1",
    (RELEASING, READY): "packet.release-failed.v1",
    (RELEASING, WITH_MANAGER): "packet.release-failed.v1",
    (RELEASING, RELEASED): "packet.released.v1",
    (RELEASING, UNRELEASING): "packet.unreleased.v1 hold.requested.v1",
    (RELEASED, UNRELEASING): "packet.unreleased.v1 hold.requested.v1",
    (UNRELEASING, NONE): "packet.withdrawn.v1",
    (UNRELEASING, READY): "packet.ready.v1",
    (UNRELEASING, WITH_MANAGER): "packet.released-to-manager.v1",
}
_REBUILT = "packet.rebuilt.v1"


@dataclass(slots=True)
class Shown:
    """What each snapshot hash stands for, as far as was met."""

    by_hash: dict[str, object] = field(default_factory=dict)
    by_content: dict[object, str] = field(default_factory=dict)


def check_row(row: Row, shown: Shown) -> None:
    """Readiness, who may read, and that a hash and what is shown are one to one."""
    packet = row.packet
    _check_ready(row)
    reads = not visibility.unmet_read(packet, _as(packet, packet.subject_id))
    if reads != (packet.state is RELEASED):
        raise Violation("I1", f"the employee {'reads' if reads else 'cannot read'} a packet that is {packet.state}")
    manager_reads = not visibility.unmet_read(packet, _as(packet, packet.manager_id))
    if manager_reads != (packet.state in {RELEASED, WITH_MANAGER} or (packet.state is RELEASING and packet.was_sent)):
        raise Violation("I1", f"the manager {'reads' if manager_reads else 'cannot read'} it: {packet.state}")
    if packet.snapshot is None:
        return
    ref = packet.snapshot.ref
    chosen = row.shelf.of(ref.selection_version)
    questions = set(visibility.chosen(packet, chosen, cast.questionnaire().outline).question_ids)
    if questions != set(_shared(row, ref.selection_version)):
        raise Violation("I1", f"the packet shows {sorted(questions)}, shared is {_shared(row, ref.selection_version)}")
    content = _content(row, ref)
    if shown.by_hash.setdefault(packet.snapshot.hash, content) != content:
        raise Violation("I5", f"one snapshot hash for {shown.by_hash[packet.snapshot.hash]} and {content}")
    if shown.by_content.setdefault(content, packet.snapshot.hash) != packet.snapshot.hash:
        raise Violation("I5", f"two snapshot hashes for {content}")


def check_step(before: Row, after: Row, step: Step, sent: Sequence[Message]) -> None:
    """Epochs, what may be asked for, what stays while it is asked for or shown, and what is told."""
    old, new = before.packet, after.packet
    if new.epoch < old.epoch:
        raise Violation("S6", f"the epoch goes down from {old.epoch} to {new.epoch}", step)
    if new.state is RELEASED and old.state is not RELEASED and (old.state is not RELEASING or old.epoch != new.epoch):
        raise Violation("S5", f"RELEASED at epoch {new.epoch} after {old.state} at {old.epoch}", step)
    if new.state is RELEASING and old.state is not RELEASING:
        _check_asked(before, new, step)
    _check_pinned(new, step, sent)
    if old.state in FROZEN and new.state in FROZEN and _showing(old) != _showing(new):
        raise Violation("I3", f"what is shown changes while the packet is {old.state}", step)
    if step.kind != "sweep":
        _check_told(old, new, step, sent)


def _check_ready(row: Row) -> None:
    packet = row.packet
    unmet = {
        "cancelled": packet.cancelled,
        "not submitted": not packet.submitted,
        "not calibrated": not _calibration_ok(packet),
        "nothing shared": not _shared(row, packet.selection_version),
    }
    wrong = [word for word, holds in unmet.items() if holds]
    if packet.state in {READY, WITH_MANAGER} and wrong:
        raise Violation("guard", f"the packet is {packet.state} though {wrong}")
    if packet.state is NONE and not wrong and _has_content(packet):
        raise Violation("guard", "the packet is NONE though everything is there")
    if packet.state in {READY, WITH_MANAGER, RELEASING, RELEASED} and packet.snapshot is None:
        raise Violation("guard", f"the packet is {packet.state} without a snapshot")


def _check_asked(before: Row, new: Packet, step: Step) -> None:
    old = before.packet
    if step.of not in RELEASES or old.state not in {READY, WITH_MANAGER}:
        raise Violation("table", f"RELEASING from {old.state} by {step.of}", step)
    if new.epoch != old.epoch + 1:
        raise Violation("S6", f"an attempt has epoch {new.epoch} after {old.epoch}", step)
    ok = old.submitted and not old.cancelled and not old.closed and _calibration_ok(old) and _has_content(old)
    if not ok or not _shared(before, old.selection_version) or old.snapshot is None or old.snapshot.ref != _ref(old):
        raise Violation("guard", "a release is accepted though the packet is not complete as it was previewed", step)
    if old.state is READY and step.of != "release":
        raise Violation("guard", "a manager acts on a packet that was not sent", step)


def _check_pinned(new: Packet, step: Step, sent: Sequence[Message]) -> None:
    """A lock names what is to be shown, and the manager where it is the manager who asked."""
    for each in sent:
        said = each.said
        if each.type != "hold.requested.v1" or said["want"] != "held":
            continue
        manager = new.requested_by if new.requested_as is Part.MANAGER else None
        if said["manager_id"] != manager:
            raise Violation("S2", f"the lock names {said['manager_id']} as manager, asked for by {manager}", step)
        if new.snapshot is None or said["snapshot_hash"] != new.snapshot.hash:
            raise Violation("S1", "the lock names another snapshot than is to be shown", step)
        if said["manager_version"] != new.snapshot.ref.manager_version:
            raise Violation("S2", "the lock names another version than is to be shown", step)


def _check_told(old: Packet, new: Packet, step: Step, sent: Sequence[Message]) -> None:
    told = Counter(each.type for each in sent if not each.type.startswith("calibration."))
    same_row = old.state is new.state
    expected = Counter() if same_row else Counter(_TOLD.get((old.state, new.state), "nothing").split())
    rehashed = old.snapshot is not None and new.snapshot is not None and old.snapshot.hash != new.snapshot.hash
    if rehashed and new.state in {READY, WITH_MANAGER} and old.state is not UNRELEASING:
        expected[_REBUILT] += 1
    if (
        same_row
        and (step.of == "packets-reconciler" or new.epoch != old.epoch)
        and new.state in {RELEASING, UNRELEASING}
    ):
        expected["hold.requested.v1"] += 1
    if old.viewed_epoch != new.viewed_epoch:
        expected["packet.viewed.v1"] += 1
    if told != expected:
        raise Violation("S7", f"{old.state} to {new.state} is told by {dict(told)}, not {dict(expected)}", step)


def _calibration_ok(packet: Packet) -> bool:
    if packet.calibration in {CalibrationState.NOT_REQUIRED, CalibrationState.CALIBRATED}:
        return True
    override = packet.override
    return override is not None and (override.manager_version, override.rating_version) == (
        packet.manager_version,
        packet.rating_version,
    )


def _has_content(packet: Packet) -> bool:
    return (packet.fetched_version, packet.fetched_hash) == (packet.manager_version, packet.content_hash)


def _shared(row: Row, version: int) -> tuple[str, ...]:
    """The questions that HR shared; where reviews are calibrated, a rating is never one of them."""
    ids = row.shelf.of(version).question_ids
    calibrated = row.packet.calibration is not CalibrationState.NOT_REQUIRED
    return tuple(each for each in ids if not (calibrated and each == cast.RATING))


def _content(row: Row, ref: SnapshotRef) -> object:
    text = cast.TEXTS[cast.letter_of(ref.content_hash)]
    answers = tuple((each, text[each]) for each in _shared(row, ref.selection_version))
    if ref.rating_shown is RatingShown.NONE:
        return answers
    rating = ref.rating if ref.rating_shown is RatingShown.CALIBRATED else str(text[cast.RATING])
    return (*answers, (ref.rating_shown.value, rating)) if rating is not None else answers


def _ref(packet: Packet) -> SnapshotRef:
    """What the row would show now."""
    shown = RatingShown.NONE
    if packet.shares_rating and packet.calibration is not CalibrationState.NOT_REQUIRED:
        calibrated = packet.calibration is CalibrationState.CALIBRATED
        shown = RatingShown.CALIBRATED if calibrated else RatingShown.MANAGER_FINAL
    return SnapshotRef(
        manager_version=packet.manager_version,
        content_hash=packet.fetched_hash,
        selection_version=packet.selection_version,
        rating_shown=shown,
        rating=packet.rating if shown is RatingShown.CALIBRATED else None,
        rating_version=packet.rating_version,
    )


def _showing(packet: Packet) -> tuple[object, ...]:
    return packet.snapshot, packet.rating, packet.rating_version, packet.selection_version, packet.override


def _as(packet: Packet, person_id: str) -> Any:
    return standing(packet, cast.packets_actor(person_id), cast.packets_line())
