"""When a packet is ready, what follows from assessment's facts, and what that publishes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from packets.domain import holds, projection, readiness
from packets.domain.facts import PacketRebuilt, PacketReleasedToManager, PacketWithdrawn
from packets.domain.packet import (
    FROZEN,
    CalibrationState,
    Holder,
    Packet,
    PacketState,
    ReleaseMode,
    opened,
    preview_tag,
    snapshot_is_current,
)
from packets.domain.readiness import Sources
from unit.packets.packet_rows import (
    CYCLE,
    EMPTY,
    EVE,
    HANNA,
    MAX,
    REVIEW,
    SELECTION,
    SOURCES,
    WIDER,
    a_packet,
    names_of,
    signed,
    sources,
    text,
    told,
)

PLAIN = {"calibration": CalibrationState.NOT_REQUIRED, "rating": None, "rating_version": 0, "session_id": None}


def a_new_packet(*, release_mode: ReleaseMode = ReleaseMode.HR_GATED, calibration_required: bool = False) -> Packet:
    return opened(
        review_id=REVIEW,
        cycle_id=CYCLE,
        subject_id=EVE,
        manager_id=MAX,
        release_mode=release_mode,
        calibration_required=calibration_required,
        release_after_calibration=False,
        version=1,
    )


def test_a_packet_is_ready_once_submitted_and_fetched_and_a_question_is_shared() -> None:
    packet = a_new_packet()
    packet, first = projection.submitted(packet, version=2, manager_version=3, content_hash=text(3), sources=SOURCES)
    assert (packet.state, first, projection.wants_content(packet)) == (PacketState.NONE, (), True)

    packet, facts = projection.content_fetched(packet, manager_version=3, content_hash=text(3), sources=SOURCES)

    assert (packet.state, names_of(facts)) == (PacketState.READY, ["packet-ready"])
    assert snapshot_is_current(packet)
    assert not projection.wants_content(packet)


def test_in_a_manager_direct_cycle_becoming_ready_is_becoming_with_manager_in_one_step() -> None:
    packet = a_new_packet(release_mode=ReleaseMode.MANAGER_DIRECT)
    packet, _ = projection.submitted(packet, version=2, manager_version=3, content_hash=text(3), sources=SOURCES)
    packet, facts = projection.content_fetched(packet, manager_version=3, content_hash=text(3), sources=SOURCES)
    assert packet.state is PacketState.WITH_MANAGER
    (fact,) = facts
    assert isinstance(fact, PacketReleasedToManager)
    assert fact.by is None


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"submitted": False}, "manager-assessment-reopened"),
        ({"calibration": CalibrationState.STALE}, "not-calibrated"),
        ({"calibration": CalibrationState.IN_SESSION}, "not-calibrated"),
        ({"shared_count": 0}, "no-shared-questions"),
        ({"cancelled": True}, "cancelled"),
    ],
)
@pytest.mark.parametrize("state", [PacketState.READY, PacketState.WITH_MANAGER])
def test_a_packet_that_is_no_longer_ready_is_withdrawn(
    state: PacketState, changes: dict[str, object], reason: str
) -> None:
    packet = replace(a_packet(state), **changes)  # type: ignore[arg-type]

    fallen, facts = readiness.recompute(packet, SOURCES)

    assert (fallen.state, fallen.snapshot) == (PacketState.NONE, None)
    (fact,) = facts
    assert isinstance(fact, PacketWithdrawn)
    assert (fact.was, fact.state, fact.reason) == (state, PacketState.NONE, reason)


@pytest.mark.parametrize("state", sorted(FROZEN))
def test_while_a_release_is_asked_for_or_stands_facts_are_noted_and_nothing_else(state: PacketState) -> None:
    packet = a_packet(state)
    learnt, facts = projection.reopened(packet, version=11, manager_version=5, sources=sources(WIDER))
    assert names_of(facts) == ["calibration-marked-stale"]
    assert (learnt.state, learnt.submitted, learnt.calibration) == (state, False, CalibrationState.STALE)
    assert (learnt.snapshot, learnt.selection_version) == (packet.snapshot, 1)


def test_an_edit_keeps_the_packet_with_its_manager_and_rebuilds_it_once_fetched() -> None:
    packet = a_packet(PacketState.WITH_MANAGER, **PLAIN)
    seen = preview_tag(packet)

    edited, first = projection.submitted(packet, version=11, manager_version=6, content_hash=text(6), sources=SOURCES)
    rebuilt, facts = projection.content_fetched(edited, manager_version=6, content_hash=text(6), sources=SOURCES)

    assert (edited.state, first, preview_tag(edited)) == (PacketState.WITH_MANAGER, (), seen)
    assert not snapshot_is_current(edited)
    assert rebuilt.state is PacketState.WITH_MANAGER
    (fact,) = facts
    assert isinstance(fact, PacketRebuilt)
    assert (fact.manager_version, fact.reason, fact.state) == (6, "content-changed", PacketState.WITH_MANAGER)
    assert preview_tag(rebuilt) != seen


def test_a_new_version_of_the_same_text_is_another_preview_but_not_rebuilt() -> None:
    packet = a_packet(PacketState.READY)
    saved, _ = projection.submitted(packet, version=11, manager_version=6, content_hash=text(5), sources=SOURCES)
    again, facts = projection.content_fetched(saved, manager_version=6, content_hash=text(5), sources=SOURCES)
    assert (facts, again.calibration) == ((), CalibrationState.CALIBRATED)
    assert packet.snapshot is not None
    assert again.snapshot is not None
    assert again.snapshot.hash == packet.snapshot.hash
    assert preview_tag(again) != preview_tag(packet)


def test_an_edit_of_a_calibrated_review_makes_the_calibration_stale_and_withdraws_the_packet() -> None:
    packet = a_packet(PacketState.WITH_MANAGER)
    stale, facts = projection.submitted(packet, version=11, manager_version=6, content_hash=text(6), sources=SOURCES)
    assert (stale.state, stale.calibration) == (PacketState.NONE, CalibrationState.STALE)
    assert names_of(facts) == ["calibration-marked-stale", "packet-withdrawn"]
    again, nothing = projection.submitted(stale, version=12, manager_version=7, content_hash=text(7), sources=SOURCES)
    assert (again.calibration, nothing) == (CalibrationState.STALE, ())


def test_facts_that_come_late_or_twice_change_nothing() -> None:
    packet = a_packet(PacketState.READY, **PLAIN)
    down, _ = projection.reopened(packet, version=12, manager_version=5, sources=SOURCES)
    moved = projection.reassigned(down, version=13, manager_id=HANNA)

    assert projection.submitted(moved, version=11, manager_version=5, content_hash=text(5), sources=SOURCES) == (
        moved,
        (),
    )
    assert projection.reopened(moved, version=12, manager_version=5, sources=SOURCES) == (moved, ())
    assert projection.reassigned(moved, version=11, manager_id=MAX) == moved
    assert projection.reassigned(moved, version=13, manager_id=HANNA) == moved
    assert projection.closed(moved, version=4) == moved
    assert projection.cancelled(moved, version=4, sources=SOURCES) == (moved, ())


def test_content_of_another_version_or_hash_is_not_taken() -> None:
    packet = a_packet(PacketState.NONE, fetched_version=None, fetched_hash=None)
    assert projection.content_fetched(packet, manager_version=4, content_hash=text(5), sources=SOURCES)[0] is packet
    assert projection.content_fetched(packet, manager_version=5, content_hash=text(4), sources=SOURCES)[0] is packet


def test_a_packet_whose_hash_cannot_be_computed_yet_is_not_ready() -> None:
    unhashed = Sources(selection=SELECTION, hash_of=lambda _review, _ref: None)
    packet = a_packet(PacketState.NONE)
    assert readiness.recompute(packet, unhashed) == (packet, ())
    ready, facts = readiness.recompute(packet, SOURCES)
    assert (ready.state, names_of(facts)) == (PacketState.READY, ["packet-ready"])


def test_a_reassigned_packet_is_with_the_new_manager() -> None:
    moved = projection.reassigned(a_packet(PacketState.WITH_MANAGER), version=11, manager_id=HANNA)
    assert (moved.state, moved.manager_id) == (PacketState.WITH_MANAGER, HANNA)


def test_closing_a_cycle_leaves_the_packet_where_it_is() -> None:
    packet = projection.closed(a_packet(PacketState.READY), version=11)
    assert (packet.closed, packet.state) == (True, PacketState.READY)


def test_recomputing_again_changes_nothing() -> None:
    packet = a_packet(PacketState.READY)
    assert readiness.recompute(packet, SOURCES) == (packet, ())


def test_an_empty_selection_withdraws_and_the_next_one_makes_ready_again() -> None:
    packet, facts = readiness.recompute(a_packet(PacketState.WITH_MANAGER), sources(EMPTY))
    assert (packet.state, names_of(facts)) == (PacketState.NONE, ["packet-withdrawn"])
    packet, facts = readiness.recompute(packet, sources(replace(WIDER, version=3)))
    assert (packet.state, names_of(facts)) == (PacketState.READY, ["packet-ready"])


def test_a_selection_waits_while_packets_knows_of_a_signature_and_takes_effect_when_it_is_freed() -> None:
    packet = a_packet(PacketState.READY, holds=signed(Holder.SIGNATURE_MANAGER))
    waiting, nothing = readiness.recompute(packet, sources(WIDER))
    assert (waiting, nothing) == (packet, ())

    freed, facts = holds.hold_known(
        packet, holder=Holder.SIGNATURE_MANAGER, fence=3, held=False, sources=sources(WIDER)
    )
    assert (freed.selection_version, names_of(facts)) == (2, ["packet-rebuilt"])


def test_an_answer_about_the_release_register_is_not_noted_as_a_signature() -> None:
    packet = a_packet(PacketState.READY)
    assert holds.hold_known(packet, holder=Holder.RELEASE, fence=6, held=True, sources=SOURCES) == (packet, ())


def test_the_order_of_what_is_unmet_is_that_of_a_release() -> None:
    packet = a_new_packet(calibration_required=True)
    assert told(readiness.unmet_ready(packet)) == [
        "409 manager-assessment-not-submitted",
        "409 not-calibrated",
        "422 no-shared-questions",
    ]
