"""What holds of assessment's row and of each step of it: guards, registers, and what a lock keeps as it is.

Written from the rules. Where the domain is asked here, its answer is compared with the rule's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from assessment.domain.holds import Want
from assessment.domain.registers import Holder
from assessment.domain.review import ManagerState, SelfState, SelfVisibility
from assessment.domain.self_assessment import unmet_read
from explore import cast
from explore.violation import Violation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from assessment.domain.registers import Register
    from assessment.domain.review import Review
    from explore.assessment_side import Row
    from explore.bus import Message
    from explore.steps import Step

EDITS_MANAGER = frozenset({"edit", "edit-by-hr", "submit", "reopen", "reassign", "reassign-back", "cancel"})
EDITS_SELF = frozenset({"write-self", "share", "unshare"})
WAIVES = frozenset({"waive", "unwaive"})
_LOCK_CODES = frozenset({"locked", "locked-released", "locked-signed"})
_NAMES = ("release", "signature_employee", "signature_manager", "completion")


def check_row(row: Row) -> None:
    """The manager can read the self-assessment exactly when it is shared and the cycle lets the manager see it."""
    review = row.review
    if review.manager_id is None:
        return
    shared = review.self_state is SelfState.SHARED
    reads = not unmet_read(review, cast.assessment_relation(review.manager_id, review.manager_id))
    if reads and not shared:
        raise Violation("I2", f"the manager reads a self-assessment that is {review.self_state}")
    at_once = review.settings.self_visibility is SelfVisibility.ON_SHARE
    if reads and not at_once and review.manager_submitted_version is None:
        raise Violation("I2", "the manager reads the self-assessment before the own one was ever submitted")
    if shared and not reads and (at_once or review.manager_state is ManagerState.SUBMITTED):
        raise Violation("I2", "the manager cannot read the shared self-assessment")


def check_step(before: Row, after: Row, step: Step, message: Message | None) -> None:
    """S4, S6, the guards, and that the text stays while the release lock holds."""
    old, new = before.review, after.review
    if old != new and step.of in EDITS_MANAGER | EDITS_SELF | WAIVES and not _editable(old, step.of):
        raise Violation("S4", f"{step.of} is accepted though {_holders(old)}", step)
    for name in _NAMES:
        _check_register(name, getattr(old.registers, name), getattr(new.registers, name), step)
    if old.registers.release.held and new.registers.release.held and _text(old) != _text(new):
        raise Violation("I3", "the manager's text changes while the release lock holds", step)
    if message is not None:
        _check_decision(old, new, message, step)


def check_refused(before: Row, refusal: Any, step: Step) -> None:
    """What is refused as locked is locked."""
    codes = {each.code for each in refusal.unmet}
    if codes & _LOCK_CODES and _editable(before.review, step.of):
        raise Violation("guard", f"{step.of} is refused as {refusal.code} though {_holders(before.review)}", step)


def _editable(review: Review, command: str) -> bool:
    registers = review.registers
    signed = registers.signature_employee.held or registers.signature_manager.held or registers.completion.held
    if command in WAIVES:
        return not signed
    if command in EDITS_SELF:
        unshared = review.self_state in {SelfState.NONE, SelfState.DRAFT}
        return not signed and (not registers.release.held or unshared)
    return not signed and not registers.release.held


def _holders(review: Review) -> str:
    held = [name for name in _NAMES if getattr(review.registers, name).held]
    return f"held by {', '.join(held)}" if held else "nothing is held"


def _text(review: Review) -> tuple[object, ...]:
    return review.manager_state, review.manager_version, review.manager_hash


def _check_register(name: str, old: Register, new: Register, step: Step) -> None:
    if new.fence < old.fence:
        raise Violation("S6", f"the fence of {name} goes down from {old.fence} to {new.fence}", step)
    if new.fence == old.fence and new != old:
        raise Violation("S6", f"what {name} came to at fence {old.fence} changes", step)


def _check_decision(old: Review, new: Review, message: Message, step: Step) -> None:
    """A command above the register's fence is decided by the table of conditions; any other changes nothing."""
    said = message.said
    name = said["holder"].replace(":", "_")
    register, decided = getattr(old.registers, name), getattr(new.registers, name)
    if any(getattr(old.registers, each) != getattr(new.registers, each) for each in _NAMES if each != name):
        raise Violation("S6", f"a command on {name} changes another register", step)
    if said["fence"] <= register.fence:
        if register != decided:
            raise Violation("S6", f"{name} at fence {register.fence} takes fence {said['fence']}", step)
        return
    reasons = set(_against(old, said)) if said["want"] == Want.HELD.value else {"free"}
    if decided.fence != said["fence"] or decided.held != (not reasons):
        raise Violation("S6", f"{name} wanted {said['want']}: held={decided.held}, against it {sorted(reasons)}", step)
    if decided.held and (decided.epoch, decided.snapshot_hash) != (said["epoch"], said["snapshot_hash"]):
        raise Violation("S6", f"{name} is held over something else than was named", step)


def _against(review: Review, said: Mapping[str, Any]) -> Iterator[str]:
    """The conditions of a hold that do not hold."""
    registers, holder = review.registers, Holder(said["holder"])
    if review.cycle_closed:
        yield "cycle-closed"
    if holder is Holder.RELEASE:
        yield from _against_release(review, said)
        return
    release = registers.release
    if not (release.held and (release.epoch, release.snapshot_hash) == (said["epoch"], said["snapshot_hash"])):
        yield "not-released"
    if holder is Holder.COMPLETION:
        return
    done = review.self_state in {SelfState.SHARED, SelfState.WAIVED}
    covered = None if review.self_state is SelfState.WAIVED else review.self_version
    if not done:
        yield "self-assessment-not-shared"
    if (said["manager_version"], said["self_version"]) != (review.manager_version, covered):
        yield "content-changed"
    if registers.completion.held:
        yield "completed"
    if holder is Holder.SIGNATURE_MANAGER and said["manager_id"] not in {None, review.manager_id}:
        yield "manager-changed"


def _against_release(review: Review, said: Mapping[str, Any]) -> Iterator[str]:
    registers = review.registers
    if said["manager_version"] != review.manager_version:
        yield "content-changed"
    if review.manager_state is not ManagerState.SUBMITTED:
        yield "not-submitted"
    if said["manager_id"] not in {None, review.manager_id}:
        yield "manager-changed"
    if review.cancelled:
        yield "cancelled"
    signatures = (registers.signature_employee, registers.signature_manager, registers.completion)
    if any(each.held and each.snapshot_hash != said["snapshot_hash"] for each in signatures):
        yield "signed-other-snapshot"
