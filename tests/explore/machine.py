"""One review in all three services at once, as numbers: its states and the steps between them, each judged."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, TypeAlias
from zlib import crc32

from explore import assessment_side, bus, packets_side, properties, signing_side
from explore.faults import FAULTS, PAIRS, SWEEPS, Aftermath, mark_written, sweeps_after
from explore.numbering import Messages, Rows
from explore.steps import Step
from explore.violation import Violation

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from explore.configurations import Configuration
    from explore.numbering import Done
    from explore.observer import Observer
    from explore.side import Side

# Numbers of the rows of assessment, packets and signing; the records ever sent and not forgotten, a bit each; what
# people and faults may still do, four bits for each; the number of what faults have left behind.
World: TypeAlias = tuple[int, int, int, int, int, int]
Next: TypeAlias = tuple[Step, World]
# What may be possible: a record for a service, by both numbers; else the name of a tick, sweep, command or fault.
Option: TypeAlias = tuple[int, int] | str
# An option, and a number that is drawn by: it says nothing about the order in which things were met.
Lot: TypeAlias = tuple[int, Option]
COUNT_BITS = 4
COUNT_MASK = (1 << COUNT_BITS) - 1
SIDES: tuple[Side[Any], ...] = (assessment_side.SIDE, packets_side.SIDE, signing_side.SIDE)
SETUP_STEPS_MAX = 1_000
# Without these nothing happens: they are part of every schedule. What ends a review seldom is.
ALWAYS = frozenset({"write-self", "share", "edit", "submit", "release"})
FEW = 6
RARE = frozenset({"cancel", "close"})
OFTEN, RARELY = 0.5, 0.1
# How often, while people are at it, a draw is also of records that were given before, and of what services do unasked.
AGAIN, BY_ITSELF = 0.3, 0.5
# For so many draws a record is new.
NEW_DRAWS = 8
NOTHING = (0, 0, 0)
# Multiplied by this, numbers that are near each other are far apart.
SPREAD, SPREAD_MASK = 0x9E3779B97F4A7C15, (1 << 64) - 1


class Given:
    """The records that each service was given in one schedule, a bit each, and what was in the bag some draws ago."""

    def __init__(self) -> None:
        self.to = [0, 0, 0]
        self._bags = deque([0], NEW_DRAWS)

    def not_new(self, bag: int) -> tuple[int, int, int]:
        """By service the records that it was given, or that have been there for a while."""
        old = self._bags[0]
        self._bags.append(bag)
        return self.to[0] | old, self.to[1] | old, self.to[2] | old


class Machine:
    """The worlds of one configuration. `observer` sees every step of a row when it is first taken."""

    def __init__(self, configuration: Configuration, observer: Observer) -> None:
        self.configuration = configuration
        self.messages = Messages(SIDES)
        self.assessment = Rows(assessment_side.SIDE, self.messages, observer)
        self.packets = Rows(packets_side.SIDE, self.messages, observer)
        self.signing = Rows(signing_side.SIDE, self.messages, observer)
        self.aftermaths: list[Aftermath] = [Aftermath()]
        self._asides = {Aftermath(): 0}
        self._rows: tuple[Rows[Any], ...] = (self.assessment, self.packets, self.signing)
        self._commands = {each.name: (place, each) for place, side in enumerate(SIDES) for each in side.commands}
        self._ticks = {each.name: (place, each) for place, side in enumerate(SIDES) for each in side.ticks}
        self._steps = {name: Step("command", SIDES[place].name, name) for name, (place, _) in self._commands.items()}
        self._steps |= {name: Step("tick", SIDES[place].name, name) for name, (place, _) in self._ticks.items()}
        self._steps |= {name: Step("fault", "", name) for name in FAULTS}
        self._steps |= {name: Step("sweep", "", name) for name in SWEEPS}
        self._keys = {name: crc32(name.encode()) for name in self._steps}
        # By name: whose row decides whether it does anything, and the bit of the name there.
        self._of = _places(self._rows)
        self._ticking: tuple[tuple[tuple[int, Lot], ...], ...] = tuple(
            tuple((rows.bits[each.name], (self._keys[each.name], each.name)) for each in rows.side.ticks)
            for rows in self._rows
        )
        # By what faults have left behind: the sweeps, each with the places of the rows that it compares.
        self._sweeps: dict[int, tuple[tuple[tuple[int, int] | None, Lot], ...]] = {}
        # The sweeps that find nothing in rows of these two numbers.
        self.settled: set[tuple[str, int, int]] = set()
        # By what is left of the budgets: who may act, whose row decides, and the bit there.
        self._able: dict[int, tuple[tuple[int, int, Lot], ...]] = {}
        self._shifts = {name: COUNT_BITS * number for number, name in enumerate(configuration.budgets)}
        self._judged: tuple[set[int], ...] = (set(), set(), set(), set(), set())
        self.first = self._begin()

    def drawn(self, random: Random) -> World:
        """The first world, with about half of the budgets unless they are few: what hides a bug often is not there."""
        left = self.first[4]
        if len(self._shifts) <= FEW:
            return self.first
        for name, shift in self._shifts.items():
            if name not in ALWAYS and random.random() > (RARELY if name in RARE else OFTEN):
                left &= ~(COUNT_MASK << shift)
        return (*self.first[:4], left, self.first[5])

    def unasked(self, world: World) -> list[Next]:
        """What can happen though nobody does anything more, as far as it changes anything."""
        return [after for _, each in self._going_on(world) if (after := self._taken(world, each)) is not None]

    def asked(self, world: World) -> list[Next]:
        """What people and faults can still do, as far as it is not refused and changes anything."""
        return [after for _, each in self._may(world) if (after := self._taken(world, each)) is not None]

    def one_unasked(self, world: World, random: Random, given: Given | None = None) -> Next | None:
        """One at random of those that `unasked` finds, without looking at all of them.

        With `given`, to which is added what is given now, not everything is looked at each time: mostly what is new.
        """
        if given is None:
            drawn = self._drawn(world, self._going_on(world), random)
            return None if drawn is None else drawn[1]
        masks = NOTHING if random.random() < AGAIN else given.not_new(world[3])
        lots = self._going_on(world, masks, by_itself=random.random() < BY_ITSELF)
        drawn = self._drawn(world, lots, random)
        if drawn is None:
            return None
        if isinstance(drawn[0], tuple):
            place, message = drawn[0]
            given.to[place] |= 1 << message
        return drawn[1]

    def one_asked(self, world: World, random: Random, tried: float = 1.0) -> Next | None:
        """One at random of those that `asked` finds, without looking at all; each is `tried` that often."""
        drawn = self._drawn(world, self._may(world), random, tried)
        return None if drawn is None else drawn[1]

    def judge(self, world: World) -> None:
        """Raise `Violation` where this world is against a rule. What was found to be well is not looked at again."""
        review, packet, record, _, _, aside = world
        now = self.aftermaths[aside]
        away = "signing" if now.early else now.away
        first, second, third, fourth, fifth = self._judged
        if away != "packets" and "packets" not in now.awaited:
            key = (packet << 32) | review
            if key not in first:
                properties.packet_and_review(self.packets.known[packet], self.assessment.known[review])
                first.add(key)
            if not now.late_locks and key not in fifth:
                properties.no_orphan(self.packets.known[packet], self.assessment.known[review])
                fifth.add(key)
        if away != "signing" and "signing" not in now.awaited:
            key = (record << 32) | review
            if key not in second:
                properties.record_and_review(self.signing.known[record], self.assessment.known[review])
                second.add(key)
        if not away:
            key = (packet << 32) | record
            if key not in third:
                properties.packet_and_record(self.packets.known[packet], self.signing.known[record])
                third.add(key)
            if aside:
                key = (packet << 32) | aside
                if key not in fourth:
                    properties.packet_and_past(self.packets.known[packet], self.aftermaths[aside].past)
                    fourth.add(key)

    def judge_rest(self, world: World) -> None:
        """Raise `Violation` where what must have come about has not, though nothing is left to happen."""
        review, packet, record = world[:3]
        rows = (self.packets.known[packet], self.assessment.known[review], self.signing.known[record])
        properties.at_rest(*rows)
        if self.configuration.sweeps:
            properties.all_known(*rows)

    def moved(self, world: World, place: int, done: Done) -> World:
        """The world after a row of it was moved, and records sent."""
        review, packet, record, bag, left, aside = world
        if aside and done[0] != world[place]:
            aside = self.aside(mark_written(self.aftermaths[aside], SIDES[place].name))
        if place == 0:
            return (done[0], packet, record, bag | done[1], left, aside)
        if place == 1:
            return (review, done[0], record, bag | done[1], left, aside)
        return (review, packet, done[0], bag | done[1], left, aside)

    def aside(self, aftermath: Aftermath) -> int:
        """The number of what faults have left behind."""
        number = self._asides.get(aftermath)
        if number is None:
            number = self._asides[aftermath] = len(self.aftermaths)
            self.aftermaths.append(aftermath)
        return number

    def _going_on(self, world: World, given: Sequence[int] = NOTHING, *, by_itself: bool = True) -> list[Lot]:
        """What may happen unasked, without what is known to do nothing to these rows.

        Without the records `given` by service, and without what services do `by_itself`, if so asked.
        """
        bag, aside = world[3], world[5]
        away = self.aftermaths[aside].away if aside else ""
        keys, to = self.messages.keys, self.messages.to
        found: list[Lot] = []
        for place, rows in enumerate(self._rows):
            name = rows.side.name
            if name == away:
                continue
            row = world[place]
            left = bag & to.get(name, 0) & ~rows.inert[row] & ~given[place]
            while left:
                lowest = left & -left
                left ^= lowest
                message = lowest.bit_length() - 1
                found.append((keys[message] + place, (place, message)))
            if by_itself:
                idle = rows.idle[row]
                found += [lot for bit, lot in self._ticking[place] if not bit & idle]
        if by_itself and self.configuration.sweeps:
            found += self._sweeping(world)
        return found

    def _sweeping(self, world: World) -> list[Lot]:
        """The sweeps that may do something; what faults have left behind says which those are."""
        aside = world[5]
        sweeps = self._sweeps.get(aside)
        if sweeps is None:
            names = sweeps_after(self.aftermaths[aside])
            sweeps = self._sweeps[aside] = tuple((PAIRS.get(name), (self._keys[name], name)) for name in names)
        if self.aftermaths[aside].awaited:
            return [lot for _, lot in sweeps]
        settled = self.settled
        return [lot for pair, lot in sweeps if pair is None or (lot[1], world[pair[0]], world[pair[1]]) not in settled]

    def _may(self, world: World) -> list[Lot]:
        """What people and faults may do, without what these rows are known to refuse."""
        left = world[4]
        able = self._able.get(left)
        if able is None:
            names = [name for name, shift in self._shifts.items() if (left >> shift) & COUNT_MASK]
            able = self._able[left] = tuple((*self._of.get(name, (0, 0)), (self._keys[name], name)) for name in names)
        idle = tuple(rows.idle[row] for rows, row in zip(self._rows, world, strict=False))
        return [lot for place, bit, lot in able if not bit & idle[place]]

    def _drawn(self, world: World, lots: list[Lot], random: Random, tried: float = 1.0) -> tuple[Option, Next] | None:
        """The first that leads anywhere, in an order drawn at random; of all lots this share is tried.

        The same draw leads to the same step whatever this machine has met before: so a schedule can be taken again.
        """
        salt = random.getrandbits(32)
        order = [(key ^ salt) * SPREAD & SPREAD_MASK for key, _ in lots]
        most = int(tried * SPREAD_MASK)
        while order:
            first = min(order)
            if first > most:
                return None
            at = order.index(first)
            after = self._taken(world, lots[at][1])
            if after is not None:
                return lots[at][1], after
            del order[at], lots[at]
        return None

    def _taken(self, world: World, option: Option) -> Next | None:
        """The step and where it leads; None where it is refused or leads nowhere."""
        if isinstance(option, tuple):
            place, message = option
            rows, row = self._rows[place], world[place]
            done = rows.deliver(row, message)
            if done[0] == row and not done[1] & ~world[3]:
                return None
            return rows.delivery(message), self.moved(world, place, done)
        step = self._steps[option]
        if option in self._ticks:
            after = self._ticked(world, option, step)
        elif option in SWEEPS:
            after = SWEEPS[option](self, world, step)
        else:
            after = self._commanded(world, option, step) if option in self._commands else FAULTS[option](self, world)
            if after is not None and after != world:
                after = (*after[:4], after[4] - (1 << self._shifts[option]), after[5])
        return None if after is None or after == world else (step, after)

    def _ticked(self, world: World, name: str, step: Step) -> World | None:
        place, tick = self._ticks[name]
        if world[5] and self.aftermaths[world[5]].away == SIDES[place].name:
            return None
        return self.moved(world, place, self._rows[place].tick(world[place], tick, step))

    def _commanded(self, world: World, name: str, step: Step) -> World | None:
        place, command = self._commands[name]
        if world[5]:
            aftermath = self.aftermaths[world[5]]
            if aftermath.away == SIDES[place].name or (place == 0 and aftermath.awaited):
                return None
        done = self._rows[place].command(world[place], command, step)
        return None if done is None else self.moved(world, place, done)

    def _begin(self) -> World:
        """The world in which the configuration's exploration starts: after its setup, everything read and forgotten."""
        review, packet, record = self.configuration.first_rows()
        world: World = (
            self.assessment.number(review),
            self.packets.number(packet),
            self.signing.number(record),
            0,
            0,
            0,
        )
        for name in self.configuration.setup:
            after = self._commanded(world, name, self._steps[name])
            if after is None:
                raise Violation("setup", f"{name} is refused, or does nothing")
            world = self._settled(after)
        budget = sum(count << self._shifts[name] for name, count in self.configuration.budgets.items())
        return (*world[:3], world[3] & self.messages.on.get(bus.HTTP, 0), budget, 0)

    def _settled(self, world: World) -> World:
        for _ in range(SETUP_STEPS_MAX):
            self.judge(world)
            following = self.unasked(world)
            if not following:
                return world
            world = following[0][1]
        raise Violation("setup", "it never rests")


def _places(sides: Sequence[Rows[Any]]) -> dict[str, tuple[int, int]]:
    """By the name of a command or tick: the place of its row, and its bit there."""
    return {name: (place, bit) for place, rows in enumerate(sides) for name, bit in rows.bits.items()}
