"""How far the packets of a cycle are: counted in the database, and listed person by person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from packets import store
from packets.domain import tracking as domain
from packets.domain.ids import PersonId
from packets.domain.packet import PacketState
from packets.domain.refusals import refuse
from packets.domain.tracking import Mark
from packets.store.tables import packets as table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from packets.domain.history import Entry
    from packets.domain.people import Actor, Directory
    from reviewbus.db import Tx

Words = dict[str, Any]
COUNTED = ("packets", *(each.value for each in PacketState), *(each.value for each in Mark))
_PLAIN = ("review_id", "subject_id", "manager_id", "state", "epoch", "calibration", "last_refusal")
# The instant of each thing is told while the thing holds.
_INSTANTS = {
    "sent_at": Mark.SENT,
    "viewed_at": Mark.VIEWED,
    "downloaded_at": Mark.DOWNLOADED,
    "conversation_at": Mark.CONVERSATION,
}
_SAID = (Mark.SIGNED_BY_EMPLOYEE, Mark.SIGNED_BY_MANAGER, Mark.COMPLETED, Mark.OVERRIDDEN)
_RELEASE = {"released_at": "released_at", "released_by": "requested_by", "released_as": "requested_as"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """Which packets of a cycle somebody follows, narrowed to a manager and a state."""

    cycle_id: str
    actor: Actor
    manager_id: str | None = None
    state: str | None = None


def followed(tx: Tx, team: Team) -> Team:
    """The same, for somebody who may follow it. Refuses as `domain.unmet_follow`."""
    mine = sa.select(sa.literal(1)).where(table.c.manager_id == team.actor.person_id, *_in_cycle(team))
    has_team = tx.execute(mine.limit(1)).first() is not None
    exists = domain.follows_all(team.actor) and store.cycle(tx, team.cycle_id) is not None
    refuse(domain.unmet_follow(team.actor, exists=exists, has_team=has_team))
    return team


def counts(tx: Tx, team: Team) -> Words:
    """The counts of all."""
    grouped = sa.select(table.c.tracked, sa.func.count().label("packets")).where(*_chosen(team))
    return _counted(tx.execute(grouped.group_by(table.c.tracked)))


def managers(tx: Tx, team: Team, *, after: str | None, limit: int) -> tuple[list[Words], str | None]:
    """The counts of each of the next managers in the order of their ids, and where to go on."""
    named = sa.select(table.c.manager_id).distinct().where(*_chosen(team)).order_by(table.c.manager_id)
    if after is not None:
        named = named.where(table.c.manager_id > after)
    found = list(tx.execute(named.limit(limit + 1)).scalars())
    columns = (table.c.manager_id, table.c.tracked)
    grouped = sa.select(*columns, sa.func.count().label("packets")).where(*_chosen(team)).group_by(*columns)
    by_manager: dict[str, list[Any]] = {each: [] for each in found[:limit]}
    for row in tx.execute(grouped.where(table.c.manager_id.in_(found[:limit]))):
        by_manager[row.manager_id].append(row)
    items = [{"manager_id": each, **_counted(rows)} for each, rows in by_manager.items()]
    return items, found[limit - 1] if len(found) > limit else None


def people(tx: Tx, team: Team, *, after: str | None, limit: int) -> tuple[list[Words], str | None]:
    """The next people in the order of their reviews' ids, and where to go on."""
    columns = (table.c[name] for name in (*_PLAIN, *_INSTANTS, *_RELEASE.values(), "tracked"))
    statement = sa.select(*columns).where(*_chosen(team)).order_by(table.c.review_id).limit(limit + 1)
    if after is not None:
        statement = statement.where(table.c.review_id > after)
    rows = tx.execute(statement).mappings().all()
    items = [_tracked(row) for row in rows[:limit]]
    overridden = [each["review_id"] for each in items if each["overridden"]]
    why = store.lately_overridden(tx, overridden) if overridden else {}
    lines = store.directory(tx, team.actor, {each["subject_id"] for each in items}) if why else {}
    for each in items:
        each["override"] = _override(team.actor, each, why.get(each["review_id"]), lines)
    return items, items[-1]["review_id"] if len(rows) > limit else None


def with_names(tx: Tx, cycle_id: str, rows: Sequence[Words]) -> list[Words]:
    """The rows with what their people are called, as far as that is here: it comes with what a packet shows."""
    employees = store.subject_names(tx, [each["review_id"] for each in rows if "review_id" in each])
    managers_ = store.manager_names(tx, cycle_id, {each["manager_id"] for each in rows})
    return [
        {
            **each,
            "subject_name": employees.get(each.get("review_id", "")),
            "manager_name": managers_.get(each["manager_id"]),
        }
        for each in rows
    ]


def _counted(groups: Iterable[Any]) -> Words:
    """Count by state and mark; there are as many groups as combinations of these, not as packets."""
    found = dict.fromkeys(COUNTED, 0)
    for group in groups:
        state, marks = domain.told(group.tracked)
        for name in ("packets", state.value, *(each.value for each in marks)):
            found[name] += group.packets
    return found


def _tracked(row: Mapping[Any, Any]) -> Words:
    state, marks = domain.told(row["tracked"])
    released = state is PacketState.RELEASED
    return {
        **{name: row[name] for name in _PLAIN},
        **{name: row[name] if mark in marks else None for name, mark in _INSTANTS.items()},
        **{name: row[column] if released else None for name, column in _RELEASE.items()},
        **{mark.value: mark in marks for mark in _SAID},
    }


def _override(actor: Actor, item: Words, line: Entry | None, lines: Directory) -> Words | None:
    if line is None or not domain.is_told_why(actor, PersonId(item["subject_id"]), lines):
        return None
    return {"at": line.at, "by": line.by, "reason": line.reason}


def _chosen(team: Team) -> list[sa.ColumnElement[bool]]:
    narrowed = {"manager_id": team.manager_id, "state": team.state}
    found = [*_in_cycle(team), *(table.c[name] == value for name, value in narrowed.items() if value is not None)]
    return found if domain.follows_all(team.actor) else [*found, table.c.manager_id == team.actor.person_id]


def _in_cycle(team: Team) -> list[sa.ColumnElement[bool]]:
    # On the own review nobody is more than its employee.
    return [table.c.cycle_id == team.cycle_id, table.c.subject_id != team.actor.person_id]
