"""Problem documents (RFC 9457): the one form of every error that leaves a service.

Codes are stable and kebab-case; `type` is `/problems/<code>`. Nothing of an exception's text gets out.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from flask import Response, g
from marshmallow import ValidationError
from werkzeug.exceptions import HTTPException

from reviewbus import telemetry
from reviewbus.clock import rfc3339
from reviewbus.db import is_transient
from reviewbus.quarantine import Quarantined

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from flask import Flask

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 1
# A domain's ranks, in their order, and the status each answers with.
RANK_STATUS = {1: 404, 2: 403, 3: 409, 4: 423, 5: 409, 6: 428, 7: 412, 8: 422}
# What people are told of reasons that every service has: what is so, and what to do about it.
SENTENCES = {
    "not-found": "Nothing that you may know of is here: look whether the address, and the ids in it, are right.",
    "forbidden-role": "Your roles do not admit this: ask somebody whose roles do.",
    "version-missing": "Name the version that this is based on: send the ETag that you were given as If-Match.",
    "stale-version": "The version that you named is not the current one: read what there is now, and name its version.",
    "reason-missing": "This is recorded with a reason, and none was given: send one as `reason`.",
    "too-many-plans": "You have as many plans as one person may have: apply or cancel one first.",
    "operation-not-planned": "The operation holds no plan that waits to be applied: look at its state, or plan anew.",
    "plan-expired": "The plan is too old to be applied: make a new one.",
    "operation-finished": "The operation is over: there is nothing left to cancel.",
}
_OF_AN_ENTRY = {"key", "value"}
_log = telemetry.logger("http")


@runtime_checkable
class RefusalLike(Protocol):
    """What a service's domain raises when it refuses: one class a reason, ranked, carrying all that is unmet."""

    code: str
    rank: int
    detail: str
    params: Mapping[str, Any]
    unmet: Sequence[RefusalLike]


@dataclass(slots=True, eq=False)
class Problem(Exception):
    """An error that the edge itself raises, such as a missing header."""

    status: int
    code: str
    detail: str
    errors: list[dict[str, str]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)


def status_of(refusal: RefusalLike) -> int:
    """Return the HTTP status that a refusal answers with."""
    return RANK_STATUS[int(refusal.rank)]


def describe(refusal: RefusalLike) -> dict[str, Any]:
    """Return one unmet condition as it appears in `unmet[]`."""
    return {"code": refusal.code, "detail": explain(refusal), **_told(refusal.params)}


def explain(refusal: RefusalLike) -> str:
    """Return what a person is told: the refusal's own words, `SENTENCES`, or its class's docstring's first sentence."""
    if refusal.detail:
        return refusal.detail
    if refusal.code in SENTENCES:
        return SENTENCES[refusal.code]
    summary = (type(refusal).__doc__ or "").strip().split("\n", 1)[0]
    sentence = summary.split(". ", 1)[0].rstrip(".")
    return f"{sentence}." if sentence else refusal.code.replace("-", " ")


def respond(problem: Problem) -> Response:
    """Write a problem as a response."""
    body: dict[str, Any] = {
        "type": f"/problems/{problem.code}",
        "title": problem.code.replace("-", " ").capitalize(),
        "status": problem.status,
        "detail": problem.detail,
        "code": problem.code,
        "trace_id": telemetry.current_trace().trace_id,
        **problem.extra,
    }
    if problem.errors:
        body["errors"] = problem.errors
    g.problem_code = problem.code
    response = Response(json.dumps(body), status=problem.status, mimetype=MEDIA_TYPE)
    response.headers.update(problem.headers)
    return response


def _told(params: Mapping[str, Any]) -> dict[str, Any]:
    return {name: rfc3339(one) if isinstance(one, datetime) else one for name, one in params.items()}


def hides(refusal: RefusalLike) -> bool:
    """Say whether the refusal is to somebody who may not know more: 404 and 403."""
    return status_of(refusal) in {HTTPStatus.NOT_FOUND, HTTPStatus.FORBIDDEN}


def from_refusal(refusal: RefusalLike, allowed_actions: Sequence[str] = ()) -> Problem:
    """Translate a domain's refusal; its parameters stand beside the code, all reasons in `unmet[]`."""
    return Problem(
        status_of(refusal),
        refusal.code,
        explain(refusal),
        extra={
            **_told(refusal.params),
            "unmet": [describe(one) for one in (refusal.unmet or (refusal,))],
            "allowed_actions": list(allowed_actions),
        },
    )


def from_validation(messages: Mapping[str, Any]) -> Problem:
    """Translate marshmallow's messages into one problem with JSON Pointers; values are never repeated."""
    errors: list[dict[str, str]] = []
    for location, nested in messages.items():
        _point(nested, f"/{location}" if location not in {"json", "_schema"} else "", errors)
    return Problem(422, "invalid-request", "The request does not have the required form; see errors.", errors=errors)


def register(app: Flask, refusal_class: type[Exception], allowed: Callable[[RefusalLike], Sequence[str]]) -> None:
    """Make `app` answer every error as a problem document; `allowed` names what is possible instead of the refused."""

    def refused(error: RefusalLike) -> Response:
        try:
            possible = allowed(error)
        except refusal_class:
            # Who may do this one act may have no right to ask what else could be done.
            possible = ()
        return respond(from_refusal(error, possible))

    app.register_error_handler(refusal_class, refused)
    app.register_error_handler(Problem, respond)
    app.register_error_handler(ValidationError, lambda error: respond(from_validation({"json": error.messages})))
    app.register_error_handler(Quarantined, lambda _: respond(_unavailable("quarantined", 30)))
    app.register_error_handler(HTTPException, _from_http)
    app.register_error_handler(Exception, _unexpected)


def _unavailable(code: str, retry_after_s: int) -> Problem:
    detail = "The service cannot answer at the moment; nothing was changed. Try again."
    return Problem(503, code, detail, headers={"Retry-After": str(retry_after_s)})


def _from_http(error: HTTPException) -> Response:
    status = error.code or 500
    messages = getattr(error, "data", {}).get("messages") if isinstance(getattr(error, "data", None), dict) else None
    if status == HTTPStatus.UNPROCESSABLE_ENTITY and messages:
        return respond(from_validation(messages))
    code = HTTPStatus(status).phrase.lower().replace(" ", "-").replace("'", "")
    details = {
        400: "The request could not be read: its body must be well-formed JSON, its headers well-formed.",
        404: SENTENCES["not-found"],
        405: "This address does not take this method.",
        413: "The body is larger than this address takes.",
        415: "The body must be application/json.",
    }
    names = {404: "not-found", 400: "malformed-request", 413: "body-too-large"}
    problem = Problem(status, names.get(status, code), details.get(status, HTTPStatus(status).phrase))
    if status == HTTPStatus.METHOD_NOT_ALLOWED and getattr(error, "valid_methods", None):
        problem.headers["Allow"] = ", ".join(error.valid_methods)  # type: ignore[attr-defined]
    return respond(problem)


def _unexpected(error: Exception) -> Response:
    if is_transient(error):
        _log.warning("database_unavailable", error=error)
        return respond(_unavailable("temporarily-unavailable", RETRY_AFTER_S))
    _log.error("request_failed", error=error)
    return respond(Problem(500, "internal-error", "Something went wrong on our side; nothing was changed."))


def _point(nested: Any, pointer: str, errors: list[dict[str, str]]) -> None:
    if isinstance(nested, dict):
        if nested.keys() <= _OF_AN_ENTRY and all(isinstance(one, list) for one in nested.values()):
            # How marshmallow tells of an entry of a mapping: its key or its value is wrong.
            nested = {"_schema": [message for one in nested.values() for message in one]}
        for name, deeper in nested.items():
            _point(deeper, pointer if name == "_schema" else f"{pointer}/{_escape(str(name))}", errors)
        return
    messages = nested if isinstance(nested, list) else [nested]
    errors.extend({"pointer": pointer, "detail": str(message)} for message in messages)


def _escape(part: str) -> str:
    return part.replace("~", "~0").replace("/", "~1")
