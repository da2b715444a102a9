"""What can be done with the signatures of a review: lock its row, let the domain decide, save, emit."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reviewbus import canonical, richtext, telemetry
from reviewbus.db import AuditEntry
from signing import events, store
from signing.domain import completion, people, revocation, signature, sweep
from signing.domain.facts import Alarm
from signing.domain.ids import CommentHash
from signing.domain.record import HOLDER_OF, Role, present
from signing.domain.refusals import NotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from reviewbus.db import Tx
    from signing.domain.facts import Fact, Step
    from signing.domain.ids import ReviewId, SnapshotHash
    from signing.domain.people import Actor, Relation
    from signing.domain.record import SigningRecord

_log = telemetry.logger("signing")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """What a signer sends: the statement and the packet seen; `comment` is rich text or None; see `Agreement`."""

    review_id: ReviewId
    actor: Actor
    statement_version: int
    snapshot_hash: SnapshotHash
    comment: str | None = None
    self_version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Revoke:
    """HR takes back one signature, or (`role` None) both and the completion."""

    review_id: ReviewId
    actor: Actor
    role: Role | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Complete:
    """HR completes a review without all signatures."""

    review_id: ReviewId
    actor: Actor
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What a fact of another service does to a review's row; `blank` is written first where there is none, if any."""

    review_id: ReviewId
    step: Callable[[SigningRecord], Step]
    blank: SigningRecord | None = None


def sign(tx: Tx, cmd: Sign) -> tuple[SigningRecord, Role]:
    """Ask for the hold of a signature; return the row and the signer's role.

    Raises:
        Refusal: one of `signature.unmet_sign`.
    """
    old, rel = _locked(tx, cmd.review_id, cmd.actor)
    text = richtext.sanitise(cmd.comment or "")
    digest = None if richtext.empty(text) else CommentHash(canonical.digest(text))
    agreement = signature.Agreement(
        statement_version=cmd.statement_version,
        snapshot_hash=cmd.snapshot_hash,
        comment_hash=digest,
        self_version=cmd.self_version,
    )
    step = signature.sign(old, rel, agreement)
    role = present(rel.signer)
    if step[0] is not old:
        _audit(tx, cmd.review_id, rel, role.value, "sign")
        if digest is not None:
            store.keep_comment(tx, cmd.review_id, role, digest=digest, text=text, author=cmd.actor.person_id)
    return keep(tx, old, step), role


def revoke(tx: Tx, cmd: Revoke) -> SigningRecord:
    """Take back signatures: from this commit on they are none.

    Raises:
        Refusal: one of `revocation.unmet_revoke`.
    """
    old, rel = _locked(tx, cmd.review_id, cmd.actor)
    holders = revocation.ALL if cmd.role is None else frozenset({HOLDER_OF[cmd.role]})
    step = revocation.revoke(old, rel, holders=holders)
    if step[0] is not old:
        action = "revoke" if cmd.role is None else f"revoke-{cmd.role.value}"
        _audit(tx, cmd.review_id, rel, people.HR_ADMIN, action, cmd.reason)
    return keep(tx, old, step)


def complete(tx: Tx, cmd: Complete) -> SigningRecord:
    """Ask for the hold of the completion.

    Raises:
        Refusal: one of `completion.unmet_complete`.
    """
    old, rel = _locked(tx, cmd.review_id, cmd.actor)
    step = completion.complete(old, rel)
    if step[0] is not old:
        _audit(tx, cmd.review_id, rel, people.HR_ADMIN, "complete", cmd.reason)
    return keep(tx, old, step)


def hear(tx: Tx, heard: Sequence[tuple[Heard, Callable[[], AbstractContextManager[None]]]]) -> None:
    """Take over facts about distinct reviews, by few statements; each with the context that what follows of it has."""
    rows = store.load_or_create(tx, {one.review_id: one.blank for one, _ in heard})
    assert all(one.review_id in rows for one, _ in heard if one.blank is not None)
    known = [(rows[one.review_id], one, context) for one, context in heard if one.review_id in rows]
    keep_many(tx, [(row, one.step(row)) for row, one, _ in known], [context for _, _, context in known])


def send_again(tx: Tx, due: Sequence[SigningRecord]) -> int:
    """Send the commands of these locked rows again, the same with the same fences; return how many.

    A row that was answered meanwhile stays as it is: it waits for nothing, and would be due for ever.
    """
    sent = 0
    for one in due:
        commanded = sweep.reconcile(one)
        if not commanded:
            continue
        kept = store.resent(tx, one, events=len(commanded))
        _emit(tx, kept, commanded)
        sent += len(commanded)
    return sent


def keep(tx: Tx, old: SigningRecord, step: Step) -> SigningRecord:
    """Write what was decided about a row that was loaded as `old`, and tell it."""
    return keep_many(tx, [(old, step)], [nullcontext])[0]


def keep_many(
    tx: Tx,
    steps: Sequence[tuple[SigningRecord, Step]],
    contexts: Sequence[Callable[[], AbstractContextManager[None]]],
) -> list[SigningRecord]:
    """The same for many rows, by few statements; what is told of each is told in its context."""
    told = [events.published(facts) for _, (_, facts) in steps]
    changes = [
        store.Change(old=old, new=new, events=len(facts)) for (old, (new, _)), facts in zip(steps, told, strict=True)
    ]
    saved = store.save_many(tx, changes)
    for kept, facts, context in zip(saved, told, contexts, strict=True):
        with context():
            _emit(tx, kept, facts)
    _alarm([fact for _, (_, facts) in steps for fact in facts])
    return [kept.record for kept in saved]


def _alarm(facts: Sequence[Fact]) -> None:
    for fact in facts:
        if isinstance(fact, Alarm):
            telemetry.INVARIANT_VIOLATIONS.labels(kind=fact.code.value).inc()
            _log.error("alarm", code=fact.code.value, review_id=fact.review_id, holder=fact.holder.value)


def _locked(tx: Tx, review_id: ReviewId, actor: Actor) -> tuple[SigningRecord, Relation]:
    record = store.load(tx, review_id)
    if record is None:
        raise NotFound
    return record, people.relation(record, actor, store.line(tx, actor.person_id, record.subject_id))


def _emit(tx: Tx, kept: store.Saved, facts: Sequence[Fact]) -> None:
    for number, fact in enumerate(facts, start=kept.first_event):
        tx.emit(events.event(kept.record, fact, sequence=number))


def _audit(tx: Tx, review_id: ReviewId, rel: Relation, role: str, action: str, reason: str | None = None) -> None:
    tx.audit(AuditEntry(actor=rel.actor_id, role=role, action=action, object_id=review_id, reason=reason))
