"""What must never be, said of the rows of two services at once, and what must have come about once all is at rest.

Written from the rules, not from the code: nothing of the domain is called here, its states are only looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from explore.violation import Violation
from packets.domain.packet import PacketState, Part, RatingShown
from signing.domain.record import Holder, HoldState

if TYPE_CHECKING:
    from assessment.domain.registers import Register as HeldRegister
    from assessment.domain.review import Review
    from explore.assessment_side import Row as ReviewRow
    from explore.packets_side import Row as PacketRow
    from explore.steps import Step
    from packets.domain.packet import Packet
    from signing.domain.record import Register, SigningRecord

SIGNATURES = (Holder.SIGNATURE_EMPLOYEE, Holder.SIGNATURE_MANAGER)


def packet_and_review(row: PacketRow, reviewed: ReviewRow) -> None:
    """S1, S2, and that nobody waits for what the register has passed."""
    packet, review = row.packet, reviewed.review
    held = review.registers.release
    if packet.state is PacketState.RELEASED:
        _released(packet, review, held)
    waited = {PacketState.RELEASING: 2 * packet.epoch, PacketState.UNRELEASING: 2 * packet.epoch + 1}.get(packet.state)
    if waited is not None and waited < held.fence:
        raise Violation("S6", f"the packet waits for fence {waited}, the register is at {held.fence}")


def no_orphan(row: PacketRow, reviewed: ReviewRow) -> None:
    """S1, from the other side: nothing is held that is not released, being released or being taken back."""
    held, state = reviewed.review.registers.release, row.packet.state
    if held.held and state in {PacketState.NONE, PacketState.READY, PacketState.WITH_MANAGER}:
        raise Violation("S1", f"the release register is held (fence {held.fence}) though the packet is {state}")


def _released(packet: Packet, review: Review, held: HeldRegister) -> None:
    pin = packet.snapshot
    if pin is None:
        raise Violation("S1", "RELEASED without a snapshot")
    if not held.held or held.fence != 2 * packet.epoch or held.epoch != packet.epoch:
        raise Violation("S1", f"RELEASED at epoch {packet.epoch}, the register is {_words(held)}")
    if held.snapshot_hash != pin.hash:
        raise Violation("S1", "RELEASED, the register is held over another snapshot")
    ref = pin.ref
    if ref.manager_version != review.manager_version or ref.content_hash != review.manager_hash:
        raise Violation(
            "S2", f"RELEASED shows manager version {ref.manager_version}, the current one is {review.manager_version}"
        )
    if review.manager_state.value != "submitted":
        raise Violation("S2", f"RELEASED, the manager-assessment is {review.manager_state}")
    by_manager = packet.requested_as is Part.MANAGER
    if by_manager and _word(packet.requested_by) != _word(review.manager_id):
        raise Violation("S2", f"RELEASED by {packet.requested_by}, the manager of record is {review.manager_id}")
    if (ref.selection_version, ref.rating_version) != (packet.selection_version, packet.rating_version):
        raise Violation("S2", "RELEASED shows another rating or selection than the packet row has")
    if ref.rating_shown is RatingShown.CALIBRATED and ref.rating != packet.rating:
        raise Violation("S2", f"RELEASED shows rating {ref.rating}, the packet row has {packet.rating}")


def record_and_review(record: SigningRecord, reviewed: ReviewRow) -> None:
    """S3: a signature stands only over what is held, and what is held is what is current; nobody waits in vain."""
    review = reviewed.review
    for holder in Holder:
        own, held = record.register(holder), _held(review, holder)
        if own.state is HoldState.SIGNED:
            _signed(holder, own, held)
            if holder in SIGNATURES:
                _covers(holder, own, review)
        if own.state in {HoldState.PENDING, HoldState.REVOKING} and own.fence < held.fence:
            raise Violation("S6", f"{holder} waits for fence {own.fence}, the register is at {held.fence}")


def _signed(holder: Holder, own: Register, held: HeldRegister) -> None:
    if not held.held or held.fence != own.fence:
        raise Violation("S3", f"{holder} is SIGNED with fence {own.fence}, the register is {_words(held)}")
    if (held.epoch, held.snapshot_hash) != (own.epoch, own.snapshot_hash):
        raise Violation("S3", f"{holder} is SIGNED over another epoch or snapshot than is held")


def _covers(holder: Holder, own: Register, review: Review) -> None:
    if (own.manager_version, own.manager_hash) != (review.manager_version, review.manager_hash):
        raise Violation(
            "S3", f"{holder} covers manager version {own.manager_version}, the current is {review.manager_version}"
        )
    shared = review.self_state.value == "shared"
    current = (review.self_version, review.self_hash) if shared else (None, None)
    if review.self_state.value not in {"shared", "waived"} or (own.self_version, own.self_hash) != current:
        raise Violation(
            "S3",
            f"{holder} covers self version {own.self_version}, it is {review.self_state} at {review.self_version}",
        )


def packet_and_record(row: PacketRow, record: SigningRecord) -> None:
    """S3: what is signed is what is released."""
    packet = row.packet
    if packet.state is not PacketState.RELEASED or packet.snapshot is None:
        return
    for holder in Holder:
        own = record.register(holder)
        if own.state is HoldState.SIGNED and _word(own.snapshot_hash) != packet.snapshot.hash:
            raise Violation("S3", f"{holder} is SIGNED over another snapshot than is RELEASED")


def at_rest(row: PacketRow, reviewed: ReviewRow, record: SigningRecord) -> None:
    """L1 to L4, and that a wish to revoke was fulfilled."""
    packet, review = row.packet, reviewed.review
    if packet.state is PacketState.RELEASING:
        raise Violation("L1", f"the release of epoch {packet.epoch} hangs")
    if packet.state is PacketState.UNRELEASING:
        raise Violation("L2", f"the unrelease of epoch {packet.epoch} hangs")
    if review.registers.release.held != (packet.state is PacketState.RELEASED):
        raise Violation("L4", f"the packet is {packet.state}, the release register {_words(review.registers.release)}")
    follows = packet.state is not PacketState.RELEASED and not any(hold.held for hold in packet.holds)
    if follows and packet.selection_version != row.shelf.newest.version:
        raise Violation("L4", f"the packet keeps selection {packet.selection_version}, the newest is another")
    for holder in Holder:
        own, held = record.register(holder), _held(review, holder)
        if own.state in {HoldState.PENDING, HoldState.REVOKING}:
            raise Violation("L3", f"{holder} stays {own.state}")
        # What is LOST waits for HR, whatever became of its register.
        if own.state is not HoldState.LOST and held.held != (own.state is HoldState.SIGNED):
            raise Violation("L4", f"{holder} is {own.state}, its register {_words(held)}")
        if own.state in {HoldState.SIGNED, HoldState.LOST} and own.epoch <= (packet.revoked_epoch or 0):
            raise Violation("L5", f"{holder} is {own.state} at epoch {own.epoch}, which was taken back and revoked")
    if _is_to_complete(record):
        raise Violation("L3", f"both have signed what is released (epoch {record.packet_epoch}); nobody completes it")


def _is_to_complete(record: SigningRecord) -> bool:
    """Both signatures stand over what is released, and in this epoch nobody has tried to complete the review."""
    signed = (record.register(each) for each in SIGNATURES)
    stand = all(each.state is HoldState.SIGNED and each.snapshot_hash == record.snapshot_hash for each in signed)
    untried = record.completion.state is HoldState.NONE and record.tried_epoch < record.packet_epoch
    return stand and untried and record.released and not record.closed and not record.cancelled


def rightly_swept(before: PacketRow, after: PacketRow, reviewed: ReviewRow, step: Step) -> None:
    """A sweep takes back no release that is held."""
    packet, held = before.packet, reviewed.review.registers.release
    taken_back = packet.state is PacketState.RELEASED and after.packet.state is not PacketState.RELEASED
    if taken_back and held.held and held.fence == 2 * packet.epoch:
        raise Violation("S1", f"the sweep takes back the release of epoch {packet.epoch}, which is held", step)


def rightly_compared(before: SigningRecord, after: SigningRecord, reviewed: ReviewRow, step: Step) -> None:
    """A sweep of signing takes for lost only what is held, and takes back no signature that is held and not revoked."""
    for holder in Holder:
        old, new, held = before.register(holder), after.register(holder), _held(reviewed.review, holder)
        if old.state is not HoldState.LOST and new.state is HoldState.LOST and not held.held:
            raise Violation("L4", f"{holder} is LOST, though its register is {_words(held)}", step)
        lifted = holder is Holder.COMPLETION and _revoked_with_it(before, after)
        wished = old.epoch <= after.revoked_epoch
        taken_back = old.state in {HoldState.SIGNED, HoldState.LOST} and new.state is HoldState.REVOKING
        if taken_back and held.held and not wished and not lifted:
            raise Violation("S3", f"the sweep revokes {holder}, {old.state}, its register {_words(held)}", step)


def _revoked_with_it(before: SigningRecord, after: SigningRecord) -> bool:
    states = ((before.register(each).state, after.register(each).state) for each in SIGNATURES)
    return any(old is not new and new is HoldState.REVOKING for old, new in states)


def _held(review: Review, holder: Holder) -> HeldRegister:
    registers = review.registers
    return {
        Holder.SIGNATURE_EMPLOYEE: registers.signature_employee,
        Holder.SIGNATURE_MANAGER: registers.signature_manager,
        Holder.COMPLETION: registers.completion,
    }[holder]


def _word(name: str | None) -> str | None:
    """A name of one service, to be compared with that of another."""
    return name


def _words(held: HeldRegister) -> str:
    return f"{'held' if held.held else 'free'} at fence {held.fence}"


def packet_and_past(row: PacketRow, past: int) -> None:
    """S5, across a restore: nothing of before is shown again."""
    if row.packet.state is PacketState.RELEASED and row.packet.epoch <= past:
        raise Violation("S5", f"RELEASED at epoch {row.packet.epoch}, which is of before the restore ({past})")


def all_known(row: PacketRow, reviewed: ReviewRow, record: SigningRecord) -> None:
    """Where lost facts are repaired: each service knows what the others say, and a complete packet is ready."""
    packet, review = row.packet, reviewed.review
    submitted = review.manager_state.value == "submitted"
    said = (submitted, _word(review.manager_id), review.cycle_closed, review.cancelled)
    if (packet.submitted, _word(packet.manager_id), packet.closed, packet.cancelled) != said:
        raise Violation("L4", "packets does not know what assessment says")
    if submitted and (packet.manager_version, packet.content_hash) != (review.manager_version, review.manager_hash):
        raise Violation("L4", "packets does not know the submitted version")
    told = (_word(review.manager_id), review.cycle_closed, review.cancelled)
    if (_word(record.manager_id), record.closed, record.cancelled) != told:
        raise Violation("L4", "signing does not know what assessment says")
    if record.released != (packet.state is PacketState.RELEASED):
        raise Violation("L4", f"signing takes the packet for {'released' if record.released else 'not released'}")
    if record.revoked_epoch < (packet.revoked_epoch or 0):
        raise Violation("L4", "signing does not know of a wish to revoke")
