"""The directory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marshmallow import ValidationError

from assessment.api.edge import actor, malformed
from assessment.commands import people as commands
from assessment.domain import sentences
from assessment.queries import directory
from assessment.schemas import setup
from reviewbus.http import Routes
from reviewbus.idempotency import Answer
from reviewbus.schema import decode_cursor, encode_cursor

if TYPE_CHECKING:
    from reviewbus.auth import Caller
    from reviewbus.db import Tx

routes = Routes("people", __name__, description="The directory")
IMPORT_PATH = "/v1/people/import"


@routes.command(IMPORT_PATH, body=setup.ImportBody, answer=setup.ImportAnswer)
def import_people(tx: Tx, caller: Caller, body: dict[str, Any]) -> Answer:
    """Import people; the same rows again change nothing."""
    rows = [(index, row) for index, row in enumerate(body["people"]) if not isinstance(row, ValidationError)]
    outcome = commands.import_people(tx, actor(caller), [commands.PersonRow(**row) for _, row in rows])
    problems = [
        malformed(index, row, "person_id")
        for index, row in enumerate(body["people"])
        if isinstance(row, ValidationError)
    ]
    for one in outcome.problems:
        index = rows[one.index][0]
        told = sentences.told(_code(one.code), index=index, person_id=one.external_id, errors={})
        problems.append(told)
    problems.sort(key=lambda problem: problem["index"])
    counted = {"changed": len(outcome.changed), "unchanged": outcome.unchanged}
    return Answer(status=200, acknowledgement={**counted, "problems": problems})


@routes.read("/v1/people", query=setup.PeopleQuery, answer=setup.PeoplePage)
def list_people(tx: Tx, caller: Caller, query: dict[str, Any]) -> Any:
    """List the people whom the caller may see."""
    after = decode_cursor(query["cursor"], str)
    items, ended = directory.people(
        tx,
        actor(caller),
        after=after[0] if after else None,
        limit=query["limit"],
        manager_id=query["manager_id"],
        active=query["active"],
    )
    return {"items": items, "next_cursor": encode_cursor(ended) if ended else None}


@routes.read("/v1/people/<string:person_id>", answer=setup.Person)
def one_person(tx: Tx, caller: Caller, person_id: str) -> Any:
    """Show a person."""
    return directory.one_person(tx, actor(caller), person_id)


def _code(code: str) -> str:
    """Two rows of one external id are, here, two rows of one person."""
    return "duplicate-person-id" if code == "duplicate-external-id" else code
