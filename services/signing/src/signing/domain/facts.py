"""What has happened in signing, in the past tense, and the command that signing sends to assessment.

Facts name their review only; cycle, people and row version stand in the record that comes back with them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from signing.domain.ids import PersonId, ReviewId, SnapshotHash
    from signing.domain.record import Holder, Role, SigningRecord


class Want(StrEnum):
    """The wanted state of a register."""

    HELD = "held"
    FREE = "free"


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldRequested:
    """The command to assessment: the wanted state of one register as of `fence`.

    Where `want` is free, only `epoch` is named. `manager_id` is who must be the manager of record, None where nobody
    must. `self_version` is None if the self-assessment was waived.
    """

    review_id: ReviewId
    holder: Holder
    fence: int
    want: Want
    epoch: int
    snapshot_hash: SnapshotHash | None = None
    manager_version: int | None = None
    self_version: int | None = None
    manager_id: PersonId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningOpened:
    """`open_signers` may sign now and have not, those whose signature is on its way among them. Never empty."""

    review_id: ReviewId
    epoch: int
    snapshot_hash: SnapshotHash
    manager_version: int
    self_version: int | None
    open_signers: tuple[Role, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningClosed:
    """Nobody may sign now.

    `reason`: `cancelled`, `cycle-closed`, `unreleased`, `self-assessment-not-shared`, `completed`, `all-signed`.
    """

    review_id: ReviewId
    epoch: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureRequested:
    """A signer has signed; it counts once the hold is granted."""

    review_id: ReviewId
    signer_role: Role
    signer_id: PersonId
    fence: int
    epoch: int
    snapshot_hash: SnapshotHash
    manager_version: int
    self_version: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureCompleted:
    """The hold is granted: the signature stands."""

    review_id: ReviewId
    signer_role: Role
    signer_id: PersonId
    fence: int
    epoch: int
    snapshot_hash: SnapshotHash
    manager_version: int
    self_version: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureRejected:
    """The hold is rejected; the signer may sign again. `reason`: the condition that did not hold."""

    review_id: ReviewId
    signer_role: Role
    signer_id: PersonId
    fence: int
    epoch: int
    snapshot_hash: SnapshotHash
    manager_version: int
    self_version: int | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureRevoked:
    """From now on it is no signature; its register is being freed with `fence`.

    `was`: `signed`, `pending` or `lost`. `reason`: `revoked` (HR), `unreleased` (the packet was taken back with that
    wish) or `restored`. `by` is None when the system acted. Of a lost one the versions are unknown.
    """

    review_id: ReviewId
    signer_role: Role
    signer_id: PersonId
    fence: int
    epoch: int
    snapshot_hash: SnapshotHash | None
    manager_version: int | None
    self_version: int | None
    was: str
    reason: str
    by: PersonId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CompletionRequested:
    """The completion was started, by HR (`by`) or, None, because every signer has signed."""

    review_id: ReviewId
    fence: int
    epoch: int
    snapshot_hash: SnapshotHash
    by: PersonId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewCompleted:
    """The hold of the completion is granted: the review is completed."""

    review_id: ReviewId
    fence: int
    epoch: int
    snapshot_hash: SnapshotHash
    by: PersonId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CompletionRejected:
    """The hold of the completion is rejected. `reason`: the condition that did not hold."""

    review_id: ReviewId
    fence: int
    epoch: int
    snapshot_hash: SnapshotHash
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CompletionLifted:
    """From now on the review is not completed.

    `was`: `completed`, `completing` or `lost`; `reason` and `by` as in a revocation.
    """

    review_id: ReviewId
    fence: int
    epoch: int
    snapshot_hash: SnapshotHash | None
    was: str
    reason: str
    by: PersonId | None


class AlarmCode(StrEnum):
    """What people must look at."""

    SUPERSEDED = "superseded"  # somebody who waits was told that a newer fence exists
    SIGNATURE_LOST = "signature-lost"  # a register is held and signing knows nothing of it
    SIGNED_WITHOUT_HOLD = "signed-without-hold"  # a signature or completion stands and its register is not held so
    SIGNED_OTHER_SNAPSHOT = "signed-other-snapshot"  # another snapshot is released than the one signed


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """Something that the rules exclude. It is counted, logged and shown to HR, never published."""

    review_id: ReviewId
    holder: Holder
    code: AlarmCode


Fact: TypeAlias = (
    HoldRequested
    | SigningOpened
    | SigningClosed
    | SignatureRequested
    | SignatureCompleted
    | SignatureRejected
    | SignatureRevoked
    | CompletionRequested
    | ReviewCompleted
    | CompletionRejected
    | CompletionLifted
    | Alarm
)
Step: TypeAlias = "tuple[SigningRecord, tuple[Fact, ...]]"
