"""Every operation of every service, from the OpenAPI documents that they serve, with a request that fits its form."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.people import HELEN, SERVICES

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

    from harness.clients import Gateway

# What a value must be beyond its schema's form; all else is made up from the schema.
MADE_UP = {
    "zone": "Europe/Berlin",
    "self_deadline": "2030-03-31",
    "manager_deadline": "2030-04-30",
    "email": "somebody@company.example",
    "signer": "all",
    "selection": {"review_ids": ["0198c0de-2000-7b20-9c3f-00000000ffff"]},
    "kind": "questionnaire",
    "snapshot_hash": "sha256:" + "0" * 64,
    "csv": "subject_id\nsomething",
}
# Fields that no schema requires, but a rule beyond it does: one of two ways, or the reason that some actions need.
NEEDED = frozenset({"csv", "reason"})
VERBS = ("get", "put", "post", "patch", "delete")


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation: its service, method and path with `{parts}`, and what it takes."""

    service: str
    method: str
    path: str
    parameters: tuple[Mapping[str, Any], ...]
    body: Mapping[str, Any] | None
    components: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The method and path, as in the document."""
        return f"{self.method} {self.path}"

    @property
    def internal(self) -> bool:
        """Whether it is for other services only."""
        return self.path.startswith("/internal/")

    @property
    def is_command(self) -> bool:
        """Whether repeats of its key get the stored answer."""
        return self._takes("header", "Idempotency-Key")

    @property
    def is_versioned(self) -> bool:
        """Whether it names the version that it was made from."""
        return self._takes("header", "If-Match")

    @property
    def has_query(self) -> bool:
        """Whether it takes a query."""
        return any(one["in"] == "query" for one in self.parameters)

    def takes_field(self, name: str) -> bool:
        """Say whether its body has a field of this name."""
        return name in _resolved(self.body or {}, self.components).get("properties", {})

    def matches(self, method: str, path: str) -> bool:
        """Say whether a request is one of this operation."""
        return method == self.method and bool(re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", self.path), path))

    def address(self) -> str:
        """Return a path of the right form to something that does not exist."""
        path = self.path
        for one in self.parameters:
            if one["in"] == "path":
                path = path.replace(f"{{{one['name']}}}", str(_sample(one["schema"], one["name"], self.components)))
        return path

    def sample(self) -> Any:
        """Return a body of the right form, as small as may be; None where there is none."""
        return None if self.body is None else _sample(self.body, "", self.components)

    def send(self, gateway: Gateway, path: str | None = None, **options: Any) -> httpx.Response:
        """Send a request as HR, or as a service: right in everything that `options` do not say otherwise.

        `headers` of the options are added to the usual ones; a header of None is left out.
        """
        session = gateway.as_service("auditor", "directory:write internal") if self.internal else gateway.as_(HELEN)
        usual: dict[str, str | None] = {"Authorization": f"Bearer {session.token}"}
        if self.is_command:
            usual["Idempotency-Key"] = gateway.next_key()
        if self.is_versioned:
            usual["If-Match"] = '"1"'
        headers = {**usual, **options.pop("headers", {})}
        if not {"content", "json"} & options.keys() and self.body is not None:
            options["json"] = self.sample()
        return gateway.clients[self.service].request(
            options.pop("method", self.method),
            path or self.address(),
            headers={name: value for name, value in headers.items() if value is not None},
            **options,
        )

    def _takes(self, where: str, name: str) -> bool:
        return any(one["in"] == where and one["name"] == name for one in self.parameters)


def operations(gateway: Gateway) -> list[Operation]:
    """Return every operation of the services behind a gateway."""
    return [one for name in SERVICES for one in of_document(name, gateway.clients[name].get("/openapi.json").json())]


def of_document(service: str, document: Mapping[str, Any]) -> list[Operation]:
    """Return every operation that a service's document describes."""
    components = document.get("components", {}).get("schemas", {})
    return [
        Operation(
            service=service,
            method=verb.upper(),
            path=path,
            parameters=(*item.get("parameters", ()), *item[verb].get("parameters", ())),
            body=item[verb].get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema"),
            components=components,
        )
        for path, item in document["paths"].items()
        for verb in VERBS
        if verb in item and path.startswith(("/v1/", "/internal/"))
    ]


def _sample(schema: Mapping[str, Any], name: str, components: Mapping[str, Any]) -> Any:
    schema = _resolved(schema, components)
    if name in MADE_UP and "enum" not in schema:
        return MADE_UP[name]
    kinds = schema.get("type", "object")
    match next(one for one in kinds if one != "null") if isinstance(kinds, list) else kinds:
        case "object":
            properties = schema.get("properties", {})
            named = [one for one in properties if one in NEEDED or one in schema.get("required", ())]
            return {one: _sample(properties[one], one, components) for one in named}
        case "array":
            return [_sample(schema["items"], name, components) for _ in range(max(1, schema.get("minItems", 0)))]
        case kind:
            return _plain(kind, schema)


def _resolved(schema: Mapping[str, Any], components: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the schema that is meant where one is named."""
    while "$ref" in schema:
        schema = components[schema["$ref"].rsplit("/", 1)[1]]
    return schema


def _plain(kind: str, schema: Mapping[str, Any]) -> Any:
    if kind == "integer":
        return max(1, schema.get("minimum", 1))
    if kind == "boolean":
        return True
    if "enum" in schema:
        return next(one for one in schema["enum"] if one is not None)
    if schema.get("format") == "uuid" or schema.get("pattern", "").startswith("^[0-9a-f]{8}-"):
        return str(uuid.uuid4())
    return "2030-01-01" if schema.get("format") == "date" else "something"
