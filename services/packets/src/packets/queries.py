"""Reads for the API: straight from the rows; who may see what comes from the domain."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from packets import store
from packets.domain import actions as domain_actions
from packets.domain import session as sessions
from packets.domain import visibility
from packets.domain.packet import CalibrationState, Part, is_overridden, is_viewed, pinned
from packets.domain.people import HR_ADMIN, HR_ASSISTANT, Actor, Standing
from packets.domain.people import standing as domain_standing
from packets.domain.refusals import NotFound, refuse
from packets.domain.selection import unmet_see
from packets.store.rows import from_row
from packets.store.tables import packets as table
from reviewbus.canonical import digest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from packets.domain.packet import Packet
    from packets.store import Library, Questionnaire
    from reviewbus.db import Tx

Words = dict[str, Any]
_ABSENT = "packet {} has a snapshot of what is not here"


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What a list of packets is narrowed to, by column."""

    columns: Mapping[str, str] = field(default_factory=dict)


def overview(packet: Packet, standing: Standing) -> Words:
    """How far a packet is; the employee learns nothing about calibration and refusals, only HR how often it moved."""
    told = Part.EMPLOYEE not in standing.parts
    return {
        "review_id": packet.review_id,
        "cycle_id": packet.cycle_id,
        "subject_id": packet.subject_id,
        "manager_id": packet.manager_id,
        "state": packet.state.value,
        "epoch": packet.epoch,
        "row_version": packet.row_version if visibility.counts_shown(standing) else None,
        "viewed": is_viewed(packet),
        "calibration": packet.calibration.value if told else None,
        "overridden": is_overridden(packet) if told else None,
        "last_refusal": packet.last_refusal if told else None,
    }


def listing(tx: Tx, actor: Actor, filters: Filters, *, after: str | None, limit: int) -> tuple[list[Words], str | None]:
    """The packets that the person may know of, in the order of their ids; and the id after which to go on.

    Rows are chosen by the columns that make somebody a participant; the policy then decides on each of them, so that
    a page may be short, or empty, while others follow.
    """
    statement = sa.select(table).order_by(table.c.review_id).limit(limit + 1)
    for column, value in filters.columns.items():
        statement = statement.where(table.c[column] == value)
    if not actor.roles & {HR_ADMIN, HR_ASSISTANT}:
        statement = statement.where(
            sa.or_(table.c.subject_id == actor.person_id, table.c.manager_id == actor.person_id)
        )
    if after is not None:
        statement = statement.where(table.c.review_id > after)
    rows = [from_row(row) for row in tx.execute(statement).mappings()]
    # Seeing a state does not depend on the reporting line, so that the directory is not asked.
    seen = [(packet, domain_standing(packet, actor, {})) for packet in rows[:limit]]
    items = [overview(packet, who) for packet, who in seen if not visibility.unmet_see_state(packet, who)]
    return items, rows[limit - 1].review_id if len(rows) > limit else None


def view(tx: Tx, packet: Packet, part: Part) -> Words:
    """What the packet shows: the shared questions with their answers, and the rating. Decides nothing."""
    library = store.Library(tx)
    questionnaire, answers = _papers(library, packet)
    ref = pinned(packet).ref
    choice = visibility.chosen(packet, library.selection(packet.cycle_id, ref.selection_version), questionnaire.outline)
    asked = {each["question_id"]: each for each in questionnaire.questions}
    names = store.names(tx, packet)
    return {
        "review_id": packet.review_id,
        "cycle_id": packet.cycle_id,
        "subject_id": packet.subject_id,
        "manager_id": packet.manager_id,
        "subject_name": names.subject,
        "manager_name": names.manager,
        "state": packet.state.value,
        "epoch": packet.epoch,
        "viewed": is_viewed(packet),
        "read_as": part.value,
        "snapshot_hash": pinned(packet).hash,
        "manager_version": ref.manager_version,
        "selection_version": ref.selection_version,
        "questions": [
            {
                "question_id": each,
                "text": asked[each]["text"],
                "kind": asked[each]["kind"],
                "scale": asked[each].get("scale"),
                "options": asked[each].get("options"),
                "value": answers.get(each, {}).get("value"),
            }
            for each in choice.question_ids
        ],
        "rating": _rating(library, packet, questionnaire),
    }


def actions(tx: Tx, review_id: str, actor: Actor) -> tuple[Packet, tuple[domain_actions.Answer, ...]]:
    """What the person could do with the packet now, and why not."""
    packet = store.read(tx, review_id)
    if packet is None:
        raise NotFound
    return packet, domain_actions.actions(packet, store.standing(tx, packet, actor))


def shared_questions(tx: Tx, cycle_id: str, actor: Actor) -> Words:
    """A cycle's newest selection, and what there is to choose from, if it is fetched."""
    refuse(unmet_see(actor))
    cycle = store.cycle(tx, cycle_id)
    if cycle is None:
        raise NotFound
    library = store.Library(tx)
    selection = library.selection(cycle_id)
    questionnaire = library.questionnaire(cycle.questionnaire)
    offered = [each for each in questionnaire.questions if each["audience"] == "manager"] if questionnaire else None
    return {
        "cycle_id": cycle_id,
        "version": selection.version,
        "question_ids": list(selection.question_ids),
        "rating": selection.shares_rating,
        "questions": None
        if offered is None
        else [{name: each[name] for name in ("question_id", "text", "kind")} for each in offered],
    }


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
        "reviews": [_on_board(library, each, changes.get(each.review_id, [])) for each in shown],
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """All that a PDF is made of, and the key under which it is kept; the same for the same content and names."""

    packet: Packet
    key: str
    title: str
    names: store.Names
    view: Words


def pdf_key(library: Library, packet: Packet, names: store.Names, *, company: str, template: str) -> str:
    """The key of a packet's PDF: what it shows, the names frozen with it, and how it is printed.

    The questionnaire is a part of it: its title and the words of its options and scales are printed as well, and the
    snapshot's hash does not cover them.
    """
    shown: dict[str, Any] = {
        "snapshot": pinned(packet).hash,
        "questionnaire": list(_content(library, packet).questionnaire),
        "subject": names.subject,
        "manager": names.manager,
        "company": company,
        "template": template,
        "language": names.language,
    }
    return digest(shown)


def paper(tx: Tx, packet: Packet, *, company: str, template: str) -> Paper:
    """Collect what is printed."""
    names = store.names(tx, packet)
    library = store.Library(tx)
    questionnaire, _ = _papers(library, packet)
    return Paper(
        packet=packet,
        key=pdf_key(library, packet, names, company=company, template=template),
        title=questionnaire.title,
        names=names,
        view=view(tx, packet, Part.EMPLOYEE),
    )


def states(tx: Tx, *, after: str | None, limit: int) -> list[Words]:
    """Our rows for other services' sweeps, in the order of the review ids."""
    statement = sa.select(
        table.c.review_id,
        table.c.cycle_id,
        table.c.subject_id,
        table.c.manager_id,
        table.c.state,
        table.c.epoch,
        table.c.row_version,
        table.c.changed_at,
        table.c.snapshot_hash,
        table.c.manager_version,
        table.c.selection_version,
        sa.func.coalesce(table.c.revoked_epoch, 0).label("revoked_epoch"),
    )
    if after is not None:
        statement = statement.where(table.c.review_id > after)
    return [dict(row) for row in tx.execute(statement.order_by(table.c.review_id).limit(limit)).mappings()]


def allowed(tx: Tx, items: Sequence[Mapping[str, Any]]) -> list[bool]:
    """For each (person, packet, epoch) whether the person can open that packet now, at that epoch."""
    wanted = {item["review_id"] for item in items if item["kind"] == "packet"}
    packets = store.read_many(tx, wanted)
    return [
        item["kind"] == "packet"
        and item["review_id"] in packets
        and visibility.allowed_for_mail(packets[item["review_id"]], item["person_id"], at=item["at"])
        for item in items
    ]


def _papers(library: Library, packet: Packet) -> tuple[Questionnaire, Mapping[str, Mapping[str, Any]]]:
    content = _content(library, packet)
    questionnaire = library.questionnaire(content.questionnaire)
    if questionnaire is None:
        raise AssertionError(_ABSENT.format(packet.review_id))
    return questionnaire, content.answers


def _content(library: Library, packet: Packet) -> store.Content:
    content = library.content(packet.review_id, pinned(packet).ref.manager_version)
    if content is None:
        raise AssertionError(_ABSENT.format(packet.review_id))
    return content


def _rating(library: Library, packet: Packet, questionnaire: Questionnaire) -> Words | None:
    ref = pinned(packet).ref
    value = library.rating_value(packet.review_id, ref)
    if value is None:
        return None
    scale = questionnaire.scale
    return {
        "value": value,
        "shown": ref.rating_shown.value,
        "scale": {"lowest": scale.lowest, "highest": scale.highest, "labels": questionnaire.labels},
    }


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
