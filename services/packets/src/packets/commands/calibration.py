"""Calibration sessions. Each command locks the packets of its session in the order of their ids, then the session."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from packets import store
from packets.commands.keeping import keep, keep_many
from packets.commands.rating import note_rating, on_scale
from packets.domain import calibration as domain
from packets.domain import session as sessions
from packets.domain.facts import CalibrationConfirmed
from packets.domain.ids import CycleId, PersonId, Rating, ReviewId, SessionId
from packets.domain.people import HR_ADMIN
from packets.domain.refusals import NotFound, refuse
from reviewbus.db import AuditEntry

if TYPE_CHECKING:
    from collections.abc import Collection

    from packets.domain.facts import Record
    from packets.domain.packet import Packet
    from packets.domain.people import Actor
    from packets.domain.readiness import Sources
    from packets.domain.session import Guideline, Packets, Session
    from reviewbus.db import Tx

Step = Callable[..., "tuple[Session, Packets, tuple[Record, ...]]"]
STEPS: dict[str, Step] = {
    "start": domain.start,
    "cancel": domain.cancel,
    "complete": domain.complete,
    "reopen": domain.reopen,
}


def create(
    tx: Tx,
    actor: Actor,
    *,
    cycle_id: str,
    review_ids: Collection[str],
    members: Collection[str],
    guideline: Guideline = (),
) -> Session:
    """A session in which `members` will rate these reviews."""
    packets = store.load_many(tx, review_ids)
    chosen = tuple(packets[each] for each in sorted(packets))
    lines = store.directory(tx, actor, {each.subject_id for each in chosen})
    unknown = sorted(set(review_ids) - set(packets))
    # Who may make sessions is told which reviews do not exist; nobody else is.
    absent = [NotFound(review_ids=unknown)] if unknown and HR_ADMIN in actor.roles else []
    cycle = CycleId(cycle_id)
    unmet = sessions.unmet_create(cycle_id=cycle, packets=chosen, actor=actor, directory=lines)
    refuse([*absent, *unmet])
    # Only who may make the session is told who is in the directory.
    refuse(sessions.unmet_members(store.strangers(tx, members)))
    session, bound = sessions.create(
        session_id=SessionId(str(tx.new_id())),
        cycle_id=cycle,
        packets=chosen,
        calibrators=[PersonId(each) for each in members],
        actor=actor,
        directory=lines,
        guideline=guideline,
    )
    store.add_session(tx, session)
    keep_many(tx, [(old, new, ()) for old, new in zip(chosen, bound, strict=True)])
    _audit(tx, "calibration.create", session, actor)
    return session


def set_members(
    tx: Tx, session_id: str, actor: Actor, *, members: Collection[str], expected_version: int | None
) -> Session:
    """Other calibrators for the session."""
    packets, session = _locked(tx, session_id)
    lines = store.directory(tx, actor, {each.subject_id for each in packets})
    calibrators = [PersonId(each) for each in members]
    after = sessions.set_calibrators(
        session, packets, calibrators, actor=actor, directory=lines, expected_version=expected_version
    )
    # Only who may say who calibrates is told who is in the directory.
    refuse(sessions.unmet_members(store.strangers(tx, members)))
    saved = store.save_session(tx, session, after)
    _audit(tx, "calibration.members", session, actor)
    return saved


def step(tx: Tx, name: str, session_id: str, actor: Actor) -> Session:
    """Start, cancel, complete or reopen a session, and its reviews with it."""
    packets, session = _locked(tx, session_id)
    lines = store.directory(tx, actor, {each.subject_id for each in packets})
    after, moved, records = STEPS[name](
        session, packets, actor=actor, directory=lines, sources=_sources(tx, session, packets)
    )
    saved = store.save_session(tx, session, after)
    keep_many(tx, _each(packets, moved, records))
    _audit(tx, f"calibration.{name}", session, actor)
    return saved


def confirm(tx: Tx, session_id: str, actor: Actor, *, review_ids: Collection[str]) -> Session:
    """Stale reviews of the session are calibrated again, with the ratings that stand."""
    packets, session = _locked(tx, session_id, also=review_ids)
    named = tuple(each for each in packets if each.review_id in review_ids)
    lines = store.directory(tx, actor, {each.subject_id for each in named})
    unknown = sorted(set(review_ids) - {each.review_id for each in named})
    absent = [NotFound(review_ids=unknown)] if unknown and not sessions.unmet_session_hr(session, actor) else []
    refuse([*absent, *domain.unmet_confirm(session, named, actor=actor, directory=lines)])
    moved, records = domain.confirm(session, named, actor=actor, directory=lines, sources=_sources(tx, session, named))
    keep_many(tx, _each(named, moved, records))
    # A packet that stood already may be rebuilt on the way; that is nobody's act.
    for review_id in sorted(record.review_id for record in records if isinstance(record, CalibrationConfirmed)):
        _audit(tx, "calibration.confirm", session, actor, object_id=review_id)
    return session


def rate(
    tx: Tx,
    session_id: str,
    review_id: str,
    actor: Actor,
    *,
    value: int,
    justification: str | None,
    expected_version: int | None,
) -> Packet:
    """A calibrator's rating of one review in a session."""
    packet = store.load(tx, review_id)
    session = store.lock_session(tx, session_id, share=True)
    if session is None or packet is None:
        raise NotFound
    library = store.Library(tx)
    after, records = domain.rate(
        session,
        packet,
        rating=Rating(str(value)),
        actor=actor,
        directory=store.directory(tx, actor, [packet.subject_id]),
        expected_version=expected_version,
        has_justification=bool(justification),
        sources=library.sources(packet),
    )
    on_scale(library, packet, value)
    saved = keep(tx, packet, after, records)
    note_rating(tx, packet, after, records, justification=justification or "", action="rating.set")
    return saved


def _locked(tx: Tx, session_id: str, *, also: Collection[str] = ()) -> tuple[Packets, Session]:
    """The session's packets, then the session. Its reviews never change, so that it may be read before."""
    session = store.read_session(tx, session_id)
    if session is None:
        raise NotFound
    packets = store.load_many(tx, {*session.review_ids, *also})
    locked = store.lock_session(tx, session_id)
    if locked is None:
        raise NotFound
    return tuple(packets[each] for each in sorted(packets)), locked


def _sources(tx: Tx, session: Session, packets: Packets) -> Sources:
    library = store.Library(tx)
    library.preload(packets)
    return library.sources_of(session.cycle_id, packets)


def _each(
    before: Packets, after: Packets, records: tuple[Record, ...]
) -> list[tuple[Packet, Packet, tuple[Record, ...]]]:
    by_review: dict[ReviewId, list[Record]] = {each.review_id: [] for each in before}
    for record in records:
        by_review[record.review_id].append(record)
    return [(old, new, tuple(by_review[old.review_id])) for old, new in zip(before, after, strict=True)]


def _audit(tx: Tx, action: str, session: Session, actor: Actor, *, object_id: str | None = None) -> None:
    tx.audit(AuditEntry(actor=actor.person_id, role=HR_ADMIN, action=action, object_id=object_id or session.id))
