"""Calls to other services: with a service token, a time limit and a few tries, never inside a transaction."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import httpx
import stamina

from reviewbus.telemetry import current_trace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from reviewbus.settings import BusSettings

T = TypeVar("T")
TRIES_MAX = 3
_SERVER_ERROR = 500


class PeerUnavailable(Exception):
    """Another service did not answer, or answered with a fault of its own; try again later."""


class PeerRefused(Exception):
    """Another service refused the request: ours to repair, not to repeat."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(f"{status} {code}")
        self.status = status
        self.code = code


def pages(page_after: Callable[[str | None], tuple[T, str | None]]) -> Iterator[tuple[str | None, T]]:
    """Yield each page of what another service lists, with the cursor that it was asked for with.

    `page_after` returns the page from a cursor on, None being the beginning, and the next cursor, None at the end.
    """
    cursor: str | None = None
    while True:
        page, following = page_after(cursor)
        yield cursor, page
        if following is None:
            return
        cursor = following


class PeerClient:
    """Calls one other service. The token is read from its file each time it changes, so that it can be rotated."""

    def __init__(self, settings: BusSettings, peer: str, *, transport: httpx.BaseTransport | None = None) -> None:
        self._token_file = Path(settings.service_token_file) if settings.service_token_file else None
        self._token, self._stamp = "", 0
        self._client = httpx.Client(
            base_url=settings.peers[peer], timeout=settings.peer_timeout_s, transport=transport, follow_redirects=False
        )

    def get(self, path: str, query: Mapping[str, Any] | None = None) -> Any:
        """Return the JSON of a GET; raises `PeerUnavailable` or `PeerRefused`."""
        return self._call("GET", path, params={k: v for k, v in (query or {}).items() if v is not None})

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """Return the JSON of a POST that is a question, hence safe to repeat; raises as `get`."""
        return self._call("POST", path, json=body)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _call(self, method: str, path: str, **options: Any) -> Any:
        headers = {"Authorization": f"Bearer {self._bearer()}", "traceparent": current_trace().traceparent}
        try:
            for attempt in stamina.retry_context(
                on=_Again, attempts=TRIES_MAX, timeout=15, wait_initial=0.1, wait_max=2
            ):
                with attempt:
                    return self._once(method, path, headers, options)
        except _Again as error:
            raise PeerUnavailable(str(error)) from error
        raise PeerUnavailable(path)

    def _once(self, method: str, path: str, headers: dict[str, str], options: dict[str, Any]) -> Any:
        try:
            response = self._client.request(method, path, headers=headers, **options)
        except httpx.RequestError as error:
            raise _Again(type(error).__name__) from error
        if response.status_code >= _SERVER_ERROR:
            raise _Again(str(response.status_code))
        if response.is_error:
            raise PeerRefused(response.status_code, _code(response))
        try:
            return response.json()
        except ValueError as error:
            raise _Again("no JSON") from error

    def _bearer(self) -> str:
        if self._token_file is not None:
            stamp = self._token_file.stat().st_mtime_ns
            if stamp != self._stamp:
                self._token, self._stamp = self._token_file.read_text(encoding="utf-8").strip(), stamp
        return self._token


class _Again(Exception):
    """Worth another try."""


def _code(response: httpx.Response) -> str:
    try:
        return cast("str", response.json().get("code", ""))
    except ValueError:
        return ""
