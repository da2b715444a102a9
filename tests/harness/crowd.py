"""Many reviews, arranged quickly: a cycle of its own with employees and managers of its own, everything written."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from harness.clients import etag
from harness.people import CAST, DORA, HELEN, Person
from harness.story import SELF_ANSWERS, Story, expect
from harness.threads import side_by_side

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.clients import Session
    from harness.history import Exchange, History
    from harness.story import Wait
    from harness.system import System

ROWS_MAX = 500


@dataclass(frozen=True)
class Crowd:
    """A cycle whose people nobody else has. `team` maps each employee to the manager of record."""

    system: System
    story: Story
    team: Mapping[Person, Person]

    @cached_property
    def employees(self) -> tuple[Person, ...]:
        """Every employee, in order."""
        return tuple(self.team)

    @cached_property
    def sessions(self) -> Mapping[str, Session]:
        """A session of each person and of Helen, with one token for the whole test."""
        everybody = {*self.team, *self.team.values(), HELEN}
        return {one.id: self.story.as_(one) for one in everybody}

    def as_(self, person: Person) -> Session:
        """Return a person's session."""
        return self.sessions[person.id]

    def manager(self, employee: Person) -> Session:
        """Return the session of an employee's manager."""
        return self.sessions[self.team[employee].id]

    def review(self, employee: Person) -> str:
        """Return the id of an employee's review."""
        return self.story.review(employee)

    def reviews(self, employees: Sequence[Person] = ()) -> list[str]:
        """Return the ids of reviews, by default all."""
        return [self.review(one) for one in employees or self.employees]

    def states(self, employees: Sequence[Person] = ()) -> set[str]:
        """Return the states in which these packets are, by default all of the cycle; from the rows themselves."""
        statement = "select distinct state from packets where review_id = any(%s::uuid[])"
        return {row[0] for row in self.system.rows("packets", statement, [self.reviews(employees)])}

    def all_are(self, state: str, employees: Sequence[Person] = ()) -> bool:
        """Say whether all of these packets are in this state."""
        return self.states(employees) == {state}

    # -- acts, kept in a history -------------------------------------------------------------------------------------

    def read(self, history: History, employee: Person) -> Exchange:
        """The employee looks for the packet."""
        review_id = self.review(employee)
        return history.ask(self.as_(employee), "read", "GET", f"/v1/packets/{review_id}", review_id)

    def press(self, history: History, employee: Person, *, key: str | None = None, tag: str = "") -> Exchange:
        """The manager of record looks at the packet, unless its version is given, and presses release."""
        path = f"/v1/packets/{self.review(employee)}"
        manager = self.manager(employee)
        if not tag:
            seen = history.ask(manager, "preview", "GET", path, self.review(employee))
            if not seen.etag:
                return seen
            tag = seen.etag
        headers = {"Idempotency-Key": key or self.story.gateway.next_key(), "If-Match": f'"{tag}"'}
        return history.ask(
            manager, "release", "POST", f"{path}/release", self.review(employee), headers=headers, json={}
        )

    def take_back(self, history: History, employee: Person, *, revoke: bool = False) -> Exchange:
        """Helen unreleases."""
        review_id = self.review(employee)
        headers = {"Idempotency-Key": self.story.gateway.next_key()}
        body = {"reason": "A figure is wrong.", "revoke_signatures": revoke}
        path = f"/v1/packets/{review_id}/unrelease"
        return history.ask(self.as_(HELEN), "unrelease", "POST", path, review_id, headers=headers, json=body)

    def edit(self, history: History, employee: Person, words: str) -> Exchange:
        """The manager of record opens the form and saves other words, whatever the answer."""
        review_id = self.review(employee)
        path = f"/v1/reviews/{review_id}/manager-assessment"
        manager = self.manager(employee)
        form = history.ask(manager, "open", "GET", path, review_id)
        if not form.ok:
            return form
        headers = {"If-Match": f'"{form.etag}"'}
        body = {"answers": answers_of(words)}
        return history.ask(manager, "edit", "PUT", path, review_id, headers=headers, json=body)


def answers_of(words: str, rating: int = 4) -> dict[str, Any]:
    """Return the manager's answers with these words in the questions that will be shared."""
    return {
        "m-results": f"<p>{words}: results</p>",
        "m-growth": f"<p>{words}: growth</p>",
        "m-private": f"<p>{words}: private</p>",
        "m-rating": rating,
    }


def gather(system: System, wait: Wait, name: str, *, employees: int = 100, managers: int = 10) -> Crowd:
    """Import `name`'s people, run a cycle for them without calibration, and bring every packet to its manager."""
    chiefs = [_person(name, f"m{number}", DORA) for number in range(managers)]
    team = {
        _person(name, f"e{number}", chiefs[number % managers]): chiefs[number % managers] for number in range(employees)
    }
    crowd = Crowd(system, Story(system.gateway(), wait), team)
    story = crowd.story
    story.import_people([*CAST, *chiefs, *team])
    story.create_questionnaire()
    story.create_cycle(calibration_required=False)
    story.add_participants(*team)
    story.start_cycle()
    story.select_questions()
    side_by_side(lambda employee: _write(crowd, employee), crowd.employees)
    wait(lambda: crowd.all_are("ready"))
    side_by_side(lambda employee: _send(crowd, employee), crowd.employees)
    return crowd


def _person(name: str, part: str, manager: Person) -> Person:
    who = f"{name}-{part}"
    return Person(id=f"p-{who}", name=f"Person {who}", email=f"{who}@company.example", manager=manager.id)


def _write(crowd: Crowd, employee: Person) -> None:
    review = f"/v1/reviews/{crowd.review(employee)}"
    who, manager = crowd.as_(employee), crowd.manager(employee)
    expect(who.put(f"{review}/self-assessment", {"answers": SELF_ANSWERS}, version=0))
    expect(who.post(f"{review}/self-assessment/share"))
    form = expect(manager.get(f"{review}/manager-assessment"))
    body = {"answers": answers_of(f"{employee.id}, first words")}
    expect(manager.put(f"{review}/manager-assessment", body, version=etag(form)))
    expect(manager.post(f"{review}/manager-assessment/submit"))


def _send(crowd: Crowd, employee: Person) -> None:
    expect(crowd.as_(HELEN).post(f"/v1/packets/{crowd.review(employee)}/release-to-manager"))
