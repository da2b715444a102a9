"""Clients of the services' HTTP APIs: the same over a socket and in one process."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

    from harness.people import Person
    from reviewbus.auth import DevelopmentIssuer

OWNERS = {
    "people": "assessment",
    "questionnaires": "assessment",
    "cycles": "assessment",
    "reviews": "assessment",
    "calibrations": "packets",
    "shared-questions": "packets",
    "packets": "packets",
    "signatures": "signing",
    "tasks": "notifications",
    "inbox": "notifications",
    "deliveries": "notifications",
}


@dataclass(slots=True)
class Gateway:
    """Routes by the first segment after `/v1`, as the company's gateway does; one HTTP client a service."""

    clients: Mapping[str, httpx.Client]
    issuer: DevelopmentIssuer
    _keys: itertools.count[int] = field(default_factory=itertools.count)

    def as_(self, person: Person) -> Session:
        """Return a session of a person, with a token of the development issuer."""
        return Session(self, self.issuer.token(person.id, person.roles))

    def as_service(self, name: str, scope: str = "") -> Session:
        """Return a session of another company service."""
        return Session(self, self.issuer.token(name, ("service",), scope=scope))

    def owner(self, path: str) -> httpx.Client:
        """Return the client of the service that owns a path under `/v1`."""
        return self.clients[OWNERS[path.split("?", 1)[0].split("/")[2]]]

    def next_key(self) -> str:
        """Return an idempotency key that nobody has used."""
        return f"key-{next(self._keys)}"


@dataclass(frozen=True, slots=True)
class Session:
    """One person at the gateway."""

    gateway: Gateway
    token: str

    def get(self, path: str, *, service: str | None = None, **options: Any) -> httpx.Response:
        """Read."""
        return self.call("GET", path, service=service, **options)

    def put(self, path: str, body: Any, *, version: str | int | None = None) -> httpx.Response:
        """Save a form, naming the version that it was made from."""
        return self.call("PUT", path, json=body, headers=_if_match(version))

    def post(
        self, path: str, body: Any = None, *, version: str | int | None = None, key: str | None = None
    ) -> httpx.Response:
        """Give a command, under a new idempotency key unless one is given."""
        headers = {"Idempotency-Key": key or self.gateway.next_key(), **_if_match(version)}
        return self.call("POST", path, json={} if body is None else body, headers=headers)

    def call(
        self,
        method: str,
        path: str,
        *,
        service: str | None = None,
        headers: Mapping[str, str] | None = None,
        **options: Any,
    ) -> httpx.Response:
        """Send any request."""
        client = self.gateway.clients[service] if service else self.gateway.owner(path)
        merged = {"Authorization": f"Bearer {self.token}", **(headers or {})}
        return client.request(method, path, headers=merged, **options)


def etag(response: httpx.Response) -> str:
    """Return the version that an answer carries, without its quotes."""
    return response.headers["ETag"].strip('"')


def _if_match(version: str | int | None) -> dict[str, str]:
    return {} if version is None else {"If-Match": f'"{version}"'}
