"""The packet's state table, cell by cell. Packets are at epoch 3, so LOCK carries fence 6 and UNLOCK fence 7."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from packets.domain import answers, holds, rating, readiness, release
from packets.domain.facts import PacketReleaseFailed
from packets.domain.ids import Rating
from packets.domain.packet import CalibrationState, Packet, PacketState, Part, ReleaseMode, preview_tag
from unit.packets.packet_rows import (
    EMPTY,
    HR,
    MANAGER,
    SOURCES,
    WIDER,
    E,
    a_packet,
    names_of,
    outcome,
    rated,
    sources,
    text,
    told,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from packets.domain.facts import Record

Step = tuple[Packet, tuple["Record", ...]]
INPUTS: dict[str, Callable[[Packet], Step]] = {
    "release": lambda p: release.release(p, HR, previewed=preview_tag(p), has_reason=True),
    "granted(2e)": lambda p: answers.granted(p, fence=2 * E, self_version=1),
    "rejected(2e)": lambda p: answers.rejected(p, fence=2 * E, reason="content-changed", sources=SOURCES),
    "unrelease": lambda p: release.unrelease(p, HR, has_reason=True),
    "released(2e+1)": lambda p: answers.released(p, fence=2 * E + 1, sources=SOURCES),
    "rating": lambda p: rated(p, "5"),
    "selection": lambda p: readiness.recompute(p, sources(WIDER)),
    "override": lambda p: rating.override_calibration(p, HR, has_reason=True, sources=SOURCES),
    "send": lambda p: release.send_to_manager(p, HR),
    "superseded(2e, 20)": lambda p: answers.superseded(p, fence=2 * E, last_fence=20, sources=SOURCES),
    "superseded(2e+1, 20)": lambda p: answers.superseded(p, fence=2 * E + 1, last_fence=20, sources=SOURCES),
    "superseded(2e+1, 21)": lambda p: answers.superseded(p, fence=2 * E + 1, last_fence=21, sources=SOURCES),
    "reconcile": lambda p: (p, holds.reconcile(p)),
}

# The NONE row lacks shared questions; the order of its refusals has a table of its own.
TABLE = {
    PacketState.NONE: {
        "release": "422 no-shared-questions",
        "granted(2e)": "ignore",
        "rejected(2e)": "ignore",
        "unrelease": "409 not-released",
        "released(2e+1)": "ignore",
        "rating": "none e=3 calibration-rating-changed",
        "selection": "ready e=3 packet-ready",
        "override": "409 nothing-to-override",
        "send": "422 no-shared-questions",
        "superseded(2e, 20)": "ignore",
        "superseded(2e+1, 20)": "ignore",
        "superseded(2e+1, 21)": "ignore",
        "reconcile": "ignore",
    },
    PacketState.READY: {
        "release": "releasing e=4 LOCK(8)",
        "granted(2e)": "ignore",
        "rejected(2e)": "ignore",
        "unrelease": "409 not-released",
        "released(2e+1)": "ignore",
        "rating": "ready e=3 calibration-rating-changed packet-rebuilt",
        "selection": "ready e=3 packet-rebuilt",
        "override": "409 nothing-to-override",
        "send": "with_manager e=3 packet-released-to-manager",
        "superseded(2e, 20)": "ignore",
        "superseded(2e+1, 20)": "ignore",
        "superseded(2e+1, 21)": "ignore",
        "reconcile": "ignore",
    },
    PacketState.WITH_MANAGER: {
        "release": "releasing e=4 LOCK(8)",
        "granted(2e)": "ignore",
        "rejected(2e)": "ignore",
        "unrelease": "ready e=3 packet-withdrawn",
        "released(2e+1)": "ignore",
        "rating": "with_manager e=3 calibration-rating-changed packet-rebuilt",
        "selection": "with_manager e=3 packet-rebuilt",
        "override": "409 nothing-to-override",
        "send": "ignore",
        "superseded(2e, 20)": "ignore",
        "superseded(2e+1, 20)": "ignore",
        "superseded(2e+1, 21)": "ignore",
        "reconcile": "ignore",
    },
    PacketState.RELEASING: {
        "release": "409 release-in-progress",
        "granted(2e)": "released e=3 packet-released",
        "rejected(2e)": "ready e=3 packet-release-failed",
        "unrelease": "unreleasing e=3 packet-unreleased UNLOCK(7)",
        "released(2e+1)": "ignore",
        "rating": "409 release-in-progress",
        "selection": "ignore",
        "override": "409 release-in-progress",
        "send": "409 release-in-progress",
        "superseded(2e, 20)": "releasing e=11 LOCK(22)",
        "superseded(2e+1, 20)": "ignore",
        "superseded(2e+1, 21)": "ignore",
        "reconcile": "releasing e=3 LOCK(6)",
    },
    PacketState.RELEASED: {
        "release": "ignore",
        "granted(2e)": "ignore",
        "rejected(2e)": "ignore",
        "unrelease": "unreleasing e=3 packet-unreleased UNLOCK(7)",
        "released(2e+1)": "ignore",
        "rating": "423 locked-released",
        "selection": "ignore",
        "override": "423 locked-released",
        "send": "423 locked-released",
        "superseded(2e, 20)": "ignore",
        "superseded(2e+1, 20)": "ignore",
        "superseded(2e+1, 21)": "ignore",
        "reconcile": "ignore",
    },
    PacketState.UNRELEASING: {
        "release": "409 unrelease-in-progress",
        "granted(2e)": "ignore",
        "rejected(2e)": "ignore",
        "unrelease": "ignore",
        "released(2e+1)": "ready e=3 packet-ready",
        "rating": "409 unrelease-in-progress",
        "selection": "ignore",
        "override": "409 unrelease-in-progress",
        "send": "409 unrelease-in-progress",
        "superseded(2e, 20)": "ignore",
        "superseded(2e+1, 20)": "unreleasing e=11 UNLOCK(23)",
        "superseded(2e+1, 21)": "ready e=3 packet-ready",
        "reconcile": "unreleasing e=3 UNLOCK(7)",
    },
}


def in_row(state: PacketState) -> Packet:
    if state is PacketState.NONE:
        return a_packet(state, selection_version=0, shared_count=0)
    return a_packet(state)


@pytest.mark.parametrize(
    ("state", "column"), [pytest.param(state, column, id=f"{state}-{column}") for state in TABLE for column in INPUTS]
)
def test_each_cell_does_what_the_table_says(state: PacketState, column: str) -> None:
    packet = in_row(state)
    # A packet without shared questions learns of a selection only in the column of selections.
    given = INPUTS[column]
    if state is PacketState.NONE and column == "rating":
        empty = replace(EMPTY, version=0)
        assert outcome(packet, lambda: rated(packet, "5", sources(empty))) == TABLE[state][column]
        return
    assert outcome(packet, lambda: given(packet)) == TABLE[state][column]


def test_the_table_has_every_state_and_every_input() -> None:
    assert set(TABLE) == set(PacketState)
    assert all(list(row) == list(INPUTS) for row in TABLE.values())


OVERRIDES = {
    PacketState.NONE: "ready e=3 calibration-overridden packet-ready",
    PacketState.READY: "ignore",
    PacketState.WITH_MANAGER: "ignore",
    PacketState.RELEASING: "409 release-in-progress",
    PacketState.RELEASED: "423 locked-released",
    PacketState.UNRELEASING: "409 unrelease-in-progress",
}


@pytest.mark.parametrize("state", PacketState)
def test_an_override_of_a_review_that_waits_for_calibration(state: PacketState) -> None:
    waiting = a_packet(PacketState.NONE, calibration=CalibrationState.PENDING, rating=None)
    packet = waiting
    if state is not PacketState.NONE:
        packet = replace(rating.override_calibration(waiting, HR, has_reason=True, sources=SOURCES)[0], state=state)

    assert outcome(packet, lambda: INPUTS["override"](packet)) == OVERRIDES[state]


@pytest.mark.parametrize("fence", range(12))
@pytest.mark.parametrize("state", PacketState)
def test_only_the_answer_to_the_fence_that_is_waited_for_does_anything(state: PacketState, fence: int) -> None:
    packet = in_row(state)
    moved = {
        name
        for name, (after, records) in {
            "granted": answers.granted(packet, fence=fence, self_version=1),
            "rejected": answers.rejected(packet, fence=fence, reason="content-changed", sources=SOURCES),
            "released": answers.released(packet, fence=fence, sources=SOURCES),
            "superseded": answers.superseded(packet, fence=fence, last_fence=40, sources=SOURCES),
        }.items()
        if after is not packet or records
    }
    expected: set[str] = set()
    if state is PacketState.RELEASING and fence == 2 * E:
        expected = {"granted", "rejected", "superseded"}
    if state is PacketState.UNRELEASING and fence == 2 * E + 1:
        expected = {"released", "superseded"}
    assert moved == expected


@pytest.mark.parametrize("last_fence", [0, 5, 6])
def test_a_command_superseded_by_nothing_newer_is_ignored(last_fence: int) -> None:
    packet = a_packet(PacketState.RELEASING)
    assert answers.superseded(packet, fence=6, last_fence=last_fence, sources=SOURCES) == (packet, ())


@pytest.mark.parametrize(
    ("lacking", "codes"),
    [
        (
            {"submitted": False, "calibration": CalibrationState.STALE, "shared_count": 0},
            ["409 manager-assessment-not-submitted", "409 not-calibrated", "422 no-shared-questions"],
        ),
        (
            {"calibration": CalibrationState.STALE, "fetched_version": 4, "shared_count": 0},
            ["409 not-calibrated", "409 not-ready", "422 no-shared-questions"],
        ),
        ({"fetched_version": 4, "shared_count": 0}, ["409 not-ready", "422 no-shared-questions"]),
        ({"shared_count": 0}, ["422 no-shared-questions"]),
        ({}, ["409 not-ready"]),
        ({"closed": True, "shared_count": 0}, ["409 cycle-closed", "422 no-shared-questions"]),
    ],
)
def test_a_packet_that_is_not_ready_answers_with_the_first_thing_it_lacks(
    lacking: dict[str, object], codes: list[str]
) -> None:
    packet = a_packet(PacketState.NONE, **lacking)
    assert told(release.unmet_release(packet, HR, previewed=None, has_reason=True)) == codes
    assert told(release.unmet_send_to_manager(packet, HR)) == codes


@pytest.mark.parametrize(
    ("was_sent", "changes", "home", "records"),
    [
        (True, {}, PacketState.WITH_MANAGER, ["packet-release-failed"]),
        (False, {}, PacketState.READY, ["packet-release-failed"]),
        (True, {"submitted": False}, PacketState.NONE, ["packet-release-failed"]),
        (False, {"calibration": CalibrationState.STALE}, PacketState.NONE, ["packet-release-failed"]),
        (True, {"rating": Rating("1"), "rating_version": 2}, PacketState.WITH_MANAGER, None),
    ],
)
def test_a_rejected_release_goes_where_the_packet_belongs_by_now(
    was_sent: bool,  # noqa: FBT001
    changes: dict[str, object],
    home: PacketState,
    records: list[str] | None,
) -> None:
    asked = a_packet(PacketState.RELEASING, was_sent=was_sent)
    packet = replace(asked, **changes)  # type: ignore[arg-type]

    back, facts = answers.rejected(packet, fence=6, reason="not-submitted", sources=SOURCES)

    assert back.state is home
    assert names_of(facts) == (records or ["packet-release-failed", "packet-rebuilt"])
    failed = facts[0]
    assert isinstance(failed, PacketReleaseFailed)
    assert (failed.state, failed.reason, failed.epoch) == (home, "not-submitted", E)
    assert (back.last_refusal, back.was_sent, back.epoch) == ("not-submitted", False, E)


def test_a_release_rejected_because_the_text_changed_waits_for_the_new_text_where_it_was() -> None:
    packet = a_packet(PacketState.RELEASING, was_sent=True)
    edited = replace(packet, manager_version=6, content_hash=text(6))
    not_calibrated = replace(edited, calibration=CalibrationState.NOT_REQUIRED, rating=None, rating_version=0)

    back, facts = answers.rejected(not_calibrated, fence=6, reason="content-changed", sources=SOURCES)

    assert (back.state, names_of(facts)) == (PacketState.WITH_MANAGER, ["packet-release-failed"])
    assert told(release.unmet_release(back, MANAGER, previewed=preview_tag(back), has_reason=False)) == [
        "409 not-ready"
    ]


DIRECT = {
    PacketState.NONE: ("409 manager-direct", "409 not-released"),
    PacketState.WITH_MANAGER: ("409 manager-direct", "409 manager-direct"),
    PacketState.RELEASING: ("409 manager-direct", "unreleasing e=3 packet-unreleased UNLOCK(7)"),
    PacketState.RELEASED: ("423 locked-released", "unreleasing e=3 packet-unreleased UNLOCK(7)"),
    PacketState.UNRELEASING: ("409 manager-direct", "ignore"),
}


@pytest.mark.parametrize("state", DIRECT)
def test_in_a_manager_direct_cycle_hr_neither_sends_nor_takes_back(state: PacketState) -> None:
    packet = a_packet(state, release_mode=ReleaseMode.MANAGER_DIRECT)
    sent = outcome(packet, lambda: INPUTS["send"](packet))
    taken_back = outcome(packet, lambda: INPUTS["unrelease"](packet))
    assert (sent, taken_back) == DIRECT[state]


def test_in_a_manager_direct_cycle_an_unreleased_packet_comes_back_to_its_manager() -> None:
    packet = a_packet(PacketState.UNRELEASING, release_mode=ReleaseMode.MANAGER_DIRECT)
    assert outcome(packet, lambda: INPUTS["released(2e+1)"](packet)) == "with_manager e=3 packet-released-to-manager"


@pytest.mark.parametrize(
    ("changes", "cell"),
    [
        ({}, "ready e=3 packet-ready"),
        ({"submitted": False}, "none e=3 packet-withdrawn"),
        ({"fetched_version": 4}, "none e=3 packet-withdrawn"),
        ({"calibration": CalibrationState.STALE}, "none e=3 packet-withdrawn"),
        ({"was_sent": True, "requested_as": Part.MANAGER}, "ready e=3 packet-ready"),
    ],
)
def test_an_unlocked_packet_is_ready_or_not_as_things_are_by_then(changes: dict[str, object], cell: str) -> None:
    packet = a_packet(PacketState.UNRELEASING, **changes)
    assert outcome(packet, lambda: INPUTS["released(2e+1)"](packet)) == cell
