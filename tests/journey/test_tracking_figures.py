"""Tracking's figures are those of the records: whoever reads the topics alone counts the same."""

from __future__ import annotations

import json
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from harness.people import AMY, ANNA, BEN, CAST, HELEN, KAI, MAX, MIRA, OLGA
from harness.story import MANAGER_ANSWERS, expect
from reviewbus.envelope import type_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness.journey import Stage
    from harness.people import Person
    from harness.world import World

REVIEWED = (ANNA, BEN, OLGA, KAI)
ACTS = 80
LIKELY = {
    "send": 5,
    "release": 6,
    "bypass": 2,
    "unrelease": 2,
    "take": 1,
    "read": 5,
    "pdf": 2,
    "talk": 3,
    "sign": 4,
    "override": 3,
    "revise": 1,
    "reassign": 1,
}
BY_ID = {one.id: one for one in CAST}
SIGNED = {
    "signature:employee": "signed_by_employee",
    "signature:manager": "signed_by_manager",
    "completion": "completed",
}


@dataclass(slots=True)
class Told:
    """What the records told of one review."""

    manager_id: str = ""
    state: str = "none"
    released_as: str = ""
    was_sent: bool = False
    marks: set[str] = field(default_factory=set)
    held: dict[str, tuple[int, bool]] = field(default_factory=dict)
    manager_version: int = 0
    overridden: int | None = None
    calibrated: bool = False

    def hear(self, kind: str, data: dict[str, Any]) -> None:
        """Take one record in."""
        kind = kind.removesuffix(".v1")
        self.manager_id = data["manager_id"] if kind in {"review.opened", "review.reassigned"} else self.manager_id
        if kind.startswith("hold.") and kind != "hold.requested":
            self._hear_hold(kind, data)
        elif kind.startswith("manager-assessment."):
            self.calibrated = self.calibrated and self.manager_version == data["manager_version"]
            self.manager_version = data["manager_version"]
        elif kind in {"calibration.completed", "calibration.confirmed", "calibration.marked-stale"}:
            self.calibrated = kind != "calibration.marked-stale"
        elif kind == "calibration.rating-changed":
            self.overridden = None
        elif kind == "calibration.overridden":
            self.overridden = data["manager_version"]
        else:
            self._hear_packet(kind, data)

    def _hear_packet(self, kind: str, data: dict[str, Any]) -> None:
        match kind:
            case "hold.requested":
                if data["holder"] == "release":
                    self._move("releasing" if data["want"] == "held" else "unreleasing")
            case "packet.ready" | "packet.released":
                self._move(kind.removeprefix("packet."))
                self.released_as = data.get("by_role", "")
            case "packet.released-to-manager":
                self._move("with_manager")
                self.was_sent = True
            case "packet.rebuilt" | "packet.withdrawn" | "packet.release-failed":
                self._move(data["state"])
            case "packet.viewed":
                self.marks.add("viewed")
            case "packet.downloaded":
                self.marks |= {"downloaded"} if data["by_role"] == "employee" else set()
            case "conversation.recorded":
                self.marks.add("conversations")

    def _hear_hold(self, kind: str, data: dict[str, Any]) -> None:
        fence, held = self.held.get(data["holder"], (-1, False))
        if kind != "hold.superseded" and data["fence"] > fence:
            fence, held = data["fence"], kind == "hold.granted"
        self.held[data["holder"]] = fence, held

    def _move(self, state: str) -> None:
        if state in {"none", "ready", "unreleasing"}:
            self.marks.clear()
            self.was_sent = False
        self.state = state

    def counted(self) -> set[str]:
        """Return under what the packet is counted."""
        found = {"packets", self.state, *self.marks}
        found |= {"sent"} if self.was_sent else set()
        found |= {SIGNED[holder] for holder, (_, held) in self.held.items() if held and holder in SIGNED}
        if self.state == "released":
            found.add("released_by_hr" if self.released_as == "hr_admin" else "released_by_manager")
        overridden = self.overridden is not None and self.overridden == self.manager_version
        return found | ({"overridden"} if overridden and not self.calibrated else set())


def told_by_the_topics(world: World, review_ids: set[str]) -> dict[str, Told]:
    """Read every record of the reviews, each source's in its own order, repeats left out."""
    found: dict[tuple[str, str], dict[int, tuple[str, dict[str, Any]]]] = {}
    for record in world.broker.records():
        headers, key = dict(record.headers), (record.key or b"").decode()
        if key in review_ids and record.value:
            source, sequence = headers["ce_source"].decode(), int(headers["ce_sequence"])
            said = (type_of(record.headers) or "", json.loads(record.value))
            found.setdefault((key, source), {})[sequence] = said
    told = {review_id: Told() for review_id in review_ids}
    # What assessment says first: the version of an override is compared with the newest.
    for (key, source), records in sorted(found.items(), key=lambda one: one[0][1]):
        for _, (kind, data) in sorted(records.items()):
            if source in {"/assessment", "/packets"}:
                told[key].hear(kind, data)
    return told


def figures(told: list[Told]) -> Counter[str]:
    return Counter(name for one in told for name in one.counted())


def acts(stage: Stage, chance: random.Random) -> Iterator[str]:
    """Do what people might do, many a time in vain; yield what was carried out, and nothing where it was not."""
    story = stage.story
    for _ in range(ACTS):
        employee = chance.choice(REVIEWED)
        review_id = story.review(employee)
        manager = BY_ID[story.packet(employee)["manager_id"]]
        (name,) = chance.choices(list(LIKELY), list(LIKELY.values()))
        if name == "sign":
            answer = sign(stage, chance.choice((employee, manager)), review_id)
        elif name == "revise":
            answer = revise(stage, manager, review_id, chance)
        else:
            tag = story.as_(HELEN).get(f"/v1/packets/{review_id}").headers.get("ETag", '"x"').strip('"')
            answer = request(stage, name, employee, manager, review_id)(tag)
        if chance.random() < 0.8:
            stage.settle()
        yield name if answer.is_success else ""


def request(stage: Stage, name: str, employee: Person, manager: Person, review_id: str) -> Callable[[str], Any]:
    """Return what sends an act; it takes the packet's tag."""
    packet, reason = f"/v1/packets/{review_id}", {"reason": "Because of this."}
    hr, boss, reader = stage.story.as_(HELEN), stage.story.as_(manager), stage.story.as_(employee)
    other = MIRA if manager is MAX else MAX
    sent: dict[str, Callable[[str], Any]] = {
        "send": lambda _: hr.post(f"{packet}/release-to-manager"),
        "release": lambda tag: boss.post(f"{packet}/release", {}, version=tag),
        "bypass": lambda tag: hr.post(f"{packet}/release", reason, version=tag),
        "unrelease": lambda _: hr.post(f"{packet}/unrelease", reason),
        "take": lambda _: hr.post(f"{packet}/unrelease", {**reason, "revoke_signatures": True}),
        "read": lambda _: reader.get(packet),
        "pdf": lambda _: reader.get(f"{packet}/pdf"),
        "talk": lambda _: boss.post(f"{packet}/conversation-held"),
        "override": lambda _: hr.post(f"{packet}/override-calibration", reason),
        "reassign": lambda _: hr.post(f"/v1/reviews/{review_id}/reassign", {"manager_id": other.id, **reason}),
    }
    return sent[name]


def sign(stage: Stage, signer: Person, review_id: str) -> Any:
    path = f"/v1/signatures/{review_id}"
    statement = stage.story.as_(signer).get(f"{path}/statement")
    if not statement.is_success:
        return statement
    seen = statement.json()
    body = {"statement_version": seen["statement_version"], "snapshot_hash": seen["covers"]["snapshot_hash"]}
    return stage.story.as_(signer).post(f"{path}/sign", body)


def revise(stage: Stage, manager: Person, review_id: str, chance: random.Random) -> Any:
    path = f"/v1/reviews/{review_id}/manager-assessment"
    read = stage.story.as_(manager).get(path)
    if not read.is_success:
        return read
    answers = {**MANAGER_ANSWERS, "m-growth": f"<p>As of {chance.random()}.</p>"}
    return stage.story.as_(manager).put(path, {"answers": answers}, version=read.headers["ETag"].strip('"'))


@pytest.mark.parametrize(("seed", "calibrated"), [(5, True), (6, False), (8, True)])
def test_the_figures_are_those_of_the_records(
    stage: Stage,
    seed: int,
    calibrated: bool,  # noqa: FBT001
) -> None:
    story, chance = stage.story, random.Random(seed)
    story.begin(*REVIEWED, calibration_required=calibrated)
    story.select_questions()
    for employee in REVIEWED:
        manager = BY_ID[str(employee.manager)]
        story.save_self(employee)
        story.share_self(employee)
        story.save_manager(employee, by=manager)
        story.submit(employee, by=manager)
    stage.settle()
    if calibrated:
        story.calibrate(ANNA, BEN)
        stage.settle()
    compare(stage)
    done = []
    for one in acts(stage, chance):
        done.append(one)
        if len(done) % 10 == 0:
            stage.settle()
            compare(stage)
    stage.settle()
    counted = compare(stage)
    assert not {"send", "release", "read", "talk", "unrelease", "sign"} - set(done), Counter(done)
    assert counted["packets"] == len(REVIEWED)


def compare(stage: Stage) -> dict[str, int]:
    """Hold every figure of tracking against the records; return those of all."""
    story = stage.story
    told = told_by_the_topics(stage.world, set(story.reviews.values()))
    path = f"/v1/packets/tracking/{story.cycle_id}"
    shown = expect(story.as_(AMY).get(f"{path}?limit=200")).json()
    assert +Counter(shown["counts"]) == figures(list(told.values()))
    by_manager = {each.pop("manager_id"): +Counter(each) for each in shown["managers"]}
    teams = {each.manager_id for each in told.values()}
    assert by_manager == {team: figures([one for one in told.values() if one.manager_id == team]) for team in teams}
    for item in expect(story.as_(AMY).get(f"{path}/people")).json()["items"]:
        one = told[item["review_id"]]
        counted = one.counted()
        assert (item["state"], item["manager_id"]) == (one.state, one.manager_id)
        for name in ("signed_by_employee", "signed_by_manager", "completed", "overridden"):
            assert item[name] == (name in counted), name
        for name, mark in {"sent_at": "sent", "viewed_at": "viewed", "released_at": "released"}.items():
            assert (item[name] is not None) == (mark in counted), name
    counts: dict[str, int] = shown["counts"]
    return counts
