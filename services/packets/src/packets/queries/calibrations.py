"""Shared questions, and a session from within."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from packets import store
from packets.domain import session as sessions
from packets.domain.packet import FROZEN, CalibrationState
from packets.domain.people import HR_ADMIN
from packets.domain.rating import is_outdated
from packets.domain.refusals import NotFound, refuse
from packets.domain.selection import Binding, left_out, shown_question_ids, unmet_see
from packets.store.tables import calibration_members, calibration_reviews, packets
from packets.store.tables import calibration_sessions as table

if TYPE_CHECKING:
    from packets.domain.packet import Packet
    from packets.domain.people import Actor
    from packets.domain.selection import Selection
    from packets.store import Library
    from packets.store.library import Questionnaire
    from reviewbus.db import Tx

Words = dict[str, Any]
_ABSENT = "packet {} has a snapshot of what is not here"


def shared_questions(tx: Tx, cycle_id: str, actor: Actor) -> Words:
    """A cycle's newest selection, and what there is to choose from, if it is fetched."""
    refuse(unmet_see(actor))
    cycle = store.cycle(tx, cycle_id)
    if cycle is None:
        raise NotFound
    library = store.Library(tx)
    selection, chosen = library.selection(cycle_id), library.chosen(cycle_id)
    chosen_from = selection.questionnaire
    questionnaire = library.questionnaire(cycle.questionnaire)
    return {
        "cycle_id": cycle_id,
        "version": selection.version,
        "question_ids": list(selection.question_ids),
        "rating": selection.shares_rating,
        "questionnaire_id": chosen_from[0] if chosen_from else None,
        "questionnaire_version": chosen_from[1] if chosen_from else None,
        "left_out": list(left_out(selection, chosen)),
        "not_shown": _not_shown(tx, selection, questionnaire),
        "questions": _offered(questionnaire),
        "rebinding": _rebinding(tx, cycle_id, selection.version, actor),
    }


def _offered(questionnaire: Questionnaire | None) -> list[Words] | None:
    """What the manager is asked; None until it is fetched."""
    if questionnaire is None:
        return None
    asked = (each for each in questionnaire.questions if each["audience"] == "manager")
    return [{name: each[name] for name in ("question_id", "text", "kind")} for each in asked]


def _not_shown(tx: Tx, selection: Selection, questionnaire: Questionnaire | None) -> list[str]:
    """What is chosen and yet in no packet, since the cycle's reviews are calibrated."""
    calibrates = sa.select(packets.c.review_id).where(
        packets.c.cycle_id == selection.cycle_id, packets.c.calibration != CalibrationState.NOT_REQUIRED.value
    )
    if tx.execute(calibrates.limit(1)).first() is None:
        return []
    asked = questionnaire.outline if questionnaire else ()
    shown = shown_question_ids(selection, calibration_required=True, asked=asked)
    return [each for each in selection.question_ids if each not in shown]


def _rebinding(tx: Tx, cycle_id: str, newest: int, actor: Actor) -> Words:
    """How many packets stand how to the newest selection, as `domain.selection.binding` says; without the own."""
    keeps = sa.or_(
        packets.c.state.in_(sorted(each.value for each in FROZEN)),
        packets.c.holds.path_exists("strict $[*] ? (@[2] == true)"),
    )
    stands = sa.case(
        (packets.c.selection_version >= newest, Binding.BOUND.value),
        (keeps, Binding.KEPT.value),
        else_=Binding.TO_REBIND.value,
    ).label("stands")
    mine = packets.c.cycle_id == cycle_id, packets.c.subject_id != actor.person_id
    counted = sa.select(stands, sa.func.count().label("packets")).where(*mine).group_by(stands)
    return {each.value: 0 for each in Binding} | {row.stands: row.packets for row in tx.execute(counted)}


def board(tx: Tx, session_id: str, actor: Actor) -> Words:
    """A session as its calibrators see it: ratings and submitted answers of the reviews that they may see."""
    session = store.read_session(tx, session_id)
    if session is None:
        raise NotFound
    refuse(sessions.unmet_board(session, actor=actor))
    packets = store.read_many(tx, session.review_ids)
    lines = store.directory(tx, actor, {each.subject_id for each in packets.values()})
    shown = [
        packets[each]
        for each in sorted(packets)
        if sessions.board_shows(session, packets[each], actor=actor, directory=lines)
    ]
    library = store.Library(tx)
    library.preload(shown)
    changes = store.rating_changes(tx, [each.review_id for each in shown])
    questionnaire = library.of_cycle(session.cycle_id)
    scale = questionnaire.scale if questionnaire else store.SCALE
    reviews = [_on_board(library, each, changes.get(each.review_id, [])) for each in shown]
    return {
        "session_id": session.id,
        "cycle_id": session.cycle_id,
        "state": session.state.value,
        "row_version": session.row_version,
        "members": sorted(session.calibrators),
        "scale": {
            "lowest": scale.lowest,
            "highest": scale.highest,
            "labels": questionnaire.labels if questionnaire else [],
        },
        "rating_question_id": questionnaire.rated["question_id"] if questionnaire and questionnaire.rated else None,
        "questions": _offered(questionnaire),
        "reviews": reviews,
        "distribution": _distribution(reviews, session),
    }


def sessions_of(
    tx: Tx, actor: Actor, *, cycle_id: str | None, after: str | None, limit: int
) -> tuple[list[Words], str | None]:
    """The sessions that the person knows of, in the order of their ids: HR of all, others of those they sit in."""
    members, reviews = calibration_members.c, calibration_reviews.c
    seats = sa.select(sa.func.array_agg(members.person_id)).where(members.session_id == table.c.id)
    size = sa.select(sa.func.count()).select_from(calibration_reviews).where(reviews.session_id == table.c.id)
    statement = (
        sa.select(table, seats.scalar_subquery().label("members"), size.scalar_subquery().label("review_count"))
        .order_by(table.c.id)
        .limit(limit + 1)
    )
    if HR_ADMIN not in actor.roles:
        mine = sa.select(members.session_id).where(members.person_id == actor.person_id)
        statement = statement.where(table.c.id.in_(mine))
    if cycle_id is not None:
        statement = statement.where(table.c.cycle_id == cycle_id)
    if after is not None:
        statement = statement.where(table.c.id > after)
    rows = list(tx.execute(statement).mappings())
    plain = ("cycle_id", "state", "row_version", "review_count", "created_at")
    items = [
        {"session_id": row["id"], "members": sorted(row["members"] or []), **{name: row[name] for name in plain}}
        for row in rows[:limit]
    ]
    return items, rows[limit - 1]["id"] if len(rows) > limit else None


def _distribution(reviews: list[Words], session: sessions.Session) -> list[Words]:
    """Rating by rating, what managers proposed, what it became, and the guideline; others are left out."""
    proposed = Counter(each["manager_rating"] for each in reviews if each["manager_rating"] is not None)
    calibrated = Counter(each["rating"] for each in reviews if each["rating"] is not None)
    guideline = dict(session.guideline)
    return [
        {
            "rating": rating,
            "proposed": proposed[rating],
            "calibrated": calibrated[rating],
            "guideline_percent": guideline.get(rating),
        }
        for rating in sorted(proposed.keys() | calibrated.keys() | guideline.keys())
    ]


def _on_board(library: Library, packet: Packet, changes: list[Words]) -> Words:
    content = library.content(packet.review_id, packet.manager_version) if packet.submitted else None
    rated = packet.calibration is not CalibrationState.NOT_REQUIRED
    return {
        "review_id": packet.review_id,
        "subject_id": packet.subject_id,
        "manager_id": packet.manager_id,
        "calibration": packet.calibration.value,
        "rating": int(packet.rating) if rated and packet.rating is not None else None,
        "rating_version": packet.rating_version,
        "manager_rating": library.manager_rating(packet.review_id, packet.manager_version) if content else None,
        "manager_version": packet.manager_version,
        "rated_version": packet.rated_version,
        "outdated": packet.rating is not None and is_outdated(packet),
        "answers": None
        if content is None
        else [{name: each[name] for name in ("question_id", "kind", "value")} for each in content.answers.values()],
        "changes": [
            {
                "rating_version": each["rating_version"],
                "old": None if each["old"] is None else int(each["old"]),
                "new": int(each["new"]),
                "justification": each["justification"],
                "by": each["changed_by"],
                "at": each["changed_at"],
            }
            for each in changes
        ],
    }
