"""What other services ask for, with their own tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from assessment.api.edge import after
from assessment.domain.people import only
from assessment.domain.refusals import refuse
from assessment.queries import internal as queries
from assessment.schemas import internal as shapes
from assessment.store import restored
from reviewbus.http import Routes
from reviewbus.schema import decode_cursor, encode_cursor

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


@routes.internal("/internal/cycles", body=shapes.CyclesBody, answer=shapes.CycleNames)
def cycles(tx: Tx, _caller: Caller, body: dict[str, Any]) -> Any:
    """Tell what cycles are called."""
    return {"items": queries.cycles(tx, body["cycle_ids"])}


@routes.internal("/internal/directory", query=shapes.DirectoryQuery, answer=shapes.Directory)
def directory(tx: Tx, _caller: Caller, query: dict[str, Any]) -> Any:
    """Tell who reports to whom and who is active, of everybody, page by page; no names."""
    last = decode_cursor(query["cursor"], str)
    items, ended = queries.directory(tx, after=last[0] if last else None, limit=query["limit"])
    return {"items": items, "next_cursor": encode_cursor(ended) if ended else None}


@routes.internal("/internal/states", query=shapes.StatesQuery, answer=shapes.States)
def states(tx: Tx, _caller: Caller, query: dict[str, Any]) -> Any:
    """Tell the state, versions and registers of every started review, page by page."""
    # Read before the rows: a restore in between has another id, so that the sweep of these rows does not count.
    restore = restored.awaited(tx)
    items, ended = queries.states(tx, after=after(query["cursor"]), limit=query["limit"])
    return {"items": items, "next_cursor": encode_cursor(ended) if ended else None, "restored": restore}


@routes.internal("/internal/swept", body=shapes.SweptBody, answer=shapes.Swept)
def swept(tx: Tx, caller: Caller, body: dict[str, Any]) -> Any:
    """Take note that the caller has compared all its rows with the restored ones; repeating it changes nothing."""
    refuse([] if caller.id in restored.SWEEPERS else [only("services that compare their rows")])
    return {"counted": restored.note_swept(tx, caller.id, str(body["restored"]))}


@routes.internal("/internal/visibility", body=shapes.VisibilityBody, answer=shapes.Visibility)
def visibility(tx: Tx, _caller: Caller, body: dict[str, Any]) -> Any:
    """Say whether what messages point to can be opened by their readers now."""
    return {"items": [{"allowed": allowed} for allowed in queries.visibility(tx, body["items"])]}
