"""Tables as CSV, streamed. No cell is taken for a formula by the program that opens it."""

from __future__ import annotations

import csv
import io
from datetime import datetime
from typing import TYPE_CHECKING, Any

from flask import Response

from reviewbus import quarantine
from reviewbus.clock import rfc3339

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from reviewbus.db import Database, Tx

CSV_TYPE = "text/csv"
PAGE_ROWS = 1_000
# What spreadsheets take for the beginning of a formula, in the forms of East Asian keyboards too.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def cell(value: Any) -> str:
    """Return a value as it stands in a cell; one that a spreadsheet would calculate begins with an apostrophe."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, int | float):
        return str(value)
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULA) or text.lstrip().startswith(_FORMULA) else text


def pages(
    db: Database, page: Callable[[Tx, str | None], tuple[list[dict[str, Any]], str | None]], after: str | None
) -> Iterator[list[dict[str, Any]]]:
    """Yield page after page. The answer has begun by then: what fails cuts it short."""
    following = after
    while True:
        with db.begin() as tx:
            quarantine.refuse(tx)
            rows, following = page(tx, following)
        yield rows
        if following is None:
            return


def sheet(name: str, columns: Sequence[str], pages_of: Iterable[Iterable[Mapping[str, Any]]]) -> Response:
    """Answer with a file of these columns, sent page by page as the rows come."""
    response = Response(_lines(columns, pages_of), mimetype=CSV_TYPE)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response


def _lines(columns: Sequence[str], pages_of: Iterable[Iterable[Mapping[str, Any]]]) -> Iterator[bytes]:
    yield _written([columns])
    for page in pages_of:
        yield _written([[cell(row[column]) for column in columns] for row in page])


def _written(rows: Iterable[Sequence[str]]) -> bytes:
    buffer = io.StringIO(newline="")
    csv.writer(buffer).writerows(rows)
    return buffer.getvalue().encode()
