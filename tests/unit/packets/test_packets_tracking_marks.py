"""How far a packet is, in words and in one number; and who records a conversation, when."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packets.domain import answers, readiness, release
from packets.domain.conversation import record_conversation, unmet_record_conversation
from packets.domain.facts import ConversationRecorded
from packets.domain.ids import PersonId
from packets.domain.packet import CalibrationState, Holder, Override, Packet, PacketState, Part, preview_tag
from packets.domain.people import HR_ADMIN, HR_ASSISTANT, Actor, Standing
from packets.domain.refusals import NotFound
from packets.domain.tracking import STATES, Mark, is_told_why, marks, told, tracked, unmet_follow
from unit.packets import packet_rows
from unit.packets.packet_rows import (
    ASSISTANT,
    CALIBRATOR,
    DIRECTORY,
    EMPLOYEE,
    EMPTY,
    EVE,
    HANNA,
    HR,
    HR_AND_MANAGER,
    MANAGER,
    MAX,
    OUTSIDER,
    SOURCES,
    E,
    a_packet,
    names_of,
    signed,
    sources,
)

if TYPE_CHECKING:
    from collections.abc import Callable

S, M = PacketState, Mark


@pytest.mark.parametrize(
    ("packet", "found"),
    [
        (a_packet(S.NONE), set()),
        (a_packet(S.READY), set()),
        (a_packet(S.WITH_MANAGER), {M.SENT}),
        (a_packet(S.RELEASING), set()),
        (a_packet(S.RELEASING, was_sent=True), {M.SENT}),
        (a_packet(S.RELEASED, requested_as=Part.MANAGER, was_sent=True), {M.SENT, M.RELEASED_BY_MANAGER}),
        (a_packet(S.RELEASED), {M.RELEASED_BY_HR}),
        (a_packet(S.RELEASED, viewed_epoch=E), {M.RELEASED_BY_HR, M.VIEWED}),
        (a_packet(S.RELEASED, viewed_epoch=E - 1, downloaded_epoch=E - 1), {M.RELEASED_BY_HR}),
        (a_packet(S.RELEASED, downloaded_epoch=E), {M.RELEASED_BY_HR, M.DOWNLOADED}),
        (a_packet(S.UNRELEASING, viewed_epoch=E, downloaded_epoch=E, conversation_held=True), set()),
        (a_packet(S.WITH_MANAGER, conversation_held=True), {M.SENT, M.CONVERSATION}),
        (a_packet(S.UNRELEASING, holds=signed(Holder.SIGNATURE_EMPLOYEE)), {M.SIGNED_BY_EMPLOYEE}),
        (
            a_packet(S.RELEASED, holds=signed(Holder.SIGNATURE_MANAGER, Holder.COMPLETION)),
            {M.RELEASED_BY_HR, M.SIGNED_BY_MANAGER, M.COMPLETED},
        ),
        (
            a_packet(
                S.READY,
                calibration=CalibrationState.STALE,
                override=Override(by=HANNA, manager_version=5, rating_version=1),
            ),
            {M.OVERRIDDEN},
        ),
    ],
)
def test_what_came_about_and_was_not_taken_back(packet: Packet, found: set[Mark]) -> None:
    assert marks(packet) == found
    assert told(tracked(packet)) == (packet.state, frozenset(found))


@given(st.sampled_from(STATES), st.frozensets(st.sampled_from(Mark)))
def test_a_number_is_what_a_row_was_and_stays_so(state: PacketState, found: frozenset[Mark]) -> None:
    # Rows keep the number: neither the states' nor the marks' places ever change.
    places = ["sent", "released_by_manager", "released_by_hr", "viewed", "downloaded", "conversations"]
    places += ["signed_by_employee", "signed_by_manager", "completed", "overridden"]
    order = ["none", "ready", "with_manager", "releasing", "released", "unreleasing"]
    number = order.index(state.value) + sum(8 << places.index(mark.value) for mark in found)
    assert told(number) == (state, found)


@pytest.mark.parametrize(
    ("roles", "exists", "has_team", "refused"),
    [
        ({HR_ADMIN}, True, False, False),
        ({HR_ASSISTANT}, True, False, False),
        ({HR_ADMIN}, False, False, True),
        (set(), True, True, False),
        (set(), True, False, True),
    ],
)
def test_hr_follows_every_cycle_and_managers_those_of_their_teams(
    roles: set[str],
    exists: bool,  # noqa: FBT001
    has_team: bool,  # noqa: FBT001
    refused: bool,  # noqa: FBT001
) -> None:
    actor = Actor(person_id=MAX, roles=frozenset(roles))
    found = unmet_follow(actor, exists=exists, has_team=has_team)
    assert [type(each) for each in found] == ([NotFound] if refused else [])


def test_what_hr_typed_is_told_to_hr_but_not_of_a_superiors_review() -> None:
    hr, below = Actor(person_id=HANNA, roles=frozenset({HR_ADMIN})), {**DIRECTORY, HANNA: EVE}
    assert is_told_why(hr, EVE, DIRECTORY)
    assert not is_told_why(hr, EVE, below)
    assert not is_told_why(hr, PersonId("nobody"), DIRECTORY)
    assert not is_told_why(Actor(person_id=HANNA, roles=frozenset({HR_ASSISTANT})), EVE, DIRECTORY)


TABLE = {
    S.NONE: "404 not-found",
    S.READY: "404 not-found",
    S.WITH_MANAGER: "with_manager e=3 conversation-recorded",
    S.RELEASING: "404 not-found",
    S.RELEASED: "released e=3 conversation-recorded",
    S.UNRELEASING: "404 not-found",
}


@pytest.mark.parametrize("state", PacketState)
def test_a_manager_records_the_conversation_while_having_the_packet_and_once_it_is_released(
    state: PacketState,
) -> None:
    packet = a_packet(state)
    assert packet_rows.outcome(packet, lambda: record_conversation(packet, MANAGER)) == TABLE[state]


@pytest.mark.parametrize("state", PacketState)
@pytest.mark.parametrize(
    ("who", "refusal"),
    [
        (EMPLOYEE, "403 forbidden-role"),
        (HR, "403 forbidden-role"),
        (ASSISTANT, "403 forbidden-role"),
        (CALIBRATOR, "403 forbidden-role"),
        (OUTSIDER, "404 not-found"),
    ],
)
def test_nobody_else_records_a_conversation(who: Standing, refusal: str, state: PacketState) -> None:
    assert packet_rows.told(unmet_record_conversation(a_packet(state), who)) == [refusal]


def test_who_is_of_hr_and_the_manager_records_as_the_manager() -> None:
    _, (fact,) = record_conversation(a_packet(S.RELEASED), HR_AND_MANAGER)
    assert isinstance(fact, ConversationRecorded)
    assert (fact.by, fact.state) == (MAX, S.RELEASED)


def test_a_conversation_is_recorded_once_for_each_packet_that_the_manager_gets() -> None:
    held, records = record_conversation(a_packet(S.WITH_MANAGER), MANAGER)
    assert names_of(records) == ["conversation-recorded"]
    assert record_conversation(held, MANAGER) == (held, ())


@pytest.mark.parametrize(
    ("state", "taken_back"),
    [
        (S.WITH_MANAGER, lambda p: release.unrelease(p, HR, has_reason=True)),
        (S.WITH_MANAGER, lambda p: readiness.recompute(p, sources(EMPTY))),
        (S.UNRELEASING, lambda p: answers.released(p, fence=2 * E + 1, sources=SOURCES)),
    ],
    ids=["taken-from-manager", "withdrawn", "unreleased"],
)
def test_a_packet_that_was_taken_back_may_be_talked_about_again(
    state: PacketState, taken_back: Callable[[Packet], tuple[Packet, object]]
) -> None:
    back, _ = taken_back(a_packet(state, conversation_held=True))
    assert not back.conversation_held


def test_a_conversation_before_the_release_is_kept_by_it_and_by_its_failure() -> None:
    asked, _ = release.release(
        a_packet(S.WITH_MANAGER, conversation_held=True), MANAGER, previewed=preview_tag(a_packet()), has_reason=False
    )
    fence = 2 * asked.epoch
    assert answers.granted(asked, fence=fence, self_version=None)[0].conversation_held
    assert answers.rejected(asked, fence=fence, reason="manager-changed", sources=SOURCES)[0].conversation_held


def test_where_nothing_may_be_written_no_conversation_is_recorded() -> None:
    asked = a_packet(S.RELEASING, was_sent=True)
    assert packet_rows.told(unmet_record_conversation(asked, MANAGER)) == ["409 release-in-progress"]
    closed = a_packet(S.RELEASED, closed=True)
    assert packet_rows.told(unmet_record_conversation(closed, MANAGER)) == ["409 cycle-closed"]
    held = a_packet(S.RELEASED, closed=True, conversation_held=True)
    assert unmet_record_conversation(held, MANAGER) == []
