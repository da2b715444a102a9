"""Who may ask: tokens of one issuer, verified by the service itself."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from component.reviewbus import toy, toy_api
from reviewbus.auth import DEVELOPMENT_ISSUER, DevelopmentIssuer, Verifier, main

if TYPE_CHECKING:
    from pathlib import Path

    from werkzeug.test import TestResponse

    from component.reviewbus.toy_api import Toy
    from reviewbus.db import Database
    from reviewbus.settings import BusSettings

READ = "/v1/things/k"


@pytest.fixture
def api(db: Database, bus: BusSettings, tmp_path: Path) -> Toy:
    return toy_api.build(db, bus, tmp_path)


def claims(**changes: object) -> dict[str, Any]:
    now = int(time.time())
    usual = {"iss": DEVELOPMENT_ISSUER, "aud": "review-system", "sub": "p", "roles": [], "nbf": now, "exp": now + 600}
    return {name: value for name, value in {**usual, **changes}.items() if value is not None}


def signed(api: Toy, content: dict[str, Any], *, kid: object = "development", **headers: object) -> str:
    return jwt.encode(content, api.issuer._key, "EdDSA", headers={"kid": kid, **headers})  # type: ignore[arg-type]


def ask(api: Toy, token: str, scheme: str = "Bearer") -> TestResponse:
    return api.client.get(READ, headers={"Authorization": f"{scheme} {token}"})


def refused(response: TestResponse) -> None:
    body = json.loads(response.data)
    assert (response.status_code, body["code"]) == (401, "unauthorized"), body
    assert response.mimetype == "application/problem+json"
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert response.headers["Cache-Control"] == "no-store"


def test_a_good_token_is_taken_whatever_the_case_of_its_scheme(api: Toy) -> None:
    assert ask(api, signed(api, claims())).status_code == 200
    assert ask(api, signed(api, claims()), scheme="bearer").status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": 1},
        {"exp": None},
        {"nbf": 4_102_444_800},
        {"iss": "https://elsewhere.example"},
        {"iss": None},
        {"aud": "another-system"},
        {"aud": None},
        {"sub": None},
        {"sub": ""},
        {"sub": "p" * 65},
        {"sub": "a\x00b"},
        {"sub": "a\nb"},
        {"sub": "\ud800"},
        {"sub": 7},
        {"roles": "hr_admin"},
        {"roles": [1]},
        {"scope": ["a"]},
    ],
    ids=str,
)
def test_claims_that_are_not_as_agreed_are_refused(api: Toy, changes: dict[str, object]) -> None:
    try:
        token = signed(api, claims(**changes))
    except TypeError:  # the library does not even sign a subject that is a number
        key: Any = api.issuer._key
        token = jwt.api_jws.encode(json.dumps(claims(**changes)).encode(), key, "EdDSA", {"kid": "development"})
    refused(ask(api, token))


def test_no_token_and_what_is_none_is_refused(api: Toy) -> None:
    refused(api.client.get(READ))
    for header in ("", "Bearer", "Bearer ", "Basic YTpi", "Bearer a.b.c", "Bearer " + "x" * 5_000):
        refused(api.client.get(READ, headers={"Authorization": header}))
    refused(api.client.get("/v1/nothing-here"))
    refused(api.client.get(READ, headers={"X-Forwarded-User": "p-anna"}))


def test_unsigned_tokens_and_those_signed_with_something_public_are_refused(api: Toy) -> None:
    refused(ask(api, jwt.encode(claims(), "", "none", headers={"kid": "development"})))
    public = api.issuer._key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    refused(ask(api, jwt.encode(claims(), public, "HS256", headers={"kid": "development"})))
    refused(ask(api, jwt.encode(claims(), b"x" * 32, "HS256", headers={"kid": "development"})))


def test_a_stranger_may_not_choose_the_algorithm(api: Toy) -> None:
    key = rsa.generate_private_key(65537, 2048)
    refused(ask(api, jwt.encode(claims(), key, "RS256", headers={"kid": "development"})))


@pytest.mark.parametrize("kid", ["unknown", "", None, 7, ["development"]])
def test_an_unknown_key_is_refused(api: Toy, kid: object) -> None:
    header = {"alg": "EdDSA", "typ": "JWT", "kid": kid}
    token = jwt.encode(claims(), api.issuer._key, "EdDSA", headers={"kid": "development"})  # type: ignore[arg-type]
    head = jwt.utils.base64url_encode(json.dumps(header).encode()).decode()
    refused(ask(api, ".".join([head, *token.split(".")[1:]])))


def test_a_token_of_another_key_under_our_name_is_refused(api: Toy) -> None:
    stranger = ed25519.Ed25519PrivateKey.generate()
    refused(ask(api, jwt.encode(claims(), stranger, "EdDSA", headers={"kid": "development"})))


def test_a_changed_token_is_refused(api: Toy) -> None:
    head, _, signature = signed(api, claims()).split(".")
    body = jwt.utils.base64url_encode(json.dumps(claims(sub="p-boss")).encode()).decode()
    refused(ask(api, f"{head}.{body}.{signature}"))


def test_renewed_keys_are_taken_and_broken_files_leave_the_old_ones(api: Toy, tmp_path: Path) -> None:
    before = signed(api, claims())
    assert ask(api, before).status_code == 200
    api.issuer.jwks.write_text("{ half a fi")
    assert ask(api, before).status_code == 200
    api.issuer.jwks.unlink()
    assert ask(api, before).status_code == 200
    (tmp_path / "issuer.pem").unlink()
    renewed = DevelopmentIssuer(tmp_path)
    refused(ask(api, before))
    assert ask(api, renewed.token("p")).status_code == 200


def test_keys_that_were_never_there_are_a_503(db: Database, bus: BusSettings, tmp_path: Path) -> None:
    api = toy_api.build(db, bus, tmp_path)
    token = signed(api, claims())
    api.issuer.jwks.unlink()
    response = ask(api, token)
    assert (response.status_code, json.loads(response.data)["code"]) == (503, "keys-unavailable")


def test_production_does_not_trust_the_development_issuer(bus: BusSettings) -> None:
    with pytest.raises(ValueError, match="development issuer"):
        Verifier(toy.settings_with(bus, environment="production"))
    Verifier(toy.settings_with(bus, environment="production", jwt_issuer="https://login.example"))


def test_the_issuers_key_is_for_its_owner_only_and_stays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--folder", str(tmp_path), "--subject", "p-anna", "--roles", "a,b", "--scope", "s t"]
    assert main(arguments) == 0
    token = capsys.readouterr().out.strip()
    assert (tmp_path / "issuer.pem").stat().st_mode & 0o077 == 0
    key = DevelopmentIssuer(tmp_path)._key.public_key()
    content = jwt.decode(token, key, ["EdDSA"], audience="review-system")  # type: ignore[arg-type]
    assert (content["sub"], content["roles"], content["scope"]) == ("p-anna", ["a", "b"], "s t")
