"""Tracking: how far the packets of a cycle are, in numbers and person by person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from packets.api.routes import actor, review_id_of, routes
from packets.queries import tracking as queries
from packets.queries.tracking import Team
from packets.schemas import tracking as shapes
from reviewbus import http
from reviewbus.http import Reply
from reviewbus.schema import decode_cursor, encode_cursor
from reviewbus.sheets import CSV_TYPE, PAGE_ROWS, pages, sheet

if TYPE_CHECKING:
    from uuid import UUID

    from flask import Response

    from reviewbus.auth import Caller
    from reviewbus.db import Tx

Words = dict[str, Any]
_PEOPLE_COLUMNS = [
    *(name for name in shapes.TrackedShape().fields if name != "override"),
    *(f"override_{name}" for name in shapes.OverrideShape().fields),
    "subject_name",
    "manager_name",
]


@routes.read("/v1/packets/tracking/<uuid:cycle_id>", query=shapes.CountsQuery, answer=shapes.TrackingShape)
@routes.alt_response(200, schema={"type": "string"}, content_type=CSV_TYPE, description="The managers, as CSV")
def tracking(tx: Tx, caller: Caller, query: Words, cycle_id: UUID) -> Reply | Response:
    """Count a cycle's packets, all together and manager by manager: HR everybody's, managers their team's."""
    after = decode_cursor(query["cursor"], str)
    start = after[0] if after else None
    team, db = queries.followed(tx, _team(caller, query, cycle_id)), http.edge().db
    if query["format"] == "csv":

        def page(tx: Tx, after: str | None) -> tuple[list[Words], str | None]:
            found, last = queries.managers(tx, team, after=after, limit=PAGE_ROWS)
            return queries.with_names(tx, team.cycle_id, found), last

        return sheet(f"managers-{cycle_id}", ["manager_id", *queries.COUNTED, "manager_name"], pages(db, page, start))
    managers, last = queries.managers(tx, team, after=start, limit=query["limit"])
    words = {"cycle_id": str(cycle_id), "counts": queries.counts(tx, team), "managers": managers}
    return Reply(body={**words, "next_cursor": encode_cursor(last) if last else None})


@routes.read("/v1/packets/tracking/<uuid:cycle_id>/people", query=shapes.PeopleQuery, answer=shapes.PeopleShape)
@routes.alt_response(200, schema={"type": "string"}, content_type=CSV_TYPE, description="The people, as CSV")
def tracked_people(tx: Tx, caller: Caller, query: Words, cycle_id: UUID) -> Reply | Response:
    """List a cycle's packets with what came about and when: HR everybody's but the own, managers their team's."""
    after = decode_cursor(query["cursor"], str)
    start = review_id_of(after[0]) if after else None
    team, db = queries.followed(tx, _team(caller, query, cycle_id)), http.edge().db
    if query["format"] == "csv":

        def page(tx: Tx, after: str | None) -> tuple[list[Words], str | None]:
            found, last = queries.people(tx, team, after=after, limit=PAGE_ROWS)
            return _flat(queries.with_names(tx, team.cycle_id, found)), last

        return sheet(f"packets-{cycle_id}", _PEOPLE_COLUMNS, pages(db, page, start))
    items, last = queries.people(tx, team, after=start, limit=query["limit"])
    return Reply(body={"items": items, "next_cursor": encode_cursor(last) if last else None})


def _team(caller: Caller, query: Words, cycle_id: UUID) -> Team:
    return Team(
        cycle_id=str(cycle_id),
        actor=actor(caller),
        manager_id=query["manager_id"],
        state=query.get("state"),
    )


def _flat(items: list[Words]) -> list[Words]:
    blank: Words = dict.fromkeys(shapes.OverrideShape().fields)
    return [
        {**row, **{f"override_{name}": value for name, value in (row["override"] or blank).items()}} for row in items
    ]
