"""A hundred releases at once while their managers keep editing: what is read is what was locked, always."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import count, cycle
from typing import TYPE_CHECKING, Any

import pytest

from harness.history import History
from harness.story import QUESTIONS, SHARED
from harness.threads import meanwhile, side_by_side, together
from harness.verdict import collect, facts, locked_spans, violations
from reviewbus.canonical import digest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from harness.crowd import Crowd
    from harness.people import Person
    from harness.story import Wait
    from harness.system import System
    from harness.verdict import Evidence

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
REVIEWS = 100
EDITORS = 3
READERS = 2
# Who may act for ever proves nothing about what comes in the end.
EDITS_MAX = 400
ROUNDS_MAX = 20


@dataclass(frozen=True)
class Race:
    """What came of it: who was answered what, and what rows and topics say. `contents` by review and version."""

    crowd: Crowd
    history: History
    evidence: Evidence
    contents: Mapping[tuple[str, int], Mapping[str, Any]]

    def granted(self) -> set[tuple[str, int, int, str]]:
        """Review, epoch, version and snapshot of every lock that was granted."""
        told = [one for one in facts(self.evidence.records, "hold.granted.v1") if one.data["holder"] == "release"]
        return {(one.key, one.data["epoch"], one.data["manager_version"], one.data["snapshot_hash"]) for one in told}

    def answers(self, review_id: str, version: int) -> Mapping[str, Any]:
        """The answers of a version by their questions, as assessment keeps them."""
        return {each["question_id"]: each for each in self.contents[review_id, version]["answers"]}


@pytest.fixture(scope="module")
def race(running: System, crowds: Callable[..., Crowd], wait: Wait) -> Race:
    """Run it once; each test judges a side of it."""
    crowd, history = crowds(running, employees=REVIEWS), History()
    _release_all(crowd, history, wait)
    running.settle(120)
    statement = "select review_id::text, version, to_jsonb(c) from content c "
    statement += "where side = 'manager' and review_id = any(%s::uuid[])"
    rows = running.rows("assessment", statement, [crowd.reviews()])
    contents = {(review_id, version): row for review_id, version, row in rows}
    return Race(crowd, history, collect(running, crowd.reviews()), contents)


def test_every_release_comes_to_an_end_and_all_are_released(race: Race) -> None:
    assert {row["state"] for row in race.evidence.packets.values()} == {"released"}
    assert len(race.evidence.packets) == REVIEWS


def test_no_rule_is_broken(race: Race) -> None:
    assert violations(race.evidence) == []


def test_it_was_a_race(race: Race) -> None:
    edits = race.history.of("edit")
    first_press = min(one.began for one in race.history.of("release"))
    assert any(one.status == 200 and one.began > first_press for one in edits)
    assert any(one.status == 423 for one in edits)
    # Some who pressed had seen what was no longer there when it counted.
    late = [one for one in race.history.of("release") if one.status == 412]
    assert late or facts(race.evidence.records, "packet.release-failed.v1")


def test_whoever_came_too_late_was_told_so_and_nothing_else_went_wrong(race: Race) -> None:
    assert race.history.statuses("edit") <= {200, 412, 423}
    assert race.history.statuses("release") <= {200, 202, 404, 409, 412}
    assert race.history.statuses("read") == {200, 404}
    reasons = {one.data["reason"] for one in facts(race.evidence.records, "packet.release-failed.v1")}
    assert reasons <= {"content-changed"}


def test_every_accepted_edit_is_kept_and_no_other(race: Race) -> None:
    accepted = {(one.review_id, one.body["version"]) for one in race.history.of("edit") if one.ok}
    first = {(review_id, 1) for review_id in race.crowd.reviews()}
    assert accepted | first == set(race.contents)


def test_no_accepted_edit_lies_between_a_lock_and_its_end(race: Race) -> None:
    spans = dict(locked_spans(race.evidence.records))
    edits = facts(race.evidence.records, "manager-assessment.revised.v1")
    assert len(edits) == sum(one.ok for one in race.history.of("edit"))
    for one in edits:
        number = int(one.headers["ce_sequence"])
        assert not any(began < number < ended for began, ended in spans[one.key]), one


def test_the_released_snapshot_is_that_of_assessments_own_content(race: Race) -> None:
    for review_id, packet in race.evidence.packets.items():
        version = race.evidence.reviews[review_id]["manager_version"]
        assert packet["snapshot_manager_version"] == version
        assert packet["snapshot_hash"] == snapshot_of(race.answers(review_id, version))


def test_employees_read_nothing_but_what_was_locked(race: Race) -> None:
    reads = [one for one in race.history.of("read") if one.ok]
    assert {one.review_id for one in reads} == set(race.crowd.reviews())
    granted = race.granted()
    for one in reads:
        seen = one.body
        assert (one.review_id, seen["epoch"], seen["manager_version"], seen["snapshot_hash"]) in granted
        kept = race.answers(one.review_id, seen["manager_version"])
        assert {each["question_id"]: each["value"] for each in seen["questions"]} == {
            question_id: kept[question_id]["value"] for question_id in SHARED
        }
        assert seen["rating"] is None


def test_another_answer_changes_the_recomputed_hash(race: Race) -> None:
    kept = race.answers(race.crowd.reviews()[0], 1)
    changed = {**kept, SHARED[0]: {**kept[SHARED[0]], "value": "<p>other</p>"}}
    assert snapshot_of(kept) != snapshot_of(changed)


def snapshot_of(answers: Mapping[str, Any]) -> str:
    """The hash of what a packet shows, from nothing that packets keeps."""
    texts = {each["question_id"]: each["text"] for each in QUESTIONS}
    shown = [one["question_id"] for one in QUESTIONS if one["question_id"] in SHARED]
    return digest(
        {
            "questions": [[each, digest(texts[each]), digest(answers[each]["value"])] for each in shown],
            # In a cycle without calibration there is no rating but the manager's answer, and that is not shared.
            "rating": None,
            "scale": None,
        }
    )


def _release_all(crowd: Crowd, history: History, wait: Wait) -> None:
    """Press release on all at once, and again for those who were refused, while others edit and read."""
    numbers, employees = count(1), crowd.employees
    turns = [cycle(employees[start::EDITORS]) for start in range(EDITORS)]
    looks = [cycle(employees[start::READERS]) for start in range(READERS)]

    def edit(turn: cycle[Person]) -> None:
        number = next(numbers)
        if number <= EDITS_MAX:
            crowd.edit(history, next(turn), f"edit {number}")

    editing = [partial(edit, turn) for turn in turns]
    reading = [partial(lambda look: crowd.read(history, next(look)), look) for look in looks]
    with meanwhile(*editing, *reading):
        together([partial(crowd.press, history, employee) for employee in employees])
        for _ in range(ROUNDS_MAX):
            wait(lambda: "releasing" not in crowd.states())
            left = [one for one in employees if not crowd.all_are("released", [one])]
            if not left:
                break
            side_by_side(partial(crowd.press, history), left)
    side_by_side(partial(crowd.read, history), employees)
