"""Repeats of a command: the same `Idempotency-Key` gets the first answer again and changes nothing.

The answer is stored in the transaction of the effect: status, `Location`, `ETag` and the acknowledgement, which holds
ids and states only, never content. A key belongs to one caller and one route. Only 2xx answers are stored.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from reviewbus.problems import Problem
from reviewbus.tables import idempotency

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

    from reviewbus.db import Tx

KEY = re.compile(r"^[\x21-\x7e]{1,128}$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a command answered."""

    status: int
    acknowledgement: Mapping[str, Any]
    location: str | None = None
    etag: str | None = None


@dataclass(frozen=True, slots=True)
class Repeatable:
    """One request under its key."""

    scope: bytes
    request: bytes

    @classmethod
    def of(cls, *, caller_id: str, route: str, key: str | None, fingerprint: bytes) -> Repeatable:
        """Raise `Problem` 400 when the key is missing or malformed."""
        if key is None:
            raise Problem(400, "idempotency-key-missing", "Send an Idempotency-Key header, new for each new intention.")
        if not KEY.match(key):
            raise Problem(400, "idempotency-key-malformed", "An Idempotency-Key is 1 to 128 visible ASCII characters.")
        scope = hashlib.sha256(f"{caller_id}\x00{route}\x00{key}".encode()).digest()
        return cls(scope, hashlib.sha256(fingerprint).digest())

    def earlier(self, tx: Tx) -> Answer | None:
        """Return the stored answer, or None if this is the first time.

        Raises `Problem`: 409 while the first request is still running, 422 when the key came with another request. The
        advisory lock is tried, not waited for: an insert would block until the other transaction ended.
        """
        lock = int.from_bytes(self.scope[:8], "big", signed=True)
        if not tx.execute(sa.select(sa.func.pg_try_advisory_xact_lock(lock))).scalar():
            detail = "The first request with this Idempotency-Key is still running; ask again."
            raise Problem(409, "request-in-progress", detail, headers={"Retry-After": "1"})
        row = tx.execute(sa.select(idempotency).where(idempotency.c.scope == self.scope)).one_or_none()
        if row is None:
            return None
        if bytes(row.request) != self.request:
            raise Problem(422, "idempotency-key-reused", "This Idempotency-Key came before with another request.")
        return Answer(status=row.status, acknowledgement=row.acknowledgement, location=row.location, etag=row.etag)

    def store(self, tx: Tx, answer: Answer) -> None:
        """Keep the answer with the effect."""
        tx.execute(
            sa.insert(idempotency).values(
                scope=self.scope,
                request=self.request,
                status=answer.status,
                location=answer.location,
                etag=answer.etag,
                acknowledgement=dict(answer.acknowledgement),
            )
        )


def forget(tx: Tx, older_than: timedelta) -> int:
    """Delete answers older than `older_than`; return how many."""
    gone = tx.execute(
        sa.delete(idempotency).where(idempotency.c.created_at < tx.now - older_than).returning(sa.literal(1))
    )
    return len(gone.all())
