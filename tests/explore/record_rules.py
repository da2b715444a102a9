"""What holds of signing's row and of each step of it: when signing is open, fences, and what is told.

Written from the rules. Where the domain is asked here, its answer is compared with the rule's.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from explore import cast
from explore.violation import Violation
from signing.domain.record import Holder, HoldState, SelfState, signing_open

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explore.bus import Message
    from explore.steps import Step
    from signing.domain.record import Register, SigningRecord

NONE, PENDING, SIGNED = HoldState.NONE, HoldState.PENDING, HoldState.SIGNED
REVOKING, LOST = HoldState.REVOKING, HoldState.LOST
_SIGNERS = {
    "sign-employee": (Holder.SIGNATURE_EMPLOYEE, cast.EMPLOYEE),
    "sign-manager": (Holder.SIGNATURE_MANAGER, cast.MANAGER),
    "sign-successor": (Holder.SIGNATURE_MANAGER, cast.SUCCESSOR),
}
# What a signature's change of state is told by, and the completion's.
_TOLD = {
    (NONE, PENDING): ("signature.requested.v1", "review.completion-requested.v1"),
    (REVOKING, PENDING): ("signature.requested.v1", "review.completion-requested.v1"),
    (PENDING, SIGNED): ("signature.completed.v1", "review.completed.v1"),
    (PENDING, NONE): ("signature.rejected.v1", "review.completion-rejected.v1"),
    (PENDING, REVOKING): ("signature.revoked.v1", "review.completion-lifted.v1"),
    (SIGNED, REVOKING): ("signature.revoked.v1", "review.completion-lifted.v1"),
    (LOST, REVOKING): ("signature.revoked.v1", "review.completion-lifted.v1"),
}
_COMMANDING = frozenset({PENDING, REVOKING})


def check_row(record: SigningRecord) -> None:
    """Signing is open exactly when the rule says so, as far as signing knows."""
    if signing_open(record) != _open(record):
        raise Violation("guard", f"signing is {'open' if signing_open(record) else 'closed'} against the rule")


def check_step(before: SigningRecord, after: SigningRecord, step: Step, sent: Sequence[Message]) -> None:
    """Fences, a signature only while signing is open, a revocation's wish, and what is told."""
    for holder in Holder:
        old, new = before.register(holder), after.register(holder)
        if new.fence < old.fence:
            raise Violation("S6", f"the fence of {holder} goes down from {old.fence} to {new.fence}", step)
        if (old.state, new.state) == (PENDING, SIGNED) and _asked(old) != _asked(new):
            raise Violation("S3", f"{holder} is SIGNED over something else than was asked for", step)
        if new.state is SIGNED and old.state is not SIGNED and step.kind != "deliver":
            raise Violation("S3", f"{holder} is SIGNED without an answer", step)
        if new.state in {PENDING, SIGNED, LOST} and new.epoch <= after.revoked_epoch:
            raise Violation("L5", f"{holder} is {new.state} at epoch {new.epoch}, which was revoked", step)
        if old.state is NONE and new.state is REVOKING and new.epoch > after.revoked_epoch:
            raise Violation("S7", f"{holder} is freed by itself, though nothing is known to hold it", step)
    started = before.completion.fence != after.completion.fence and after.completion.state is PENDING
    if started and before.completion.state is not PENDING and step.of != "complete" and not _all_signed(after):
        raise Violation("guard", f"the completion starts by itself with {step.of}, though not all have signed", step)
    if step.of in _SIGNERS and after != before and not _open(before):
        raise Violation("guard", f"{step.of} is accepted though signing is closed", step)
    if step.kind in {"command", "deliver"}:
        _check_told(before, after, step, sent)


def check_refused(before: SigningRecord, refusal: Any, step: Step) -> None:
    """A signer who has not signed may sign while signing is open."""
    if step.of not in _SIGNERS:
        return
    holder, person_id = _SIGNERS[step.of]
    signer = cast.EMPLOYEE if holder is Holder.SIGNATURE_EMPLOYEE else before.manager_id
    if _open(before) and before.register(holder).state is NONE and person_id == signer:
        raise Violation("guard", f"{step.of} is refused as {refusal.code} though signing is open", step)


def _all_signed(record: SigningRecord) -> bool:
    """Both have signed what is released."""
    both = (record.employee, record.manager)
    return record.released and all(each.state is SIGNED and each.snapshot_hash == record.snapshot_hash for each in both)


def _open(record: SigningRecord) -> bool:
    return (
        record.released
        and record.self_state in {SelfState.SHARED, SelfState.WAIVED}
        and record.completion.state is NONE
        and not record.closed
        and not record.cancelled
    )


def _asked(register: Register) -> tuple[object, ...]:
    return (
        register.fence,
        register.epoch,
        register.snapshot_hash,
        register.manager_version,
        register.self_version,
        register.person_id,
    )


def _check_told(before: SigningRecord, after: SigningRecord, step: Step, sent: Sequence[Message]) -> None:
    told = Counter(each.type for each in sent if not each.type.startswith("signing."))
    expected: Counter[str] = Counter()
    for holder in Holder:
        old, new = before.register(holder), after.register(holder)
        changes = [(old.state, new.state)]
        if changes == [(PENDING, PENDING)] and old.fence != new.fence and "superseded" not in step.of:
            changes = [(PENDING, NONE), (NONE, PENDING)]
        for change in changes:
            if change in _TOLD:
                expected[_TOLD[change][holder is Holder.COMPLETION]] += 1
        if new.state in _COMMANDING and (new.state, new.fence) != (old.state, old.fence):
            expected["hold.requested.v1"] += 1
        freed = (old.state, new.state) == (REVOKING, NONE)
        if freed and not any(each.type.startswith("signing.") for each in sent):
            raise Violation("S7", f"{holder} is free again and nobody is told whether signing is open", step)
    if told != expected:
        raise Violation("S7", f"told by {dict(told)}, not {dict(expected)}", step)
