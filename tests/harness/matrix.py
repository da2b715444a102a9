"""The authorisation matrix: its rows read, held against the OpenAPI documents, and each cell against the services.

What a row is stands in `matrix_rows`; who the columns are and how the states come about in `matrix_scenes`.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.journey import prints_of, problem, undoing
from harness.matrix_rows import ROWS
from harness.matrix_scenes import COLUMNS, SERVICE_SCOPES, STATES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import httpx

    from harness.matrix_scenes import Sender, Target
    from harness.operations import Operation

ALLOWED = frozenset({"ok", "in", "out"})
REFUSED = {
    "404": (404, "not-found"),
    "role": (403, "forbidden-role"),
    "self": (403, "self-dealing"),
    "who": (403, "unknown-person"),
    "auth": (403, "author-only"),
    "hr": (403, "hr-only"),
    "nas": (403, "not-a-signer"),
    "done": (409, "already-submitted"),
    "401": (401, "unauthorized"),
}
NOBODY = "nobody"
# Who may not know whether the thing exists: also a 403 is the same whether it does or not.
IN_THE_DARK = frozenset({"F", "L", "O", "S", "I"})
# Who knows of every review, and is told on which of several another must act.
KNOWING_REVIEWS = frozenset({"H", "C", "X", "U", "N"})
# All that a refusal may say to somebody who is not admitted.
_TOLD = {"type", "title", "status", "detail", "code", "trace_id", "unmet", "allowed_actions", "review_ids"}
_TRACE = re.compile(r'"trace_id": "[0-9a-f]{32}"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What each column gets from an operation in one state. `unlike`: where the services answer otherwise today."""

    operation: str
    state: str
    cells: Mapping[str, str]
    unlike: frozenset[str]


def lines(text: str = ROWS) -> tuple[Line, ...]:
    """Read the rows; raises ValueError for a line that has not a known word for every column."""
    found: list[Line] = []
    operation = ""
    for raw in text.splitlines():
        words = raw.split()
        if not words or words[0].startswith("#"):
            continue
        if raw.startswith(" "):
            found.append(_line(operation, words[0], words[1:]))
        else:
            operation = " ".join(words)
    return tuple(found)


def gaps(operations: Iterable[Operation], rows: Sequence[Line]) -> list[str]:
    """Say what the rows lack of the operations, what they have too much, and how each is put right."""
    named = {one.operation for one in rows}
    known = {one.name: one.service for one in operations}
    example = f"    {'released':<13}" + "".join(f"{word:<6}" for word in ["404"] * len(COLUMNS))
    missing = [
        f"{name} ({service}) has no row in the authorisation matrix. Add to tests/harness/matrix_rows.py, with who may "
        f"do it in which state ({', '.join(STATES)}), one cell for each of {' '.join(COLUMNS)}:\n\n{name}\n"
        f"{example}\n\nand, if a body made up from its schema is not accepted, one to BODIES in matrix_scenes.py."
        for name, service in known.items()
        if name not in named
    ]
    surplus = [f"{name} has a row in tests/harness/matrix_rows.py and is no operation" for name in named - set(known)]
    admitting = {one.operation for one in rows if {"ok", "in"} & set(one.cells.values())}
    useless = [
        f"{name} admits nobody in any line of its row: add the state in which it does" for name in named - admitting
    ]
    return sorted(missing + surplus + useless)


def differences(target: Target, operation: Operation, cells: Mapping[str, str]) -> list[str]:
    """Send the operation as everybody in a column that has a cell; return where what comes of it is not as told."""
    senders: list[tuple[str, Sender]] = [*target.people, *((one, one) for one in SERVICE_SCOPES), (NOBODY, None)]
    before = prints_of(target.stage.world, operation.service)
    found: list[str] = []
    for column, sender in senders:
        if column not in cells:
            continue
        difference = _difference(target, operation, column, sender, cells[column])
        # What is allowed was undone.
        after = before if cells[column] in ALLOWED else prints_of(target.stage.world, operation.service)
        if changed := [name for name, one in after.items() if one != before[name]]:
            target.spoilt, before = True, after
            difference += f" and it changed {changed}"
        if difference:
            found.append(f"{column} {getattr(sender, 'id', sender)}: expected {cells[column]}: {difference}")
    return found


def _line(operation: str, state: str, words: Sequence[str]) -> Line:
    cells = dict(zip(COLUMNS, (word.rstrip("!") for word in words), strict=False))
    if len(words) != len(COLUMNS) or not set(cells.values()) <= ALLOWED | REFUSED.keys() or state not in STATES:
        raise ValueError(f"{operation}: {state} {' '.join(words)}: not a known word for every one of {COLUMNS}")
    unlike = frozenset(column for column, word in zip(COLUMNS, words, strict=True) if word.endswith("!"))
    return Line(operation=operation, state=state, cells=cells, unlike=unlike)


def _difference(target: Target, operation: Operation, column: str, sender: Sender, cell: str) -> str:
    if cell in ALLOWED:
        with undoing(target.stage.world):
            return _unlike_allowed(target, operation, target.send(operation, sender), cell)
    # A refused request is sent for good: that it changes nothing is what is to be seen.
    answer = target.send(operation, sender)
    if unlike := _unlike_refused(target, answer, column, cell):
        return unlike
    if "{" in operation.path and (cell in {"404", "401"} or column in IN_THE_DARK):
        nothing = target.send(operation, sender, exists=False)
        if _anonymous(nothing) != _anonymous(answer):
            return f"what does not exist is answered otherwise: {nothing.status_code} {nothing.text[:300]}"
    return ""


def _unlike_allowed(target: Target, operation: Operation, answer: httpx.Response, cell: str) -> str:
    if not answer.is_success:
        return f"{answer.status_code} {answer.text[:300]}"
    if cell == "ok":
        return ""
    listed = f'"{target.named(operation)}"' in answer.text
    if listed != (cell == "in"):
        return "it is not listed" if cell == "in" else "it is listed"
    return _leak(target, answer, texts_only=True) if cell == "out" else ""


def _unlike_refused(target: Target, answer: httpx.Response, column: str, cell: str) -> str:
    try:
        body = problem(answer, *REFUSED[cell])
    except AssertionError as error:
        return str(error)[:300]
    leak = _leak(target, answer, but=target.reviews if column in KNOWING_REVIEWS else ())
    return leak or ("" if cell == "done" else _more_than_needed(body, answer))


def _more_than_needed(body: Mapping[str, Any], answer: httpx.Response) -> str:
    more = sorted(body.keys() - _TOLD) + [name for name in ("ETag", "Location") if name in answer.headers]
    more += ["allowed_actions"] if body.get("allowed_actions") else []
    more += ["unmet"] if any(one.keys() - {"review_ids"} != {"code", "detail"} for one in body.get("unmet", ())) else []
    return f"says more than that it is refused: {more}" if more else ""


def _leak(target: Target, answer: httpx.Response, *, texts_only: bool = False, but: Iterable[str] = ()) -> str:
    """Say what of the scene's words, names and ids an answer holds that its request did not bring."""
    request = f"{answer.request.url}{answer.request.content.decode()}"
    told = html.unescape(answer.text)
    words = (target.texts if texts_only else target.texts | target.names) - set(but)
    found = sorted(word for word in words if word in told and word not in request)
    return f"tells {found}" if found else ""


def _anonymous(answer: httpx.Response) -> tuple[Any, ...]:
    """Return all of an answer but the trace it belongs to."""
    headers = sorted((name, value) for name, value in answer.headers.items() if name != "traceparent")
    return answer.status_code, headers, _TRACE.sub("", answer.text)
