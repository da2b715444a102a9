"""A service, composed: what its composition root gives to the runner and to tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reviewbus.consumer import Applier

if TYPE_CHECKING:
    from pathlib import Path
    from typing import TextIO

    import sqlalchemy as sa
    from flask import Flask

    from reviewbus.broker import Broker
    from reviewbus.catalogue import Catalogue
    from reviewbus.consumer import Subscriptions
    from reviewbus.db import Database
    from reviewbus.jobs import JobKind
    from reviewbus.settings import BusSettings


class Unable(Exception):
    """What an operator asked for cannot be done now; the message says why, and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Periodic:
    """Something done every so often by `work`; `run_once` returns how much it did.

    `every_s` 0: all the time, in a loop of its own beside the rest of `work`; it rests while `run_once` returns 0.
    """

    name: str
    every_s: float
    run_once: Callable[[], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A service, composed: what the runner runs and what tests drive by hand.

    `sweep` compares what this service holds with what it depends on, repairs, and returns what it found.
    `move_restored` moves every row of a restored database past what may still be in flight, and returns how many.
    `rebuild` builds what was learnt anew from the topics, beside what is served, prints how the two compare and says
    whether they are the same; it raises `Unable` when that cannot be done. None: there is nothing to compare.
    `niceness`: how much its loops give way to those of other services on the same machine, as `nice(1)` counts it.
    """

    settings: BusSettings
    db: Database
    catalogue: Catalogue
    migrations: Path
    metadata: sa.MetaData
    wsgi: Callable[[], Flask]
    subscriptions: Subscriptions = field(default_factory=dict)
    jobs: Mapping[str, JobKind] = field(default_factory=dict)
    periodic: Sequence[Periodic] = ()
    sweep: Callable[[], Sequence[Mapping[str, Any]]] = tuple
    move_restored: Callable[[], int] = int
    rebuild: Callable[[Broker, TextIO], bool] | None = None
    niceness: int = 0
    close: Callable[[], None] = lambda: None

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics that this service reads."""
        return tuple(sorted({self.catalogue.topic_of(kind) for kind in self.subscriptions}))

    def applier(self) -> Applier:
        """Return what applies records by this service's handlers."""
        return Applier(self.subscriptions, self.catalogue)


Build = Callable[[], Service]
