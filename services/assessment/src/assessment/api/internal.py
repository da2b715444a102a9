"""What other services ask for, with their own tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from assessment.api.edge import after
from assessment.queries import internal as queries
from assessment.schemas import internal as shapes
from assessment.store import restored
from reviewbus.http import Routes
from reviewbus.schema import encode_cursor

if TYPE_CHECKING:
    from reviewbus.auth import Caller
    from reviewbus.db import Tx

routes = Routes("internal", __name__, description="For other services")


@routes.internal("/internal/contents", body=shapes.ContentsBody, answer=shapes.Contents)
def contents(tx: Tx, _caller: Caller, body: dict[str, Any]) -> Any:
    """Tell immutable contents with their hashes."""
    return {"items": queries.contents(tx, body["items"])}


@routes.internal("/internal/people", body=shapes.PeopleBody, answer=shapes.People)
def people(tx: Tx, _caller: Caller, body: dict[str, Any]) -> Any:
    """Tell names and addresses."""
    return {"items": queries.people(tx, body["person_ids"])}


@routes.internal("/internal/states", query=shapes.StatesQuery, answer=shapes.States)
def states(tx: Tx, caller: Caller, query: dict[str, Any]) -> Any:
    """Tell the state, versions and registers of every started review, page by page."""
    begin = after(query["cursor"])
    items, ended = queries.states(tx, after=begin, limit=query["limit"])
    restored.note_page(tx, caller.id, first=begin is None, last=ended is None)
    return {"items": items, "next_cursor": encode_cursor(ended) if ended else None}


@routes.internal("/internal/visibility", body=shapes.VisibilityBody, answer=shapes.Visibility)
def visibility(tx: Tx, _caller: Caller, body: dict[str, Any]) -> Any:
    """Say whether what messages point to can be opened by their readers now."""
    return {"items": [{"allowed": allowed} for allowed in queries.visibility(tx, body["items"])]}
