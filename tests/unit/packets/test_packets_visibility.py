"""Who sees a packet, in which state, and what a mail may point to."""

from __future__ import annotations

import pytest

from packets.domain import visibility
from packets.domain.facts import PacketDownloaded, PacketViewed
from packets.domain.ids import PersonId
from packets.domain.packet import PacketState, Part, is_viewed
from packets.domain.people import HR_ADMIN, HR_ASSISTANT, Actor, Standing, standing, superiors
from unit.packets.packet_rows import (
    ASSISTANT,
    CALIBRATOR,
    DIRECTORY,
    EMPLOYEE,
    EVE,
    HANNA,
    HR,
    HR_BELOW,
    HR_UNKNOWN,
    MANAGER,
    MAX,
    OUTSIDER,
    E,
    a_packet,
    names_of,
    told,
)

S = PacketState
READERS: dict[str, tuple[Standing, set[PacketState], str]] = {
    "employee": (EMPLOYEE, {S.RELEASED}, "404 not-found"),
    "manager": (MANAGER, {S.WITH_MANAGER, S.RELEASED}, "404 not-found"),
    "hr": (HR, set(S) - {S.NONE}, "409 not-ready"),
    "assistant": (ASSISTANT, set(), "403 forbidden-role"),
    "calibrator": (CALIBRATOR, set(), "404 not-found"),
    "hr below the reviewee": (HR_BELOW, set(), "404 not-found"),
    "hr whom the directory lacks": (HR_UNKNOWN, set(), "403 unknown-person"),
    "outsider": (OUTSIDER, set(), "404 not-found"),
}


@pytest.mark.parametrize("state", PacketState)
@pytest.mark.parametrize("reader", READERS)
def test_who_reads_the_packet_in_which_state(reader: str, state: PacketState) -> None:
    who, readable, refusal = READERS[reader]
    assert told(visibility.unmet_read(a_packet(state), who)) == ([] if state in readable else [refusal])


def test_a_manager_who_has_had_the_packet_keeps_it_while_it_is_releasing() -> None:
    packet = a_packet(S.RELEASING, was_sent=True)
    assert visibility.unmet_read(packet, MANAGER) == []
    assert told(visibility.unmet_read(packet, EMPLOYEE)) == ["404 not-found"]


@pytest.mark.parametrize(
    ("who", "state", "seen"),
    [
        (EMPLOYEE, S.READY, False),
        (EMPLOYEE, S.RELEASED, True),
        (MANAGER, S.NONE, True),
        (HR, S.NONE, True),
        (ASSISTANT, S.NONE, True),
        (HR_BELOW, S.NONE, True),
        (OUTSIDER, S.RELEASED, False),
    ],
)
def test_who_sees_how_far_a_packet_is(who: Standing, state: PacketState, seen: bool) -> None:  # noqa: FBT001
    assert (visibility.unmet_see_state(a_packet(state), who) == []) is seen


def test_the_employees_first_read_of_an_epoch_is_noted_once() -> None:
    packet = a_packet(S.RELEASED, viewed_epoch=E - 1)
    assert not is_viewed(packet)
    viewed, (fact,) = visibility.read(packet, EMPLOYEE)
    assert isinstance(fact, PacketViewed)
    assert (fact.epoch, is_viewed(viewed)) == (E, True)
    assert visibility.read(viewed, EMPLOYEE) == (viewed, ())
    assert visibility.read(packet, MANAGER) == (packet, ())


def test_a_download_is_a_read_and_a_fact_of_its_own_each_time() -> None:
    packet = a_packet(S.RELEASED)
    viewed, facts = visibility.download(packet, EMPLOYEE)
    assert names_of(facts) == ["packet-viewed", "packet-downloaded"]
    _, again = visibility.download(viewed, EMPLOYEE)
    assert names_of(again) == ["packet-downloaded"]
    _, (fact,) = visibility.download(a_packet(S.WITH_MANAGER), HR)
    assert isinstance(fact, PacketDownloaded)
    assert (fact.reader_id, fact.reader_part) == (HANNA, Part.HR_ADMIN)


@pytest.mark.parametrize(
    ("state", "person", "at", "allowed"),
    [
        (S.RELEASED, EVE, E, True),
        (S.RELEASED, EVE, E - 1, False),
        (S.UNRELEASING, EVE, E, False),
        (S.WITH_MANAGER, MAX, E, True),
        (S.WITH_MANAGER, EVE, E, False),
        (S.READY, MAX, E, False),
        (S.RELEASED, HANNA, E, False),
    ],
)
def test_a_mail_points_only_to_what_its_reader_may_open_at_that_epoch(
    state: PacketState,
    person: PersonId,
    at: int,
    allowed: bool,  # noqa: FBT001
) -> None:
    assert visibility.allowed_for_mail(a_packet(state), person, at=at) is allowed


def hr(person_id: str) -> Actor:
    return Actor(person_id=PersonId(person_id), roles=frozenset({HR_ADMIN, HR_ASSISTANT}))


@pytest.mark.parametrize(
    ("actor", "directory", "parts", "barrier"),
    [
        (hr("eve"), DIRECTORY, {Part.EMPLOYEE}, None),
        (hr("hanna"), DIRECTORY, {Part.HR_ADMIN, Part.HR_ASSISTANT}, None),
        (hr("max"), DIRECTORY, {Part.HR_ADMIN, Part.HR_ASSISTANT, Part.MANAGER}, None),
        (hr("hanna"), DIRECTORY | {HANNA: PersonId("ben"), PersonId("ben"): EVE}, {Part.HR_ASSISTANT}, "self-dealing"),
        (hr("nobody"), DIRECTORY, {Part.HR_ASSISTANT}, "unknown-person"),
        (hr("hanna"), {HANNA: None}, {Part.HR_ASSISTANT}, "unknown-person"),
        (Actor(person_id=PersonId("otto")), {}, set(), None),
    ],
)
def test_what_somebody_is_to_a_review(
    actor: Actor, directory: dict[PersonId, PersonId | None], parts: set[Part], barrier: str | None
) -> None:
    who = standing(a_packet(), actor, directory)
    assert (set(who.parts), who.barrier) == (parts, barrier)


def test_a_loop_in_the_reporting_line_ends() -> None:
    ben, ann = PersonId("ben"), PersonId("ann")
    assert superiors({ben: ann, ann: ben}, ben) == (ann,)
