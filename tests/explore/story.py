"""A schedule as a story: who does what, and how the three services stand after it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explore.faults import STORIES
from explore.machine import SIDES, Machine
from explore.observer import Observer
from explore.violation import Violation
from explore.walks import found_again
from signing.domain.record import Holder

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from assessment.domain.review import Review
    from explore.configurations import Configuration
    from explore.machine import World
    from explore.steps import Step
    from packets.domain.packet import Packet
    from signing.domain.record import SigningRecord

_STORIES: dict[str, str] = {each.name: each.story for side in SIDES for each in (*side.commands, *side.ticks)}
_STORIES |= STORIES


def told(configuration: Configuration, steps: Sequence[Step]) -> Iterator[str]:
    """The lines of the story, from the configuration's beginning."""
    machine = Machine(configuration, Observer())
    world = machine.first
    yield f"In the beginning ({configuration.name}):"
    yield from _standing(machine, world, None)
    for number, step in enumerate(steps, 1):
        yield f"{number:3}. {sentence(step)}"
        before = world
        try:
            # Records that differ in what is not shown have one name: the step may not be the very one.
            after = found_again(machine, world, step)
        except Violation as violation:
            yield f"     *** {violation}"
            return
        if after is None:
            yield "       (not possible here)"
            continue
        world = after[1]
        yield from _standing(machine, world, before)


def sentence(step: Step) -> str:
    """What happens, for readers."""
    if step.kind == "deliver":
        return f"{step.by} is given {step.of}"
    return _STORIES[step.of]


def _standing(machine: Machine, world: World, before: World | None) -> Iterator[str]:
    lines = (
        ("assessment", _review(machine.assessment.known[world[0]].review)),
        ("packets", _packet(machine.packets.known[world[1]].packet)),
        ("signing", _record(machine.signing.known[world[2]])),
    )
    for place, (name, line) in enumerate(lines):
        if before is None or before[place] != world[place]:
            yield f"       {name:10} {line}"


def _review(review: Review) -> str:
    registers = review.registers
    names = ("release", "signature_employee", "signature_manager", "completion")
    each = ((name, getattr(registers, name)) for name in names)
    held = ", ".join(f"{name} {'held' if one.held else 'free'}@{one.fence}" for name, one in each if one.fence)
    flags = "".join(f" {name}" for name in ("cancelled", "cycle_closed") if getattr(review, name))
    return (
        f"manager text v{review.manager_version} {review.manager_state}, self v{review.self_version} "
        f"{review.self_state}, {review.manager_id}{flags}; {held or 'no register used'}"
    )


def _packet(packet: Packet) -> str:
    shows = f"shows v{packet.snapshot.ref.manager_version}" if packet.snapshot else "shows nothing"
    return f"{packet.state}({packet.epoch}) {shows}, knows v{packet.manager_version}, {packet.calibration}"


def _record(record: SigningRecord) -> str:
    registers = ((holder, record.register(holder)) for holder in Holder)
    states = ", ".join(f"{holder} {one.state}@{one.fence}" for holder, one in registers)
    return f"{'released' if record.released else 'not released'}({record.packet_epoch}); {states}"
