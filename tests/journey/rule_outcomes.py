"""What comes of the requests in the table of rules: each looks at one thing from outside, and fails if it is not so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.journey import problem
from harness.people import ANNA, HELEN, KAI, MAX
from harness.story import expect
from journey.rule_book import items_of

if TYPE_CHECKING:
    import httpx

    from harness.journey import Stage
    from harness.people import Person
    from journey.rule_book import Check


def packet_is(state: str) -> Check:
    """The packet is in this state."""
    return lambda stage, _: _equal(stage.story.packet()["state"], state)


def calibration_is(state: str) -> Check:
    """The calibration is in this state."""
    return lambda stage, _: _equal(stage.story.packet()["calibration"], state)


def review_shows(**wanted: Any) -> Check:
    """HR's view of the review says this."""

    def check(stage: Stage, _: httpx.Response) -> None:
        shown = expect(stage.story.as_(HELEN).get(f"/v1/reviews/{stage.story.review()}")).json()
        _equal({name: shown[name] for name in wanted}, wanted)

    return check


def refused_at_last(code: str) -> Check:
    """The release was asked for and did not come about, for this reason."""
    return lambda stage, _: _equal(stage.story.packet()["last_refusal"], code)


def reads(*people: Person, rest: str = "") -> Check:
    """They read the packet."""

    def check(stage: Stage, _: httpx.Response) -> None:
        for one in people:
            expect(stage.story.as_(one).get(f"/v1/packets/{stage.story.review()}{rest}"), 200)

    return check


def reads_nothing(*people: Person) -> Check:
    """To them there is no packet, nor a PDF."""

    def check(stage: Stage, _: httpx.Response) -> None:
        for one in people:
            for rest in ("", "/pdf"):
                problem(stage.story.as_(one).get(f"/v1/packets/{stage.story.review()}{rest}"), 404, "not-found")

    return check


def shows_rating(value: int, shown: str = "calibrated") -> Check:
    """The packet shows this rating."""

    def check(stage: Stage, _: httpx.Response) -> None:
        seen = expect(stage.story.as_(HELEN).get(f"/v1/packets/{stage.story.review()}")).json()["rating"]
        _equal((seen["value"], seen["shown"]), (value, shown))

    return check


def board_shows(*changes: tuple[int | None, int, Person]) -> Check:
    """The board tells the last changes of the rating, old and new, each with who made it and why."""

    def check(stage: Stage, _: httpx.Response) -> None:
        board = expect(stage.story.as_(KAI).get(f"/v1/calibrations/{stage.story.session_id}")).json()
        told = board["reviews"][0]["changes"][-len(changes) :]
        _equal([(one["old"], one["new"], one["by"]) for one in told], [(a, b, who.id) for a, b, who in changes])
        assert all(one["justification"] for one in told)

    return check


def answer_has(**wanted: Any) -> Check:
    """The answer itself says this."""
    return lambda _, answer: _equal({name: answer.json()[name] for name in wanted}, wanted)


def board_has(*, reviews: int) -> Check:
    """The board that was answered has so many reviews, with ratings and submitted answers."""

    def check(_: Stage, answer: httpx.Response) -> None:
        rows = answer.json()["reviews"]
        _equal(len(rows), reviews)
        assert all(one["manager_rating"] is not None and one["answers"] for one in rows)

    return check


def fact(kind: str, times: int = 1) -> Check:
    """So many records of this type told of the review."""
    return lambda stage, _: _equal(len(stage.facts(f"{kind}.v1")), times)


def has_task(person: Person, *kinds: str) -> Check:
    """These, and no others, are the person's tasks in the review."""
    return lambda stage, _: _equal(stage.tasks(person), set(kinds))


def mailed(person: Person, template: str, times: int = 1) -> Check:
    """So many mails of this kind were wanted for the person."""

    def check(stage: Stage, _: httpx.Response) -> None:
        found = [
            one for one in stage.deliveries(HELEN) if (one["recipient_id"], one["template"]) == (person.id, template)
        ]
        _equal(len(found), times)

    return check


def locked(*, held: bool) -> Check:
    """Assessment holds the review for the release, or does not."""
    return lambda stage, _: _equal(stage.register()["held"], held)


def signature_is(role: str, state: str) -> Check:
    """The signature of this signer is in this state."""
    return lambda stage, _: _equal(stage.story.signer(role)["state"], state)


def drawn_for(person: Person) -> Check:
    """Once drawn, the PDF is downloaded."""

    def check(stage: Stage, _: httpx.Response) -> None:
        assert stage.story.pdf(person).startswith(b"%PDF-")

    return check


def became(outcome: str) -> Check:
    """The operation's only packet has this outcome."""

    def check(stage: Stage, answer: httpx.Response) -> None:
        _equal([one["outcome"] for one in items_of(stage, answer)], [outcome])

    return check


def tracked(reader: Person = HELEN, **wanted: Any) -> Check:
    """Tracking tells this of Anna's packet."""
    return lambda stage, _: _equal({name: followed(stage, reader)[name] for name in wanted}, wanted)


def tracked_at(*names: str) -> Check:
    """Tracking tells when these came about."""

    def check(stage: Stage, _: httpx.Response) -> None:
        assert all(followed(stage, HELEN)[name] is not None for name in names)

    return check


def override_told(reader: Person, reason: str | None) -> Check:
    """Tracking tells this reader why the gate was opened; an assistant only that it was."""

    def check(stage: Stage, _: httpx.Response) -> None:
        told = followed(stage, reader)
        assert told["overridden"]
        _equal(told["override"] and told["override"]["reason"], reason)

    return check


def counted(**wanted: int) -> Check:
    """The counts that were answered."""
    return lambda _, answer: _equal({name: answer.json()["counts"][name] for name in wanted}, wanted)


def listed(*people: Person) -> Check:
    """The answer lists the packets of these people."""
    return lambda _, answer: _equal({one["subject_id"] for one in answer.json()["items"]}, {one.id for one in people})


def states_only(stage: Stage, answer: httpx.Response) -> None:
    """No word of the packet, of its rating or of what HR typed is in the answer."""
    assert not {"override", "reason", "rating", "questions"} & {
        name for one in answer.json().get("items", ()) for name, value in one.items() if value is not None
    }
    for word in ("migration", "Coaches", "As the rule has it"):
        assert word not in answer.text


def is_csv(_: Stage, answer: httpx.Response) -> None:
    """The answer is a table with a line under its heads."""
    assert answer.headers["Content-Type"].startswith("text/csv")
    assert len(answer.text.splitlines()) > 1


def followed(stage: Stage, reader: Person) -> dict[str, Any]:
    """Return what tracking tells a reader of Anna's packet."""
    path = f"/v1/packets/tracking/{stage.story.cycle_id}/people"
    items = expect(stage.story.as_(reader).get(path)).json()["items"]
    found: dict[str, Any] = next(one for one in items if one["subject_id"] == ANNA.id)
    return found


def former_manager_reads_nothing(stage: Stage, answer: httpx.Response) -> None:
    """Who was the manager of record has no packet any more."""
    reads_nothing(MAX)(stage, answer)


def _equal(found: object, wanted: object) -> None:
    assert found == wanted
