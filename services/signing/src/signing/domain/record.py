"""The signing row of one review: both signers, the completion, and what signing knows of packet and review."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from signing.domain.ids import CommentHash, ContentHash, CycleId, PersonId, ReviewId, SnapshotHash


class Role(StrEnum):
    """Who signs a review."""

    EMPLOYEE = "employee"
    MANAGER = "manager"


class Holder(StrEnum):
    """The registers of assessment that signing commands."""

    SIGNATURE_EMPLOYEE = "signature:employee"
    SIGNATURE_MANAGER = "signature:manager"
    COMPLETION = "completion"


T = TypeVar("T")

SIGNATURES = (Holder.SIGNATURE_EMPLOYEE, Holder.SIGNATURE_MANAGER)
HOLDER_OF = {Role.EMPLOYEE: Holder.SIGNATURE_EMPLOYEE, Role.MANAGER: Holder.SIGNATURE_MANAGER}
ROLE_OF = {Holder.SIGNATURE_EMPLOYEE: Role.EMPLOYEE, Holder.SIGNATURE_MANAGER: Role.MANAGER}


class HoldState(StrEnum):
    """Where one signature is. The completion passes through the same states, under its own words (`word_of`)."""

    NONE = "none"
    PENDING = "pending"
    SIGNED = "signed"
    REVOKING = "revoking"
    LOST = "lost"


class SelfState(StrEnum):
    """The self-assessment, as assessment's facts tell it."""

    NONE = "none"
    DRAFT = "draft"
    SHARED = "shared"
    WAIVED = "waived"


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """One signature, or the completion, and the fence of the newest command sent for it.

    An even fence asks for the hold, the odd one above it frees. `fence` is the one waited for in PENDING and REVOKING,
    the one granted in SIGNED, the register's own in LOST. `floor` is an attempt number that a restored database must
    not use again; 0 if it was never restored.

    Outside NONE: `epoch`, `snapshot_hash` and the versions are what is covered (`self_version` None: it was waived; in
    LOST only epoch and hash are known), `self_hash` and `manager_hash` come with the grant, `person_id` is the signer,
    or for the completion the HR Admin who asked for it (None: it started by itself). `stale`: signed, but another
    snapshot is released. `rejection`: why the newest attempt was rejected, until the next one.
    """

    state: HoldState = HoldState.NONE
    fence: int = 0
    floor: int = 0
    epoch: int = 0
    snapshot_hash: SnapshotHash | None = None
    manager_version: int | None = None
    self_version: int | None = None
    manager_hash: ContentHash | None = None
    self_hash: ContentHash | None = None
    person_id: PersonId | None = None
    statement_version: int | None = None
    comment_hash: CommentHash | None = None
    stale: bool = False
    rejection: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningRecord:
    """One row per review, never removed. Declines, waivers and substitutes will be marks beside the registers.

    The store counts `row_version` up with each write; of the decisions here only `quarantine_jump` raises it.

    Known from packets: `packet_epoch` is the newest epoch known, released or not; `snapshot_hash` and
    `manager_version` are those of the newest known release; `revoked_epoch` is the newest epoch that was unreleased
    with the wish to revoke signatures. Known from assessment, as of its `review_version`: the rest above the registers.
    `self_version` is the newest shared one (None: never shared).

    `tried_epoch` is the newest epoch in which the completion was tried, or lifted by HR; a new signature clears it.
    """

    review_id: ReviewId
    cycle_id: CycleId
    subject_id: PersonId
    manager_id: PersonId
    row_version: int = 1

    released: bool = False
    packet_epoch: int = 0
    snapshot_hash: SnapshotHash | None = None
    manager_version: int | None = None
    revoked_epoch: int = 0

    review_version: int = 0
    self_state: SelfState = SelfState.NONE
    self_version: int | None = None
    closed: bool = False
    cancelled: bool = False

    employee: Register = Register()
    manager: Register = Register()
    completion: Register = Register()
    tried_epoch: int = 0

    def register(self, holder: Holder) -> Register:
        """One of the three registers."""
        match holder:
            case Holder.SIGNATURE_EMPLOYEE:
                return self.employee
            case Holder.SIGNATURE_MANAGER:
                return self.manager
            case Holder.COMPLETION:
                return self.completion

    def having(self, holder: Holder, register: Register) -> SigningRecord:
        """This record with one register replaced."""
        match holder:
            case Holder.SIGNATURE_EMPLOYEE:
                return replace(self, employee=register)
            case Holder.SIGNATURE_MANAGER:
                return replace(self, manager=register)
            case Holder.COMPLETION:
                return replace(self, completion=register)


def present(value: T | None) -> T:
    """A value that is there unless the code is wrong."""
    if value is None:
        raise AssertionError
    return value


def self_side_done(record: SigningRecord) -> bool:
    """The self-assessment is shared or waived."""
    return record.self_state in {SelfState.SHARED, SelfState.WAIVED}


def covered_self_version(record: SigningRecord) -> int | None:
    """The version of the self-assessment that a signature covers now: None if it was waived."""
    return record.self_version if record.self_state is SelfState.SHARED else None


def signing_open(record: SigningRecord) -> bool:
    """A signer who has not signed may sign now.

    The packet is released, the self-assessment shared or waived, the review neither closed nor cancelled, and nothing
    of a completion is under way: a signature that met a held completion would be rejected.
    """
    return (
        record.released
        and self_side_done(record)
        and record.completion.state is HoldState.NONE
        and not record.closed
        and not record.cancelled
    )


def open_signers(record: SigningRecord) -> tuple[Role, ...]:
    """Who may sign now and has not; a signature on its way may still be rejected, so its signer is among them."""
    if not signing_open(record):
        return ()
    unsigned = {HoldState.NONE, HoldState.PENDING}
    return tuple(role for role in Role if record.register(HOLDER_OF[role]).state in unsigned)


def signer_of(record: SigningRecord, role: Role) -> PersonId:
    """The person who signs in this role now."""
    return record.subject_id if role is Role.EMPLOYEE else record.manager_id


def word_of(record: SigningRecord, holder: Holder) -> str:
    """The state as readers are told: closed, open, pending, signed, revoking, lost.

    For the completion: none, completing, completed, revoking, lost.
    """
    state = record.register(holder).state
    if holder is Holder.COMPLETION:
        return {HoldState.PENDING: "completing", HoldState.SIGNED: "completed"}.get(state, state.value)
    if state is HoldState.NONE:
        return "open" if signing_open(record) else "closed"
    return state.value
