"""Bugs that the domain does not have, each put in its place by replacing a function: what the exploration must find.

A mistake is a function that is given `put(module, name, value)`, which `pytest.MonkeyPatch.setattr` is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from assessment.domain import holds, manager_assessment, reassignment
from assessment.domain.registers import RejectReason
from assessment.domain.review import unmet_no_hold
from packets.domain import answers as packet_answers
from packets.domain import holds as packet_holds
from packets.domain import rating as packet_rating
from packets.domain import readiness, release, sweep
from packets.domain.packet import PacketState
from signing.domain import answers as signing_answers
from signing.domain import attempts, settling, signature
from signing.domain.record import HoldState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from assessment.domain.holds import HoldCommand
    from assessment.domain.review import Review

    Put = Callable[[Any, str, Any], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """A bug, and where it is found: in a configuration within `states`, or within so many `schedules` of one."""

    name: str
    make: Callable[[Put], None]
    where: str
    states: int = 0
    schedules: int = 0

    @property
    def seen_from_outside(self) -> bool:
        """Whether it is found so by what is said of two services at once, and at rest, alone."""
        return self.states > 0 and self.name not in _SEEN_BY_THE_TABLES


def decided_again(put: Put) -> None:
    """A repeat is decided anew: the stored outcome is not sticky."""

    def apply_hold(review: Review, command: HoldCommand) -> Any:
        if command.fence != review.registers.of(command.holder).fence:
            return kept(review, command)
        outcome = holds._decide(review, command)
        registers = review.registers.having(command.holder, holds._register(outcome))
        return replace(review, registers=registers), (holds.answer(review.review_id, command.holder, outcome),)

    kept = holds.apply_hold
    put(holds, "apply_hold", apply_hold)


def no_fence(put: Put) -> None:
    """A command is decided whatever its fence."""

    def apply_hold(review: Review, command: HoldCommand) -> Any:
        outcome = holds._decide(review, command)
        registers = review.registers.having(command.holder, holds._register(outcome))
        return replace(review, registers=registers), (holds.answer(review.review_id, command.holder, outcome),)

    put(holds, "apply_hold", apply_hold)


def repeat_is_stale(put: Put) -> None:
    """`<=` for `<`: a repeat is answered that it is superseded."""

    def apply_hold(review: Review, command: HoldCommand) -> Any:
        register = review.registers.of(command.holder)
        if command.fence <= register.fence:
            return review, (holds._superseded(register, command),)
        return kept(review, command)

    kept = holds.apply_hold
    put(holds, "apply_hold", apply_hold)


def _without(put: Put, conditions: str, *reasons: RejectReason) -> None:
    def against(review: Review, command: HoldCommand) -> Iterator[RejectReason]:
        return (reason for reason in kept(review, command) if reason not in reasons)

    kept = getattr(holds, conditions)
    put(holds, conditions, against)


def edit_under_signature(put: Put) -> None:
    """An edit looks at the release lock only."""
    was = unmet_no_hold
    put(manager_assessment, "unmet_no_hold", lambda review: was(review) if review.registers.release.held else [])


def reassign_under_release(put: Put) -> None:
    """HR reassigns whatever is held."""
    put(reassignment, "unmet_no_hold", lambda _: [])


def unlock_before_hide(put: Put) -> None:
    """A released packet stays visible until the register is free."""

    def hide(packet: Any, **why: Any) -> Any:
        hidden, records = was(packet, **why)
        return (replace(hidden, state=packet.state) if packet.state is PacketState.RELEASED else hidden), records

    was = release.hide
    put(release, "hide", hide)


def older_epoch_accepted(put: Put) -> None:
    """The grant of any attempt releases."""

    def granted(packet: Any, *, fence: int, self_version: int | None) -> Any:
        taken = 2 * packet.epoch if packet.state is PacketState.RELEASING else fence
        return was(packet, fence=taken, self_version=self_version)

    was = packet_answers.granted
    put(packet_answers, "granted", granted)


def older_unlock_accepted(put: Put) -> None:
    """The answer to any unlock brings the packet back."""

    def released(packet: Any, *, fence: int, sources: Any) -> Any:
        taken = 2 * packet.epoch + 1 if packet.state is PacketState.UNRELEASING else fence
        return was(packet, fence=taken, sources=sources)

    was = packet_answers.released
    put(packet_answers, "released", released)


def shown_before_granted(put: Put) -> None:
    """The packet is RELEASED when it is asked for."""

    def ask(*arguments: Any, **more: Any) -> Any:
        asked, records = was(*arguments, **more)
        return replace(asked, state=PacketState.RELEASED), records

    was = release.release
    put(release, "release", ask)


def _deaf(put: Put, module: Any, name: str) -> None:
    put(module, name, lambda row, *_, **__: (row, ()))


def origin_restored(put: Put) -> None:
    """A rejected release goes back to where it came from, ready or not."""

    def recompute(packet: Any, _: Any) -> Any:
        return packet, ()

    put(packet_answers, "recompute", recompute)


def rating_while_releasing(put: Put) -> None:
    """The rating changes while a release is under way."""
    put(packet_rating, "unmet_unlocked", lambda _: [])


def new_fence_when_sent_again(put: Put) -> None:
    """The reconciler asks under the next fence."""

    def reconcile(packet: Any) -> Any:
        return tuple(replace(each, fence=each.fence + 2, epoch=each.epoch + 1) for each in was(packet))

    was = packet_holds.reconcile
    put(packet_holds, "reconcile", reconcile)


def no_jump(put: Put) -> None:
    """A restored packet goes on where the register is, not past what is in flight."""
    put(sweep, "EPOCH_JUMP", 0)


def sweep_of_written_row(put: Put) -> None:
    """The sweep acts on what it read though its own row was written since."""

    def swept(read: Any, now: Any, row: Any, sources: Any) -> Any:
        return was(replace(read, row_version=now.row_version), now, row, sources)

    was = sweep.sweep
    put(sweep, "sweep", swept)


def wish_forgets_pending(put: Put) -> None:
    """A wish to revoke binds what is signed, not what is on its way."""
    put(settling, "REVOCABLE", frozenset({HoldState.SIGNED, HoldState.LOST}))


def signed_at_request(put: Put) -> None:
    """A signature counts before its hold is granted."""

    def ask(record: Any, holder: Any, **more: Any) -> Any:
        asked, facts = was(record, holder, **more)
        signed = replace(asked.register(holder), state=HoldState.SIGNED)
        return asked.having(holder, signed), facts

    was = attempts.ask
    put(settling, "ask", ask)
    put(signature, "ask", ask)


def any_fence_answers_signing(put: Put) -> None:
    """Signing takes the answer of any attempt."""
    put(signing_answers, "_waited_for", lambda register, state, _: register.state is state)


def free_before_revoking(put: Put) -> None:
    """The register is freed while the signature still counts."""

    def free(record: Any, holder: Any, cause: Any) -> Any:
        revoking, facts = was(record, holder, cause)
        if revoking is record or record.register(holder).state is not HoldState.SIGNED:
            return revoking, facts
        still = replace(revoking.register(holder), state=HoldState.SIGNED)
        return revoking.having(holder, still), facts

    was = attempts._free
    put(attempts, "_free", free)


def selection_never_taken_up(put: Put) -> None:
    """A selection that waited is not taken up when the packet comes back."""
    put(readiness, "bind", lambda packet, _: packet)


def _found(make: Callable[[Put], None], where: str, *, states: int = 0, schedules: int = 0) -> Mistake:
    return Mistake(name=make.__name__.strip("_"), make=make, where=where, states=states, schedules=schedules)


def _deaf_to(side: str, answer: str, where: str = "forgetting") -> Mistake:
    module = packet_answers if side == "packets" else signing_answers
    name = f"{side}_ignores_{answer}"
    return Mistake(name=name, make=lambda put: _deaf(put, module, answer), where=where, states=20_000)


def _unasked(conditions: str, where: str, *reasons: RejectReason) -> Mistake:
    name = f"{'_'.join(reasons).replace('-', '_')}_not_compared{conditions.removeprefix('_against')}"
    return Mistake(name=name, make=lambda put: _without(put, conditions, *reasons), where=where, states=60_000)


# What these break is a step or a row by itself, or comes out only beyond so few states.
_SEEN_BY_THE_TABLES = frozenset(
    {
        "not_released_not_compared_signature",
        "not_released_not_compared_completion",
        "signing_ignores_rejected",
        "signing_ignores_freed",
        "origin_restored",
        "wish_forgets_pending",
    }
)
MISTAKES: tuple[Mistake, ...] = (
    _found(decided_again, "release", states=20_000),
    _found(decided_again, "signatures", schedules=500),
    _found(no_fence, "release", states=20_000),
    _found(repeat_is_stale, "forgetting", states=60_000),
    _unasked("_against_release", "release", RejectReason.CONTENT_CHANGED),
    _unasked("_against_release", "manager", RejectReason.MANAGER_CHANGED),
    _unasked("_against_release", "other-snapshot", RejectReason.SIGNED_OTHER_SNAPSHOT),
    _unasked("_against_release", "texts", RejectReason.NOT_SUBMITTED),
    _unasked("_against_signature", "release", RejectReason.NOT_RELEASED),
    _unasked("_against_signature", "self", RejectReason.CONTENT_CHANGED),
    _unasked("_against_completion", "completion", RejectReason.NOT_RELEASED),
    _found(edit_under_signature, "release", states=60_000),
    _found(edit_under_signature, "signatures", schedules=2_000),
    _found(reassign_under_release, "manager", states=20_000),
    _found(unlock_before_hide, "release", states=20_000),
    _found(older_epoch_accepted, "release", states=20_000),
    _found(older_epoch_accepted, "all-faults", schedules=500),
    _found(older_unlock_accepted, "release", states=20_000),
    _found(shown_before_granted, "release", states=20_000),
    _deaf_to("packets", "granted"),
    _deaf_to("packets", "rejected", "release"),
    _deaf_to("packets", "released"),
    _deaf_to("signing", "granted"),
    _deaf_to("signing", "rejected"),
    _deaf_to("signing", "freed"),
    _found(origin_restored, "texts", states=60_000),
    _found(rating_while_releasing, "calibrated", states=30_000),
    _found(new_fence_when_sent_again, "release", states=20_000),
    _found(no_jump, "packets-restored", states=90_000),
    _found(sweep_of_written_row, "late-sweep", states=60_000),
    _found(wish_forgets_pending, "forgetting", states=60_000),
    _found(signed_at_request, "release", states=20_000),
    _found(any_fence_answers_signing, "self", states=60_000),
    _found(free_before_revoking, "self", states=20_000),
    _found(selection_never_taken_up, "other-snapshot", states=30_000),
)
