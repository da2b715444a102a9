"""One command for many packets: begun by a person, carried out in turns; each is judged as by the single command."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from packets import events, store
from packets.commands.keeping import keep_many, locked
from packets.commands.release import UNRELEASE_AND_REVOKE, note
from packets.commands.release import release as release_now
from packets.domain import operation as domain
from packets.domain import release as single
from packets.domain.history import Act
from packets.domain.ids import CycleId, OperationId, ReviewId
from packets.domain.operation import Command, Item, Operation, OperationState, Outcome
from packets.domain.packet import PacketState, Part
from packets.domain.people import HR_ADMIN
from packets.domain.refusals import NotFound, NothingSelected, refuse
from packets.store import OPERATIONS
from reviewbus import telemetry
from reviewbus.crash import crash_point
from reviewbus.db import AuditEntry
from reviewbus.operations import store as kept

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from packets.domain.facts import Record
    from packets.domain.packet import Packet
    from packets.domain.people import Actor, Standing
    from reviewbus.db import Tx
    from reviewbus.operations.store import Chosen

_ACTIONS = {Command.RELEASE_TO_MANAGER: "packet.release-to-manager", Command.RELEASE: "packet.release"}
_log = telemetry.logger("packets")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be done to each."""

    command: Command
    reason: str | None = None
    revoke_signatures: bool = False
    fires_at: datetime | None = None
    dry_run: bool = False


def begin(tx: Tx, actor: Actor, wanted: Wanted, chosen: Chosen, *, plans_max: int) -> Operation:
    """A new operation over what is chosen now. An unrelease that is no plan hides its packets with this transaction.

    Nobody has more than `plans_max` plans that were not applied. Refuses `nothing-selected` where a filter leaves none.
    """
    domain.may_begin(actor)
    refuse(domain.unmet_instant(wanted.fires_at, now=tx.now))
    if wanted.dry_run:
        refuse(domain.unmet_plan(kept.count_plans(tx, OPERATIONS, actor.person_id), plans_max=plans_max))
    fresh = _begun(tx, actor, wanted)
    if chosen.filters is None:
        named = [Item(review_id=ReviewId(each), outcome=Outcome.CHOSEN) for each in chosen.named]
        size = store.choose_named(tx, fresh, named)
    elif store.cycle(tx, chosen.filters["cycle_id"]) is None:
        raise NotFound
    else:
        fresh = replace(fresh, cycle_id=CycleId(chosen.filters["cycle_id"]))
        size = kept.choose_filtered(tx, OPERATIONS, fresh.id, chosen, but_of=actor.person_id)
        refuse([] if size else [NothingSelected()])
    operation = replace(fresh, size=size)
    store.add_operation(tx, operation)
    _audit(tx, "operation.begin", operation, actor)
    _run(tx, operation)
    return operation


def apply(tx: Tx, operation_id: str, actor: Actor, *, fires_at: datetime | None) -> Operation:
    """Carry a plan out."""
    before = _locked(tx, operation_id, actor)
    after = domain.apply(before, actor, now=tx.now, fires_at=fires_at)
    store.save_operation(tx, before, after)
    _audit(tx, "operation.apply", after, actor)
    _run(tx, after)
    return after


def cancel(tx: Tx, operation_id: str, actor: Actor) -> Operation:
    """Leave alone what was not begun. Of a plan nothing is left: it has changed no packet."""
    before = _locked(tx, operation_id, actor)
    after = domain.cancel(before)
    if before.state in domain.PLANS:
        kept.drop(tx, OPERATIONS, operation_id)
        _audit(tx, "operation.cancel", after, actor)
    elif after != before:
        store.leave_waiting(tx, after)
        store.save_operation(tx, before, after)
        _audit(tx, "operation.cancel", after, actor)
    return after


def release(
    tx: Tx, review_id: str, actor: Actor, *, previewed: str | None, reason: str | None, not_before: datetime | None
) -> tuple[Packet, Operation | None]:
    """Release one packet now; or at an instant, if it could be released now: it is judged again then.

    The operation is what waits for the instant, None where nothing does.
    """
    packet = locked(tx, review_id)
    who = store.standing(tx, packet, actor)
    fires_at = single.fires_at(packet, who, asked=not_before, now=tx.now)
    if fires_at is None:
        return release_now(tx, packet, who, previewed=previewed, reason=reason), None
    unmet = single.unmet_release(packet, who, previewed=previewed, has_reason=bool(reason))
    refuse([*unmet, *domain.unmet_instant(not_before, now=tx.now)])
    if packet.state is PacketState.RELEASED:
        return packet, None
    others = store.scheduled_for(tx, [review_id]).get(review_id, [])
    refuse(single.unmet_schedule(packet, [each.scheduled for each in others]))
    wanted = Wanted(command=Command.RELEASE, reason=reason, fires_at=fires_at)
    operation = replace(_begun(tx, actor, wanted), size=1)
    item = Item(review_id=ReviewId(review_id), outcome=Outcome.CHOSEN, tag=previewed)
    store.choose_named(tx, operation, [item])
    store.add_operation(tx, operation)
    return packet, operation


def cancel_scheduled(tx: Tx, review_id: str, actor: Actor) -> tuple[Packet, list[Operation]]:
    """Take back a release that has not fired yet, as if it had never been asked for: HR anybody's, others the own.

    Return also what it was that waited for its instant.
    """
    packet = locked(tx, review_id)
    who = store.standing(tx, packet, actor)
    waiting = store.scheduled_for(tx, [review_id]).get(review_id, [])
    refuse(single.unmet_cancel_scheduled(packet, who, [each.scheduled for each in waiting]))
    # The packet is locked: an operation that fires asks under the same lock what of it still stands.
    own = None if Part.HR_ADMIN in who.parts else actor.person_id
    store.leave_scheduled(tx, [review_id], domain.CANCELLED, by=own)
    return packet, [each for each in waiting if own in {None, each.actor.person_id}]


def turn(tx: Tx, *, rows: int, in_flight_max: int, besides: Collection[str] = ()) -> tuple[str, int] | None:
    """Give the operation that waits longest its turn, one besides those; return its id, and how many packets moved.

    None: there is no other.
    """
    operation = store.claim_operation(tx, besides=besides)
    if operation is None:
        return None
    current = operation
    if operation.state is OperationState.SCHEDULED:
        current = domain.fires(operation)
        if not kept.has_items(tx, OPERATIONS, current.id):
            # It was of one packet, and taken back: as if it had never been asked for.
            kept.drop(tx, OPERATIONS, current.id)
            return operation.id, 1
        if not store.next_items(tx, current, 1):
            # Whatever it was about was decided anew: nothing begins, and it is told where it is looked at.
            store.save_operation(tx, operation, domain.cancel(operation))
            return operation.id, 1
        store.save_operation(tx, operation, current)
        tx.emit(events.operation_started(domain.started(current)))
    plans, runs = current.state is OperationState.PLANNING, current.state is OperationState.RUNNING
    moved = 0 if plans else _settle(tx, current, rows)
    # Whoever releases a single packet meanwhile waits behind what is under way, and no more than that.
    room = min(rows, in_flight_max - store.in_flight(tx, in_flight_max)) if runs else rows
    items = store.next_items(tx, current, room) if room > 0 and (plans or runs) else []
    after = current
    if items:
        crash_point("packets-operation-chunk")
        store.note_items(tx, current, _judge(tx, current, items) if plans else _carry_out(tx, current, items))
        after = replace(current, position=items[-1].review_id)
    elif room > 0 and not store.has_asked_items(tx, current):
        after = _over(tx, current)
    store.save_operation(tx, current, after)
    return operation.id, moved + len(items) + (after.state is not operation.state)


def give_up_next(tx: Tx, *, besides: Collection[str] = ()) -> tuple[str, int] | None:
    """Leave out the packet at which the operation whose turn it is fails again and again; return as `turn`."""
    operation = store.claim_operation(tx, besides=besides)
    if operation is None:
        return None
    items = store.next_items(tx, operation, 1)
    failed = [replace(each, outcome=Outcome.FAILED, unmet=(domain.UNEXPECTED,)) for each in items]
    store.note_items(tx, operation, failed)
    position = items[-1].review_id if items else operation.position
    store.save_operation(tx, operation, replace(operation, position=position))
    telemetry.INVARIANT_VIOLATIONS.labels(kind="operation-item-given-up").inc(len(items))
    _log.error("operation_item_failed", operation_id=operation.id, review_ids=[each.review_id for each in items])
    return operation.id, len(items)


def _begun(tx: Tx, actor: Actor, wanted: Wanted) -> Operation:
    fresh = Operation(
        id=OperationId(str(tx.new_id())),
        command=wanted.command,
        state=OperationState.RUNNING,
        begun_by=actor.person_id,
        actor=actor,
        reason=wanted.reason,
        revoke_signatures=wanted.revoke_signatures,
        fires_at=wanted.fires_at,
    )
    return domain.begun(fresh, dry_run=wanted.dry_run)


def _run(tx: Tx, operation: Operation) -> None:
    if operation.state is not OperationState.RUNNING:
        return
    if operation.command is Command.UNRELEASE:
        hidden = store.hide_chosen(tx, operation)
        _log.info("operation_hid", operation_id=operation.id, packets=hidden)
    tx.emit(events.operation_started(domain.started(operation)))


def _over(tx: Tx, operation: Operation) -> Operation:
    after = domain.after_pass(operation, expires_at=tx.now + kept.PLAN_KEPT)
    if operation.state is not OperationState.PLANNING:
        tx.emit(events.operation_completed(domain.completed(after, kept.count_outcomes(tx, OPERATIONS, operation.id))))
    return after


def _settle(tx: Tx, operation: Operation, rows: int) -> int:
    """Note of what was asked for what became of it."""
    noted = []
    for review_id, state, last_refusal in store.unsettled_items(tx, operation, rows):
        outcome, code = domain.settled(operation.command, state, last_refusal)
        if outcome is not Outcome.ASKED:
            noted.append(Item(review_id=review_id, outcome=outcome, unmet=(code,) if code else ()))
    store.note_items(tx, operation, noted)
    return len(noted)


def _judge(tx: Tx, operation: Operation, items: Collection[Item]) -> list[Item]:
    """What would become of each packet; none is changed."""
    packets = store.read_many(tx, [each.review_id for each in items])
    standings = store.standings(tx, packets, operation.actor)
    return [
        domain.planned(operation, each, packets[each.review_id], standings[each.review_id])
        if each.review_id in packets
        else domain.missing(each)
        for each in items
    ]


def _carry_out(tx: Tx, operation: Operation, items: Sequence[Item]) -> list[Item]:
    packets = store.load_many(tx, [each.review_id for each in items])
    items = store.still_waiting(tx, operation, items)
    standings = store.standings(tx, packets, operation.actor)
    noted: list[Item] = []
    steps: list[tuple[Packet, Packet, tuple[Record, ...]]] = []
    for each in items:
        packet = packets.get(each.review_id)
        if packet is None:
            noted.append(domain.missing(each))
            continue
        who = standings[each.review_id]
        item, after, records = domain.carried_out(operation, each, packet, who)
        noted.append(item)
        steps.append((packet, after, records))
        if records:
            _note(tx, operation, packet, after, who)
    act = Act(by=operation.actor.person_id, reason=operation.reason, operation_id=operation.id)
    keep_many(tx, steps, act=act)
    return noted


def _note(tx: Tx, operation: Operation, packet: Packet, after: Packet, who: Standing) -> None:
    if operation.command is Command.UNRELEASE:
        action = UNRELEASE_AND_REVOKE if operation.revoke_signatures else "packet.unrelease"
        note(tx, action, packet, who, operation.reason)
        return
    part = after.requested_as if operation.command is Command.RELEASE else Part.HR_ADMIN
    note(tx, _ACTIONS[operation.command], packet, who, operation.reason, part=part)


def _locked(tx: Tx, operation_id: str, actor: Actor) -> Operation:
    return domain.may_see(store.read_operation(tx, operation_id, lock=True), actor)


def _audit(tx: Tx, action: str, operation: Operation, actor: Actor) -> None:
    role = HR_ADMIN if HR_ADMIN in actor.roles else Part.MANAGER.value
    entry = AuditEntry(actor=actor.person_id, role=role, action=action, object_id=operation.id, reason=operation.reason)
    tx.audit(entry)
