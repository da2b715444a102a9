"""Who acts on which review, and what a client remembers of it: the least that makes most commands worth sending."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.clients import etag
from harness.crowd import answers_of
from harness.people import CAST, DORA, HELEN, KAI, Person
from harness.story import SELF_ANSWERS, Story, expect
from harness.threads import side_by_side

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping, Sequence

    from harness.clients import Session
    from harness.story import Wait
    from harness.system import System

HOT_MAX = 12
MANAGERS = 20
# Every so many reviews one more is calibrated.
CALIBRATED_OF = 4
CALIBRATED = 3
HOT_SHARE = 0.6


@dataclass(slots=True)
class Part:
    """One review: its people, and what those who act last heard. What they remember may be wrong."""

    review_id: str
    cycle_id: str
    employee: Person
    manager: Person
    former: Person | None = None
    session_id: str = ""
    version: int = 1
    rating: int = CALIBRATED
    place: str = "with_manager"


@dataclass(slots=True)
class Scene:
    """All reviews of a run; `hot` are those that were just released or taken back, which readers look at most."""

    parts: Sequence[Part]
    managers: Sequence[Person]
    tokens: Mapping[str, str]
    hr: Person = HELEN
    hot: list[Part] = field(default_factory=list)

    def any(self, chance: random.Random) -> Part:
        """Return one of all."""
        return chance.choice(self.parts)

    def heated(self, part: Part) -> None:
        """Note that readers should look here."""
        self.hot = [part, *(one for one in self.hot if one is not part)][:HOT_MAX]

    def watched(self, chance: random.Random) -> Part:
        """Return one for a reader: often one where something just happened."""
        hot = self.hot
        return chance.choice(hot) if hot and chance.random() < HOT_SHARE else self.any(chance)


def arrange(system: System, wait: Wait, reviews: int) -> Scene:
    """Import people, run two cycles for them, one of them calibrated, and bring every packet to its manager."""
    chiefs = [_person(f"m{number}", DORA) for number in range(min(MANAGERS, reviews))]
    everybody = [_person(f"e{number}", chiefs[number % len(chiefs)]) for number in range(reviews)]
    gateway = system.gateway()
    sessions = {one.id: gateway.as_(one) for one in (*chiefs, *everybody, HELEN, KAI)}
    chosen = everybody[::CALIBRATED_OF]
    plain = [one for one in everybody if one not in chosen]
    stage = _Stage(system, wait, sessions, people=[*CAST, *chiefs, *everybody])
    managers = {one.id: one for one in chiefs}
    parts = _bring(stage, plain, managers, calibrated=False) + _bring(stage, chosen, managers, calibrated=True)
    return Scene(parts=parts, managers=chiefs, tokens={who: one.token for who, one in sessions.items()})


@dataclass(frozen=True, slots=True)
class _Stage:
    system: System
    wait: Wait
    sessions: Mapping[str, Session]
    people: Sequence[Person]


def _bring(
    stage: _Stage, employees: Sequence[Person], managers: Mapping[str, Person], *, calibrated: bool
) -> list[Part]:
    """Run one cycle until every packet is with its manager."""
    if not employees:
        return []
    story = Story(stage.system.gateway(), stage.wait)
    story.begin(*employees, people=stage.people, calibration_required=calibrated)
    story.select_questions()
    parts = [Part(story.review(one), story.cycle_id, one, managers[one.manager or ""]) for one in employees]
    side_by_side(lambda part: _write(part, stage.sessions), parts)
    if calibrated:
        story.calibrate(*employees, rating=CALIBRATED)
        for part in parts:
            part.session_id = story.session_id
    ids, helen = [one.review_id for one in parts], stage.sessions[HELEN.id]
    stage.wait(lambda: _states(stage.system, ids) == {"ready"})
    side_by_side(lambda one: expect(helen.post(f"/v1/packets/{one.review_id}/release-to-manager")), parts)
    return parts


def _person(part: str, manager: Person) -> Person:
    return Person(id=f"p-{part}", name=f"Person {part}", email=f"{part}@company.example", manager=manager.id)


def _states(system: System, review_ids: Sequence[str]) -> set[str]:
    statement = "select distinct state from packets where review_id = any(%s::uuid[])"
    return {state for (state,) in system.rows("packets", statement, [list(review_ids)])}


def _write(part: Part, sessions: Mapping[str, Session]) -> None:
    review = f"/v1/reviews/{part.review_id}"
    who, manager = sessions[part.employee.id], sessions[part.manager.id]
    expect(who.put(f"{review}/self-assessment", {"answers": SELF_ANSWERS}, version=0))
    expect(who.post(f"{review}/self-assessment/share"))
    form = expect(manager.get(f"{review}/manager-assessment"))
    words = {"answers": answers_of(f"{part.employee.id}, first words")}
    expect(manager.put(f"{review}/manager-assessment", words, version=etag(form)))
    expect(manager.post(f"{review}/manager-assessment/submit"))
