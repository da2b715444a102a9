"""What goes wrong, what services do about it, and what of that is still under way."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from explore import assessment_side, bus, packets_side, properties, signing_side
from packets.domain import sweep
from signing.domain.sweep import is_compared

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from explore.machine import Machine, World
    from explore.side import Moved
    from explore.steps import Step
    from signing.domain.record import SigningRecord

REVIEW, PACKET, RECORD = 0, 1, 2
SWEEPERS = frozenset({"packets", "signing"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Aftermath:
    """What faults have left behind, and what a sweep has read and not yet acted on; rows are named by their numbers.

    `away`: the service that was restored and serves nobody until its rows are moved; `seen` is assessment's row as it
    was read when that began. `past`: packets' newest epoch before it was restored. `written`: the own row was written
    since the other one was read. `early`: signing was restored while commands of before were still on their way: what
    it takes for signed may be freed, until a sweep finds it. `awaited`: whose sweeps assessment, which was restored,
    waits for before it takes edits. `late_locks`: commands that it had obeyed before may hold what nobody wants.
    """

    kept_review: int | None = None
    kept_packet: int | None = None
    kept_record: int | None = None
    away: str = ""
    awaited: frozenset[str] = frozenset()
    late_locks: bool = False
    seen: int | None = None
    past: int = 0
    early: bool = False
    read_by_packets: int | None = None
    written_by_packets: bool = False
    read_by_signing: int | None = None
    written_by_signing: bool = False
    packet_read: int | None = None


def mark_written(aftermath: Aftermath, by: str) -> Aftermath:
    """The same, after a service has written its row."""
    if by == "packets" and aftermath.read_by_packets is not None:
        return replace(aftermath, written_by_packets=True)
    if by == "signing" and aftermath.read_by_signing is not None:
        return replace(aftermath, written_by_signing=True)
    return aftermath


def sweeps_after(left: Aftermath) -> tuple[str, ...]:
    """The sweeps that can do something at all, after what faults have left behind."""
    possible = {
        "packets-sweep": left.away != "packets",
        "packets-sweep-late": left.away != "packets" and left.read_by_packets is not None,
        "signing-sweep-packets": not left.away,
        "signing-sweep-packets-late": not left.away and left.packet_read is not None,
        "signing-sweep-reviews": left.away != "signing",
        "signing-sweep-reviews-late": left.away != "signing" and left.read_by_signing is not None,
        "packets-move": left.away == "packets",
        "packets-move-late": left.away == "packets",
        "signing-move": left.away == "signing",
        "signing-move-late": left.away == "signing",
    }
    return tuple(name for name, can in possible.items() if can)


def _forget(topic: str, machine: Machine, world: World) -> World | None:
    """The broker forgets what it holds of a topic."""
    kept = world[3] & ~machine.messages.on.get(topic, 0)
    return (*world[:3], kept, *world[4:])


def _back_up_assessment(machine: Machine, world: World) -> World | None:
    """Assessment's database is backed up."""
    return (*world[:5], machine.aside(replace(machine.aftermaths[world[5]], kept_review=world[REVIEW])))


def _restore_assessment(machine: Machine, world: World) -> World | None:
    """Assessment's database is as it was when it was backed up, moved on; it takes no edits until others have swept.

    What was fetched of later versions can be fetched no more. What a sweep had read says nothing now: it is gone.
    """
    now = machine.aftermaths[world[5]]
    if now.kept_review is None or now.away:
        return None
    kept = machine.assessment.known[now.kept_review]
    row = assessment_side.restored(kept)
    fetched = machine.messages.bits((*assessment_side.fetchable(kept), *assessment_side.fetchable(row)))
    after = Aftermath(
        kept_packet=now.kept_packet,
        kept_record=now.kept_record,
        past=now.past,
        awaited=SWEEPERS,
        late_locks=True,
    )
    rest = world[3] & ~machine.messages.on.get(bus.HTTP, 0) | fetched
    return (machine.assessment.number(row), *world[1:3], rest, world[4], machine.aside(after))


def _swept_whole(machine: Machine, world: World, service: str, *, whole: bool) -> World:
    """The world in which a restored assessment no longer waits for this service, if its sweep left nothing out."""
    now = machine.aftermaths[world[5]]
    if not whole or service not in now.awaited:
        return world
    return (*world[:5], machine.aside(replace(now, awaited=now.awaited - {service})))


def _back_up_packets(machine: Machine, world: World) -> World | None:
    """Packets' database is backed up."""
    return (*world[:5], machine.aside(replace(machine.aftermaths[world[5]], kept_packet=world[PACKET])))


def _back_up_signing(machine: Machine, world: World) -> World | None:
    """Signing's database is backed up."""
    return (*world[:5], machine.aside(replace(machine.aftermaths[world[5]], kept_record=world[RECORD])))


def _restore_packets(machine: Machine, world: World) -> World | None:
    """Packets' database is as it was when it was backed up; whatever a sweep had read is gone."""
    now = machine.aftermaths[world[5]]
    if now.kept_packet is None or now.away or now.awaited:
        return None
    past = machine.packets.known[world[PACKET]].packet.epoch
    after = Aftermath(
        kept_review=now.kept_review,
        kept_record=now.kept_record,
        away="packets",
        seen=world[REVIEW],
        past=past,
        late_locks=now.late_locks,
    )
    return (world[REVIEW], now.kept_packet, *world[2:5], machine.aside(after))


def _restore_signing(machine: Machine, world: World, *, early: bool) -> World | None:
    """Signing's database is as it was when it was backed up; unless `early`, assessment has read all commands sent."""
    now = machine.aftermaths[world[5]]
    if now.kept_record is None or now.away or now.awaited:
        return None
    after = Aftermath(
        kept_review=now.kept_review,
        kept_packet=now.kept_packet,
        away="signing",
        seen=world[REVIEW],
        past=now.past,
        early=early,
        late_locks=now.late_locks,
    )
    rest = world[3] if early else world[3] & ~machine.messages.on.get("reviews.holds.v1", 0)
    return (*world[:2], now.kept_record, rest, world[4], machine.aside(after))


def _packets_read(machine: Machine, world: World) -> World | None:
    """Packets' sweep has read both rows, and will act on that later."""
    now = machine.aftermaths[world[5]]
    read = replace(now, read_by_packets=world[REVIEW], written_by_packets=False)
    return None if now.away == "packets" else (*world[:5], machine.aside(read))


def _signing_read(machine: Machine, world: World) -> World | None:
    """Signing's sweep has read the rows of the others, and will act on that later."""
    now = machine.aftermaths[world[5]]
    if now.away:
        return None
    read = replace(now, read_by_signing=world[REVIEW], written_by_signing=False, packet_read=world[PACKET])
    return (*world[:5], machine.aside(read))


def _packets_sweep(machine: Machine, world: World, step: Step, *, late: bool) -> World | None:
    now = machine.aftermaths[world[5]]
    seen = now.read_by_packets if late else world[REVIEW]
    if now.away == "packets" or seen is None:
        return None
    written = late and now.written_by_packets
    act = partial(_swept_packet, seen=machine.assessment.known[seen], written=written)
    done = machine.packets.move(world[PACKET], ("sweep", seen, written), step, act)
    if not late and done == (world[PACKET], 0):
        machine.settled.add(("packets-sweep", world[PACKET], seen))
    after = machine.moved(world, PACKET, done)
    if done[0] != world[PACKET]:
        rows = machine.packets.known[world[PACKET]], machine.packets.known[done[0]]
        properties.rightly_swept(*rows, machine.assessment.known[world[REVIEW]], step)
    asking = sweep.awaits_grant(machine.packets.known[world[PACKET]].packet)
    after = _swept_whole(machine, after, "packets", whole=not (written or asking))
    if not late:
        return after
    left = replace(machine.aftermaths[after[5]], read_by_packets=None, written_by_packets=False)
    return (*after[:5], machine.aside(left))


def _signing_sweep_of_packets(machine: Machine, world: World, step: Step, *, late: bool) -> World | None:
    now = machine.aftermaths[world[5]]
    seen = now.packet_read if late else world[PACKET]
    if now.away or seen is None:
        return None
    act = partial(_swept_of_packets, seen=machine.packets.known[seen])
    done = machine.signing.move(world[RECORD], ("packet", seen), step, act)
    if not late and done == (world[RECORD], 0):
        machine.settled.add(("signing-sweep-packets", world[RECORD], seen))
    after = machine.moved(world, RECORD, done)
    return (*after[:5], machine.aside(replace(machine.aftermaths[after[5]], packet_read=None))) if late else after


def _signing_sweep_of_reviews(machine: Machine, world: World, step: Step, *, late: bool) -> World | None:
    now = machine.aftermaths[world[5]]
    seen = now.read_by_signing if late else world[REVIEW]
    if now.away == "signing" or seen is None:
        return None
    written = late and now.written_by_signing
    act = partial(_swept_of_reviews, seen=machine.assessment.known[seen], written=written)
    done = machine.signing.move(world[RECORD], ("review", seen, written), step, act)
    if not late and done == (world[RECORD], 0):
        machine.settled.add(("signing-sweep-reviews", world[RECORD], seen))
    after = machine.moved(world, RECORD, done)
    record = machine.signing.known[world[RECORD]]
    compared = is_compared(record, row_version_read=record.row_version)
    after = _swept_whole(machine, after, "signing", whole=compared and not written)
    if done[0] != world[RECORD] and not now.early:
        now_signed, review = machine.signing.known[done[0]], machine.assessment.known[world[REVIEW]]
        properties.rightly_compared(record, now_signed, review, step)
    if not late:
        return after
    left = replace(machine.aftermaths[after[5]], read_by_signing=None, written_by_signing=False)
    return (*after[:5], machine.aside(left))


def _packets_move(machine: Machine, world: World, step: Step, *, late: bool) -> World | None:
    """The restored row of packets moves, by what was read of assessment just now or when the restore began."""
    now = machine.aftermaths[world[5]]
    seen = now.seen if late else world[REVIEW]
    if now.away != "packets" or seen is None:
        return None
    act = partial(_moved_packet, seen=machine.assessment.known[seen])
    after = machine.moved(world, PACKET, machine.packets.move(world[PACKET], ("move", seen), step, act))
    return (*after[:5], machine.aside(replace(now, away="", seen=None)))


def _signing_move(machine: Machine, world: World, step: Step, *, late: bool) -> World | None:
    now = machine.aftermaths[world[5]]
    seen = now.seen if late else world[REVIEW]
    if now.away != "signing" or seen is None:
        return None
    act = partial(_moved_record, seen=machine.assessment.known[seen])
    after = machine.moved(world, RECORD, machine.signing.move(world[RECORD], ("move", seen), step, act))
    return (*after[:5], machine.aside(replace(now, away="", seen=None)))


def _swept_packet(row: packets_side.Row, *, seen: assessment_side.Row, written: bool) -> Moved[packets_side.Row]:
    return packets_side.swept(row, assessment_side.state_item(seen), written=written)


def _moved_packet(row: packets_side.Row, *, seen: assessment_side.Row) -> Moved[packets_side.Row]:
    return packets_side.moved_after_restore(row, assessment_side.state_item(seen))


def _swept_of_packets(record: SigningRecord, *, seen: packets_side.Row) -> Moved[SigningRecord]:
    return signing_side.swept_packets(record, packets_side.state_item(seen))


def _swept_of_reviews(record: SigningRecord, *, seen: assessment_side.Row, written: bool) -> Moved[SigningRecord]:
    return signing_side.swept_reviews(record, assessment_side.state_item(seen), written=written)


def _moved_record(record: SigningRecord, *, seen: assessment_side.Row) -> Moved[SigningRecord]:
    return signing_side.moved_after_restore(record, assessment_side.state_item(seen))


FAULTS: Mapping[str, Callable[[Machine, World], World | None]] = {
    "forget-holds": partial(_forget, "reviews.holds.v1"),
    "forget-assessment": partial(_forget, "reviews.assessment.v1"),
    "forget-packets": partial(_forget, "reviews.packets.v1"),
    "back-up-assessment": _back_up_assessment,
    "back-up-packets": _back_up_packets,
    "back-up-signing": _back_up_signing,
    "restore-assessment": _restore_assessment,
    "restore-packets": _restore_packets,
    "restore-signing": partial(_restore_signing, early=False),
    "restore-signing-early": partial(_restore_signing, early=True),
    "packets-read": _packets_read,
    "signing-read": _signing_read,
}
SWEEPS: Mapping[str, Callable[[Machine, World, Step], World | None]] = {
    "packets-sweep": partial(_packets_sweep, late=False),
    "packets-sweep-late": partial(_packets_sweep, late=True),
    "signing-sweep-packets": partial(_signing_sweep_of_packets, late=False),
    "signing-sweep-packets-late": partial(_signing_sweep_of_packets, late=True),
    "signing-sweep-reviews": partial(_signing_sweep_of_reviews, late=False),
    "signing-sweep-reviews-late": partial(_signing_sweep_of_reviews, late=True),
    "packets-move": partial(_packets_move, late=False),
    "packets-move-late": partial(_packets_move, late=True),
    "signing-move": partial(_signing_move, late=False),
    "signing-move-late": partial(_signing_move, late=True),
}
# The sweeps that act on both rows as they are: the places of the own one and of the other.
PAIRS = {
    "packets-sweep": (PACKET, REVIEW),
    "signing-sweep-packets": (RECORD, PACKET),
    "signing-sweep-reviews": (RECORD, REVIEW),
}
STORIES = {
    "forget-holds": "the broker forgets the commands to assessment",
    "forget-assessment": "the broker forgets what assessment said",
    "forget-packets": "the broker forgets what packets said",
    "back-up-assessment": "assessment's database is backed up",
    "restore-assessment": "assessment's database is restored; it takes no edits until the others have swept",
    "back-up-packets": "packets' database is backed up",
    "back-up-signing": "signing's database is backed up",
    "restore-packets": "packets' database is restored; it serves nobody",
    "restore-signing": "assessment has read all commands; signing's database is restored; it serves nobody",
    "restore-signing-early": "signing's database is restored, commands being on their way; it serves nobody",
    "packets-read": "packets' sweep has read its row, then assessment's, and goes on later",
    "signing-read": "signing's sweep has read its row, then those of the others, and goes on later",
    "packets-sweep": "packets' sweep",
    "packets-sweep-late": "packets' sweep goes on with what it has read",
    "signing-sweep-packets": "signing's sweep of packets",
    "signing-sweep-packets-late": "signing's sweep goes on with what it has read of packets",
    "signing-sweep-reviews": "signing's sweep of assessment",
    "signing-sweep-reviews-late": "signing's sweep goes on with what it has read of assessment",
    "packets-move": "packets' restored row is moved; it serves again",
    "packets-move-late": "packets' restored row is moved by what was read at first; it serves again",
    "signing-move": "signing's restored row is moved; it serves again",
    "signing-move-late": "signing's restored row is moved by what was read at first; it serves again",
}
