"""Releasing, sending and unreleasing: who, with what in hand, and what the commands to assessment name."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from packets.domain import answers, holds, rating, release
from packets.domain.facts import HoldRequested, PacketUnreleased, Want, Was
from packets.domain.ids import Rating, SnapshotHash
from packets.domain.packet import Holder, PacketState, preview_tag
from packets.domain.refusals import Refusal
from unit.packets.packet_rows import (
    HANNA,
    HR,
    HR_AND_MANAGER,
    MANAGER,
    MAX,
    REVIEW,
    SOURCES,
    E,
    a_packet,
    name_of,
    signed,
    told,
)

if TYPE_CHECKING:
    from packets.domain.people import Standing


def test_the_lock_names_what_was_previewed_and_the_manager_who_releases() -> None:
    packet = a_packet(PacketState.WITH_MANAGER)
    _, (command,) = release.release(packet, MANAGER, previewed=preview_tag(packet))
    assert command == HoldRequested(
        review_id=REVIEW,
        holder=Holder.RELEASE,
        fence=8,
        want=Want.HELD,
        epoch=4,
        manager_version=5,
        snapshot_hash=SnapshotHash("text-5|goals|calibrated|4"),
        manager_id=MAX,
    )


@pytest.mark.parametrize(
    ("state", "who", "manager_id"),
    [
        (PacketState.WITH_MANAGER, HR, None),
        (PacketState.WITH_MANAGER, HR_AND_MANAGER, MAX),
        (PacketState.READY, HR_AND_MANAGER, None),
        (PacketState.READY, HR, None),
    ],
)
def test_the_lock_of_hr_names_no_manager(state: PacketState, who: Standing, manager_id: str | None) -> None:
    packet = a_packet(state)
    _, (command,) = release.release(packet, who, previewed=preview_tag(packet), has_reason=True)
    assert isinstance(command, HoldRequested)
    assert command.manager_id == manager_id


def test_a_command_that_is_sent_again_names_what_it_named_first() -> None:
    packet = a_packet(PacketState.WITH_MANAGER)
    releasing, first = release.release(packet, MANAGER, previewed=preview_tag(packet))
    learnt = replace(releasing, manager_id=HANNA, manager_version=9, submitted=False)
    assert holds.reconcile(learnt) == first


@pytest.mark.parametrize(
    ("state", "who", "previewed", "has_reason", "codes"),
    [
        (PacketState.WITH_MANAGER, MANAGER, None, False, ["428 version-missing"]),
        (PacketState.WITH_MANAGER, MANAGER, "old", False, ["412 packet-changed"]),
        (PacketState.READY, HR, None, False, ["428 version-missing", "422 reason-missing"]),
        (PacketState.READY, HR, "tag", False, ["422 reason-missing"]),
        (PacketState.READY, MANAGER, "tag", True, ["404 not-found"]),
        (PacketState.NONE, MANAGER, "tag", True, ["404 not-found"]),
        (PacketState.RELEASING, MANAGER, "tag", True, ["404 not-found"]),
        (PacketState.UNRELEASING, MANAGER, "tag", True, ["404 not-found"]),
        (PacketState.RELEASED, MANAGER, None, False, []),
    ],
)
def test_a_release_names_what_was_previewed_and_hr_says_why_it_bypasses(
    state: PacketState,
    who: Standing,
    previewed: str | None,
    has_reason: bool,  # noqa: FBT001
    codes: list[str],
) -> None:
    packet = a_packet(state)
    tag = preview_tag(packet) if previewed == "tag" else previewed
    assert told(release.unmet_release(packet, who, previewed=tag, has_reason=has_reason)) == codes


def test_a_preview_from_before_another_rating_is_refused_even_if_the_rating_came_back() -> None:
    packet = a_packet(PacketState.WITH_MANAGER)
    seen = preview_tag(packet)
    for value in ("5", "4"):
        packet, _ = rating.change_rating(
            packet,
            HR,
            rating=Rating(value),
            expected_version=packet.rating_version,
            has_reason=True,
            sources=SOURCES,
        )
    assert told(release.unmet_release(packet, MANAGER, previewed=seen, has_reason=False)) == ["412 packet-changed"]


@pytest.mark.parametrize("state", [PacketState.RELEASING, PacketState.RELEASED])
@pytest.mark.parametrize("holder", [Holder.SIGNATURE_EMPLOYEE, Holder.SIGNATURE_MANAGER, Holder.COMPLETION], ids=str)
def test_a_signed_packet_is_unreleased_only_together_with_its_signatures(state: PacketState, holder: Holder) -> None:
    packet = a_packet(state, holds=signed(holder))

    with pytest.raises(Refusal) as refused:
        release.unrelease(packet, HR, has_reason=True)
    hidden, (fact, command) = release.unrelease(packet, HR, revoke_signatures=True, has_reason=True)

    assert (refused.value.code, refused.value.params) == ("signatures-present", {"holders": [holder.value]})
    assert isinstance(fact, PacketUnreleased)
    assert (fact.revoke_signatures, fact.was.value) == (True, state.value)
    assert (hidden.revoked_epoch, name_of(command)) == (E, "UNLOCK(7)")


def test_a_signature_that_is_freed_again_hinders_no_unrelease() -> None:
    packet = a_packet(PacketState.RELEASED, holds=signed(Holder.SIGNATURE_EMPLOYEE))
    freed, _ = holds.hold_known(packet, holder=Holder.SIGNATURE_EMPLOYEE, fence=3, held=False, sources=SOURCES)
    again, _ = holds.hold_known(freed, holder=Holder.SIGNATURE_EMPLOYEE, fence=2, held=True, sources=SOURCES)
    assert again is freed
    hidden, _ = release.unrelease(again, HR, has_reason=True)
    assert (hidden.state, hidden.revoked_epoch) == (PacketState.UNRELEASING, None)


def test_an_unrelease_without_a_reason_is_refused_and_one_in_progress_is_repeated() -> None:
    released = a_packet(PacketState.RELEASED)
    assert told(release.unmet_unrelease(released, HR, revoke_signatures=False, has_reason=False)) == [
        "422 reason-missing"
    ]
    hiding = a_packet(PacketState.UNRELEASING)
    assert release.unmet_unrelease(hiding, HR, revoke_signatures=True, has_reason=False) == []


def test_a_closed_cycle_refuses_releases_and_sending_but_not_unreleasing() -> None:
    ready = a_packet(PacketState.READY, closed=True)
    assert told(release.unmet_release(ready, HR, previewed=preview_tag(ready), has_reason=True)) == ["409 cycle-closed"]
    assert told(release.unmet_send_to_manager(ready, HR)) == ["409 cycle-closed"]
    released = a_packet(PacketState.RELEASED, closed=True)
    hidden, (fact, _) = release.unrelease(released, HR, has_reason=True)
    assert isinstance(fact, PacketUnreleased)
    assert (hidden.state, fact.was) == (PacketState.UNRELEASING, Was.RELEASED)


def test_unreleasing_and_releasing_again_without_edits_gives_the_same_hash_under_a_new_epoch() -> None:
    packet = a_packet(PacketState.RELEASED)
    hidden, _ = release.unrelease(packet, HR, has_reason=True)
    back, _ = answers.released(hidden, fence=7, sources=SOURCES)
    again, (command,) = release.release(back, HR, previewed=preview_tag(back), has_reason=True)
    assert isinstance(command, HoldRequested)
    assert packet.snapshot is not None
    assert (again.epoch, command.snapshot_hash) == (4, packet.snapshot.hash)
