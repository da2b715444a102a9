"""Who is asking: JSON Web Tokens, verified by every service itself, and the issuer for development.

A token names a person (`sub`) and that person's roles, or a service and its scopes. It never says whose manager
somebody is: that comes from our own rows. Headers set by a gateway are not looked at.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from reviewbus import telemetry
from reviewbus.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reviewbus.settings import BusSettings

ALGORITHMS = ("RS256", "ES256", "EdDSA")
PERSON_ID_CHARS_MAX = 64
SERVICE_ROLE = "service"
# What a service needs to ask another one; a token made for anything else, such as an import, does not have it.
INTERNAL_SCOPE = "internal"
LEEWAY_S = 5
JWKS_CACHE_S = 300
JWKS_PAUSE_S = 5
DEVELOPMENT_ISSUER = "https://issuer.development.invalid"
_REQUIRED = ["exp", "iss", "aud", "sub"]
_WHY = {
    jwt.ExpiredSignatureError: "it has expired",
    jwt.ImmatureSignatureError: "it is not valid yet",
    jwt.InvalidIssuerError: "it is of another issuer",
    jwt.InvalidAudienceError: "it is for another audience",
    jwt.MissingRequiredClaimError: "a required claim is missing",
}
_log = telemetry.logger("auth")


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks: a person with roles, or a service (role `service`) with scopes."""

    id: str
    roles: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()

    @property
    def may_ask_internally(self) -> bool:
        """Say whether this is one of our own services, asking another one."""
        return self.is_service and INTERNAL_SCOPE in self.scopes

    @property
    def is_service(self) -> bool:
        """Say whether the caller is another service."""
        return SERVICE_ROLE in self.roles


class Verifier:
    """Verifies tokens against the keys of one issuer, from a URL or from a file."""

    def __init__(self, settings: BusSettings) -> None:
        self._settings = settings
        if settings.is_production and settings.jwt_issuer == DEVELOPMENT_ISSUER:
            msg = "the development issuer cannot be trusted in production: set REVIEW_JWT_ISSUER and REVIEW_JWKS"
            raise ValueError(msg)
        remote = settings.jwks.startswith(("http://", "https://"))
        self._remote = _RemoteKeys(settings.jwks) if remote else None
        self._keys: dict[str, jwt.PyJWK] = {}
        self._stamp = 0

    def caller(self, authorization: str | None) -> Caller:
        """Return who an `Authorization` header names; raises `Problem` 401 saying what is wrong, never the token."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise _unauthorized("Send a bearer token in the Authorization header.")
        try:
            claims = jwt.decode(
                token,
                # The whole key, not its bare material: it brings the one algorithm that it is for.
                self._key(token),
                algorithms=list(ALGORITHMS),
                issuer=self._settings.jwt_issuer,
                audience=self._settings.jwt_audience,
                leeway=LEEWAY_S,
                options={"require": _REQUIRED},
            )
        except jwt.PyJWKClientConnectionError as error:
            raise Problem(503, "keys-unavailable", "The issuer's keys cannot be fetched; try again.") from error
        except jwt.PyJWTError as error:
            raise _unauthorized(_why(error)) from error
        return _caller(claims)

    def _key(self, token: str) -> jwt.PyJWK:
        kid = jwt.get_unverified_header(token).get("kid")
        if self._remote is not None:
            return self._remote.key(kid)
        self._reload()
        if kid not in self._keys:
            msg = "unknown key id"
            raise jwt.InvalidKeyError(msg)
        return self._keys[kid]

    def _reload(self) -> None:
        """Read the file again if it has changed; while it cannot be read, the keys that were known stay valid."""
        path = Path(self._settings.jwks)
        try:
            stamp = path.stat().st_mtime_ns
            if stamp == self._stamp:
                return
            keys = jwt.PyJWKSet.from_json(path.read_text(encoding="utf-8")).keys
        except (OSError, ValueError, jwt.PyJWTError) as error:
            if not self._keys:
                raise Problem(503, "keys-unavailable", "The issuer's keys cannot be read; try again.") from error
            _log.warning("keys_not_read", error=error)
            return
        self._keys = {key.key_id: key for key in keys if key.key_id}
        self._stamp = stamp


class _RemoteKeys:
    """The keys at a URL. A token that names none of them has the URL asked at most once in `JWKS_PAUSE_S`."""

    def __init__(self, url: str) -> None:
        # What was fetched is kept here, all of it, so that one unknown key id says nothing about another.
        self._client = jwt.PyJWKClient(url, cache_jwk_set=False, timeout=5)
        self._lock = threading.Lock()
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fetched = self._asked = -math.inf

    def key(self, kid: object) -> jwt.PyJWK:
        """Return the key of this id; raises `jwt.PyJWKClientConnectionError` where the URL does not answer."""
        if self._lacks(kid):
            with self._lock:
                if self._lacks(kid):
                    self._fetch()
        if kid not in self._keys:
            msg = "unknown key id"
            raise jwt.InvalidKeyError(msg)
        return self._keys[str(kid)]

    def _lacks(self, kid: object) -> bool:
        now = time.monotonic()
        expired = now - self._fetched > JWKS_CACHE_S
        return expired or (kid not in self._keys and now - self._asked > JWKS_PAUSE_S)

    def _fetch(self) -> None:
        now = time.monotonic()
        if now - self._asked <= JWKS_PAUSE_S:
            msg = "the keys could not be fetched a moment ago"
            raise jwt.PyJWKClientConnectionError(msg)
        self._asked = now
        self._keys = {key.key_id: key for key in self._client.get_signing_keys() if key.key_id}
        self._fetched = now


def _caller(claims: dict[str, Any]) -> Caller:
    subject, roles, scope = claims["sub"], claims.get("roles", []), claims.get("scope", "")
    shaped = isinstance(roles, list) and all(isinstance(role, str) for role in roles) and isinstance(scope, str)
    if not shaped or not 0 < len(subject) <= PERSON_ID_CHARS_MAX or not subject.isprintable():
        raise _unauthorized("The token's claims do not have the expected form.")
    return Caller(id=subject, roles=frozenset(roles), scopes=frozenset(scope.split()))


def _why(error: jwt.PyJWTError) -> str:
    """Return what is wrong with a token, in words and without the token."""
    for kind, words in _WHY.items():
        if isinstance(error, kind):
            return f"The token was not accepted: {words}."
    return "The token was not accepted: it is malformed, or not signed by a key of the issuer."


def _unauthorized(detail: str) -> Problem:
    return Problem(401, "unauthorized", detail, headers={"WWW-Authenticate": "Bearer"})


class DevelopmentIssuer:
    """Signs tokens for local use. Its key lies in a folder; production settings do not trust its issuer."""

    def __init__(self, folder: Path, audience: str = "review-system") -> None:
        self._folder = folder
        self._audience = audience
        folder.mkdir(parents=True, exist_ok=True)
        self._key_file = folder / "issuer.pem"
        if not self._key_file.exists():
            key = Ed25519PrivateKey.generate()
            pem = key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            self._key_file.touch(mode=0o600)
            self._key_file.write_bytes(pem)
        self._key = serialization.load_pem_private_key(self._key_file.read_bytes(), None)
        public = json.loads(jwt.algorithms.OKPAlgorithm.to_jwk(self._key.public_key()))  # type: ignore[arg-type]
        self.jwks = folder / "jwks.json"
        self.jwks.write_text(json.dumps({"keys": [{**public, "kid": "development", "use": "sig", "alg": "EdDSA"}]}))

    def token(self, subject: str, roles: Sequence[str] = (), *, scope: str = "", lifetime_s: int = 12 * 3600) -> str:
        """Return a signed token for a person or, with role `service`, a service."""
        now = int(time.time())
        claims = {
            "iss": DEVELOPMENT_ISSUER,
            "aud": self._audience,
            "sub": subject,
            "roles": list(roles),
            "scope": scope,
            "iat": now,
            "nbf": now,
            "exp": now + lifetime_s,
        }
        return jwt.encode(claims, self._key, algorithm="EdDSA", headers={"kid": "development"})  # type: ignore[arg-type]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a development token: `python -m reviewbus.auth --subject p-anna --roles auditor`."""
    parser = argparse.ArgumentParser(description="Print a token signed by the development issuer.")
    parser.add_argument("--folder", type=Path, default=Path("var/issuer"), help="where the issuer's key lies")
    parser.add_argument("--subject", required=True, help="person id, or a service's name")
    parser.add_argument("--roles", default="", help="comma-separated; `service` for a service")
    parser.add_argument("--scope", default="", help="space-separated scopes of a service")
    chosen = parser.parse_args(arguments)
    issuer = DevelopmentIssuer(chosen.folder)
    sys.stdout.write(issuer.token(chosen.subject, [r for r in chosen.roles.split(",") if r], scope=chosen.scope) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
