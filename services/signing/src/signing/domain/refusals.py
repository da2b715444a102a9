"""Why a command is not carried out: one class per business reason, and the order in which reasons answer."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable


class Rank(IntEnum):
    """The order in which refusals answer; the first present decides the status."""

    NOT_FOUND = 1  # 404
    FORBIDDEN = 2  # 403
    CLOSED = 3  # 409 cancelled, cycle closed
    LOCKED = 4  # 423
    CONFLICT = 5  # 409
    VERSION_MISSING = 6  # 428
    STALE = 7  # 412
    UNPROCESSABLE = 8  # 422


class Refusal(Exception):
    """A business reason why a command is not carried out.

    Each reason is a subclass with a stable kebab-case `code`. `params` are JSON-able and never hold text, ratings or
    names. `unmet` holds all reasons that were present, this one first; `refuse` sets it.
    """

    code: ClassVar[str]
    rank: ClassVar[Rank]

    def __init__(self, detail: str = "", **params: object) -> None:
        super().__init__(detail or self.code)
        self.detail = detail
        self.params = params
        self.unmet: tuple[Refusal, ...] = (self,)


def refuse(reasons: Iterable[Refusal]) -> None:
    """Raise the first reason in rank order (stable within a rank), carrying all; return when there is none."""
    ordered = tuple(sorted(reasons, key=lambda reason: reason.rank))
    if ordered:
        ordered[0].unmet = ordered
        raise ordered[0]


class NotFound(Refusal):
    """The signatures of this review do not exist for this reader."""

    code = "not-found"
    rank = Rank.NOT_FOUND


class ForbiddenRole(Refusal):
    """The person's role does not admit this."""

    code = "forbidden-role"
    rank = Rank.FORBIDDEN


class NotASigner(Refusal):
    """HR sees the signatures of this review, and is not one of its signers."""

    code = "not-a-signer"
    rank = Rank.FORBIDDEN


class HrOnly(Refusal):
    """Employee and manager cannot revoke a signature, also not their own."""

    code = "hr-only"
    rank = Rank.FORBIDDEN


class SelfDealing(Refusal):
    """An HR act on the review of somebody to whom the actor reports; another HR Admin must act."""

    code = "self-dealing"
    rank = Rank.FORBIDDEN


class UnknownPerson(Refusal):
    """The directory lacks the actor or the reviewee, so self-dealing cannot be ruled out."""

    code = "unknown-person"
    rank = Rank.FORBIDDEN


class Cancelled(Refusal):
    """The review is cancelled."""

    code = "cancelled"
    rank = Rank.CLOSED


class CycleClosed(Refusal):
    """The review's cycle is closed."""

    code = "cycle-closed"
    rank = Rank.CLOSED


class NotReleased(Refusal):
    """The packet is not released to the employee."""

    code = "not-released"
    rank = Rank.CONFLICT


class SelfAssessmentNotShared(Refusal):
    """The self-assessment is neither shared nor waived."""

    code = "self-assessment-not-shared"
    rank = Rank.CONFLICT


class Completed(Refusal):
    """The review is completed, or about to be."""

    code = "completed"
    rank = Rank.CONFLICT


class AlreadySigned(Refusal):
    """The signature stands, with another comment or by another person."""

    code = "already-signed"
    rank = Rank.CONFLICT


class SignatureInProgress(Refusal):
    """The signature is on its way, with another comment or by another person."""

    code = "signature-in-progress"
    rank = Rank.CONFLICT


class RevocationInProgress(Refusal):
    """A revocation is on its way; its register is not free yet."""

    code = "revocation-in-progress"
    rank = Rank.CONFLICT


class SignatureLost(Refusal):
    """A register is held for which no signature or completion is on record; HR must revoke it."""

    code = "signature-lost"
    rank = Rank.CONFLICT


class NothingToRevoke(Refusal):
    """There is neither a signature nor a completion, made or on its way, among those named."""

    code = "nothing-to-revoke"
    rank = Rank.CONFLICT


class StatementChanged(Refusal):
    """The words that were agreed to are not the current ones. `current_version`: the statement to agree to."""

    code = "statement-changed"
    rank = Rank.STALE


class PacketChanged(Refusal):
    """The packet that was seen is not the one released now. `current_hash`: the released snapshot."""

    code = "packet-changed"
    rank = Rank.STALE


class StaleVersion(Refusal):
    """The self-assessment that was seen is not the current one. `current_version`: the current one, 0 if waived."""

    code = "stale-version"
    rank = Rank.STALE


class ReasonMissing(Refusal):
    """HR must say why."""

    code = "reason-missing"
    rank = Rank.UNPROCESSABLE
