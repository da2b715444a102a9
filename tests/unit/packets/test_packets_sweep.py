"""Repairs from assessment's rows, and the jump of a restored packet."""

from __future__ import annotations

from dataclasses import replace

import pytest

from packets.domain import sweep
from packets.domain.facts import PacketUnreleased, UnreleaseReason, Was
from packets.domain.ids import SnapshotHash
from packets.domain.packet import CalibrationState, Holder, Packet, PacketState
from packets.domain.sweep import AssessmentRow, Finding, RegisterRow
from unit.packets.packet_rows import (
    HANNA,
    MAX,
    REVIEW,
    SOURCES,
    E,
    a_packet,
    names_of,
    signed,
    text,
)

HASH = SnapshotHash("text-5|goals|calibrated|4")


def a_row(*registers: RegisterRow, **changes: object) -> AssessmentRow:
    row = AssessmentRow(
        review_id=REVIEW,
        version=10,
        manager_id=MAX,
        manager_version=5,
        submitted=True,
        content_hash=text(5),
        closed=False,
        cancelled=False,
        registers=registers,
    )
    return replace(row, **changes)  # type: ignore[arg-type]


def register(fence: int, *, held: bool, snapshot_hash: SnapshotHash = HASH) -> RegisterRow:
    return RegisterRow(holder=Holder.RELEASE, fence=fence, held=held, snapshot_hash=snapshot_hash if held else None)


def swept(packet: Packet, row: AssessmentRow) -> tuple[str, int, list[str], list[Finding]]:
    repair = sweep.sweep(packet, packet, row, SOURCES)
    return repair.packet.state.value, repair.packet.epoch, names_of(repair.records), list(repair.findings)


@pytest.mark.parametrize(
    ("state", "fence", "held", "repaired"),
    [
        (PacketState.NONE, 6, False, ("none", 3, [])),
        (PacketState.READY, 6, False, ("ready", 3, [])),
        (PacketState.READY, 6, True, ("unreleasing", 3, ["packet-unreleased", "UNLOCK(7)"])),
        (PacketState.WITH_MANAGER, 10, True, ("unreleasing", 5, ["packet-unreleased", "UNLOCK(11)"])),
        (PacketState.NONE, 4, True, ("unreleasing", 3, ["packet-unreleased", "UNLOCK(7)"])),
        (PacketState.RELEASING, 6, True, ("releasing", 3, [])),
        (PacketState.RELEASING, 40, True, ("releasing", 3, [])),
        (PacketState.UNRELEASING, 6, True, ("unreleasing", 3, [])),
        (PacketState.RELEASED, 6, True, ("released", 3, [])),
        (PacketState.RELEASED, 6, False, ("unreleasing", 3, ["packet-unreleased", "UNLOCK(7)"])),
        (PacketState.RELEASED, 4, True, ("unreleasing", 3, ["packet-unreleased", "UNLOCK(7)"])),
        (PacketState.RELEASED, 9, False, ("unreleasing", 4, ["packet-unreleased", "UNLOCK(9)"])),
    ],
)
def test_a_packet_and_its_register_are_made_to_agree(
    state: PacketState,
    fence: int,
    held: bool,  # noqa: FBT001
    repaired: tuple[str, int, list[str]],
) -> None:
    *packet, findings = swept(a_packet(state), a_row(register(fence, held=held)))
    assert tuple(packet) == repaired
    orphan = Finding.RELEASE_WITHOUT_REGISTER if state is PacketState.RELEASED else Finding.REGISTER_WITHOUT_RELEASE
    assert findings == ([orphan] if "packet-unreleased" in repaired[2] else [])


def test_a_released_packet_over_another_snapshot_than_its_register_is_taken_back() -> None:
    row = a_row(register(6, held=True, snapshot_hash=SnapshotHash("other")))
    repair = sweep.sweep(a_packet(PacketState.RELEASED), a_packet(PacketState.RELEASED), row, SOURCES)
    fact = repair.records[0]
    assert isinstance(fact, PacketUnreleased)
    assert (fact.was, fact.reason, fact.by) == (Was.RELEASED, UnreleaseReason.RELEASE_WITHOUT_REGISTER, None)


def test_a_packet_that_was_written_after_it_was_read_is_left_alone() -> None:
    read = a_packet(PacketState.READY)
    now = replace(read, row_version=2)
    repair = sweep.sweep(read, now, a_row(register(6, held=True)), SOURCES)
    assert (repair.packet, repair.records, repair.findings) == (now, (), ())


def test_lost_facts_are_taken_from_assessments_row() -> None:
    row = a_row(version=14, manager_version=6, content_hash=text(6), manager_id=HANNA, closed=True)
    repair = sweep.sweep(a_packet(PacketState.READY), a_packet(PacketState.READY), row, SOURCES)
    packet = repair.packet
    assert (packet.manager_version, packet.manager_id, packet.closed, packet.assessment_version) == (6, HANNA, True, 14)
    assert (packet.state, packet.calibration) == (PacketState.NONE, CalibrationState.STALE)
    assert names_of(repair.records) == ["calibration-marked-stale", "packet-withdrawn"]
    assert repair.findings == (Finding.PROJECTION_LATE,)


@pytest.mark.parametrize(
    ("changes", "state"),
    [({"submitted": False, "manager_version": 7}, PacketState.NONE), ({"cancelled": True}, PacketState.NONE)],
)
def test_a_lost_reopening_or_cancelling_withdraws_the_packet(changes: dict[str, object], state: PacketState) -> None:
    packet = a_packet(PacketState.WITH_MANAGER)
    assert swept(packet, a_row(**changes))[0] == state


def test_a_draft_that_moves_on_is_no_finding() -> None:
    packet = a_packet(PacketState.NONE, submitted=False, calibration=CalibrationState.STALE)
    repair = sweep.sweep(packet, packet, a_row(submitted=False, manager_version=9, version=30), SOURCES)
    assert (repair.packet, repair.findings) == (packet, ())


def test_signature_registers_are_taken_as_they_are_and_a_register_never_used_is_nothing() -> None:
    unused = RegisterRow(holder=Holder.COMPLETION, fence=0, held=False)
    held = RegisterRow(holder=Holder.SIGNATURE_EMPLOYEE, fence=2, held=True)
    packet = a_packet(PacketState.RELEASED)
    repair = sweep.sweep(packet, packet, a_row(register(6, held=True), held, unused), SOURCES)
    assert repair.packet.holds == signed(Holder.SIGNATURE_EMPLOYEE)
    assert repair.findings == (Finding.HOLDS_LATE,)
    again = sweep.sweep(repair.packet, repair.packet, a_row(register(6, held=True), held, unused), SOURCES)
    assert again.findings == ()


@pytest.mark.parametrize("state", PacketState)
@pytest.mark.parametrize("register_fence", [0, 7, 40])
def test_every_restored_packet_jumps_past_what_is_in_flight(state: PacketState, register_fence: int) -> None:
    packet = a_packet(state, was_sent=True, send_when_ready=True)
    jumped, records = sweep.quarantine_jump(packet, register_fence=register_fence)
    epoch = max(E, register_fence // 2) + 1000
    assert (jumped.state, jumped.epoch, jumped.was_sent) == (PacketState.UNRELEASING, epoch, False)
    assert names_of(records) == ["packet-unreleased", f"UNLOCK({2 * epoch + 1})"]
    fact = records[0]
    assert isinstance(fact, PacketUnreleased)
    assert (fact.epoch, fact.was, fact.reason) == (epoch, Was.UNKNOWN, UnreleaseReason.RESTORED)
    assert jumped.row_version > packet.row_version
