"""A history made up by hand, in which all is well: what the judge is tested with, once as it is and once for each lie.

One review goes all the way: written, released, read, signed, taken back with the signature, edited, released again,
read and downloaded. Another one only lies there.
"""

from __future__ import annotations

import copy
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from faults.judge.history import Call, Disturbance, History, Mail, Told
from faults.judge.mails import mail_id
from faults.judge.reading import snapshot_hash

if TYPE_CHECKING:
    from collections.abc import Callable

REVIEW, OTHER, CYCLE = "r1", "r2", "c1"
ANNA, MAX, HELEN, OLGA = "p-anna", "p-max", "p-helen", "p-olga"
TOPICS = {"/assessment": "assessment", "/packets": "packets", "/signing": "signing", "/notifications": "notifications"}
TEXT = "Results"
REGISTERS = ("release", "signature_employee", "signature_manager", "completion")


def answers(mark: str) -> list[dict[str, Any]]:
    """Return what a manager wrote, with the mark of its own that each text has."""
    return [{"question_id": "q1", "value": f"<p>{mark}: well done</p>"}, {"question_id": "q2", "value": 4}]


def shown(mark: str) -> list[dict[str, Any]]:
    """Return what a packet shows of it."""
    return [{"question_id": "q1", "text": TEXT, "value": f"<p>{mark}: well done</p>"}]


def snapshot(mark: str) -> str:
    """Return the hash over what is shown."""
    return snapshot_hash({"questions": shown(mark), "rating": None})


@dataclass
class Forgery:
    """A history that is still being written. Everything takes a second."""

    calls: list[Call] = field(default_factory=list)
    records: list[Told] = field(default_factory=list)
    mails: list[Mail] = field(default_factory=list)
    faults: list[Disturbance] = field(default_factory=list)
    rows: dict[str, dict[str, list[dict[str, Any]]]] = field(default_factory=dict)
    documents: dict[str, list[str]] = field(default_factory=dict)
    settled_s: float | None = 5.0
    now: float = 100.0
    numbers: Counter[tuple[str, str]] = field(default_factory=Counter)

    def call(self, act: str, who: str, status: int = 200, *, review: str = REVIEW, key: str = "", **words: Any) -> Call:
        """Somebody asks, and is answered a second later."""
        self.now += 2
        made = Call(
            who=who,
            act=act,
            review=review,
            key=key,
            trace=f"trace-{len(self.calls)}",
            tag="",
            sent=words.get("sent"),
            began=self.now - 1,
            ended=self.now,
            status=status,
            body=words.get("body"),
            etag=words.get("etag", ""),
            document=words.get("document", ""),
        )
        self.calls.append(made)
        return made

    def tell(self, source: str, kind: str, *, review: str = REVIEW, cause: str = "", **data: Any) -> Told:
        """A service publishes a record."""
        self.numbers[source, review] += 1
        made = Told(
            life=1,
            topic="holds" if kind.startswith("hold.requested") else TOPICS[source],
            partition=0,
            offset=len(self.records),
            review=review,
            type=f"{kind}.v1",
            id=f"event-{len(self.records)}",
            source=source,
            number=self.numbers[source, review],
            cause=cause,
            data=data,
            at=self.now,
            occurred=self.now,
        )
        self.records.append(made)
        return made

    def audit(self, service: str, call: Call) -> None:
        """A service notes a person's act."""
        self.rows.setdefault(service, {}).setdefault("audit", []).append({"request_id": call.trace, "action": call.act})

    def mail(self, template: str, to: str, occasion: str) -> None:
        """A mail goes out."""
        row = {"recipient_id": to, "template": template, "review_id": REVIEW, "occasion": occasion, "state": "sent"}
        self.rows.setdefault("notifications", {}).setdefault("delivery", []).append(row)
        self.mails.append(Mail(id=mail_id(row), to=to, arrived=self.now, decided=self.now))

    def history(self) -> History:
        """Return it as the judge takes it."""
        reviews = [{"id": REVIEW, "employee": ANNA}, {"id": OTHER, "employee": OLGA}]
        run = {"reviews": reviews, "settled_s": self.settled_s, "settle_s_max": 60.0, "calendar": 0.0}
        return History(run, self.calls, self.records, self.mails, self.faults, self.rows, self.documents)

    # -- ways to lie -------------------------------------------------------------------------------------------------

    def row(self, service: str, table: str, review: str = REVIEW) -> dict[str, Any]:
        """Return a row, to be changed."""
        return next(one for one in self.rows[service][table] if one["review_id"] == review)

    def change(self, which: Callable[[Any], bool], **words: Any) -> None:
        """Change the first call, or the first record, that fits."""
        lists: tuple[list[Any], ...] = (self.calls, self.records)
        for items in lists:
            for index, one in enumerate(items):
                if which(one):
                    items[index] = replace(one, **words)
                    return
        raise LookupError(words)

    def drop(self, which: Callable[[Told], bool]) -> None:
        """Lose the records that fit."""
        assert any(map(which, self.records))
        self.records = [one for one in self.records if not which(one)]


def clean() -> Forgery:
    """Return the history in which all is well; another one at every call."""
    made = Forgery()
    _written(made)
    _released(made, epoch=1, mark="w1w", version=2)
    _signed(made)
    _taken_back(made)
    _edited(made, "w2w", version=3)
    made.tell("/packets", "packet.rebuilt", epoch=1)
    _released(made, epoch=2, mark="w2w", version=3)
    made.call("download", ANNA, etag=f"{snapshot('w2w')}.3.1.0", document="d1")
    made.documents["d1"] = ["w2w"]
    made.call("edit", MAX, 423, key="w9w", body={"code": "locked-released"})
    _rest(made)
    return copy.deepcopy(made)


def _written(made: Forgery) -> None:
    made.tell("/assessment", "review.opened")
    made.tell("/assessment", "manager-assessment.submitted", manager_version=1)
    made.tell("/assessment", "review.opened", review=OTHER)
    _edited(made, "w1w", version=2)
    made.tell("/packets", "packet.ready", epoch=0)


def _edited(made: Forgery, mark: str, version: int) -> None:
    saved = made.call("edit", MAX, key=mark, etag=str(version))
    made.tell("/assessment", "manager-assessment.revised", manager_version=version, cause=saved.trace)


def _released(made: Forgery, *, epoch: int, mark: str, version: int) -> None:
    digest = snapshot(mark)
    body = {"state": "releasing", "epoch": epoch}
    pressed = made.call("release", MAX, 202, key=f"release-{epoch}", body=body)
    made.audit("packets", pressed)
    lock: dict[str, Any] = {"holder": "release", "fence": 2 * epoch, "epoch": epoch}
    made.tell("/packets", "hold.requested", want="held", cause=pressed.trace, **lock)
    made.tell("/assessment", "hold.granted", manager_version=version, snapshot_hash=digest, **lock)
    made.tell("/packets", "packet.released", epoch=epoch, snapshot_hash=digest)
    seen = {"epoch": epoch, "manager_version": version, "snapshot_hash": digest, "cycle_id": CYCLE}
    made.mail("released", ANNA, str(epoch))
    seen |= {"selection_version": 1, "questions": shown(mark), "rating": None}
    made.call("read", ANNA, body=seen)


def _signed(made: Forgery) -> None:
    pressed = made.call("sign", ANNA, 202, key="sign-1", body={"fence": 2})
    made.audit("signing", pressed)
    names: dict[str, Any] = {"signer_role": "employee", "fence": 2, "epoch": 1, "snapshot_hash": snapshot("w1w")}
    hold: dict[str, Any] = {"holder": "signature:employee", "fence": 2, "epoch": 1, "snapshot_hash": snapshot("w1w")}
    made.tell("/signing", "signature.requested", cause=pressed.trace, **names)
    made.tell("/signing", "hold.requested", want="held", cause=pressed.trace, **hold)
    made.tell("/assessment", "hold.granted", manager_version=2, **hold)
    made.tell("/signing", "signature.completed", **names)


def _taken_back(made: Forgery) -> None:
    body = {"state": "unreleasing", "epoch": 1}
    pressed = made.call("unrelease", HELEN, 202, key="unrelease-1", body=body)
    made.audit("packets", pressed)
    free: dict[str, Any] = {"holder": "release", "fence": 3, "epoch": 1}
    made.tell("/packets", "packet.unreleased", epoch=1, was="released", cause=pressed.trace)
    made.tell("/packets", "hold.requested", want="free", cause=pressed.trace, **free)
    made.call("read", ANNA, 404)
    made.tell("/assessment", "hold.released", **free)
    made.tell("/packets", "packet.ready", epoch=1)
    made.tell("/signing", "signature.revoked", signer_role="employee", fence=3)
    made.tell("/signing", "hold.requested", want="free", holder="signature:employee", fence=3)
    made.tell("/assessment", "hold.released", holder="signature:employee", fence=3)


def _rest(made: Forgery) -> None:
    """The final rows."""
    held = {"release_held": True, "release_epoch": 2, "release_snapshot_hash": snapshot("w2w")}
    made.rows.setdefault("assessment", {})["review"] = [_hold(made, REVIEW, version=3, **held), _hold(made, OTHER)]
    made.rows["assessment"]["content"] = [
        {"review_id": REVIEW, "side": "manager", "version": number, "answers": answers(mark), "content_hash": mark}
        for number, mark in enumerate(("first", "w1w", "w2w"), start=1)
    ]
    made.rows["packets"] |= {
        "packets": [
            _packet(made, REVIEW, state="released", epoch=2, version=3, digest=snapshot("w2w")),
            _packet(made, OTHER, state="none", epoch=0, version=0, digest=None),
        ],
        "selections": [{"cycle_id": CYCLE, "version": 1, "question_ids": ["q1"], "rating_question_ids": []}],
    }
    made.rows["signing"]["record"] = [_record(made, one) for one in (REVIEW, OTHER)]


def _hold(made: Forgery, review: str, *, version: int = 0, **held: Any) -> dict[str, Any]:
    row: dict[str, Any] = {"review_id": review, "manager_version": version, "manager_hash": f"content-{version}"}
    row |= {
        "calibration_required": False,
        "self_state": "shared",
        "self_version": 1,
        "event_sequence": made.numbers["/assessment", review],
    }
    for name in REGISTERS:
        row |= {f"{name}_held": False, f"{name}_epoch": None, f"{name}_snapshot_hash": None}
    return row | held


def _packet(made: Forgery, review: str, *, state: str, epoch: int, version: int, digest: str | None) -> dict[str, Any]:
    return {
        "review_id": review,
        "state": state,
        "epoch": epoch,
        "snapshot_hash": digest,
        "snapshot_manager_version": version,
        "snapshot_content_hash": f"content-{version}",
        "snapshot_selection_version": 1,
        "selection_version": 1,
        "snapshot_rating_version": 0,
        "rating_version": 0,
        "event_sequence": made.numbers["/packets", review],
    }


def _record(made: Forgery, review: str) -> dict[str, Any]:
    row: dict[str, Any] = {"review_id": review, "event_sequence": made.numbers["/signing", review]}
    for name in ("employee", "manager", "completion"):
        row |= {f"{name}_state": "none", f"{name}_snapshot_hash": None, f"{name}_manager_version": None}
        row |= {f"{name}_self_version": None}
    return row


# -- finding what is to be changed ------------------------------------------------------------------------------------


def is_told(kind: str, **data: Any) -> Callable[[Any], bool]:
    def fits(one: Any) -> bool:
        return isinstance(one, Told) and one.type == f"{kind}.v1" and data.items() <= one.data.items()

    return fits


def is_call(act: str, status: int = 200, nth: int = 0) -> Callable[[Any], bool]:
    left = [nth]

    def fits(one: Any) -> bool:
        if not (isinstance(one, Call) and one.act == act and one.status == status):
            return False
        left[0] -= 1
        return left[0] < 0

    return fits


def first(made: Forgery, fits: Callable[[Any], bool]) -> Told:
    return next(one for one in made.records if fits(one))


def time_of(made: Forgery, act: str, *, end: bool = False) -> float:
    call = next(one for one in made.calls if one.act == act)
    return call.ended if end else call.began
