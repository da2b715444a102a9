"""What people do: one function a command. A new command of the product joins by a function here and a line in `ACTS`.

Each act is sent as a client would: under a key of its own, repeated under the same key while no answer comes. Which
act is worth trying follows from what was last heard of the review; some are tried although they will be refused.
"""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from harness.crowd import answers_of

if TYPE_CHECKING:
    import random
    import threading
    from collections.abc import Callable, Mapping, Sequence

    from faults.cast import Part, Scene
    from faults.line import Answered, Line
    from harness.people import Person

REPEATS_MAX = 12
PAUSE_S = 0.25
ONCE_MORE = 0.05
FORMER = 0.1
LATER_S = (1.0, 6.0)
CANCELLED = 0.4
REVOKED = 0.5
QUESTIONS = (["m-results", "m-growth"], ["m-results"], ["m-results", "m-growth", "m-rating"])
_words = itertools.count(1)
_keys = itertools.count(1)


@dataclass(slots=True)
class Actor:
    """One thread that acts. `given` counts the commands that it gave, each once however often it was repeated."""

    line: Line
    scene: Scene
    chance: random.Random
    ending: threading.Event
    given: int = 0
    accepted: int = 0

    def command(
        self, who: Person, act: str, path: str, part: Part | None, body: Any = None, *, tag: str = ""
    ) -> Answered:
        """Give a command under a key of its own and repeat it until it is decided; now and then once more.

        `part` is None where it is about many.
        """
        about = part.review_id if part else ""
        key = f"{act}-{next(_keys)}"
        words = {} if body is None else body

        def send() -> Answered:
            return self.line.call(who, act, "POST", path, review=about, body=words, key=key, tag=tag)

        answer = self._until_decided(send)
        if answer.ok and self.chance.random() < ONCE_MORE:
            send()
        return answer

    def save(self, who: Person, act: str, path: str, part: Part, key: str, body: Any, tag: str) -> Answered:
        """Save a form and repeat it until it is decided."""

        def send() -> Answered:
            return self.line.call(who, act, "PUT", path, review=part.review_id, body=body, key=key, tag=tag)

        return self._until_decided(send)

    def look(self, who: Person, act: str, path: str, part: Part) -> Answered:
        """Read once."""
        return self.line.call(who, act, "GET", path, review=part.review_id)

    def _until_decided(self, send: Callable[[], Answered]) -> Answered:
        self.given += 1
        answer = send()
        for _ in range(REPEATS_MAX):
            if answer.decided or self.ending.is_set():
                break
            time.sleep(PAUSE_S)
            answer = send()
        self.accepted += answer.ok
        return answer


def edit(actor: Actor, part: Part) -> None:
    """The manager writes other words, of which each text alone has its own."""
    key = f"w{next(_words)}w"
    # Where it is calibrated the rating is no longer the manager's.
    rating = 4 if part.session_id else actor.chance.randint(1, 5)
    body = {"answers": answers_of(key, rating=rating)}
    path = f"/v1/reviews/{part.review_id}/manager-assessment"
    answer = actor.save(part.manager, "edit", path, part, key, body, str(part.version))
    if answer.ok:
        part.version = int(answer.etag)
        part.place = "stale" if part.session_id else part.place
    elif answer.status == 412:
        form = actor.look(part.manager, "open", path, part)
        part.version = int(form.etag) if form.ok and form.etag else part.version


def send(actor: Actor, part: Part) -> None:
    """HR sends the packet to its manager."""
    path = f"/v1/packets/{part.review_id}/release-to-manager"
    answer = actor.command(actor.scene.hr, "send", path, part)
    part.place = "with_manager" if answer.ok else _place_after(answer, part)


def release(actor: Actor, part: Part) -> None:
    """The manager looks at the packet and releases it."""
    # Now and then one who is not the manager any more, and does not know it.
    late = part.former is not None and actor.chance.random() < FORMER
    _release(actor, part, part.former if late and part.former else part.manager, {})


def bypass(actor: Actor, part: Part) -> None:
    """HR looks at the packet and releases it without its manager."""
    _release(actor, part, actor.scene.hr, {"reason": "The manager is away."})


def _release(actor: Actor, part: Part, who: Person, body: Mapping[str, Any]) -> None:
    path = f"/v1/packets/{part.review_id}"
    seen = actor.look(who, "preview", path, part)
    if not seen.ok or not seen.etag:
        part.place = "ready" if seen.status == 404 else part.place
        return
    actor.scene.heated(part)
    answer = actor.command(who, "release", f"{path}/release", part, body, tag=seen.etag)
    part.place = "released" if answer.ok else _place_after(answer, part)


def release_later(actor: Actor, part: Part) -> None:
    """HR has the packet released at an instant, and sometimes thinks better of it."""
    path = f"/v1/packets/{part.review_id}"
    seen = actor.look(actor.scene.hr, "preview", path, part)
    if not seen.ok or not seen.etag:
        return
    instant = datetime.now(UTC) + timedelta(seconds=actor.chance.uniform(*LATER_S))
    body = {"reason": "On the day of the talk.", "not_before": instant.isoformat()}
    answer = actor.command(actor.scene.hr, "later", f"{path}/release", part, body, tag=seen.etag)
    if answer.ok and actor.chance.random() < CANCELLED:
        actor.command(actor.scene.hr, "cancel-later", f"{path}/cancel-scheduled", part)


def many(actor: Actor, parts: Sequence[Part]) -> None:
    """HR releases these packets by one command, or takes them back."""
    action = actor.chance.choice(("release", "unrelease"))
    for part in parts:
        actor.scene.heated(part)
        part.place = "released" if action == "release" else "ready"
    selection = {"review_ids": [part.review_id for part in parts]}
    body: dict[str, Any] = {"action": action, "selection": selection, "reason": "The whole team."}
    if action == "unrelease":
        body["revoke_signatures"] = actor.chance.random() < REVOKED
    actor.command(actor.scene.hr, "bulk", "/v1/packets/bulk", None, body)


def unrelease(actor: Actor, part: Part) -> None:
    """HR takes the packet back; where somebody has signed, the signatures with it."""
    path = f"/v1/packets/{part.review_id}/unrelease"
    actor.scene.heated(part)
    revoke = actor.chance.random() < 0.3
    for wish in (revoke, True):
        body = {"reason": "A figure is wrong.", "revoke_signatures": wish}
        answer = actor.command(actor.scene.hr, "unrelease", path, part, body)
        if answer.word != "signatures-present":
            break
    part.place = "ready" if answer.ok else _place_after(answer, part)


def sign(actor: Actor, part: Part) -> None:
    """The employee or the manager agrees to the statement."""
    who = actor.chance.choice((part.employee, part.manager))
    path = f"/v1/signatures/{part.review_id}"
    seen = actor.look(who, "statement", f"{path}/statement", part)
    if not seen.ok:
        return
    body = {
        "statement_version": seen.body["statement_version"],
        "snapshot_hash": seen.body["covers"]["snapshot_hash"],
        "comment": None,
    }
    actor.command(who, "sign", f"{path}/sign", part, body)


def revoke(actor: Actor, part: Part) -> None:
    """HR revokes one signature or all."""
    body = {"signer": actor.chance.choice(("all", "employee", "manager")), "reason": "Signed by mistake."}
    actor.command(actor.scene.hr, "revoke", f"/v1/signatures/{part.review_id}/revoke", part, body)


def complete(actor: Actor, part: Part) -> None:
    """HR completes the review without waiting for signatures."""
    body = {"reason": "The employee is away for long."}
    actor.command(actor.scene.hr, "complete", f"/v1/signatures/{part.review_id}/complete", part, body)


def reopen(actor: Actor, part: Part) -> None:
    """HR gives the manager-assessment back as a draft, and the manager submits it again."""
    path = f"/v1/reviews/{part.review_id}/manager-assessment"
    answer = actor.command(actor.scene.hr, "reopen", f"{path}/reopen", part, {"reason": "Too short."})
    if answer.ok:
        part.place = "draft"


def submit(actor: Actor, part: Part) -> None:
    """The manager finishes the manager-assessment."""
    path = f"/v1/reviews/{part.review_id}/manager-assessment/submit"
    answer = actor.command(part.manager, "submit", path, part)
    if answer.ok or answer.word == "already-submitted":
        part.place = "ready"


def unshare(actor: Actor, part: Part) -> None:
    """The employee takes the self-assessment back and shares it again."""
    path = f"/v1/reviews/{part.review_id}/self-assessment"
    actor.command(part.employee, "unshare", f"{path}/unshare", part)
    actor.command(part.employee, "share", f"{path}/share", part)


def rate(actor: Actor, part: Part) -> None:
    """HR changes a calibrated rating."""
    if part.session_id:
        part.rating = part.rating % 5 + 1
        path = f"/v1/packets/{part.review_id}"
        seen = actor.look(actor.scene.hr, "rating", f"{path}/actions", part)
        if not seen.ok:
            return
        body = {"rating": part.rating, "reason": "Compared with others."}
        tag = str(seen.body["rating_version"])
        actor.save(actor.scene.hr, "rate", f"{path}/rating", part, f"rate-{next(_keys)}", body, tag)


def confirm(actor: Actor, part: Part) -> None:
    """HR, who is a calibrator, says that the rating stands though the text has changed."""
    if part.session_id:
        path = f"/v1/calibrations/{part.session_id}/confirm"
        actor.command(actor.scene.hr, "confirm", path, part, {"review_ids": [part.review_id]})
    part.place = "ready"


def reassign(actor: Actor, part: Part) -> None:
    """HR names another manager."""
    manager = actor.chance.choice([one for one in actor.scene.managers if one is not part.manager])
    body = {"manager_id": manager.id, "reason": "The team has moved."}
    answer = actor.command(actor.scene.hr, "reassign", f"/v1/reviews/{part.review_id}/reassign", part, body)
    if answer.ok:
        part.former, part.manager = part.manager, manager


def select(actor: Actor, part: Part) -> None:
    """HR chooses other questions for the whole cycle."""
    path = f"/v1/shared-questions/{part.cycle_id}"
    seen = actor.look(actor.scene.hr, "selection", path, part)
    if not seen.ok:
        return
    body = {"question_ids": actor.chance.choice(QUESTIONS), "rating": True}
    key = f"select-{next(_keys)}"
    actor.save(actor.scene.hr, "select", path, part, key, body, seen.etag)


def _place_after(answer: Answered, part: Part) -> str:
    """Guess from a refusal where the packet is."""
    guesses = {
        "not-released": "ready",
        "not-found": "ready",
        "manager-assessment-not-submitted": "draft",
        "release-in-progress": "released",
        "locked-released": "released",
        "unrelease-in-progress": "ready",
        "not-calibrated": "stale",
    }
    return guesses.get(answer.word, part.place)


@dataclass(frozen=True, slots=True)
class Weighted:
    """How often an act is tried, by where the packet is thought to be; `anyhow` wherever it is."""

    act: Any
    anyhow: int = 0
    where: Mapping[str, int] = field(default_factory=dict)

    def weight(self, place: str) -> int:
        """Return how often, as against the others."""
        return self.where.get(place, 0) + self.anyhow


ACTS = (
    Weighted(edit, anyhow=8, where={"with_manager": 30, "ready": 20, "draft": 20}),
    Weighted(send, anyhow=1, where={"ready": 60}),
    Weighted(release, anyhow=2, where={"with_manager": 60}),
    Weighted(bypass, anyhow=1, where={"ready": 8}),
    Weighted(release_later, where={"with_manager": 5, "ready": 3}),
    Weighted(unrelease, anyhow=2, where={"released": 40}),
    Weighted(sign, anyhow=1, where={"released": 50}),
    Weighted(revoke, anyhow=2, where={"released": 8}),
    Weighted(complete, anyhow=0, where={"released": 2}),
    Weighted(reopen, anyhow=1, where={"ready": 3, "with_manager": 3}),
    Weighted(submit, anyhow=1, where={"draft": 80}),
    Weighted(rate, anyhow=1, where={"with_manager": 3, "ready": 3}),
    Weighted(confirm, where={"stale": 60}),
    Weighted(reassign, anyhow=1),
    Weighted(unshare, anyhow=1, where={"with_manager": 4, "released": 1}),
)


def next_act(chance: random.Random, part: Part) -> Any:
    """Choose what somebody does with a review."""
    weights = [one.weight(part.place) for one in ACTS]
    return chance.choices([one.act for one in ACTS], weights)[0]
