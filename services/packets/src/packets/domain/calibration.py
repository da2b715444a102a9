"""What a calibration session does to its reviews: start, rate, complete, cancel, reopen, confirm.

Each command takes the session's packets, all of them, and returns them in the same order. Cancelled reviews stay as
they are and hinder nothing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from packets.domain.facts import (
    CalibrationCancelled,
    CalibrationCompleted,
    CalibrationConfirmed,
    CalibrationStarted,
)
from packets.domain.locks import of_reviews, unmet_unlocked
from packets.domain.packet import CalibrationState, Packet, Part
from packets.domain.people import Actor, unmet_part
from packets.domain.projection import REVISED, mark_stale
from packets.domain.rating import is_outdated, judged, set_rating, unmet_version
from packets.domain.readiness import recompute, unmet_open
from packets.domain.refusals import (
    ForbiddenRole,
    JustificationMissing,
    ManagerAssessmentNotSubmitted,
    NotFound,
    NothingToConfirm,
    RatingsMissing,
    Refusal,
    SessionInOtherState,
    refuse,
)
from packets.domain.session import (
    WITHOUT_A_SEAT,
    Packets,
    Session,
    SessionState,
    live,
    session_standing,
    unmet_board,
    unmet_state,
    unmet_who,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from packets.domain.facts import Record
    from packets.domain.ids import Rating
    from packets.domain.people import Directory
    from packets.domain.readiness import Sources

_COMPLETE_IT = "The session goes on: complete it, and its reviews are calibrated with the ratings that stand then."


def unmet_start(session: Session, packets: Packets, *, actor: Actor, directory: Directory) -> list[Refusal]:
    """Why the person cannot start the session."""
    return unmet_who(session, packets, actor, directory) or [
        *unmet_state(session, SessionState.PENDING),
        *of_reviews(live(packets), _unmet_calibrate),
    ]


def start(
    session: Session, packets: Packets, *, actor: Actor, directory: Directory, sources: Sources
) -> tuple[Session, Packets, tuple[Record, ...]]:
    """PENDING → IN_SESSION, and its reviews with it. Ratings of an earlier, cancelled session do not count."""
    refuse(unmet_start(session, packets, actor=actor, directory=directory))

    def started(packet: Packet) -> tuple[Packet, tuple[Record, ...]]:
        version = packet.rating_version + (packet.rating is not None)
        unrated = replace(packet, rating=None, rating_version=version)
        return _into_session(session, unrated)

    moved, facts = _each(packets, started, sources)
    return replace(session, state=SessionState.IN_SESSION), moved, facts


def unmet_cancel(session: Session, packets: Packets, *, actor: Actor, directory: Directory) -> list[Refusal]:
    """Why the person cannot cancel the session."""
    return unmet_who(session, packets, actor, directory) or [
        *unmet_state(session, SessionState.PENDING, SessionState.IN_SESSION),
        *of_reviews(live(packets), unmet_open),
    ]


def cancel(
    session: Session, packets: Packets, *, actor: Actor, directory: Directory, sources: Sources
) -> tuple[Session, Packets, tuple[Record, ...]]:
    """PENDING or IN_SESSION → CANCELLED: its reviews are pending, and free for another session."""
    refuse(unmet_cancel(session, packets, actor=actor, directory=directory))

    def freed(packet: Packet) -> tuple[Packet, tuple[Record, ...]]:
        free = replace(packet, calibration=CalibrationState.PENDING, session_id=None)
        if packet.calibration is not CalibrationState.IN_SESSION:
            return free, ()
        version = packet.manager_version
        return free, (CalibrationCancelled(review_id=packet.review_id, session_id=session.id, manager_version=version),)

    moved, facts = _each(packets, freed, sources)
    return replace(session, state=SessionState.CANCELLED), moved, facts


def unmet_rate(
    session: Session,
    packet: Packet,
    *,
    actor: Actor,
    directory: Directory,
    expected_version: int | None,
    has_justification: bool,
) -> list[Refusal]:
    """Why the person cannot rate this review in the session; `expected_version` is the rating's."""
    who = unmet_board(session, actor=actor)
    if who or packet.review_id not in session.review_ids:
        return who or [NotFound()]
    who = unmet_part(session_standing(session, packet, actor, directory), Part.CALIBRATOR)
    if who:
        return who
    reasons = [*unmet_state(session, SessionState.IN_SESSION), *_unmet_calibrate(packet)]
    reasons += unmet_version(packet, expected_version)
    return reasons if has_justification else [*reasons, JustificationMissing()]


def rate(
    session: Session,
    packet: Packet,
    *,
    rating: Rating,
    actor: Actor,
    directory: Directory,
    expected_version: int | None,
    has_justification: bool,
    sources: Sources,
) -> tuple[Packet, tuple[Record, ...]]:
    """A calibrator's rating in the session; the one that stands changes nothing. Refuses as `unmet_rate`."""
    refuse(
        unmet_rate(
            session,
            packet,
            actor=actor,
            directory=directory,
            expected_version=expected_version,
            has_justification=has_justification,
        )
    )
    who = session_standing(session, packet, actor, directory)
    return set_rating(packet, who, rating=rating, part=Part.CALIBRATOR, in_session=True, sources=sources)


def unmet_complete(session: Session, packets: Packets, *, actor: Actor, directory: Directory) -> list[Refusal]:
    """Why the person, HR and calibrator in one, cannot complete the session."""
    reasons = unmet_who(session, packets, actor, directory) or _unmet_member(session, actor)
    return reasons or [
        *unmet_state(session, SessionState.IN_SESSION),
        *of_reviews(live(packets), _unmet_calibrate),
        *of_reviews(live(packets), lambda packet: [RatingsMissing()] if packet.rating is None else []),
    ]


def complete(
    session: Session, packets: Packets, *, actor: Actor, directory: Directory, sources: Sources
) -> tuple[Session, Packets, tuple[Record, ...]]:
    """IN_SESSION → COMPLETED: its reviews are calibrated, and go to their managers where the cycle says so.

    They are calibrated as they were rated: one that was edited since then is stale at once, to be confirmed.
    """
    refuse(unmet_complete(session, packets, actor=actor, directory=directory))

    def completed(packet: Packet) -> tuple[Packet, tuple[Record, ...]]:
        version = packet.manager_version
        fact = CalibrationCompleted(review_id=packet.review_id, session_id=session.id, manager_version=version)
        if not is_outdated(packet):
            return _calibrated(packet), (fact,)
        assert packet.rated_version is not None  # as the hash, by which it is outdated
        stale, marked = mark_stale(_calibrated(packet), REVISED)
        return stale, (replace(fact, manager_version=packet.rated_version), *marked)

    moved, facts = _each(packets, completed, sources)
    return replace(session, state=SessionState.COMPLETED), moved, facts


def unmet_reopen(session: Session, packets: Packets, *, actor: Actor, directory: Directory) -> list[Refusal]:
    """Why the person, HR and calibrator in one, cannot reopen the session."""
    reasons = unmet_who(session, packets, actor, directory) or _unmet_member(session, actor)
    return reasons or [
        *unmet_state(session, SessionState.COMPLETED),
        *of_reviews(live(packets), _unmet_calibrate),
    ]


def reopen(
    session: Session, packets: Packets, *, actor: Actor, directory: Directory, sources: Sources
) -> tuple[Session, Packets, tuple[Record, ...]]:
    """COMPLETED → IN_SESSION: calibrated and stale reviews are in session again, and keep their ratings."""
    refuse(unmet_reopen(session, packets, actor=actor, directory=directory))
    moved, facts = _each(packets, lambda packet: _into_session(session, packet), sources)
    return replace(session, state=SessionState.IN_SESSION), moved, facts


def unmet_confirm(session: Session, packets: Packets, *, actor: Actor, directory: Directory) -> list[Refusal]:
    """Why the person, HR and calibrator in one, cannot confirm the calibration of these of the session's reviews."""
    reasons = unmet_who(session, packets, actor, directory) or _unmet_member(session, actor)
    foreign = [packet.review_id for packet in packets if packet.review_id not in session.review_ids]
    if reasons or foreign:
        return reasons or [NotFound(review_ids=foreign)]
    others = [packet for packet in packets if packet.calibration is not CalibrationState.CALIBRATED]
    if session.state is SessionState.IN_SESSION:
        # Nothing is calibrated in it, so that "done already" would be wrong; and leaving reviews out would not help.
        return [SessionInOtherState(_COMPLETE_IT, state=session.state.value)]
    return [
        *unmet_state(session, SessionState.COMPLETED),
        *of_reviews(others, _unmet_calibrate),
        *of_reviews(others, _unmet_stale),
    ]


def confirm(
    session: Session, packets: Packets, *, actor: Actor, directory: Directory, sources: Sources
) -> tuple[Packets, tuple[Record, ...]]:
    """Stale → calibrated with the rating that stands, for `packets` of the session; calibrated ones stay so."""
    refuse(unmet_confirm(session, packets, actor=actor, directory=directory))

    def confirmed(packet: Packet) -> tuple[Packet, tuple[Record, ...]]:
        if packet.calibration is CalibrationState.CALIBRATED:
            return packet, ()
        fact = CalibrationConfirmed(
            review_id=packet.review_id,
            session_id=session.id,
            manager_version=packet.manager_version,
            by=actor.person_id,
        )
        return judged(_calibrated(packet)), (fact,)

    return _each(packets, confirmed, sources)


def _unmet_member(session: Session, actor: Actor) -> list[Refusal]:
    return [] if actor.person_id in session.calibrators else [ForbiddenRole(WITHOUT_A_SEAT)]


def _unmet_calibrate(packet: Packet) -> list[Refusal]:
    reasons = [*unmet_open(packet), *unmet_unlocked(packet)]
    return reasons if packet.submitted else [*reasons, ManagerAssessmentNotSubmitted()]


def _unmet_stale(packet: Packet) -> list[Refusal]:
    return [] if packet.calibration is CalibrationState.STALE else [NothingToConfirm()]


def _into_session(session: Session, packet: Packet) -> tuple[Packet, tuple[Record, ...]]:
    fact = CalibrationStarted(review_id=packet.review_id, session_id=session.id, manager_version=packet.manager_version)
    return replace(packet, calibration=CalibrationState.IN_SESSION, send_when_ready=False), (fact,)


def _calibrated(packet: Packet) -> Packet:
    return replace(
        packet,
        calibration=CalibrationState.CALIBRATED,
        override=None,
        send_when_ready=packet.release_after_calibration,
    )


def _each(
    packets: Packets, move: Callable[[Packet], tuple[Packet, tuple[Record, ...]]], sources: Sources
) -> tuple[Packets, tuple[Record, ...]]:
    moved: list[Packet] = []
    records: list[Record] = []
    for packet in packets:
        if packet.cancelled:
            moved.append(packet)
            continue
        changed, facts = move(packet)
        settled, more = recompute(changed, sources)
        moved.append(settled)
        records += [*facts, *more]
    return tuple(moved), tuple(records)
