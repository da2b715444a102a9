"""Every signature and completion that was asked for, with what became of it, and the final comments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from signing.domain.ids import CommentHash, ReviewId
from signing.domain.record import HOLDER_OF, Holder, HoldState, Role
from signing.store.tables import comment, signature

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from reviewbus.db import Tx
    from signing.domain.ids import PersonId
    from signing.domain.record import Register, SigningRecord

_STANDING = frozenset({HoldState.PENDING, HoldState.SIGNED})
_ENDED_AS = {HoldState.REVOKING: "revoked", HoldState.NONE: "rejected", HoldState.LOST: "lost"}
_COVERED = (
    "person_id",
    "epoch",
    "snapshot_hash",
    "manager_version",
    "self_version",
    "manager_hash",
    "self_hash",
    "statement_version",
    "comment_hash",
)


def keep_signatures(tx: Tx, old: SigningRecord, new: SigningRecord) -> None:
    """Note what has become of each register between the two: a new attempt, its outcome, its end."""
    for holder in Holder:
        before, after = old.register(holder), new.register(holder)
        if (before.state, before.fence) == (after.state, after.fence):
            continue
        if before.state in _STANDING and (before.fence != after.fence or after.state not in _STANDING):
            _end(tx, new.review_id, holder, before, after)
        if after.state in _STANDING:
            _stand(tx, new.review_id, holder, after)


def keep_comment(tx: Tx, review_id: ReviewId, role: Role, *, digest: CommentHash, text: str, author: PersonId) -> None:
    """Keep a final comment under its digest; the same again changes nothing."""
    values = {
        "review_id": review_id,
        "role": role.value,
        "comment_hash": digest,
        "author_id": author,
        "text": text,
        "written_at": tx.now,
    }
    tx.execute(insert(comment).values(values).on_conflict_do_nothing())


def comments(tx: Tx, wanted: Iterable[tuple[ReviewId, Role, CommentHash]]) -> dict[tuple[ReviewId, Role], str]:
    """Return these final comments, by review and role."""
    keys = [(review_id, role.value, digest) for review_id, role, digest in wanted]
    named = sa.tuple_(comment.c.review_id, comment.c.role, comment.c.comment_hash)
    rows = tx.execute(sa.select(comment).where(named.in_(keys)))
    return {(ReviewId(row.review_id), Role(row.role)): row.text for row in rows}


def signed_at(tx: Tx, records: Sequence[SigningRecord]) -> dict[tuple[ReviewId, Role], Any]:
    """Return the instant at which each signature of these reviews came to stand, for those that stand."""
    keys = [
        (one.review_id, HOLDER_OF[role].value, one.register(HOLDER_OF[role]).fence)
        for one in records
        for role in Role
        if one.register(HOLDER_OF[role]).state is HoldState.SIGNED
    ]
    named = sa.tuple_(signature.c.review_id, signature.c.holder, signature.c.fence)
    rows = tx.execute(
        sa.select(signature.c.review_id, signature.c.holder, signature.c.signed_at).where(named.in_(keys))
    )
    roles = {holder.value: role for role, holder in HOLDER_OF.items()}
    return {(ReviewId(row.review_id), roles[row.holder]): row.signed_at for row in rows}


def _stand(tx: Tx, review_id: ReviewId, holder: Holder, register: Register) -> None:
    values: dict[str, Any] = {name: getattr(register, name) for name in _COVERED}
    values |= {"state": register.state.value, "signed_at": tx.now if register.state is HoldState.SIGNED else None}
    key = {"review_id": review_id, "holder": holder.value, "fence": register.fence}
    tx.execute(
        insert(signature)
        .values({**key, **values, "asked_at": tx.now})
        .on_conflict_do_update(index_elements=list(key), set_=values)
    )


def _end(tx: Tx, review_id: ReviewId, holder: Holder, before: Register, after: Register) -> None:
    ended_as = _ENDED_AS.get(after.state, "superseded")
    tx.execute(
        sa.update(signature)
        .where(signature.c.review_id == review_id, signature.c.holder == holder.value)
        .where(signature.c.fence == before.fence)
        .values(state=ended_as, ended_at=tx.now, reason=after.rejection)
    )
