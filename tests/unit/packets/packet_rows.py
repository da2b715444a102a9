"""Packets, people and sessions for the packets service's unit tests, stating only what matters."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from packets.domain import rating
from packets.domain.facts import HoldRequested, Want
from packets.domain.ids import ContentHash, CycleId, PersonId, QuestionId, Rating, ReviewId, SessionId, SnapshotHash
from packets.domain.packet import (
    CalibrationState,
    Holder,
    KnownHold,
    Packet,
    PacketState,
    Part,
    Snapshot,
    SnapshotRef,
    snapshot_ref,
)
from packets.domain.people import HR_ADMIN, HR_ASSISTANT, Actor, Standing
from packets.domain.readiness import Sources
from packets.domain.refusals import Rank, Refusal, SelfDealing, UnknownPerson
from packets.domain.selection import Audience, Question, QuestionKind, Selection
from packets.domain.session import Session, SessionState

if TYPE_CHECKING:
    from collections.abc import Callable

    from packets.domain.facts import Record

EVE, MAX, HANNA, KIM = PersonId("eve"), PersonId("max"), PersonId("hanna"), PersonId("kim")
REVIEW, CYCLE, SESSION = ReviewId("review"), CycleId("cycle"), SessionId("session")
DIRECTORY: dict[PersonId, PersonId | None] = {EVE: MAX, MAX: None, HANNA: None, KIM: None}
E = 3

EMPLOYEE = Standing(person_id=EVE, parts=frozenset({Part.EMPLOYEE}))
MANAGER = Standing(person_id=MAX, parts=frozenset({Part.MANAGER}))
HR = Standing(person_id=HANNA, parts=frozenset({Part.HR_ADMIN}))
ASSISTANT = Standing(person_id=PersonId("ada"), parts=frozenset({Part.HR_ASSISTANT}))
CALIBRATOR = Standing(person_id=KIM, parts=frozenset({Part.CALIBRATOR}))
HR_AND_MANAGER = Standing(person_id=MAX, parts=frozenset({Part.HR_ADMIN, Part.MANAGER}))
HR_BELOW = Standing(person_id=HANNA, barred=frozenset({Part.HR_ADMIN}), barrier=SelfDealing.code)
HR_UNKNOWN = Standing(person_id=HANNA, barred=frozenset({Part.HR_ADMIN}), barrier=UnknownPerson.code)
OUTSIDER = Standing(person_id=PersonId("otto"))
EVERYBODY = (
    EMPLOYEE,
    MANAGER,
    HR,
    ASSISTANT,
    CALIBRATOR,
    HR_AND_MANAGER,
    HR_BELOW,
    HR_UNKNOWN,
    OUTSIDER,
)
HR_ACTOR = Actor(person_id=HANNA, roles=frozenset({HR_ADMIN}))
ASSISTANT_ACTOR = Actor(person_id=PersonId("ada"), roles=frozenset({HR_ASSISTANT}))
KIM_ACTOR = Actor(person_id=KIM)
HR_AND_K = Actor(person_id=KIM, roles=frozenset({HR_ADMIN}))

Q_GOALS, Q_GROWTH, Q_RATING, Q_SELF = (QuestionId(each) for each in ("goals", "growth", "rating", "self"))
QUESTIONS = (
    Question(id=Q_SELF, audience=Audience.SELF, kind=QuestionKind.TEXT),
    Question(id=Q_GOALS, audience=Audience.MANAGER, kind=QuestionKind.TEXT),
    Question(id=Q_GROWTH, audience=Audience.MANAGER, kind=QuestionKind.SINGLE_CHOICE),
    Question(id=Q_RATING, audience=Audience.MANAGER, kind=QuestionKind.RATING),
)
SELECTION = Selection(cycle_id=CYCLE, version=1, question_ids=(Q_GOALS,))
WIDER = Selection(cycle_id=CYCLE, version=2, question_ids=(Q_GOALS, Q_GROWTH))
EMPTY = Selection(cycle_id=CYCLE, version=2)


def hash_of(_review_id: ReviewId, ref: SnapshotRef) -> SnapshotHash:
    """The same content gives the same hash, whatever the versions."""
    questions = {SELECTION.version: "goals", WIDER.version: "goals+growth"}.get(ref.selection_version, "none")
    return SnapshotHash(f"{ref.content_hash}|{questions}|{ref.rating_shown}|{ref.rating}")


SOURCES = Sources(selection=SELECTION, hash_of=hash_of)


def sources(selection: Selection = SELECTION) -> Sources:
    return Sources(selection=selection, hash_of=hash_of)


def rated(
    packet: Packet, value: str, known: Sources = SOURCES, *, who: Standing = HR
) -> tuple[Packet, tuple[Record, ...]]:
    """Change the rating after calibration, from the one that stands; by HR, unless somebody else is named."""
    return rating.change_rating(
        packet,
        who,
        rating=Rating(value),
        expected_version=packet.rating_version,
        has_reason=True,
        sources=known,
    )


def text(manager_version: int) -> ContentHash:
    return ContentHash(f"text-{manager_version}")


def a_packet(state: PacketState = PacketState.READY, **changes: object) -> Packet:
    """A complete packet of a calibrated review in `state` at epoch E, whatever else `changes` say of it."""
    packet = Packet(
        review_id=REVIEW,
        cycle_id=CYCLE,
        subject_id=EVE,
        manager_id=MAX,
        state=state,
        epoch=E,
        manager_version=5,
        submitted=True,
        content_hash=text(5),
        fetched_version=5,
        fetched_hash=text(5),
        assessment_version=10,
        calibration=CalibrationState.CALIBRATED,
        session_id=SESSION,
        rating=Rating("4"),
        rating_version=1,
        selection_version=1,
        shared_count=1,
        requested_by=HANNA,
        requested_as=Part.HR_ADMIN,
    )
    packet = replace(packet, **changes)  # type: ignore[arg-type]
    if "snapshot" in changes or packet.state is PacketState.NONE:
        return packet
    ref = snapshot_ref(packet)
    return replace(packet, snapshot=Snapshot(ref=ref, hash=hash_of(REVIEW, ref)))


def signed(*holders: Holder) -> tuple[KnownHold, ...]:
    return tuple(KnownHold(holder=holder, fence=2, held=True) for holder in holders)


def a_session(state: SessionState = SessionState.IN_SESSION, **changes: object) -> Session:
    session = Session(
        id=SESSION,
        cycle_id=CYCLE,
        state=state,
        calibrators=frozenset({KIM}),
        review_ids=frozenset({REVIEW}),
    )
    return replace(session, **changes)  # type: ignore[arg-type]


STATUS = {
    Rank.NOT_FOUND: 404,
    Rank.FORBIDDEN: 403,
    Rank.CLOSED: 409,
    Rank.LOCKED: 423,
    Rank.CONFLICT: 409,
    Rank.VERSION_MISSING: 428,
    Rank.STALE: 412,
    Rank.UNPROCESSABLE: 422,
}


def told(reasons: list[Refusal]) -> list[str]:
    return [f"{STATUS[reason.rank]} {reason.code}" for reason in sorted(reasons, key=lambda each: each.rank)]


def name_of(record: Record) -> str:
    """LOCK(fence), UNLOCK(fence), or the fact's kebab-case name."""
    if isinstance(record, HoldRequested):
        return f"{'LOCK' if record.want is Want.HELD else 'UNLOCK'}({record.fence})"
    return "".join(f"-{each.lower()}" if each.isupper() else each for each in type(record).__name__).lstrip("-")


def names_of(records: tuple[Record, ...]) -> list[str]:
    return [name_of(record) for record in records]


def outcome(packet: Packet, call: Callable[[], tuple[Packet, tuple[Record, ...]]]) -> str:
    """A cell of a state table: the refusal, `ignore` where nothing happens, or the new state, epoch and records."""
    try:
        after, records = call()
    except Refusal as refusal:
        return f"{STATUS[refusal.rank]} {refusal.code}"
    if after == packet and not records:
        return "ignore"
    return " ".join([after.state.value, f"e={after.epoch}", *names_of(records)])
