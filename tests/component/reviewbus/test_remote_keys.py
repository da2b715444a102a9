"""Keys at a URL: who names keys that do not exist does not have it asked each time."""

from __future__ import annotations

import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import jwt
import pytest

from reviewbus import auth
from reviewbus.auth import DEVELOPMENT_ISSUER, DevelopmentIssuer, Verifier
from reviewbus.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reviewbus.settings import BusSettings


class Keys:
    """Serves an issuer's keys, and counts how often it is asked; `status` may be a fault."""

    def __init__(self, issuer: DevelopmentIssuer) -> None:
        self.asked, self.status = 0, 200
        keys = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                keys.asked += 1
                self.send_response(keys.status)
                self.end_headers()
                self.wfile.write(issuer.jwks.read_bytes())

            def log_message(self, *_: Any) -> None: ...

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/jwks"


@pytest.fixture
def keys(tmp_path: Path) -> Iterator[Keys]:
    served = Keys(DevelopmentIssuer(tmp_path / "issuer"))
    thread = threading.Thread(target=served.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield served
    served.server.shutdown()
    thread.join()
    served.server.server_close()


@pytest.fixture
def verifier(bus: BusSettings, keys: Keys) -> Verifier:
    return Verifier(replace(bus, jwks=keys.url, jwt_issuer=DEVELOPMENT_ISSUER))


def bearer(tmp_path: Path, **header: str) -> str:
    token = DevelopmentIssuer(tmp_path / "issuer").token("p-anna")
    if header:
        token = jwt.encode({"sub": "p-anna"}, "a-secret-of-nobody-that-is-long-enough", "HS256", header)
    return f"Bearer {token}"


def test_unknown_key_ids_have_the_url_asked_once(verifier: Verifier, keys: Keys, tmp_path: Path) -> None:
    assert verifier.caller(bearer(tmp_path)).id == "p-anna"
    for number in range(20):
        with pytest.raises(Problem) as refused:
            verifier.caller(bearer(tmp_path, kid=f"k-{number}"))
        assert refused.value.status == 401
    assert verifier.caller(bearer(tmp_path)).id == "p-anna"
    assert keys.asked == 1


def test_a_new_key_is_found_after_the_pause(
    verifier: Verifier, keys: Keys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    verifier.caller(bearer(tmp_path))
    monkeypatch.setattr(auth, "JWKS_PAUSE_S", -1)
    with pytest.raises(Problem):
        verifier.caller(bearer(tmp_path, kid="k-new"))
    assert keys.asked == 2


def test_keys_that_cannot_be_fetched_are_not_asked_for_by_every_request(
    verifier: Verifier, keys: Keys, tmp_path: Path
) -> None:
    keys.status = 503
    for _ in range(5):
        with pytest.raises(Problem) as refused:
            verifier.caller(bearer(tmp_path))
        assert (refused.value.status, refused.value.code) == (503, "keys-unavailable")
    assert keys.asked == 1
