"""Calibration: sessions, ratings, the gate, and what they do to packets."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from packets.domain import calibration, projection, rating, session
from packets.domain.facts import CalibrationCompleted, CalibrationRatingChanged, PacketRebuilt
from packets.domain.ids import CycleId, PersonId, Rating, ReviewId, SessionId
from packets.domain.packet import (
    CalibrationState,
    Holder,
    Packet,
    PacketState,
    Part,
    RatingShown,
    calibration_is_ok,
    is_overridden,
    snapshot_ref,
)
from packets.domain.people import Actor, Standing
from packets.domain.refusals import Refusal
from packets.domain.session import Session, SessionState
from unit.packets.packet_rows import (
    ASSISTANT_ACTOR,
    CALIBRATOR,
    CYCLE,
    DIRECTORY,
    EMPLOYEE,
    EVE,
    HANNA,
    HR,
    HR_ACTOR,
    HR_AND_K,
    HR_BELOW,
    KIM,
    KIM_ACTOR,
    MANAGER,
    OUTSIDER,
    SESSION,
    SOURCES,
    a_packet,
    a_session,
    names_of,
    signed,
    text,
    told,
)

C, P, S = CalibrationState, PacketState, SessionState
OTHER = ReviewId("other")


def a_rated(state: PacketState = P.NONE, **changes: object) -> Packet:
    return a_packet(state, **{"calibration": C.IN_SESSION, **changes})


def completed(given: Session, *packets: Packet) -> tuple[Session, tuple[Packet, ...], list[str]]:
    after, moved, facts = calibration.complete(given, packets, actor=HR_AND_K, directory=DIRECTORY, sources=SOURCES)
    return after, moved, names_of(facts)


def test_a_session_takes_its_reviews_from_pending_to_calibrated() -> None:
    waiting = a_packet(P.NONE, calibration=C.PENDING, rating=None, rating_version=0, session_id=None)
    made, packets = session.create(
        session_id=SESSION, cycle_id=CYCLE, packets=(waiting,), calibrators=[KIM], actor=HR_ACTOR, directory=DIRECTORY
    )
    assert (made.state, packets[0].calibration, packets[0].session_id) == (S.PENDING, C.PENDING, SESSION)

    begun, packets, facts = calibration.start(made, packets, actor=HR_ACTOR, directory=DIRECTORY, sources=SOURCES)
    assert (begun.state, packets[0].calibration, names_of(facts)) == (
        S.IN_SESSION,
        C.IN_SESSION,
        ["calibration-started"],
    )

    rated, facts = calibration.rate(
        begun,
        packets[0],
        rating=Rating("4"),
        actor=KIM_ACTOR,
        directory=DIRECTORY,
        expected_version=0,
        has_justification=True,
        sources=SOURCES,
    )
    (fact,) = facts
    assert isinstance(fact, CalibrationRatingChanged)
    assert (fact.session_id, fact.by, fact.by_part, rated.rating_version) == (SESSION, KIM, Part.CALIBRATOR, 1)

    ended, packets, names = completed(begun, rated)
    assert (ended.state, packets[0].calibration, packets[0].state) == (S.COMPLETED, C.CALIBRATED, P.READY)
    assert names == ["calibration-completed", "packet-ready"]


def test_with_the_switch_on_packets_go_to_managers_the_moment_their_calibration_completes() -> None:
    _, packets, names = completed(a_session(), a_rated(release_after_calibration=True))
    assert (packets[0].state, packets[0].send_when_ready) == (P.WITH_MANAGER, False)
    assert names == ["calibration-completed", "packet-released-to-manager"]


OUTDATED: dict[str, Any] = {"rated_version": 4, "rated_hash": text(4)}
RATED_AS_IT_IS: dict[str, Any] = {"rated_version": 5, "rated_hash": text(5)}


@pytest.mark.parametrize(
    ("rated", "ends"),
    [
        (RATED_AS_IT_IS, (C.CALIBRATED, 5, ["calibration-completed", "packet-released-to-manager"])),
        # Revised and revised back: what counts is what is said, not how often it was saved.
        (
            {"rated_version": 3, "rated_hash": text(5)},
            (C.CALIBRATED, 5, ["calibration-completed", "packet-released-to-manager"]),
        ),
        (OUTDATED, (C.STALE, 4, ["calibration-completed", "calibration-marked-stale"])),
    ],
)
def test_what_was_edited_after_it_was_rated_is_calibrated_as_it_was_rated_and_stale_at_once(
    rated: dict[str, Any], ends: tuple[CalibrationState, int, list[str]]
) -> None:
    after, (packet,), facts = calibration.complete(
        a_session(),
        (a_rated(release_after_calibration=True, **rated),),
        actor=HR_AND_K,
        directory=DIRECTORY,
        sources=SOURCES,
    )
    assert isinstance(facts[0], CalibrationCompleted)
    assert (packet.calibration, facts[0].manager_version, names_of(facts)) == ends
    assert (after.state, packet.state is P.WITH_MANAGER) == (S.COMPLETED, ends[0] is C.CALIBRATED)


def test_who_gives_the_rating_that_stands_again_says_that_it_is_right_for_what_was_edited() -> None:
    given = a_rated(**OUTDATED)
    rated, facts = calibration.rate(
        a_session(),
        given,
        rating=Rating("4"),
        actor=KIM_ACTOR,
        directory=DIRECTORY,
        expected_version=given.rating_version,
        has_justification=True,
        sources=SOURCES,
    )
    assert (rated, facts) == (a_rated(**RATED_AS_IT_IS), ())
    _, (packet,), names = completed(a_session(), rated)
    assert (packet.calibration, names) == (C.CALIBRATED, ["calibration-completed", "packet-ready"])


def test_what_was_stale_is_stale_again_after_a_session_is_reopened_and_completed_without_a_look() -> None:
    stale = a_packet(P.NONE, calibration=C.STALE, **OUTDATED)
    begun, packets, _ = calibration.reopen(
        a_session(S.COMPLETED), (stale,), actor=HR_AND_K, directory=DIRECTORY, sources=SOURCES
    )
    ended, (packet,), names = completed(begun, *packets)
    assert (packet.calibration, names) == (C.STALE, ["calibration-completed", "calibration-marked-stale"])
    (packet,), _ = calibration.confirm(ended, (packet,), actor=HR_AND_K, directory=DIRECTORY, sources=SOURCES)
    assert (packet.calibration, packet.rated_version, packet.rated_hash) == (C.CALIBRATED, 5, text(5))


def test_a_packet_completed_before_its_text_was_fetched_goes_to_its_manager_when_it_is() -> None:
    _, (packet,), names = completed(a_session(), a_rated(release_after_calibration=True, fetched_version=4))
    assert (packet.state, names) == (P.NONE, ["calibration-completed"])
    packet, facts = projection.content_fetched(packet, manager_version=5, content_hash=text(5), sources=SOURCES)
    assert (packet.state, names_of(facts)) == (P.WITH_MANAGER, ["packet-released-to-manager"])


@pytest.mark.parametrize(
    ("given", "packet", "codes"),
    [
        (a_session(), a_rated(rating=None), ["409 ratings-missing"]),
        (a_session(S.PENDING), a_rated(), ["409 session-in-other-state"]),
        (a_session(S.COMPLETED), a_rated(), ["409 session-in-other-state"]),
        (a_session(), a_rated(submitted=False), ["409 manager-assessment-not-submitted"]),
        (a_session(), a_rated(P.RELEASED), ["423 locked-released"]),
        (a_session(), a_rated(P.RELEASING), ["409 release-in-progress"]),
        (a_session(), a_rated(P.UNRELEASING), ["409 unrelease-in-progress"]),
        (a_session(), a_rated(holds=signed(Holder.COMPLETION)), ["423 locked-signed"]),
        (a_session(), a_rated(closed=True), ["409 cycle-closed"]),
        (a_session(), a_rated(cancelled=True, rating=None), []),
        (a_session(), a_rated(), []),
    ],
)
def test_when_a_session_is_completed(given: Session, packet: Packet, codes: list[str]) -> None:
    reasons = calibration.unmet_complete(given, (packet,), actor=HR_AND_K, directory=DIRECTORY)
    assert told(reasons) == codes
    if codes and codes != ["409 session-in-other-state"]:
        assert reasons[0].params == {"review_ids": [packet.review_id]}


BELOW = DIRECTORY | {KIM: EVE}
KIM_IS_REVIEWEE = {"subject_id": KIM}


@pytest.mark.parametrize(
    ("command", "actor", "directory", "changes", "codes"),
    [
        ("start", HR_ACTOR, DIRECTORY, {}, []),
        ("start", KIM_ACTOR, DIRECTORY, {}, ["403 forbidden-role"]),
        ("start", ASSISTANT_ACTOR, DIRECTORY, {}, ["403 forbidden-role"]),
        ("start", Actor(person_id=EVE), DIRECTORY, {}, ["404 not-found"]),
        ("start", HR_AND_K, BELOW, {}, ["403 self-dealing"]),
        ("start", HR_AND_K, DIRECTORY, KIM_IS_REVIEWEE, ["403 forbidden-role"]),
        ("start", HR_ACTOR, {}, {}, ["403 unknown-person"]),
        ("cancel", HR_ACTOR, DIRECTORY, {}, []),
        ("cancel", KIM_ACTOR, DIRECTORY, {}, ["403 forbidden-role"]),
        ("complete", HR_AND_K, DIRECTORY, {}, []),
        ("complete", HR_ACTOR, DIRECTORY, {}, ["403 forbidden-role"]),
        ("complete", KIM_ACTOR, DIRECTORY, {}, ["403 forbidden-role"]),
        ("complete", HR_AND_K, BELOW, {}, ["403 self-dealing"]),
        ("reopen", HR_AND_K, DIRECTORY, {}, []),
        ("reopen", HR_ACTOR, DIRECTORY, {}, ["403 forbidden-role"]),
        ("confirm", HR_AND_K, DIRECTORY, {}, []),
        ("confirm", HR_ACTOR, DIRECTORY, {}, ["403 forbidden-role"]),
        ("confirm", KIM_ACTOR, DIRECTORY, {}, ["403 forbidden-role"]),
    ],
)
def test_who_does_what_in_a_session(
    command: str,
    actor: Actor,
    directory: dict[PersonId, PersonId | None],
    changes: dict[str, object],
    codes: list[str],
) -> None:
    state = {"start": S.PENDING, "cancel": S.IN_SESSION, "complete": S.IN_SESSION}.get(command, S.COMPLETED)
    before = {"start": C.PENDING, "cancel": C.IN_SESSION, "complete": C.IN_SESSION, "reopen": C.STALE}
    packet = a_packet(P.NONE, calibration=before.get(command, C.STALE), **changes)
    unmet = {
        "start": calibration.unmet_start,
        "cancel": calibration.unmet_cancel,
        "complete": calibration.unmet_complete,
        "reopen": calibration.unmet_reopen,
        "confirm": calibration.unmet_confirm,
    }[command]
    assert told(unmet(a_session(state), (packet,), actor=actor, directory=directory)) == codes


@pytest.mark.parametrize(
    ("actor", "changes", "version", "justified", "codes"),
    [
        (KIM_ACTOR, {}, 1, True, []),
        (KIM_ACTOR, {}, 1, False, ["422 justification-missing"]),
        (KIM_ACTOR, {}, None, True, ["428 version-missing"]),
        (KIM_ACTOR, {}, 0, True, ["412 stale-version"]),
        (KIM_ACTOR, KIM_IS_REVIEWEE, 1, True, ["403 forbidden-role"]),
        (KIM_ACTOR, {"submitted": False}, 1, True, ["409 manager-assessment-not-submitted"]),
        (KIM_ACTOR, {"review_id": OTHER}, 1, True, ["404 not-found"]),
        (HR_ACTOR, {}, 1, True, ["403 forbidden-role"]),
        (Actor(person_id=EVE), {}, 1, True, ["404 not-found"]),
    ],
)
def test_who_rates_a_review_in_session_and_how(
    actor: Actor,
    changes: dict[str, object],
    version: int | None,
    justified: bool,  # noqa: FBT001
    codes: list[str],
) -> None:
    reasons = calibration.unmet_rate(
        a_session(),
        a_rated(P.NONE, **changes),
        actor=actor,
        directory=DIRECTORY,
        expected_version=version,
        has_justification=justified,
    )
    assert told(reasons) == codes


def test_a_calibrator_neither_sees_nor_rates_a_superior() -> None:
    reasons = calibration.unmet_rate(
        a_session(), a_rated(), actor=KIM_ACTOR, directory=BELOW, expected_version=1, has_justification=True
    )
    assert told(reasons) == ["403 self-dealing"]
    assert not session.board_shows(a_session(), a_rated(), actor=KIM_ACTOR, directory=BELOW)
    assert session.board_shows(a_session(), a_rated(), actor=KIM_ACTOR, directory=DIRECTORY)
    assert told(session.unmet_board(a_session(), actor=HR_ACTOR)) == ["403 forbidden-role"]
    assert told(session.unmet_board(a_session(), actor=Actor(person_id=EVE))) == ["404 not-found"]


def test_cancelling_frees_the_reviews_and_the_next_session_starts_without_ratings() -> None:
    after, (free,), facts = calibration.cancel(
        a_session(), (a_rated(),), actor=HR_ACTOR, directory=DIRECTORY, sources=SOURCES
    )
    assert (after.state, free.calibration, free.session_id) == (S.CANCELLED, C.PENDING, None)
    assert names_of(facts) == ["calibration-cancelled"]

    again = replace(free, session_id=SessionId("next"))
    _, (begun,), _ = calibration.start(
        a_session(S.PENDING), (again,), actor=HR_ACTOR, directory=DIRECTORY, sources=SOURCES
    )
    assert (begun.rating, begun.rating_version) == (None, 2)


def test_reopening_takes_calibrated_packets_from_their_managers_and_keeps_the_ratings() -> None:
    after, (packet,), facts = calibration.reopen(
        a_session(S.COMPLETED), (a_packet(P.WITH_MANAGER),), actor=HR_AND_K, directory=DIRECTORY, sources=SOURCES
    )
    assert (after.state, packet.calibration, packet.rating) == (S.IN_SESSION, C.IN_SESSION, "4")
    assert names_of(facts) == ["calibration-started", "packet-withdrawn"]


def test_confirming_calibrates_stale_reviews_and_leaves_calibrated_ones_as_they_are() -> None:
    given = a_session(S.COMPLETED, review_ids=frozenset({"review", OTHER}))
    stale = a_packet(P.NONE, calibration=C.STALE, release_after_calibration=True)
    kept = a_packet(P.READY, review_id=OTHER)
    packets, facts = calibration.confirm(given, (stale, kept), actor=HR_AND_K, directory=DIRECTORY, sources=SOURCES)
    assert (packets[0].calibration, packets[0].state, packets[1]) == (C.CALIBRATED, P.WITH_MANAGER, kept)
    assert names_of(facts) == ["calibration-confirmed", "packet-released-to-manager"]


def test_only_stale_reviews_of_the_session_are_confirmed() -> None:
    given = a_session(S.COMPLETED)
    foreign = calibration.unmet_confirm(
        given, (a_packet(P.NONE, review_id=OTHER),), actor=HR_AND_K, directory=DIRECTORY
    )
    pending = calibration.unmet_confirm(
        given, (a_packet(P.NONE, calibration=C.PENDING),), actor=HR_AND_K, directory=DIRECTORY
    )
    assert (told(foreign), told(pending)) == (["404 not-found"], ["409 nothing-to-confirm"])


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        ({"session_id": None, "calibration": C.PENDING}, []),
        ({"calibration": C.PENDING}, ["409 already-in-session"]),
        ({"session_id": None, "calibration": C.NOT_REQUIRED}, ["409 calibration-not-required"]),
        ({"session_id": None, "calibration": C.PENDING, "cycle_id": CycleId("x")}, ["404 not-found"]),
    ],
)
def test_which_reviews_a_new_session_takes(changes: dict[str, object], codes: list[str]) -> None:
    packets = (a_packet(P.NONE, **changes),)
    reasons = session.unmet_create(cycle_id=CYCLE, packets=packets, actor=HR_ACTOR, directory=DIRECTORY)
    assert told(reasons) == codes


def test_hr_says_who_calibrates_until_the_session_is_cancelled() -> None:
    right = a_session().row_version
    who = {"actor": HR_ACTOR, "directory": DIRECTORY, "expected_version": right}
    assert session.set_calibrators(a_session(), (), [HANNA], **who).calibrators == {HANNA}  # type: ignore[arg-type]

    def refused(asked: Session, actor: Actor, expected: int | None) -> list[str]:
        unmet = session.unmet_set_calibrators
        return told(unmet(asked, (), actor=actor, directory=DIRECTORY, expected_version=expected))

    assert refused(a_session(), KIM_ACTOR, right + 1) == ["403 forbidden-role"]
    assert refused(a_session(S.CANCELLED), HR_ACTOR, right) == ["409 session-in-other-state"]
    assert refused(a_session(), HR_ACTOR, None) == ["428 version-missing"]
    assert refused(a_session(), HR_ACTOR, right + 1) == ["412 stale-version"]


@pytest.mark.parametrize(
    ("who", "changes", "has_reason", "codes"),
    [
        (HR, {}, True, []),
        (CALIBRATOR, {}, True, []),
        (HR, {}, False, ["422 reason-missing"]),
        (MANAGER, {}, True, ["403 forbidden-role"]),
        (EMPLOYEE, {}, True, ["403 forbidden-role"]),
        (HR_BELOW, {}, True, ["403 self-dealing"]),
        (OUTSIDER, {}, True, ["404 not-found"]),
        (HR, {"calibration": C.STALE}, True, ["409 not-calibrated"]),
        (HR, {"submitted": False}, True, ["409 manager-assessment-not-submitted"]),
        (HR, {"holds": signed(Holder.SIGNATURE_MANAGER)}, True, ["423 locked-signed"]),
        (HR, {"closed": True, "cancelled": True}, True, ["409 review-cancelled", "409 cycle-closed"]),
    ],
)
def test_who_changes_a_calibrated_rating_and_when(
    who: Standing,
    changes: dict[str, object],
    has_reason: bool,  # noqa: FBT001
    codes: list[str],
) -> None:
    packet = a_packet(P.READY, **changes)
    version = packet.rating_version
    assert told(rating.unmet_change_rating(packet, who, expected_version=version, has_reason=has_reason)) == codes


@pytest.mark.parametrize(
    ("version", "codes"),
    [(None, ["428 version-missing"]), (1, ["412 stale-version"]), (2, []), (3, ["412 stale-version"])],
)
def test_a_calibrated_rating_is_changed_by_whoever_has_seen_the_one_that_stands(
    version: int | None, codes: list[str]
) -> None:
    packet = a_packet(P.READY, rating_version=2)
    assert told(rating.unmet_change_rating(packet, HR, expected_version=version, has_reason=True)) == codes


def test_a_rating_changed_after_calibration_stays_calibrated_and_rebuilds_the_packet() -> None:
    packet = a_packet(P.WITH_MANAGER)
    after, (changed, rebuilt) = rating.change_rating(
        packet, HR, rating=Rating("5"), expected_version=1, has_reason=True, sources=SOURCES
    )
    assert (after.calibration, after.rating_version, after.state) == (C.CALIBRATED, 2, P.WITH_MANAGER)
    assert isinstance(changed, CalibrationRatingChanged)
    assert (changed.session_id, changed.by_part) == (None, Part.HR_ADMIN)
    assert isinstance(rebuilt, PacketRebuilt)
    assert rebuilt.reason == "rating-changed"
    same = rating.change_rating(after, HR, rating=Rating("5"), expected_version=2, has_reason=True, sources=SOURCES)
    assert same == (after, ())


@pytest.mark.parametrize("gate", [C.PENDING, C.IN_SESSION, C.STALE])
def test_an_override_opens_the_gate_with_the_managers_rating_until_a_version_changes(gate: CalibrationState) -> None:
    packet = a_packet(P.NONE, calibration=gate)
    after, facts = rating.override_calibration(packet, HR, has_reason=True, sources=SOURCES)
    assert (after.state, calibration_is_ok(after)) == (P.READY, True)
    assert names_of(facts) == ["calibration-overridden", "packet-ready"]
    assert snapshot_ref(after).rating_shown is RatingShown.MANAGER_FINAL

    edited, fallen = projection.submitted(after, version=11, manager_version=6, content_hash=text(6), sources=SOURCES)
    assert (edited.state, is_overridden(edited), names_of(fallen)) == (P.NONE, False, ["packet-withdrawn"])
    assert not is_overridden(replace(after, rating_version=9))


@pytest.mark.parametrize(
    ("who", "changes", "has_reason", "codes"),
    [
        (HR, {"calibration": C.STALE}, True, []),
        (HR, {"calibration": C.STALE}, False, ["422 reason-missing"]),
        (HR, {"calibration": C.NOT_REQUIRED}, True, ["409 nothing-to-override"]),
        (HR, {"calibration": C.PENDING, "submitted": False}, True, ["409 manager-assessment-not-submitted"]),
        (CALIBRATOR, {"calibration": C.STALE}, True, ["403 forbidden-role"]),
    ],
)
def test_who_overrides_the_gate_and_when(
    who: Standing,
    changes: dict[str, object],
    has_reason: bool,  # noqa: FBT001
    codes: list[str],
) -> None:
    assert told(rating.unmet_override(a_packet(P.NONE, **changes), who, has_reason=has_reason)) == codes


def test_a_calibration_that_completes_ends_the_override() -> None:
    overridden, _ = rating.override_calibration(a_rated(), HR, has_reason=True, sources=SOURCES)
    _, (packet,), names = completed(a_session(), overridden)
    assert (packet.override, packet.state) == (None, P.READY)
    assert names == ["calibration-completed", "packet-rebuilt"]
    again, _ = calibration.reopen(
        a_session(S.COMPLETED), (packet,), actor=HR_AND_K, directory=DIRECTORY, sources=SOURCES
    )[1:]
    assert not calibration_is_ok(again[0])


def test_a_refused_session_command_says_everything_that_is_unmet() -> None:
    packet = a_rated(rating=None, submitted=False, closed=True)
    with pytest.raises(Refusal) as refused:
        calibration.complete(a_session(), (packet,), actor=HR_AND_K, directory=DIRECTORY, sources=SOURCES)
    assert told(list(refused.value.unmet)) == [
        "409 cycle-closed",
        "409 manager-assessment-not-submitted",
        "409 ratings-missing",
    ]
