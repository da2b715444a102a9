"""The HTTP edge: parse, authenticate, open the transaction, call, shape.

A service declares its operations on a `Routes` blueprint with four verbs: `read`, `save` (PUT with `If-Match`),
`command` (POST with `Idempotency-Key`) and `internal` (between services). Each hands its view an open transaction and
the caller. Everything else — problems, limits, caching headers, tracing, health, OpenAPI — is the same everywhere.
"""

from __future__ import annotations

import functools
import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import flask
import flask_smorest
from flask import Flask, Response, g, request
from flask_smorest import Blueprint
from marshmallow import EXCLUDE
from webargs.flaskparser import FlaskParser

from reviewbus import health, problems, quarantine, telemetry
from reviewbus.crash import crash_point
from reviewbus.idempotency import Answer, Repeatable
from reviewbus.problems import Problem
from reviewbus.schema import Empty, ProblemShape

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from uuid import UUID

    import marshmallow as ma

    from reviewbus.auth import Caller, Verifier
    from reviewbus.db import Database, Tx
    from reviewbus.settings import BusSettings

    View = Callable[..., Any]

_PUBLIC = frozenset({"/healthz", "/readyz", "/metrics", "/openapi.json", "/docs"})
_ETAG = re.compile(r'^"([\x21\x23-\x7e]{1,200})"$')
_HEADER = {"in": "header", "required": True, "schema": {"type": "string"}}
_KEY = {**_HEADER, "name": "Idempotency-Key", "description": "New for each new intention"}
# Described as required, and not enforced here: who may not do it learns that first, and the domain ranks the refusals.
_IF_MATCH = {**_HEADER, "name": "If-Match", "description": "The ETag of what this is based on; 428 without it"}
_log = telemetry.logger("http")


class _Parser(FlaskParser):
    """Refuses unknown fields in every place but headers."""

    DEFAULT_UNKNOWN_BY_LOCATION = {**FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION, "query": None, "headers": EXCLUDE}  # noqa: RUF012 -- as the base class has it

    def load_json(self, req: flask.Request, schema: ma.Schema) -> Any:
        """Read the body; what the base class lets through unnamed is malformed too: depth, numbers of 5,000 digits."""
        try:
            return super().load_json(req, schema)
        except RecursionError as error:
            raise Problem(400, "malformed-request", "The body is nested too deeply.") from error
        except ValueError as error:
            raise Problem(400, "malformed-request", "The body holds a number that is too long.") from error


class _Api(flask_smorest.Api):
    ERROR_SCHEMA = ProblemShape
    # Each operation names its own, which has the media type of problems.
    DEFAULT_ERROR_RESPONSE_NAME = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """What requests need: built once by a service's composition root."""

    settings: BusSettings
    db: Database
    verifier: Verifier
    services: Mapping[str, Any] = field(default_factory=dict)
    # What `GET …/actions` of an object answers, and which part of a path names such an object, so that a refusal can
    # say what is possible instead.
    actions: Callable[[Tx, Caller, UUID], Mapping[str, Any]] | None = None
    actions_of: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a read or a save answers: a body for its shape, and the version as an unquoted ETag."""

    body: Any
    etag: str | None = None
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


def edge() -> Edge:
    """Return the edge of the running app."""
    return cast("Edge", flask.current_app.extensions["edge"])


def create_app(one: Edge, routes: Sequence[Blueprint], *, refusal: type[Exception], title: str) -> Flask:
    """Build a service's WSGI application.

    `refusal` is the base class of the service's business refusals; they become problem documents.
    """
    app = Flask(one.settings.service, static_folder=None)
    app.config.update(
        API_TITLE=title,
        API_VERSION="v1",
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX="/",
        OPENAPI_JSON_PATH="openapi.json",
        MAX_CONTENT_LENGTH=one.settings.body_bytes_max,
        PROPAGATE_EXCEPTIONS=False,
    )
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.extensions["edge"] = one
    app.before_request(_begin)
    app.after_request(_end)
    problems.register(app, refusal, _allowed_actions)
    api = _Api(app)
    api.spec.components.security_scheme("bearer", {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"})
    api.spec.options["security"] = [{"bearer": []}]
    for blueprint in routes:
        api.register_blueprint(blueprint)
    _describe_errors_once(api)
    # flask-smorest registers a handler of its own for HTTP errors; ours must win, and answers the same for all.
    problems.register(app, refusal, _allowed_actions)
    health.register(app, one.db, api)
    return app


def _describe_errors_once(api: flask_smorest.Api) -> None:
    """Leave out of the description what the library adds and this API does not have: every error is the problem."""
    for operations in api.spec._paths.values():  # noqa: SLF001 -- there is no other way to take a response back
        for operation in operations.values():
            if isinstance(operation, dict):
                operation.get("responses", {}).pop("422", None)
    api.spec.components.schemas.pop("PaginationMetadata", None)
    api.spec.components.responses.pop("UNPROCESSABLE_ENTITY", None)


def _begin() -> None:
    g.began = time.perf_counter()
    g.trace_token = telemetry.attach(telemetry.begin_trace(request.headers.get("traceparent")))
    if request.path in _PUBLIC:
        return
    g.caller = edge().verifier.caller(request.headers.get("Authorization"))
    if request.path.startswith("/internal/") and not caller().may_ask_internally:
        raise Problem(403, "forbidden-role", "This address is for services whose token has the scope internal.")
    length = request.content_length
    accepted = getattr(flask.current_app.view_functions.get(request.endpoint or ""), "accepts", ())
    if length and not request.is_json and request.mimetype not in accepted:
        raise Problem(415, "unsupported-media-type", "The body must be application/json.")
    if any(isinstance(value, str) and "\x00" in value for value in (request.view_args or {}).values()):
        flask.abort(404)


def _end(response: Response) -> Response:
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers["X-Content-Type-Options"] = "nosniff"
    route = request.url_rule.rule if request.url_rule else "unknown"
    seconds = time.perf_counter() - g.get("began", time.perf_counter())
    if route not in _PUBLIC:
        telemetry.REQUESTS.labels(request.method, route, response.status_code).observe(seconds)
        _log.info(
            "request",
            method=request.method,
            route=route,
            status=response.status_code,
            code=g.get("problem_code"),
            ms=round(seconds * 1000, 1),
            actor=g.caller.id if "caller" in g else None,
            **{key: str(value) for key, value in (request.view_args or {}).items() if key.endswith("_id")},
        )
    telemetry.detach(g.pop("trace_token", None))
    return response


def _allowed_actions(refusal: problems.RefusalLike) -> list[str]:
    """Return what the caller may do with the object instead; nothing for one who may not see it."""
    object_id = (request.view_args or {}).get(edge().actions_of)
    ask = edge().actions
    if ask is None or object_id is None or problems.hides(refusal):
        return []
    with edge().db.begin() as tx:
        return [one["name"] for one in ask(tx, caller(), object_id)["actions"] if one["allowed"]]


def if_match() -> str | None:
    """Return the version that the request names, or None; raises `Problem` 400 unless it is one strong ETag."""
    header = request.headers.get("If-Match")
    if header is None:
        return None
    match = _ETAG.match(header.strip())
    if match is None:
        raise Problem(400, "if-match-malformed", 'If-Match must be one strong ETag, as it was sent to you: "…".')
    return match.group(1)


def if_match_version() -> int | None:
    """Return the version number that the request names, or None; raises `Problem` 400 when it is no number."""
    tag = if_match()
    if tag is None:
        return None
    if not tag.isascii() or not tag.isdigit() or len(tag) > 9:  # noqa: PLR2004 -- beyond any version counter
        raise Problem(400, "if-match-malformed", "If-Match must be the version number that was sent to you.")
    return int(tag)


class Routes(Blueprint):
    """The operations of a service. Views take `(tx, caller, …)`: then the body or query, then the path's parts."""

    def read(self, path: str, *, answer: type[ma.Schema] | None = None, query: type[ma.Schema] | None = None) -> View:
        """A GET: the view returns a body, a `Reply` or a finished response."""
        return self._operation(
            path, "GET", _reading, answer=answer, arguments=query, location="query", parameters=[], status=200
        )

    def save(
        self, path: str, *, body: type[ma.Schema], answer: type[ma.Schema], method: str = "PUT", if_match: bool = True
    ) -> View:
        """A PUT or PATCH of a whole form, guarded by `If-Match` where a version matters."""
        headers = [_IF_MATCH] if if_match else []
        return self._operation(
            path, method, _reading, answer=answer, arguments=body, location="json", parameters=headers, status=200
        )

    def command(
        self,
        path: str,
        *,
        answer: type[ma.Schema],
        body: type[ma.Schema] = Empty,
        status: int = 200,
        if_match: bool = False,
    ) -> View:
        """A POST with effects: the view returns an `Answer`; repeats of its `Idempotency-Key` get it again."""
        headers = [_KEY, *([_IF_MATCH] if if_match else [])]
        return self._operation(
            path, "POST", _commanding, answer=answer, arguments=body, location="json", parameters=headers, status=status
        )

    def internal(
        self,
        path: str,
        *,
        answer: type[ma.Schema],
        body: type[ma.Schema] | None = None,
        query: type[ma.Schema] | None = None,
    ) -> View:
        """An operation between services: POST with a body or GET with a query, for service tokens only."""
        method, arguments, location = ("POST", body, "json") if body else ("GET", query, "query")
        return self._operation(
            path, method, _serving, answer=answer, arguments=arguments, location=location, parameters=[], status=200
        )

    def _operation(
        self,
        path: str,
        method: str,
        wrap: Callable[[View, int], View],
        *,
        answer: type[ma.Schema] | None,
        arguments: type[ma.Schema] | None,
        location: str,
        parameters: list[dict[str, Any]],
        status: int,
    ) -> View:
        def decorate(view: View) -> View:
            endpoint = wrap(_dropping_empty(view) if arguments is Empty else view, status)
            if answer is not None:
                endpoint = self.response(status, answer)(endpoint)
            if arguments is not None:
                endpoint = self.arguments(arguments, location=location, error_status_code=422)(endpoint)
            endpoint = self.alt_response(
                "default", schema=ProblemShape, content_type=problems.MEDIA_TYPE, description="A problem"
            )(endpoint)
            if parameters:
                endpoint = self.doc(parameters=parameters)(endpoint)
            self.route(path, methods=[method])(endpoint)
            return view

        return decorate


Routes.ARGUMENTS_PARSER = _Parser()


def _dropping_empty(view: View) -> View:
    @functools.wraps(view)
    def without_body(tx: Any, caller: Any, _body: Any, **path: Any) -> Any:
        return view(tx, caller, **path)

    return without_body


def _reading(view: View, status: int) -> View:
    @functools.wraps(view)
    def endpoint(*args: Any, **path: Any) -> Any:
        with edge().db.begin() as tx:
            quarantine.refuse(tx)
            result = view(tx, caller(), *args, **path)
        if request.method != "GET":
            crash_point("web-after-commit")
        return _shaped(result, status)

    return endpoint


def _serving(view: View, status: int) -> View:
    @functools.wraps(view)
    def endpoint(*args: Any, **path: Any) -> Any:
        with edge().db.begin() as tx:
            # Rows can be listed while a restored database is repaired: sweeps need them. What may be read cannot.
            if request.method != "GET":
                quarantine.refuse(tx)
            result = view(tx, caller(), *args, **path)
        return _shaped(result, status)

    return endpoint


def _commanding(view: View, _: int) -> View:
    @functools.wraps(view)
    def endpoint(*args: Any, **path: Any) -> Any:
        fingerprint = b"\x00".join(
            (
                request.method.encode(),
                request.full_path.encode(),
                (request.headers.get("If-Match") or "").encode(),
                request.get_data(),
            )
        )
        repeatable = Repeatable.of(
            caller_id=caller().id,
            route=f"{request.method} {request.path}",
            key=request.headers.get("Idempotency-Key"),
            fingerprint=fingerprint,
        )
        with edge().db.begin() as tx:
            quarantine.refuse(tx)
            result = repeatable.earlier(tx)
            if result is None:
                result = cast("Answer", view(tx, caller(), *args, **path))
                repeatable.store(tx, result)
        crash_point("web-after-commit")
        headers = {"Location": result.location} if result.location else {}
        return dict(result.acknowledgement), result.status, _with_etag(headers, result.etag)

    return endpoint


def caller() -> Caller:
    """Return who makes the request."""
    return cast("Caller", g.caller)


def _shaped(result: Any, status: int) -> Any:
    if isinstance(result, Response):
        return result
    if isinstance(result, Reply):
        return result.body, result.status or status, _with_etag(dict(result.headers), result.etag)
    return result


def _with_etag(headers: dict[str, str], etag: str | None) -> dict[str, str]:
    return {**headers, "ETag": f'"{etag}"'} if etag is not None else headers
