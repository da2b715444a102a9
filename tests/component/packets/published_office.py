"""An office whose facts also stand in the topics, and what was told of a cycle until now."""

from __future__ import annotations

import io
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

from component.packets import packets_office
from component.packets.packets_office import (
    CANARY,
    CYCLE,
    DIRECTOR,
    GOALS,
    GROWTH,
    MANAGER,
    OTHER,
    OTHER_EMPLOYEE,
    OUTSIDER,
    Office,
)
from packets.work.rebuild import Rebuild
from packets.work.scratch import SCHEMA
from reviewbus.broker import Outgoing
from reviewbus.envelope import Event, encode_headers, seal
from reviewbus.telemetry import current_trace
from reviewbus.testing.memory_broker import MemoryBroker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from harness.stack import ServiceDatabase

THIRD = "0198c0de-2000-7b20-9c3f-000000000003"


@dataclass(slots=True)
class Published(Office):
    """What is told stands in the topics, too."""

    broker: MemoryBroker = field(default_factory=MemoryBroker)

    def tell(self, kind: str, data: dict[str, Any], *, times: int = 2) -> None:
        self.publish(kind, data)
        Office.tell(self, kind, data, times=times)

    def publish(self, kind: str, data: dict[str, Any]) -> None:
        """Add the record to its topic, where packets has not read it yet."""
        one = self.received(kind, data)
        sealed = seal(
            Event(type=kind, key=one.key, data=data),
            event_id=one.id,
            topic=self.service.catalogue.topic_of(kind),
            source="/assessment",
            time=self.clock(),
            trace=current_trace(),
        )
        record = Outgoing(
            topic=sealed.topic, key=sealed.key.encode(), headers=encode_headers(sealed.headers), value=sealed.body
        )
        assert self.broker.producer().publish([record]) == [None]

    def rebuild(
        self, *, rest: Callable[[], None] = lambda: None, broker: MemoryBroker | None = None
    ) -> tuple[bool, str]:
        """Build and compare; return whether all is the same, and what was printed."""
        wired = self.service.rebuild
        assert isinstance(wired, Rebuild)
        out = io.StringIO()
        same = replace(wired, rest=lambda _: rest())(broker or self.broker, out)
        assert CANARY not in out.getvalue()
        return same, out.getvalue()

    def schemas(self) -> list[dict[str, Any]]:
        """Return what is left of the places where it is built."""
        return self.rows("select nspname from pg_namespace where nspname = %s", SCHEMA)


@contextmanager
def publishing(database: ServiceDatabase, folder: Path) -> Iterator[Published]:
    """Open an empty office whose facts stand in the topics, and close it."""
    packets_office.empty(database)
    opened = packets_office.open_office(database, folder)
    one = Published(**{each.name: getattr(opened, each.name) for each in fields(Office)})
    one.broker.ensure_topics(list(one.service.catalogue.topics.values()))
    try:
        yield one
    finally:
        one.close()


def story(one: Published) -> None:
    """Tell of three reviews: one released and signed, one revised, reassigned and calibrated, one cancelled."""
    named = {
        "questionnaire_id": packets_office.QUESTIONNAIRE[0],
        "questionnaire_version": packets_office.QUESTIONNAIRE[1],
    }
    one.tell("cycle.started.v1", {"cycle_id": CYCLE, "version": 2, **named})
    one.ready()
    one.released()
    one.answer("granted", 2, holder="signature:employee")
    one.opened(OTHER, subject_id=OTHER_EMPLOYEE, calibrated=True)
    one.submitted(OTHER)
    one.work()
    one.submitted(OTHER, answers={GOALS: f"<p>Another year. {CANARY}</p>", GROWTH: "o-stay"}, kind="revised")
    one.assessment.rows[OTHER]["manager_id"] = OUTSIDER
    one.tell("review.reassigned.v1", one.about(OTHER, former_manager_id=MANAGER))
    one.opened(THIRD, subject_id=DIRECTOR)
    one.assessment.rows[THIRD]["cancelled"] = True
    one.tell("review.cancelled.v1", one.about(THIRD))
    one.work()
