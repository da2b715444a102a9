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
        super().__init__(f"{self.code}: {detail}" if detail else self.code)
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
    """Nothing that this person may know of is here."""

    code = "not-found"
    rank = Rank.NOT_FOUND


class ForbiddenRole(Refusal):
    """The person's roles do not admit this; the words say whose do."""

    code = "forbidden-role"
    rank = Rank.FORBIDDEN


class NotASigner(Refusal):
    """HR is not one of the signers of this review: its employee and its manager sign."""

    code = "not-a-signer"
    rank = Rank.FORBIDDEN


class HrOnly(Refusal):
    """Employee and manager cannot revoke a signature, also not their own: ask HR for it."""

    code = "hr-only"
    rank = Rank.FORBIDDEN


class SelfDealing(Refusal):
    """You report, directly or not, to the person whom this is about: somebody with your role who does not must act."""

    code = "self-dealing"
    rank = Rank.FORBIDDEN


class UnknownPerson(Refusal):
    """The directory lacks you or the person whom this is about: import them, and self-dealing can be excluded."""

    code = "unknown-person"
    rank = Rank.FORBIDDEN


class Cancelled(Refusal):
    """The review was cancelled: leave it out, nothing of it goes on."""

    code = "cancelled"
    rank = Rank.CLOSED


class CycleClosed(Refusal):
    """The cycle is closed: nothing but taking back what was released or signed is possible any more."""

    code = "cycle-closed"
    rank = Rank.CLOSED


class NotReleased(Refusal):
    """The packet is not released: wait until it is."""

    code = "not-released"
    rank = Rank.CONFLICT


class SelfAssessmentNotShared(Refusal):
    """The self-assessment is neither shared nor waived: the employee must share it, or HR waive it."""

    code = "self-assessment-not-shared"
    rank = Rank.CONFLICT


class Completed(Refusal):
    """The review is completed, or about to be: HR must revoke that first."""

    code = "completed"
    rank = Rank.CONFLICT


class AlreadySigned(Refusal):
    """The signature stands, with another comment or by another person: HR must revoke it first."""

    code = "already-signed"
    rank = Rank.CONFLICT


class SignatureInProgress(Refusal):
    """The signature is on its way, with another comment or by another person: wait for its end."""

    code = "signature-in-progress"
    rank = Rank.CONFLICT


class RevocationInProgress(Refusal):
    """A revocation is on its way: try again in a moment."""

    code = "revocation-in-progress"
    rank = Rank.CONFLICT


class SignatureLost(Refusal):
    """A signature or completion is held of which nothing is on record: HR must revoke it."""

    code = "signature-lost"
    rank = Rank.CONFLICT


class NothingToRevoke(Refusal):
    """Of what is named nothing is signed or completed, nor on its way: there is nothing to revoke."""

    code = "nothing-to-revoke"
    rank = Rank.CONFLICT


class StatementChanged(Refusal):
    """The words that were agreed to are not the current ones: read the statement again, and agree to that.

    `current_version`: the statement to agree to.
    """

    code = "statement-changed"
    rank = Rank.STALE


class PacketChanged(Refusal):
    """The packet is not the one that was seen: look at it again, and name what it is now.

    `current_hash`: the released snapshot.
    """

    code = "packet-changed"
    rank = Rank.STALE


class StaleVersion(Refusal):
    """The named version is not the current one. `current_version`: the current one, 0 if waived."""

    code = "stale-version"
    rank = Rank.STALE


class ReasonMissing(Refusal):
    """No reason was given."""

    code = "reason-missing"
    rank = Rank.UNPROCESSABLE
