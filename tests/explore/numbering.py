"""Numbers for rows and records, and what each step does to a row: computed once, looked up from then on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar
from zlib import crc32

from explore.steps import Step
from explore.violation import Violation, crashed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from explore.bus import Message
    from explore.observer import Observer
    from explore.side import Command, Moved, Side

R = TypeVar("R")
# The number of the row after a step, and the records sent with it, a bit each.
Done: TypeAlias = tuple[int, int]
MESSAGES_MAX = 1 << 14


class Messages:
    """Every record met, numbered. One that none of the sides reads is left out: it has no bit."""

    def __init__(self, sides: Iterable[Side[Any]]) -> None:
        self.known: list[Message] = []
        # A number that says nothing about the order in which records were met.
        self.keys: list[int] = []
        self.to: dict[str, int] = {}
        self.on: dict[str, int] = {}
        self._bits: dict[Message, int] = {}
        self._readers = {side.name: frozenset(side.handlers) for side in sides}

    def bits(self, sent: Iterable[Message]) -> int:
        """The set of these records."""
        together = 0
        for each in sent:
            together |= self._bits[each] if each in self._bits else self._add(each)
        return together

    def _add(self, message: Message) -> int:
        readers = [name for name, types in self._readers.items() if message.type in types]
        bit = 1 << len(self.known) if readers else 0
        self._bits[message] = bit
        if readers:
            self.known.append(message)
            self.keys.append(crc32(f"{message.type} {message.body}".encode()))
            self.on[message.topic] = self.on.get(message.topic, 0) | bit
        for name in readers:
            self.to[name] = self.to.get(name, 0) | bit
        return bit


class Rows(Generic[R]):
    """The rows of one service that were met."""

    def __init__(self, side: Side[R], messages: Messages, observer: Observer) -> None:
        self.side = side
        self.known: list[R] = []
        # By row: the records that change nothing there and are answered with none.
        self.inert: list[int] = []
        # By row: the commands and ticks that are refused or do nothing there, by the bits of their names.
        self.idle: list[int] = []
        self.bits = {each.name: 1 << number for number, each in enumerate((*side.commands, *side.ticks))}
        self._numbers: dict[R, int] = {}
        self._messages = messages
        self._observer = observer
        self._delivered: dict[int, Done] = {}
        self._moved: dict[tuple[int, object], Done | None] = {}
        self._steps: dict[int, Step] = {}

    def number(self, row: R) -> int:
        """The number of a row."""
        found = self._numbers.get(row)
        if found is None:
            self._observer.met_row(row)
            found = self._numbers[row] = len(self.known)
            self.known.append(row)
            self.inert.append(0)
            self.idle.append(0)
        return found

    def deliver(self, row: int, message: int) -> Done:
        """What the record does to the row."""
        key = row * MESSAGES_MAX + message
        done = self._delivered.get(key)
        if done is None:
            read = self._messages.known[message]
            handle = self.side.handlers[read.type]
            done = self._take(row, self.delivery(message), lambda each: handle(each, read), read)
            if done == (row, 0):
                self.inert[row] |= 1 << message
            self._delivered[key] = done
        return done

    def delivery(self, message: int) -> Step:
        """The step in which this service is given the record."""
        step = self._steps.get(message)
        if step is None:
            step = self._steps[message] = Step("deliver", self.side.name, str(self._messages.known[message]))
        return step

    def command(self, row: int, command: Command[R], step: Step) -> Done | None:
        """What the command does to the row; None where it is refused, or does nothing."""
        key = (row, command.name)
        if key in self._moved:
            return self._moved[key]
        done = self._moved[key] = self._act(row, command, step)
        if done is None:
            self.idle[row] |= self.bits[command.name]
        return done

    def tick(self, row: int, tick: Command[R], step: Step) -> Done:
        """What the service does to the row unasked."""
        done = self.move(row, tick.name, step, tick.act)
        if done == (row, 0):
            self.idle[row] |= self.bits[tick.name]
        return done

    def move(self, row: int, because: object, step: Step, act: Callable[[R], Moved[R]]) -> Done:
        """What anything else does to the row; `because` tells it from whatever else does something to it."""
        key = (row, because)
        done = self._moved.get(key)
        if done is None:
            done = self._moved[key] = self._take(row, step, act)
        return done

    def _act(self, row: int, command: Command[R], step: Step) -> Done | None:
        try:
            done = self._take(row, step, command.act)
        except self.side.refusal as refusal:
            self._observer.refused(step, self.known[row], refusal)
            return None
        return None if done == (row, 0) else done

    def _take(self, row: int, step: Step, act: Callable[[R], Moved[R]], message: Message | None = None) -> Done:
        before = self.known[row]
        try:
            after, sent = act(before)
        except self.side.refusal:
            raise
        except Exception as error:  # whatever is no refusal is a bug of the domain, and the schedule is told
            raise crashed(error, step) from error
        try:
            self._observer.saw(step, before, after, sent, message)
            return row if after is before else self.number(after), self._messages.bits(sent)
        except Violation as violation:
            violation.step = step
            raise
