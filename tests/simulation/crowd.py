"""People: they give commands, right and wrong, on old previews, again under the same key, and lose answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx

from harness.people import CAST, OLGA, SERVICES
from simulation.acts import ACTS
from simulation.kill import BEFORE_COMMIT
from simulation.play import Given, Violation
from simulation.scene import Scene
from simulation.sight import look

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.people import Person
    from simulation.acts import Act
    from simulation.play import Play

AGAIN, SENSIBLE, RIGHTFUL, OURS, FIRST = 0.07, 0.85, 0.88, 0.95, 0.5
CREATED, NOT_FOUND, SERVER_ERROR, AWAY = 201, 404, 500, 503
SHAPE = frozenset({400, 422})
NO_ANSWER = 0
REMEMBERED = 12
FINISHED = ("completed", "cancelled", "running")


def act(play: Play) -> None:
    """Somebody gives a command: mostly one that makes sense, by somebody who may; or repeats an earlier one."""
    random = play.random
    if play.given and random.random() < AGAIN:
        _repeat(play, random.choice(play.given[-REMEMBERED:]))
        return
    scene = _scene(play)
    sensible = [one for one in ACTS if one.makes_sense(scene)] if random.random() < SENSIBLE else []
    _one_of(play, scene, sensible or ACTS)


def act_on(play: Play, service: str, review_id: str, among: frozenset[str] = frozenset()) -> None:
    """Somebody gives a service a command about a review (one `among` these operations), if one makes sense now."""
    scene = Scene(play.random, play.sight, play.known, review_id, play.system.clock.now)
    wanted = [one for one in ACTS if one.service == service and (not among or one.operation in among)]
    sensible = [one for one in wanted if one.makes_sense(scene)]
    if sensible:
        _one_of(play, scene, sensible)


def _one_of(play: Play, scene: Scene, acts: Sequence[Act]) -> None:
    random = play.random
    chosen = random.choices(acts, [one.weight for one in acts])[0]
    rightful = scene.people(random.choice(chosen.by))
    who = random.choice(rightful) if rightful and random.random() < RIGHTFUL else random.choice(CAST)
    path = _path(play, chosen, scene)
    if path is not None:
        key = f"{play.seed}-{len(play.story)}"
        given = give(play, chosen, who, path, chosen.body(scene), chosen.version(scene), key)
        if scene.review_id in path:
            _judge_outsider(given, scene)


def order(play: Play, operation: str, who: Person, body: Any, **names: str) -> Given:
    """Let somebody give just this command; `names` fill its path."""
    chosen = next(one for one in ACTS if one.operation == operation)
    path = operation.split(" ", 1)[1].format(**names)
    return give(play, chosen, who, path, body, None, f"{play.seed}-{len(play.story)}")


def give(play: Play, act: Act, who: Person, path: str, body: Any, version: str | None, key: str) -> Given:
    """Give a command and keep what came of it; raises `Violation` where the answer alone says that something broke."""
    method, _ = act.operation.split(" ", 1)
    headers = {} if version is None else {"If-Match": f'"{version}"'}
    if method == "POST":
        headers["Idempotency-Key"] = key
    at, deaths, location = play.system.clock.now, len(play.system.kill.deaths), ""
    before = look(play.system.ground, play.system.clock.now) if play.system.kill.point == BEFORE_COMMIT else None
    try:
        response = play.session(who).call(method, path, json=body, headers=headers)
        status, answer = response.status_code, response.json() if response.content else None
        location = response.headers.get("Location", "")
    except httpx.TransportError:
        status, answer = NO_ANSWER, None
    died = play.system.kill.deaths[deaths:]
    given = Given(
        act=act,
        who=who,
        path=path,
        body=body,
        version=version,
        key=key,
        status=status,
        answer=answer,
        at=at,
        died=died[0] if died else "",
        location=location,
    )
    play.given.append(given)
    play.consent.heard(given, play.sight)
    _note(play, given)
    if before is not None and given.died == BEFORE_COMMIT:
        _unchanged(play, before, f"{act.name}, which died before it was committed,")
    return given


def _note(play: Play, given: Given) -> None:
    status, answer, name = given.status, given.answer or {}, given.act.name
    tag = f' If-Match "{given.version[-14:]}"' if given.version else ""
    outcome = answer.get("code") or answer.get("state") or given.died
    play.tell(f"{given.who.name}: {name} {given.path} {given.body or ''}{tag} -> {status} {outcome}")
    if status == NO_ANSWER:
        return
    if status >= SERVER_ERROR and status != AWAY and not play.cut_off:
        raise Violation(f"E {name} answered {status} {answer}")
    if not httpx.codes.is_success(status):
        play.tally.refused[name] += 1
        play.tally.codes[str(answer.get("code"))] += 1
        return
    play.tally.accepted[name] += 1
    for word, kept in (
        ("cycle_id", play.known.cycles),
        ("session_id", play.known.sessions),
        ("questionnaire_id", play.known.questionnaires),
    ):
        if word in answer and status == CREATED and answer[word] not in kept:
            kept.append(answer[word])
    if given.path.endswith("/unrelease"):
        review_id = answer["review_id"]
        play.memory.hidden[review_id] = max(answer["epoch"], play.memory.hidden.get(review_id, 0))


def _repeat(play: Play, first: Given) -> None:
    """I7: repeating a command under its key gets the first answer again and changes nothing; none is lost."""
    if not first.act.operation.startswith("POST"):
        return
    before = look(play.system.ground, play.system.clock.now)
    play.tell("again:")
    again = give(play, first.act, first.who, first.path, first.body, first.version, first.key)
    if not again.status or again.status == AWAY or play.cut_off:
        return
    done = httpx.codes.is_success(first.status)
    if first.died and first.died != BEFORE_COMMIT:
        # It died after its commit, if there was one: then it was done, and says so now.
        if not httpx.codes.is_success(again.status):
            raise Violation(f"I7 {first.act.name} was done, and its repeat answered {again.status} {again.answer}")
        done = True
    elif done and (again.status, again.answer) != (first.status, first.answer):
        raise Violation(f"I7 the repeat of {first.act.name} answered {again.status} {again.answer}")
    if done:
        play.tally.faults["repeated key"] += 1
        _unchanged(play, before, f"the repeat of {first.act.name}")


def _unchanged(play: Play, before: Any, what: str) -> None:
    after = look(play.system.ground, play.system.clock.now)
    for name in SERVICES:
        if after.of(name)["rows"] != before.of(name)["rows"]:
            raise Violation(f"I7 {what} changed rows of {name}")


def _judge_outsider(given: Given, scene: Scene) -> None:
    """To somebody whom a review does not concern at all there is none."""
    review = scene.review
    concerned = {review["subject_id"], review["manager_id"], scene.packet.get("manager_id")}
    if given.who is OLGA and OLGA.id not in concerned and given.status not in {NO_ANSWER, NOT_FOUND, AWAY, *SHAPE}:
        raise Violation(f"I1 {given.act.name} by an outsider answered {given.status}")


def _scene(play: Play) -> Scene:
    ours = [one for one, row in sorted(play.sight.reviews.items()) if row["cycle_id"] == play.known.cycle_id]
    chosen = play.random.choice(ours if play.random.random() < OURS else sorted(play.sight.reviews))
    # Most of it is about one review, so that its story gets somewhere; while a service lags, all of them go on.
    first = not play.lagging and play.random.random() < FIRST
    return Scene(play.random, play.sight, play.known, ours[0] if first else chosen, play.system.clock.now)


def _path(play: Play, chosen: Act, scene: Scene) -> str | None:
    names: dict[str, Any] = {
        "review_id": scene.review_id,
        "number": play.random.choice((1, 1, 1, 2, 3)),
        "questionnaire_id": play.random.choice(play.known.questionnaires or [play.known.questionnaire_id]),
        "cycle_id": _cycle(play, chosen),
        "session_id": scene.session(*chosen.sessions) or scene.session("pending", "in_session", "completed"),
        "operation_id": scene.operation(*chosen.operations, of=chosen.service)
        or scene.operation(*FINISHED, of=chosen.service),
    }
    path = chosen.operation.split(" ", 1)[1]
    needed = [name for name in names if f"{{{name}}}" in path]
    return None if any(names[name] is None for name in needed) else path.format(**names)


def _cycle(play: Play, chosen: Act) -> str:
    others = play.known.cycles
    if others and "shared-questions" not in chosen.operation:
        return play.random.choice(others)
    return play.known.cycle_id
