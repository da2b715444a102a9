"""The exact words that a signer agrees to. Click-to-sign: a simple electronic signature, and never called more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from signing.domain.opening import unmet_to_sign_anew
from signing.domain.people import unmet_signer
from signing.domain.record import HOLDER_OF, HoldState, Role, covered_self_version, present
from signing.domain.refusals import NotReleased, Refusal, refuse

if TYPE_CHECKING:
    from signing.domain.ids import SnapshotHash
    from signing.domain.people import Relation
    from signing.domain.record import SigningRecord

STATEMENT_VERSION = 1

# A version's words are never edited: what somebody agreed to must stay readable. New words are a new version.
_WORDS = {
    (1, Role.EMPLOYEE): (
        "I confirm that my performance review packet has been released to me and that I have read it. "
        "My signature acknowledges that I have received it; it does not mean that I agree with everything in it."
    ),
    (1, Role.MANAGER): (
        "I confirm that this performance review packet contains my assessment as I submitted it, with any changes made "
        "since then by HR or in calibration, and that it has been released to the employee."
    ),
}
_COVERS = {
    1: "This signature covers the packet {snapshot_hash}, version {manager_version} of the manager-assessment "
    "and {self_part}."
}
_SELF_SHARED = {1: "version {self_version} of the self-assessment"}
_SELF_WAIVED = {1: "no self-assessment, because it was waived"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Covers:
    """What a signature covers. `self_version` is None if the self-assessment was waived."""

    snapshot_hash: SnapshotHash
    manager_version: int
    self_version: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """The words shown to one signer, with their version and what they cover."""

    role: Role
    version: int
    text: str
    covers: Covers


def statement_text(version: int, role: Role, covers: Covers) -> str:
    """The words of that version, to the letter, for these things covered. An unknown version raises `KeyError`."""
    self_part = _SELF_WAIVED[version] if covers.self_version is None else _SELF_SHARED[version]
    covered = _COVERS[version].format(
        snapshot_hash=covers.snapshot_hash,
        manager_version=covers.manager_version,
        self_part=self_part.format(self_version=covers.self_version),
    )
    return f"{_WORDS[version, role]} {covered}"


def unmet_statement(record: SigningRecord, rel: Relation) -> list[Refusal]:
    """Why there is no statement to show this actor: it is for signers, as long as they may sign or have signed."""
    reasons = unmet_signer(rel)
    if reasons or rel.signer is None:
        return reasons
    if rel.signer is Role.EMPLOYEE and not record.released:
        return [NotReleased()]
    return [] if _agreed(record, rel.signer) else unmet_to_sign_anew(record, rel.signer)


def statement(record: SigningRecord, rel: Relation) -> Statement:
    """What this signer is to agree to now, or has agreed to.

    Raises:
        Refusal: one of `unmet_statement`.
    """
    refuse(unmet_statement(record, rel))
    role = present(rel.signer)
    if _agreed(record, role):
        register = record.register(HOLDER_OF[role])
        version, snapshot_hash = register.statement_version, register.snapshot_hash
        manager_version, self_version = register.manager_version, register.self_version
    else:
        version, snapshot_hash = STATEMENT_VERSION, record.snapshot_hash
        manager_version, self_version = record.manager_version, covered_self_version(record)
    covers = Covers(
        snapshot_hash=present(snapshot_hash), manager_version=present(manager_version), self_version=self_version
    )
    text = statement_text(present(version), role, covers)
    return Statement(role=role, version=present(version), text=text, covers=covers)


def _agreed(record: SigningRecord, role: Role) -> bool:
    return record.register(HOLDER_OF[role]).state in {HoldState.PENDING, HoldState.SIGNED}
