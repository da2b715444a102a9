"""What can be done with the signatures of a review: lock its row, let the domain decide, save, emit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reviewbus import canonical, richtext, telemetry
from reviewbus.db import AuditEntry
from signing import events, store
from signing.domain import answers, completion, knowledge, people, revocation, signature, sweep
from signing.domain.facts import Alarm
from signing.domain.ids import CommentHash
from signing.domain.record import HOLDER_OF, Role, present
from signing.domain.refusals import NotFound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reviewbus.db import Tx
    from signing.domain.facts import Fact, Step
    from signing.domain.ids import ContentHash, PersonId, ReviewId, SnapshotHash
    from signing.domain.knowledge import ReviewKnowledge
    from signing.domain.people import Actor, Relation
    from signing.domain.record import Holder, SigningRecord

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
class Answered:
    """What assessment said to the command of one register; what a kind of answer does not name is None."""

    review_id: ReviewId
    holder: Holder
    fence: int
    manager_hash: ContentHash | None = None
    self_hash: ContentHash | None = None
    reason: str = ""
    last_fence: int = 0


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


def granted(tx: Tx, answer: Answered) -> None:
    """The hold is granted. An answer about a review that is not known here is left to the sweep, as all answers."""
    if (old := store.load(tx, answer.review_id)) is not None:
        hashes = {"manager_hash": answer.manager_hash, "self_hash": answer.self_hash}
        keep(tx, old, answers.granted(old, answer.holder, fence=answer.fence, **hashes))


def rejected(tx: Tx, answer: Answered) -> None:
    """The hold is rejected."""
    if (old := store.load(tx, answer.review_id)) is not None:
        keep(tx, old, answers.rejected(old, answer.holder, fence=answer.fence, reason=answer.reason))


def freed(tx: Tx, answer: Answered) -> None:
    """The register is free again."""
    if (old := store.load(tx, answer.review_id)) is not None:
        keep(tx, old, answers.freed(old, answer.holder, fence=answer.fence))


def superseded(tx: Tx, answer: Answered) -> None:
    """The register knows a newer fence."""
    if (old := store.load(tx, answer.review_id)) is not None:
        keep(tx, old, answers.superseded(old, answer.holder, fence=answer.fence, last_fence=answer.last_fence))


def learn_review(tx: Tx, blank: SigningRecord, told: ReviewKnowledge) -> None:
    """Take over what assessment says of the review that `blank` names."""
    old = store.load_or_create(tx, blank)
    keep(tx, old, knowledge.learn_review(old, told))


def learn_released(
    tx: Tx, blank: SigningRecord, *, epoch: int, snapshot_hash: SnapshotHash, manager_version: int
) -> None:
    """The packet is released."""
    old = store.load_or_create(tx, blank)
    step = knowledge.learn_released(old, epoch=epoch, snapshot_hash=snapshot_hash, manager_version=manager_version)
    keep(tx, old, step)


def learn_unreleased(tx: Tx, blank: SigningRecord, *, epoch: int, revoke_signatures: bool, by: PersonId | None) -> None:
    """The packet is taken back, perhaps with the wish to revoke what was signed."""
    old = store.load_or_create(tx, blank)
    keep(tx, old, knowledge.learn_unreleased(old, epoch=epoch, revoke_signatures=revoke_signatures, by=by))


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
    new, facts = step
    told = events.published(facts)
    kept = store.save(tx, old, new, events=len(told))
    _emit(tx, kept, told)
    for fact in facts:
        if isinstance(fact, Alarm):
            telemetry.INVARIANT_VIOLATIONS.labels(kind=fact.code.value).inc()
            _log.error("alarm", code=fact.code.value, review_id=fact.review_id, holder=fact.holder.value)
    return kept.record


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
