"""The four registers of a review: who holds it, as of which fence, and what was answered then."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Holder(StrEnum):
    """What may hold a review: one register each."""

    RELEASE = "release"
    SIGNATURE_EMPLOYEE = "signature:employee"
    SIGNATURE_MANAGER = "signature:manager"
    COMPLETION = "completion"


SIGNATURE_HOLDERS = (Holder.SIGNATURE_EMPLOYEE, Holder.SIGNATURE_MANAGER, Holder.COMPLETION)

SOURCES = {
    Holder.RELEASE: "/packets",
    Holder.SIGNATURE_EMPLOYEE: "/signing",
    Holder.SIGNATURE_MANAGER: "/signing",
    Holder.COMPLETION: "/signing",
}


class OutcomeKind(StrEnum):
    """What a command on a register came to."""

    GRANTED = "granted"
    REJECTED = "rejected"
    RELEASED = "released"


class RejectReason(StrEnum):
    """Why a hold is not granted."""

    CONTENT_CHANGED = "content-changed"
    NOT_SUBMITTED = "not-submitted"
    MANAGER_CHANGED = "manager-changed"
    CANCELLED = "cancelled"
    CYCLE_CLOSED = "cycle-closed"
    SIGNED_OTHER_SNAPSHOT = "signed-other-snapshot"
    NOT_RELEASED = "not-released"
    SELF_ASSESSMENT_NOT_SHARED = "self-assessment-not-shared"
    COMPLETED = "completed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What the register's fence came to: everything that is needed to give the same answer again, unchanged.

    A grant has all but the reason (the self side's are null unless shared); a rejection its reason; a release nothing.
    """

    kind: OutcomeKind
    fence: int
    epoch: int | None = None
    snapshot_hash: str | None = None
    manager_version: int | None = None
    manager_hash: str | None = None
    self_version: int | None = None
    self_hash: str | None = None
    reason: RejectReason | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """One register. `epoch` and `snapshot_hash` are those held, and null while free; fence 0 was never commanded."""

    fence: int = 0
    held: bool = False
    epoch: int | None = None
    snapshot_hash: str | None = None
    outcome: Outcome | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Registers:
    """The registers of one review, all in its one row."""

    release: Register = Register()
    signature_employee: Register = Register()
    signature_manager: Register = Register()
    completion: Register = Register()

    def of(self, holder: Holder) -> Register:
        """The register of one holder."""
        match holder:
            case Holder.RELEASE:
                return self.release
            case Holder.SIGNATURE_EMPLOYEE:
                return self.signature_employee
            case Holder.SIGNATURE_MANAGER:
                return self.signature_manager
            case Holder.COMPLETION:
                return self.completion

    def having(self, holder: Holder, register: Register) -> Registers:
        """These registers with one of them replaced."""
        changed = {each: self.of(each) for each in Holder} | {holder: register}
        return Registers(
            release=changed[Holder.RELEASE],
            signature_employee=changed[Holder.SIGNATURE_EMPLOYEE],
            signature_manager=changed[Holder.SIGNATURE_MANAGER],
            completion=changed[Holder.COMPLETION],
        )

    def held_by(self) -> tuple[Holder, ...]:
        """Who holds the review now, in the order of the registers."""
        return tuple(holder for holder in Holder if self.of(holder).held)


def source_may_hold(source: str, holder: Holder) -> bool:
    """Whether a message from this source may command this register."""
    return SOURCES[holder] == source
