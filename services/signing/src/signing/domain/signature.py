"""Signing: a signer agrees to the statement over what is released, and the hold is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from signing.domain.attempts import ask
from signing.domain.opening import unmet_to_sign_anew
from signing.domain.people import unmet_signer
from signing.domain.record import HOLDER_OF, HoldState, Register, Role, covered_self_version, present
from signing.domain.refusals import (
    AlreadySigned,
    PacketChanged,
    Refusal,
    SignatureInProgress,
    StaleVersion,
    StatementChanged,
    refuse,
)
from signing.domain.settling import settle
from signing.domain.statement import STATEMENT_VERSION

if TYPE_CHECKING:
    from signing.domain.facts import Step
    from signing.domain.ids import CommentHash, SnapshotHash
    from signing.domain.people import Relation
    from signing.domain.record import SigningRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """What a signer sends: the statement and the packet seen, and the digest of the final comment, None without one.

    `self_version` is the self-assessment's version on the statement seen, 0 where it said waived; None: not named, and
    not compared.
    """

    statement_version: int
    snapshot_hash: SnapshotHash
    comment_hash: CommentHash | None = None
    self_version: int | None = None


def unmet_sign(record: SigningRecord, rel: Relation, agreement: Agreement | None = None) -> list[Refusal]:
    """Why the actor cannot sign: nothing when it is accepted, also where it says again what is on record.

    Without an `agreement`: as if the actor had seen what is current, or said again what was said before.
    """
    reasons = unmet_signer(rel)
    if reasons or rel.signer is None:
        return reasons
    register = record.register(HOLDER_OF[rel.signer])
    match register.state:
        case HoldState.PENDING:
            return [] if _same(register, rel, agreement) else [SignatureInProgress()]
        case HoldState.SIGNED:
            return [] if _same(register, rel, agreement) else [AlreadySigned()]
        case _:
            stale = [] if agreement is None or not record.released else _unmet_seen(record, agreement)
            return unmet_to_sign_anew(record, rel.signer) + stale


def sign(record: SigningRecord, rel: Relation, agreement: Agreement) -> Step:
    """The signature is on its way (PENDING), or unchanged where the same signer said the same before.

    Raises:
        Refusal: the first of `unmet_sign`.
    """
    refuse(unmet_sign(record, rel, agreement))
    holder = HOLDER_OF[present(rel.signer)]
    if record.register(holder).state is not HoldState.NONE:
        return record, ()
    asked, facts = ask(
        record,
        holder,
        person_id=rel.actor_id,
        statement_version=agreement.statement_version,
        comment_hash=agreement.comment_hash,
    )
    return settle(record, asked, facts)


def would_sign(record: SigningRecord, role: Role) -> bool:
    """Whether signing would do something, not only say again what is on record."""
    return record.register(HOLDER_OF[role]).state is HoldState.NONE


def _same(register: Register, rel: Relation, agreement: Agreement | None) -> bool:
    same_comment = agreement is None or agreement.comment_hash == register.comment_hash
    return register.person_id == rel.actor_id and same_comment


def _unmet_seen(record: SigningRecord, agreement: Agreement) -> list[Refusal]:
    reasons: list[Refusal] = []
    if agreement.statement_version != STATEMENT_VERSION:
        reasons.append(StatementChanged(current_version=STATEMENT_VERSION))
    if agreement.snapshot_hash != record.snapshot_hash:
        reasons.append(PacketChanged(current_hash=record.snapshot_hash))
    current = covered_self_version(record) or 0
    if agreement.self_version not in {None, current}:
        reasons.append(StaleVersion(current_version=current))
    return reasons
