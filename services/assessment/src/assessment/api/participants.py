"""Who takes part in a cycle: listed, added, and taken out again before it starts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from marshmallow import ValidationError

from assessment.api.edge import actor, after, malformed
from assessment.commands import participants as commands
from assessment.queries import directory
from assessment.schemas import participants as shapes
from reviewbus import http
from reviewbus.http import Reply, Routes
from reviewbus.idempotency import Answer
from reviewbus.problems import explain
from reviewbus.schema import encode_cursor
from reviewbus.sheets import CSV_TYPE, PAGE_ROWS, pages, sheet

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from flask import Response

    from assessment.domain.participation import RefusedRow
    from reviewbus.auth import Caller
    from reviewbus.db import Tx
    from reviewbus.problems import RefusalLike

routes = Routes("participants", __name__, description="Who takes part in a cycle")
PATH = "/v1/cycles/<uuid:cycle_id>/participants"
_COLUMNS = tuple(shapes.ParticipantListed().fields)


@routes.read(PATH, query=shapes.ParticipantsQuery, answer=shapes.ParticipantPage)
@routes.alt_response(200, schema={"type": "string"}, content_type=CSV_TYPE, description="All of them, as CSV")
def list_participants(tx: Tx, caller: Caller, query: dict[str, Any], cycle_id: UUID) -> Reply | Response:
    """List who takes part in a cycle."""
    one, who = str(cycle_id), actor(caller)
    narrowed = {name: query[name] for name in ("manager_id", "without_manager")}
    if query["format"] == "csv":
        # Whoever may not see it is refused before the answer begins.
        directory.may_list_participants(tx, who, one)

        def page(tx: Tx, after: str | None) -> tuple[list[dict[str, Any]], str | None]:
            return directory.participants(tx, who, one, after=after, limit=PAGE_ROWS, **narrowed)

        return sheet(f"participants-{one}", _COLUMNS, pages(http.edge().db, page, None))
    begin = after(query["cursor"])
    items, ended = directory.participants(tx, who, one, after=begin, limit=query["limit"], **narrowed)
    return Reply(body={"items": items, "next_cursor": encode_cursor(ended) if ended else None})


@routes.command(PATH, body=shapes.ParticipantsBody, answer=shapes.ParticipantsAnswer)
def add_participants(tx: Tx, caller: Caller, body: dict[str, Any], cycle_id: UUID) -> Answer:
    """Add people to a cycle that is not started, or give them another manager: all of them, or nobody."""
    rows = [commands.participant(**row) for row in body["participants"]]
    changed, reviews = commands.add(tx, actor(caller), str(cycle_id), rows)
    listed = [{"review_id": review_id, "subject_id": subject_id} for subject_id, review_id in reviews.items()]
    return Answer(status=200, acknowledgement={"cycle_id": str(cycle_id), "changed": changed, "reviews": listed})


@routes.command(f"{PATH}/import", body=shapes.IntakeBody, answer=shapes.IntakeAnswer)
def import_participants(tx: Tx, caller: Caller, body: dict[str, Any], cycle_id: UUID) -> Answer:
    """Add those of a list who can take part, and say of each of the others why not; the same list changes nothing."""
    written = list(enumerate(body["participants"]))
    rows = [(index, commands.participant(**row)) for index, row in written if not isinstance(row, ValidationError)]
    dry_run = body["dry_run"]
    taken = commands.take(tx, actor(caller), str(cycle_id), [row for _, row in rows], dry_run=dry_run)
    problems = [malformed(index, row, "subject_id") for index, row in written if isinstance(row, ValidationError)]
    problems += _left_out(taken.refused, [index for index, _ in rows])
    problems.sort(key=lambda problem: problem["index"])
    told = {"cycle_id": str(cycle_id), "dry_run": dry_run, "changed": len(taken.wanted), "unchanged": taken.unchanged}
    return Answer(status=200, acknowledgement={**told, "problems": problems})


@routes.command(f"{PATH}/remove", body=shapes.RemovalBody, answer=shapes.RemovalAnswer)
def remove_participants(tx: Tx, caller: Caller, body: dict[str, Any], cycle_id: UUID) -> Answer:
    """Take people out of a cycle that is not started, and say of each who stays why."""
    dry_run = body["dry_run"]
    leaving = commands.remove(tx, actor(caller), str(cycle_id), body["subject_ids"], dry_run=dry_run)
    problems = _left_out(leaving.refused, range(len(body["subject_ids"])))
    told = {"cycle_id": str(cycle_id), "dry_run": dry_run, "removed": len(leaving.subject_ids)}
    return Answer(status=200, acknowledgement={**told, "problems": problems})


def _left_out(refused: Iterable[RefusedRow], index_of: Any) -> list[dict[str, Any]]:
    """Name the first reason of each; `index_of`: where in the request the rows stood."""
    return [
        {
            "index": index_of[row.index],
            "subject_id": row.subject_id,
            "code": row.reasons[0].code,
            "detail": explain(cast("RefusalLike", row.reasons[0])),
            "errors": {},
        }
        for row in refused
    ]
