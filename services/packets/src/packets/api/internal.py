"""Operations for other services."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from packets.api.routes import review_id_of, routes
from packets.queries import internal as queries
from packets.schemas import internal as shapes
from reviewbus.schema import decode_cursor, encode_cursor

if TYPE_CHECKING:
    from reviewbus.auth import Caller
    from reviewbus.db import Tx

Words = dict[str, Any]


@routes.internal("/internal/states", query=shapes.StatesQuery, answer=shapes.StatesShape)
def states(tx: Tx, _: Caller, query: Words) -> Words:
    """The packets' rows in the order of their ids, for sweeps."""
    after = decode_cursor(query["cursor"], str)
    rows = queries.states(tx, after=review_id_of(after[0]) if after else None, limit=query["limit"])
    full = len(rows) == query["limit"]
    return {"items": rows, "next_cursor": encode_cursor(rows[-1]["review_id"]) if full else None}


@routes.internal("/internal/visibility", body=shapes.VisibilityQuestions, answer=shapes.VisibilityAnswers)
def visibility(tx: Tx, _: Caller, body: Words) -> Words:
    """Whether people can open packets now, as of the epoch that they were told of."""
    items = [{**each, "review_id": str(each["review_id"])} for each in body["items"]]
    return {"items": [{"allowed": each} for each in queries.allowed(tx, items)]}
