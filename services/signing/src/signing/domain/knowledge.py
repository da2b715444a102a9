"""What signing knows of the review and its packet: told by facts, repaired from the rows of their owners."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from signing.domain.record import SelfState, SigningRecord, present
from signing.domain.settling import settle

if TYPE_CHECKING:
    from signing.domain.facts import Step
    from signing.domain.ids import CycleId, PersonId, ReviewId, SnapshotHash

RELEASED = "released"
RELEASING = "releasing"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewKnowledge:
    """What one fact of assessment, or its row, says of a review as of `version`; None: nothing about that.

    Of a self-assessment that is shared, `self_version` is the shared version; it is not named otherwise.
    """

    version: int
    manager_id: PersonId
    self_state: SelfState | None = None
    self_version: int | None = None
    closed: bool | None = None
    cancelled: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PacketRow:
    """One packet as packets' own row has it. `state` is the row's word; hash and version are read when it is released.

    `revoked_epoch`: the newest epoch that was unreleased with the wish to revoke signatures; None: none was.
    """

    state: str
    epoch: int
    snapshot_hash: SnapshotHash | None = None
    manager_version: int | None = None
    revoked_epoch: int | None = None


def new_record(*, review_id: ReviewId, cycle_id: CycleId, subject_id: PersonId, manager_id: PersonId) -> SigningRecord:
    """The row of a review of which signing hears for the first time; every fact about a review names these."""
    return SigningRecord(review_id=review_id, cycle_id=cycle_id, subject_id=subject_id, manager_id=manager_id)


def learn_review(record: SigningRecord, told: ReviewKnowledge) -> Step:
    """Take over what assessment says, unless it is older than what is known.

    Facts of one change share their version, and a row says again what facts of that version said: an equal version is
    taken over too, and the same twice changes nothing.
    """
    if told.version < record.review_version:
        return record, ()
    learnt = replace(
        record,
        review_version=told.version,
        manager_id=told.manager_id,
        closed=record.closed if told.closed is None else told.closed,
        cancelled=record.cancelled if told.cancelled is None else told.cancelled,
    )
    if told.self_state is not None:
        learnt = replace(
            learnt,
            self_state=told.self_state,
            self_version=told.self_version if told.self_state is SelfState.SHARED else record.self_version,
        )
    return settle(record, learnt)


def learn_released(record: SigningRecord, *, epoch: int, snapshot_hash: SnapshotHash, manager_version: int) -> Step:
    """The packet is released under a newer epoch than any known; an older or known epoch says nothing new."""
    return settle(record, _released(record, epoch, snapshot_hash, manager_version))


def learn_unreleased(record: SigningRecord, *, epoch: int, revoke_signatures: bool, by: PersonId | None = None) -> Step:
    """The packet of that epoch is taken back; a wish to revoke binds whatever was signed up to it, however late.

    `by`: who unreleased, told with what is revoked.
    """
    known = _unreleased(record, epoch)
    return settle(record, _wished(known, epoch) if revoke_signatures else known, wished_by=by)


def repair_from_packet(record: SigningRecord, row: PacketRow) -> Step:
    """Repair lost facts of packets from its row. Epochs only go up, so a row read too early changes nothing."""
    if row.state == RELEASED:
        known = _released(record, row.epoch, present(row.snapshot_hash), present(row.manager_version))
    else:
        # An attempt in flight has released nothing yet; the one before it is over.
        known = _unreleased(record, row.epoch - 1 if row.state == RELEASING else row.epoch)
    return settle(record, known if row.revoked_epoch is None else _wished(known, row.revoked_epoch))


def _released(record: SigningRecord, epoch: int, snapshot_hash: SnapshotHash, manager_version: int) -> SigningRecord:
    if epoch <= record.packet_epoch:
        return record
    return replace(
        record, released=True, packet_epoch=epoch, snapshot_hash=snapshot_hash, manager_version=manager_version
    )


def _unreleased(record: SigningRecord, epoch: int) -> SigningRecord:
    if epoch < record.packet_epoch or (epoch == record.packet_epoch and not record.released):
        return record
    return replace(record, released=False, packet_epoch=epoch)


def _wished(record: SigningRecord, epoch: int) -> SigningRecord:
    return replace(record, revoked_epoch=max(record.revoked_epoch, epoch))
