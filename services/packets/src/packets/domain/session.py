"""Calibration sessions: which reviews, which people, and who may do and see what in them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from packets.domain.locks import of_reviews
from packets.domain.packet import CalibrationState, Packet, Part
from packets.domain.people import HR_ADMIN, HR_ASSISTANT, Actor, Standing, only, standing, unmet_part
from packets.domain.readiness import unmet_open
from packets.domain.refusals import (
    AlreadyInSession,
    CalibrationNotRequired,
    ForbiddenRole,
    NotFound,
    Refusal,
    SessionInOtherState,
    StaleVersion,
    UnknownMembers,
    VersionMissing,
    refuse,
)

if TYPE_CHECKING:
    from collections.abc import Collection

    from packets.domain.ids import CycleId, PersonId, ReviewId, SessionId
    from packets.domain.people import Directory

Packets = tuple[Packet, ...]
WITHOUT_A_SEAT = "Only members of the session may: an HR Admin must make the person one first."
Guideline = tuple[tuple[int, float], ...]


class SessionState(StrEnum):
    """Where a session is; only a completed one is reopened."""

    PENDING = "pending"
    IN_SESSION = "in_session"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One row per session. The store counts `row_version` up with each write.

    `guideline`: how many percent of the reviews ought to have which rating; advice, to be seen beside what is so.
    """

    id: SessionId
    cycle_id: CycleId
    state: SessionState = SessionState.PENDING
    row_version: int = 1
    calibrators: frozenset[PersonId] = frozenset()
    review_ids: frozenset[ReviewId] = frozenset()
    guideline: Guideline = ()


def unmet_members(strangers: Collection[str]) -> list[Refusal]:
    """Why these people cannot calibrate: `strangers` are those whom the directory does not have, or who have left."""
    return [UnknownMembers(person_ids=list(strangers))] if strangers else []


def unmet_create(*, cycle_id: CycleId, packets: Packets, actor: Actor, directory: Directory) -> list[Refusal]:
    """Why the person cannot make a session of these reviews."""
    if HR_ADMIN not in actor.roles:
        return [only(Part.HR_ADMIN)]
    who = of_reviews(packets, lambda packet: unmet_part(standing(packet, actor, directory), Part.HR_ADMIN))
    foreign = [packet.review_id for packet in packets if packet.cycle_id != cycle_id]
    if who or foreign:
        return who or [NotFound(review_ids=foreign)]
    return of_reviews(packets, _unmet_new)


def create(
    *,
    session_id: SessionId,
    cycle_id: CycleId,
    packets: Packets,
    calibrators: Collection[PersonId],
    actor: Actor,
    directory: Directory,
    guideline: Guideline = (),
) -> tuple[Session, Packets]:
    """A session in which these people will rate these reviews. Creating it lets nobody see inside."""
    refuse(unmet_create(cycle_id=cycle_id, packets=packets, actor=actor, directory=directory))
    session = Session(
        id=session_id,
        cycle_id=cycle_id,
        calibrators=frozenset(calibrators),
        review_ids=frozenset(packet.review_id for packet in packets),
        guideline=guideline,
    )
    return session, tuple(replace(packet, session_id=session_id) for packet in packets)


def unmet_set_calibrators(
    session: Session, packets: Packets, *, actor: Actor, directory: Directory, expected_version: int | None
) -> list[Refusal]:
    """Why the person cannot say who calibrates the session's reviews; `expected_version` is the session's."""
    return unmet_who(session, packets, actor, directory) or [
        *unmet_state(session, SessionState.PENDING, SessionState.IN_SESSION, SessionState.COMPLETED),
        *_unmet_version(session, expected_version),
    ]


def set_calibrators(
    session: Session,
    packets: Packets,
    calibrators: Collection[PersonId],
    *,
    actor: Actor,
    directory: Directory,
    expected_version: int | None,
) -> Session:
    """The session with these calibrators instead. HR decides, as long as the session is not cancelled."""
    refuse(unmet_set_calibrators(session, packets, actor=actor, directory=directory, expected_version=expected_version))
    return replace(session, calibrators=frozenset(calibrators))


def unmet_board(session: Session, *, actor: Actor) -> list[Refusal]:
    """Why the person cannot see inside the session: only its calibrators do."""
    if actor.person_id in session.calibrators:
        return []
    return [ForbiddenRole(WITHOUT_A_SEAT)] if actor.roles & {HR_ADMIN, HR_ASSISTANT} else [NotFound()]


def board_shows(session: Session, packet: Packet, *, actor: Actor, directory: Directory) -> bool:
    """Whether this person sees this review on the board: a calibrator, but not the own one, nor a superior's."""
    return Part.CALIBRATOR in session_standing(session, packet, actor, directory).parts


def session_standing(session: Session, packet: Packet, actor: Actor, directory: Directory) -> Standing:
    """What somebody is to a review of the session."""
    return standing(packet, actor, directory, calibrator=actor.person_id in session.calibrators)


def unmet_session_hr(session: Session, actor: Actor) -> list[Refusal]:
    """Why a command of HR Admins is not open to the person: a session exists for HR and its calibrators."""
    if HR_ADMIN in actor.roles:
        return []
    known = actor.person_id in session.calibrators or HR_ASSISTANT in actor.roles
    return [only(Part.HR_ADMIN)] if known else [NotFound()]


def unmet_who(session: Session, packets: Packets, actor: Actor, directory: Directory) -> list[Refusal]:
    """Why a command of HR Admins on the session's reviews, as far as they go on, is not open to the person."""
    return unmet_session_hr(session, actor) or of_reviews(
        live(packets), lambda packet: unmet_part(session_standing(session, packet, actor, directory), Part.HR_ADMIN)
    )


def live(packets: Packets) -> Packets:
    """Those of the reviews that go on: cancelled ones take no further part in their session."""
    return tuple(packet for packet in packets if not packet.cancelled)


def unmet_state(session: Session, *needed: SessionState) -> list[Refusal]:
    """Why the session does not take the command now."""
    return [] if session.state in needed else [SessionInOtherState(state=session.state.value)]


def _unmet_version(session: Session, expected_version: int | None) -> list[Refusal]:
    if expected_version is None:
        return [VersionMissing()]
    return [] if expected_version == session.row_version else [StaleVersion(current_version=session.row_version)]


def _unmet_new(packet: Packet) -> list[Refusal]:
    if packet.calibration is CalibrationState.NOT_REQUIRED:
        return [CalibrationNotRequired()]
    taken = packet.session_id is not None or packet.calibration is not CalibrationState.PENDING
    return [*unmet_open(packet), *([AlreadyInSession()] if taken else [])]
