"""Calibration sessions, their members and reviews, and the list of every rating that was changed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import sqlalchemy as sa

from packets.domain.ids import CycleId, PersonId, ReviewId, SessionId
from packets.domain.session import Session, SessionState
from packets.store.packets import VersionMissed
from packets.store.tables import (
    calibration_members,
    calibration_ratings,
    calibration_reviews,
    calibration_sessions,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from packets.domain.packet import Packet, Part
    from reviewbus.db import Tx


def read_session(tx: Tx, session_id: str) -> Session | None:
    """The session as it is committed."""
    return _session(tx, sa.select(calibration_sessions).where(calibration_sessions.c.id == session_id))


def lock_session(tx: Tx, session_id: str, *, share: bool = False) -> Session | None:
    """The session, locked; lock its packets first. `share`: several may look while nobody changes it."""
    statement = sa.select(calibration_sessions).where(calibration_sessions.c.id == session_id)
    return _session(tx, statement.with_for_update(read=True) if share else statement.with_for_update(key_share=True))


def add_session(tx: Tx, session: Session) -> None:
    """Write a new session."""
    values: dict[str, Any] = {"id": session.id, "cycle_id": session.cycle_id, "state": session.state.value}
    values["guideline"] = [list(each) for each in session.guideline]
    tx.execute(
        sa.insert(calibration_sessions).values(**values, row_version=session.row_version, created_at=tx.now),
    )
    _add_members(tx, session)
    reviews = [{"session_id": session.id, "review_id": each} for each in sorted(session.review_ids)]
    if reviews:
        tx.execute(sa.insert(calibration_reviews), reviews)


def save_session(tx: Tx, old: Session, new: Session) -> Session:
    """Write a locked session, one row version on, if it has changed."""
    if old == new:
        return old
    after = replace(new, row_version=old.row_version + 1)
    statement = (
        sa.update(calibration_sessions)
        .where(calibration_sessions.c.id == old.id, calibration_sessions.c.row_version == old.row_version)
        .values(state=after.state.value, row_version=after.row_version)
        .returning(calibration_sessions.c.id)
    )
    if tx.execute(statement).first() is None:
        raise VersionMissed(old.id)
    if old.calibrators != new.calibrators:
        tx.execute(sa.delete(calibration_members).where(calibration_members.c.session_id == old.id))
        _add_members(tx, after)
    return after


def is_calibrator(tx: Tx, session_id: str | None, person_id: str) -> bool:
    """Say whether the person is a member of the session."""
    if session_id is None:
        return False
    statement = sa.select(calibration_members.c.person_id).where(
        calibration_members.c.session_id == session_id, calibration_members.c.person_id == person_id
    )
    return tx.execute(statement).first() is not None


def note_rating(
    tx: Tx,
    before: Packet,
    after: Packet,
    *,
    justification: str,
    by: PersonId,
    part: Part,
    session_id: str | None,
) -> None:
    """Add one line to the list of changed ratings: old, new, who and why."""
    tx.execute(
        sa.insert(calibration_ratings).values(
            review_id=after.review_id,
            session_id=session_id,
            rating_version=after.rating_version,
            old=before.rating,
            new=after.rating,
            justification=justification,
            changed_by=by,
            changed_as=part.value,
            changed_at=tx.now,
        )
    )


def rating_changes(tx: Tx, review_ids: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """The changed ratings of some reviews, oldest first."""
    statement = sa.select(calibration_ratings).where(calibration_ratings.c.review_id.in_(review_ids))
    found: dict[str, list[dict[str, Any]]] = {}
    for row in tx.execute(statement.order_by(calibration_ratings.c.id)).mappings():
        found.setdefault(row["review_id"], []).append(dict(row))
    return found


def _session(tx: Tx, statement: sa.Select[Any]) -> Session | None:
    row = tx.execute(statement).mappings().one_or_none()
    if row is None:
        return None
    members = sa.select(calibration_members.c.person_id).where(calibration_members.c.session_id == row["id"])
    reviews = sa.select(calibration_reviews.c.review_id).where(calibration_reviews.c.session_id == row["id"])
    return Session(
        id=SessionId(row["id"]),
        cycle_id=CycleId(row["cycle_id"]),
        state=SessionState(row["state"]),
        row_version=row["row_version"],
        guideline=tuple((rating, percent) for rating, percent in row["guideline"]),
        calibrators=frozenset(PersonId(each) for each in tx.execute(members).scalars()),
        review_ids=frozenset(ReviewId(each) for each in tx.execute(reviews).scalars()),
    )


def _add_members(tx: Tx, session: Session) -> None:
    members = [{"session_id": session.id, "person_id": each} for each in sorted(session.calibrators)]
    if members:
        tx.execute(sa.insert(calibration_members), members)
