"""Where schedules begin: a started cycle with two reviews, at several settings and stages, kept as rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from harness.people import ANNA, BEN, HELEN, MAX
from harness.story import QUESTIONS, Story, expect
from reviewbus.testing.memory_broker import MemoryBroker
from simulation.scene import Known
from simulation.writing import TWO_LABELS

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from random import Random

    from harness.people import Person
    from simulation.lines import Delivered, Sent
    from simulation.machines import System

SETTINGS: dict[str, dict[str, Any]] = {
    "plain": {"calibration_required": False},
    "calibrated": {"calibration_required": True},
    "sent_when_calibrated": {"calibration_required": True, "release_after_calibration": True},
    "manager_direct": {"calibration_required": False, "release_mode": "manager_direct"},
    "manager_looks_late": {"calibration_required": False, "self_visibility": "after_manager_submit"},
    "recalled": {"calibration_required": False, "recall_window_minutes": 10},
}
STAGES = ("started", "written", "released", "both_released")
SETTING_WEIGHTS = (4, 3, 2, 2, 2, 4)
STAGE_WEIGHTS = (2, 3, 4, 3)
# At one setting only: everybody else has heard of all that both sides wrote, and packets of nothing yet.
UNHEARD, UNHEARD_SETTING, UNHEARD_SHARE = "unheard", "plain", 0.06
DEAF = "packets"
# What managers release waits, and ratings have two labels, one for each end of the scale.
RECALLED = "recalled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """A moment that schedules go on from: its rows lie in the databases under `name`."""

    name: str
    now: datetime
    ids: int
    logs: dict[Any, Any]
    committed: dict[Any, int]
    sent: tuple[Sent, ...]
    mails: tuple[Delivered, ...]
    cycle_id: str
    questionnaire_id: str


@dataclass(slots=True)
class Beginnings:
    """Makes each beginning when it is first asked for."""

    system: System
    mails: list[Delivered]
    made: dict[str, Beginning] = field(default_factory=dict)

    def choose(self, random: Random) -> str:
        """Return the name of a beginning."""
        if random.random() < UNHEARD_SHARE:
            return f"{UNHEARD_SETTING}__{UNHEARD}"
        setting = random.choices(tuple(SETTINGS), SETTING_WEIGHTS)[0]
        return f"{setting}__{random.choices(STAGES, STAGE_WEIGHTS)[0]}"

    def go_to(self, name: str, seed: int) -> Known:
        """Bring databases, broker, clock and processes to a beginning; ids made from now on are this seed's own."""
        if name not in self.made:
            self._make(name.split("__", maxsplit=1)[0])
        begin = self.made[name]
        self._put_back(begin, seed)
        return Known(cycle_id=begin.cycle_id, questionnaire_id=begin.questionnaire_id)

    def _put_back(self, begin: Beginning, seed: int) -> None:
        self.system.ground.put_back(begin.name)
        broker = MemoryBroker(
            logs={place: list(log) for place, log in begin.logs.items()}, committed=dict(begin.committed)
        )
        self.system.start(seed, broker, now=begin.now)
        self.system.ids.count = begin.ids
        self.system.sent.extend(begin.sent)
        self.mails[:] = begin.mails

    def _make(self, setting: str) -> None:
        """Tell the story at one setting, and keep each of its stages on the way."""
        system = self.system
        if not self.made:
            system.ground.put_aside("nothing")
        system.ground.put_back("nothing")
        system.start(0, MemoryBroker())
        self.mails.clear()
        story = Story(system.gateway, self._wait)
        story.import_people()
        story.create_questionnaire(TWO_LABELS if setting == RECALLED else QUESTIONS)
        story.create_cycle(**SETTINGS[setting])
        story.add_participants(ANNA, BEN)
        if setting == UNHEARD_SETTING:
            self._make_unheard(story)
        story.start_cycle()
        self._keep(f"{setting}__started", story)
        story.select_questions()
        story.written(ANNA)
        story.written(BEN)
        self._keep(f"{setting}__written", story)
        if SETTINGS[setting]["calibration_required"]:
            story.calibrate(ANNA, BEN)
        for employee, stage in ((ANNA, "released"), (BEN, "both_released")):
            self._wait(partial(_may_be_released, story, employee))
            if story.packet(employee)["state"] == "ready":
                story.send_to_manager(employee)
            # HR's release waits for no window.
            story.release(employee, by=HELEN if setting == RECALLED else MAX)
            self._keep(f"{setting}__{stage}", story)

    def _make_unheard(self, story: Story) -> None:
        """Keep the moment at which packets has not heard of anything, and go back."""
        before = f"{UNHEARD_SETTING}__created"
        self._keep(before, story)
        expect(story.as_(HELEN).post(f"/v1/cycles/{story.cycle_id}/start"))
        for employee in (ANNA, BEN):
            story.written(employee)
        self._keep(f"{UNHEARD_SETTING}__{UNHEARD}", story, deaf=DEAF)
        self._put_back(self.made[before], 0)

    def _wait(self, until: Callable[[], bool]) -> None:
        assert self.system.settle(), "the services do not come to rest"
        assert until(), "the services are at rest, and what the story waits for has not come about"

    def _keep(self, name: str, story: Story, *, deaf: str = "") -> None:
        system = self.system
        assert system.settle(deaf=deaf)
        system.ground.put_aside(name)
        self.made[name] = Beginning(
            name=name,
            now=system.clock.now,
            ids=system.ids.count,
            logs={place: list(log) for place, log in system.broker.logs.items()},
            committed=dict(system.broker.committed),
            sent=tuple(system.sent),
            mails=tuple(self.mails),
            cycle_id=story.cycle_id,
            questionnaire_id=story.questionnaire_id,
        )


def _may_be_released(story: Story, employee: Person) -> bool:
    return story.packet(employee)["state"] in {"ready", "with_manager"}
