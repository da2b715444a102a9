"""Packets: a list, a view, what is printed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from packets import store
from packets.domain import actions as domain_actions
from packets.domain import visibility
from packets.domain.packet import PacketState, Part, is_overridden, is_viewed, pinned
from packets.domain.people import HR_ADMIN, HR_ASSISTANT, Actor, Standing
from packets.domain.people import standing as domain_standing
from packets.domain.refusals import NotFound
from packets.store.rows import from_row
from packets.store.tables import packets as table
from reviewbus.canonical import digest
from reviewbus.clock import rfc3339

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from packets.domain.operation import Operation
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
        "scheduled": None,
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
    _tell_scheduled(tx, items)
    return items, rows[limit - 1].review_id if len(rows) > limit else None


def scheduled(tx: Tx, packet: Packet, part: Part) -> Words | None:
    """The release that will fire, which the employee is not told of."""
    if part is Part.EMPLOYEE:
        return None
    found = store.scheduled_for(tx, [packet.review_id]).get(packet.review_id)
    return waiting(found[0]) if found else None


def waiting(operation: Operation) -> Words:
    """What is told of a release that waits for its instant, as it can be kept with an answer."""
    at = None if operation.fires_at is None else rfc3339(operation.fires_at)
    return {"not_before": at, "by": operation.actor.person_id, "operation_id": operation.id}


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
        "cycle_name": names.cycle,
        "state": packet.state.value,
        "epoch": packet.epoch,
        "viewed": is_viewed(packet),
        "read_as": part.value,
        "snapshot_hash": pinned(packet).hash,
        "manager_version": ref.manager_version,
        "selection_version": ref.selection_version,
        "rating_version": packet.rating_version if part is Part.HR_ADMIN else None,
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
    found = store.scheduled_for(tx, [review_id]).get(review_id, [])
    waiting = [each.scheduled for each in found]
    return packet, domain_actions.actions(packet, store.standing(tx, packet, actor), waiting=waiting)


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """All that a PDF is made of, and the key under which it is kept; the same for the same content and names."""

    packet: Packet
    key: str
    draft: bool
    title: str
    names: store.Names
    view: Words


def pdf_key(library: Library, packet: Packet, names: store.Names, *, company: str, template: str) -> str:
    """The key of a packet's PDF: what it shows, the names frozen with it, and how it is printed.

    The questionnaire is a part of it: its title and the words of its options and scales are printed as well, and the
    snapshot's hash does not cover them. So is the watermark: what is not released has a file of its own.
    """
    shown: dict[str, Any] = {
        "snapshot": pinned(packet).hash,
        "questionnaire": list(_content(library, packet).questionnaire),
        "subject": names.subject,
        "manager": names.manager,
        "cycle": names.cycle,
        "company": company,
        "template": template,
        "language": names.language,
        "draft": visibility.is_draft(packet),
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
        draft=visibility.is_draft(packet),
        title=questionnaire.title,
        names=names,
        view=view(tx, packet, Part.EMPLOYEE),
    )


def _tell_scheduled(tx: Tx, items: Sequence[Words]) -> None:
    # What is released has nothing to fire: the employee, who sees no other packet, is told of none.
    unreleased = {each["review_id"]: each for each in items if each["state"] != PacketState.RELEASED}
    for review_id, found in store.scheduled_for(tx, unreleased.keys()).items():
        unreleased[review_id]["scheduled"] = waiting(found[0])


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
