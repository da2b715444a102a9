"""How operations are asked for and answered over HTTP."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from reviewbus import http
from reviewbus.http import Reply
from reviewbus.idempotency import Answer
from reviewbus.operations.store import Chosen
from reviewbus.schema import encode_cursor
from reviewbus.sheets import PAGE_ROWS, pages, sheet

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from flask import Response

    from reviewbus.db import Tx

    Page = Callable[[Tx, str | None, int], tuple[list[dict[str, Any]], str | None]]


def chosen(selection: Mapping[str, Any], ids: str) -> Chosen:
    """Return a request's selection: the objects under `ids`, or a `filter` and what it is to `leave_out`."""
    if "filter" not in selection:
        return Chosen(named={str(each) for each in selection[ids]})
    filters = {column: str(value) for column, value in selection["filter"].items()}
    return Chosen(filters=filters, leave_out={str(each) for each in selection["leave_out"]})


def begun(address: str, operation_id: str, *, status: int = 202, **told: Any) -> Answer:
    """Answer a command on an operation; what was accepted is watched under `address` and its id."""
    location = f"{address}/{operation_id}" if status == HTTPStatus.ACCEPTED else None
    return Answer(status=status, acknowledgement={"operation_id": operation_id, **told}, location=location)


def items(
    tx: Tx, operation_id: str, page: Page, *, columns: Sequence[str] | None, after: str | None, limit: int
) -> Reply | Response:
    """Answer with a page of items, or with all of them as a file of these columns.

    In a file, `unmet` has the codes and `why` their words. `page` gives the items after an id, and refuses who may not
    see them.
    """
    if columns is None:
        found, last = page(tx, after, limit)
        return Reply(body={"items": found, "next_cursor": encode_cursor(last) if last else None})
    # Whoever may not see it is refused before the answer begins.
    page(tx, None, 1)

    def lines(tx: Tx, after: str | None) -> tuple[list[dict[str, Any]], str | None]:
        found, last = page(tx, after, PAGE_ROWS)
        return [_flat(each) for each in found], last

    return sheet(f"operation-{operation_id}", columns, pages(http.edge().db, lines, None))


def _flat(item: dict[str, Any]) -> dict[str, Any]:
    unmet = item["unmet"]
    codes, words = " ".join(each["code"] for each in unmet), " ".join(each["detail"] for each in unmet)
    return {**item, "unmet": codes, "why": words}
