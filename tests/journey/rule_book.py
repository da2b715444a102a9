"""What the table of rules is written in.

A rule says who may do what in which state. Its cases show it: in a situation (`Given`) somebody sends a request
(`Act`), and is answered. Four words begin a case:

    yes    it is carried out, and `then` tells what has come of it
    same   it is answered as well, and nothing changes
    no     it is refused, with this status and code, and nothing changes in any service but what `but` names
    skips  among many it is left out, for this reason, and its review does not change
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from harness.journey import Stage, prints, problem
from harness.people import HELEN

if TYPE_CHECKING:
    from collections.abc import Iterable

    import httpx

    from harness.people import Person

# Looks at what has come of a request, with its answer at hand; fails if that is not as told.
Check = Callable[[Stage, "httpx.Response"], None]
# What one command for many leaves behind even if it leaves all packets alone: itself, in the own database.
OPERATION = frozenset(
    {f"packets.{one}" for one in ("operations", "operation_items", "audit", "outbox", "outbox_number")}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A situation, by name, and how it comes about in a story of its own.

    Where it is not `at_rest`, records are on their way: it holds as long as nobody settles.
    """

    name: str
    tell: Callable[[Stage], object]
    at_rest: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """A request. `path` names the story's `{review}`, `{session}` and `{cycle}`.

    `version` is what `If-Match` names; None: nothing. It and `body` may be functions of the stage.
    """

    name: str
    method: str
    path: str
    body: Any = None
    version: Any = None


class Kind(StrEnum):
    """What becomes of a request."""

    YES = "yes"
    SAME = "same"
    NO = "no"
    SKIPS = "skips"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One request in one situation, of one person after the other; `answer`: the status, and the code of a refusal."""

    kind: Kind
    given: Given
    act: Act
    answer: str
    people: tuple[Person, ...]
    then: tuple[Check, ...] = ()
    at_once: tuple[Check, ...] = ()
    but: frozenset[str] = frozenset()

    @property
    def allowed(self) -> bool:
        """Whether the request is carried out, or need not be."""
        return self.kind in {Kind.YES, Kind.SAME}

    @property
    def status(self) -> int:
        """The status of the answer."""
        return int(self.answer.partition(" ")[0])

    @property
    def code(self) -> str:
        """The code of the refusal, or why a packet is left out."""
        return self.answer.rpartition(" ")[2]

    @property
    def name(self) -> str:
        """The case in words."""
        who = ", ".join(" ".join((one.id.removeprefix("p-"), *one.roles)) for one in self.people)
        return f"{self.given.name}: {who} {self.act.name}: {self.kind} {self.answer}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A row of the table: in which `state` which `action` is open to whom (`who`), and the refusals it names.

    Where nobody may (`who` is empty), what is carried out shows that it is this state that refuses.
    """

    row: int
    state: str
    action: str
    who: str = ""
    codes: frozenset[str] = frozenset()
    cases: tuple[Case, ...] = field(default=(), repr=False)


def rule(row: int, state: str, action: str, who: str, codes: Iterable[str], *cases: Iterable[Case]) -> Rule:
    """Return a row with the cases of all its lines."""
    every = tuple(one for line in cases for one in line)
    return Rule(row=row, state=state, action=action, who=who, codes=frozenset(codes), cases=every)


def yes(
    given: Given,
    act: Act,
    answer: str,
    *people: Person,
    then: Iterable[Check] = (),
    at_once: Iterable[Check] = (),
) -> list[Case]:
    """It is carried out for each of them, in a story of its own; `at_once`: before anybody else has heard of it."""
    one = Case(kind=Kind.YES, given=given, act=act, answer=answer, people=people, then=tuple(then))
    return [replace(one, people=(person,), at_once=tuple(at_once)) for person in people]


def same(given: Given, act: Act, answer: str, *people: Person, then: Iterable[Check] = ()) -> list[Case]:
    """It is answered to each of them, and nothing changes."""
    return [Case(kind=Kind.SAME, given=given, act=act, answer=answer, people=people, then=tuple(then))]


def no(given: Given, act: Act, answer: str, *people: Person, but: frozenset[str] = frozenset()) -> list[Case]:
    """It is refused to each of them."""
    return [Case(kind=Kind.NO, given=given, act=act, answer=answer, people=people, but=but)]


def skips(given: Given, act: Act, code: str, person: Person) -> list[Case]:
    """A command for many leaves the review out for this reason, first of all."""
    return [Case(kind=Kind.SKIPS, given=given, act=act, answer=f"202 {code}", people=(person,))]


def hold(case: Case, stage: Stage) -> None:
    """Send the case's requests, once its situation has come about; fails if what becomes of them is not as told."""
    settles = case.kind in {Kind.YES, Kind.SKIPS}
    if settles and case.given.at_rest:
        # Another story may have been left with records on their way.
        stage.settle()
    before = prints(stage.world)
    for person in case.people:
        answer = _answered(case, stage, person)
        for check in case.at_once if settles else case.then:
            check(stage, answer)
    if settles:
        stage.settle()
    changed = changes(before, prints(stage.world))
    match case.kind:
        case Kind.YES:
            assert changed, "nothing has changed"
            for check in case.then:
                check(stage, answer)
        case Kind.SKIPS:
            assert changed <= OPERATION, f"left out, and it changed {changed - OPERATION}"
            (item,) = items_of(stage, answer)
            assert (item["outcome"], item["unmet"][0]["code"]) == ("skipped", case.code)
        case Kind.SAME | Kind.NO:
            assert changed <= case.but, f"answered {case.answer}, and it changed {changed - case.but}"


def send(case: Case, stage: Stage, person: Person) -> httpx.Response:
    """Send the case's request as a person."""
    story, act = stage.story, case.act
    path = act.path.format(review=story.review(), session=story.session_id, cycle=story.cycle_id)
    body, version = (one(stage) if callable(one) else one for one in (act.body, act.version))
    options = {} if version is None else {"version": version}
    return stage.send(person, act.method, path, body, **options)


def items_of(stage: Stage, begun: httpx.Response) -> list[dict[str, Any]]:
    """Return what became of each packet of the operation that a request began, as HR sees it."""
    found: list[dict[str, Any]] = stage.send(HELEN, "GET", f"{begun.headers['Location']}/items").json()["items"]
    return found


def changes(before: dict[str, dict[str, str]], after: dict[str, dict[str, str]]) -> set[str]:
    """Return the tables that are not as they were."""
    return {
        f"{service}.{table}"
        for service, tables in after.items()
        for table, digest in tables.items()
        if before[service][table] != digest
    }


def _answered(case: Case, stage: Stage, person: Person) -> httpx.Response:
    answer = send(case, stage, person)
    try:
        if case.kind is Kind.NO:
            problem(answer, case.status, case.code)
        assert answer.status_code == case.status, answer.text[:600]
    except AssertionError as error:
        error.add_note(f"asked by {person.id}")
        raise
    return answer
