"""Signing's row of the review, moved by the domain's functions as the service calls them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from explore import bus, cast
from explore.side import Command, Moved, Side
from signing import events, peers
from signing.domain import answers, completion, knowledge, revocation, signature, sweep
from signing.domain.ids import ContentHash, CycleId, PersonId, ReviewId, SnapshotHash
from signing.domain.people import relation
from signing.domain.record import HOLDER_OF, Holder, Role, SelfState, SigningRecord, covered_self_version
from signing.domain.refusals import Refusal
from signing.domain.statement import STATEMENT_VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from explore.bus import Message
    from signing.domain.facts import Step
    from signing.domain.people import Relation

_HOLDERS = {each.value: each for each in Holder}


def first_row() -> SigningRecord:
    """The row of a review that has just begun. Its version stays 1: who compares it is told what was written."""
    return knowledge.new_record(
        review_id=ReviewId(cast.REVIEW_ID),
        cycle_id=CycleId(cast.CYCLE_ID),
        subject_id=PersonId(cast.EMPLOYEE),
        manager_id=PersonId(cast.MANAGER),
    )


def swept_packets(record: SigningRecord, seen: Mapping[str, Any]) -> Moved[SigningRecord]:
    """Repair what facts of packets did not tell, from its row as it was seen."""
    return _kept(record, knowledge.repair_from_packet(record, peers._packet(seen).row))


def swept_reviews(record: SigningRecord, seen: Mapping[str, Any], *, written: bool) -> Moved[SigningRecord]:
    """Compare with assessment's row as it was seen; `written`: ours was written since its version was read."""
    one = peers._review(seen)
    learnt, facts = knowledge.learn_review(record, one.told)
    read = record.row_version - 1 if written else record.row_version
    compared, more = sweep.compare(learnt, one.registers, row_version_read=read)
    swept = _kept(record, (compared, facts + more))
    # Of drafts no fact tells: a fact and a row of one version may differ in that, and take turns for ever.
    unwritten = {record.self_state, swept[0].self_state} <= {SelfState.NONE, SelfState.DRAFT}
    return (record, ()) if unwritten and replace(swept[0], self_state=record.self_state) == record else swept


def moved_after_restore(record: SigningRecord, seen: Mapping[str, Any]) -> Moved[SigningRecord]:
    """Move a restored row past what is in flight; the sweeps that follow repair what it knows."""
    return _kept(record, sweep.quarantine_jump(record, peers._review(seen).registers))


def _kept(old: SigningRecord, step: Step) -> Moved[SigningRecord]:
    """Save, then emit."""
    new, facts = step
    if new is old and not facts:
        return old, ()
    saved = new if new.row_version == 1 else replace(new, row_version=1)
    told = tuple(bus.published("signing", events.event(saved, each, sequence=0)) for each in events.published(facts))
    return (old if saved is old or saved == old else saved), told


def _as(person_id: str, record: SigningRecord) -> Relation:
    return relation(record, cast.signing_actor(person_id), cast.signing_line())


def _sign(person_id: str) -> Callable[[SigningRecord], Moved[SigningRecord]]:
    """Somebody signs what is released now, as far as signing knows."""

    def act(record: SigningRecord) -> Moved[SigningRecord]:
        agreement = signature.Agreement(
            statement_version=STATEMENT_VERSION,
            snapshot_hash=record.snapshot_hash or SnapshotHash("none"),
            self_version=covered_self_version(record) or 0,
        )
        return _kept(record, signature.sign(record, _as(person_id, record), agreement))

    return act


def _revoke(*holders: Holder) -> Callable[[SigningRecord], Moved[SigningRecord]]:
    return lambda record: _kept(
        record, revocation.revoke(record, _as(cast.HR, record), holders=frozenset(holders or Holder))
    )


def _complete(record: SigningRecord) -> Moved[SigningRecord]:
    return _kept(record, completion.complete(record, _as(cast.HR, record)))


def _reconcile(record: SigningRecord) -> Moved[SigningRecord]:
    return _kept(record, (record, sweep.reconcile(record)))


def _about_review(
    self_state: SelfState | None = None, *, closed: bool | None = None, cancelled: bool | None = None
) -> Callable[[SigningRecord, Message], Moved[SigningRecord]]:
    def handle(record: SigningRecord, message: Message) -> Moved[SigningRecord]:
        said = message.said
        told = knowledge.ReviewKnowledge(
            version=said["version"],
            manager_id=PersonId(said["manager_id"]),
            self_state=self_state,
            self_version=said["self_version"] if self_state is SelfState.SHARED else None,
            closed=closed,
            cancelled=cancelled,
        )
        return _kept(record, knowledge.learn_review(record, told))

    return handle


def _released(record: SigningRecord, message: Message) -> Moved[SigningRecord]:
    said = message.said
    step = knowledge.learn_released(
        record,
        epoch=said["epoch"],
        snapshot_hash=SnapshotHash(said["snapshot_hash"]),
        manager_version=said["manager_version"],
    )
    return _kept(record, step)


def _unreleased(record: SigningRecord, message: Message) -> Moved[SigningRecord]:
    said = message.said
    step = knowledge.learn_unreleased(
        record, epoch=said["epoch"], revoke_signatures=said["revoke_signatures"], by=said["by"]
    )
    return _kept(record, step)


def _about_hold(
    answer: Callable[[SigningRecord, Holder, Mapping[str, Any]], Step],
) -> Callable[[SigningRecord, Message], Moved[SigningRecord]]:
    """An answer of assessment; those about the release register are for packets."""

    def handle(record: SigningRecord, message: Message) -> Moved[SigningRecord]:
        said = message.said
        holder = _HOLDERS.get(said["holder"])
        return (record, ()) if holder is None else _kept(record, answer(record, holder, said))

    return handle


def _granted(record: SigningRecord, holder: Holder, said: Mapping[str, Any]) -> Step:
    return answers.granted(
        record,
        holder,
        fence=said["fence"],
        manager_hash=_hash(said["manager_hash"]),
        self_hash=_hash(said["self_hash"]),
    )


def _hash(digest: str | None) -> ContentHash | None:
    return None if digest is None else ContentHash(digest)


COMMANDS: tuple[Command[SigningRecord], ...] = (
    Command("sign-employee", "the employee signs", _sign(cast.EMPLOYEE)),
    Command("sign-manager", "the manager signs", _sign(cast.MANAGER)),
    Command("sign-successor", "the successor signs", _sign(cast.SUCCESSOR)),
    Command("revoke", "HR revokes all signatures", _revoke()),
    Command("revoke-employee", "HR revokes the employee's signature", _revoke(HOLDER_OF[Role.EMPLOYEE])),
    Command("revoke-manager", "HR revokes the manager's signature", _revoke(HOLDER_OF[Role.MANAGER])),
    Command("lift", "HR lifts the completion", _revoke(Holder.COMPLETION)),
    Command("complete", "HR completes the review", _complete),
)
SIDE = Side(
    name="signing",
    commands=COMMANDS,
    handlers={
        "review.reassigned.v1": _about_review(),
        "review.closed.v1": _about_review(closed=True),
        "review.cancelled.v1": _about_review(cancelled=True),
        "self-assessment.shared.v1": _about_review(SelfState.SHARED),
        "self-assessment.unshared.v1": _about_review(SelfState.DRAFT),
        "self-assessment.waived.v1": _about_review(SelfState.WAIVED),
        "self-assessment.unwaived.v1": _about_review(SelfState.NONE),
        "packet.released.v1": _released,
        "packet.unreleased.v1": _unreleased,
        "hold.granted.v1": _about_hold(_granted),
        "hold.rejected.v1": _about_hold(
            lambda record, holder, said: answers.rejected(record, holder, fence=said["fence"], reason=said["reason"])
        ),
        "hold.released.v1": _about_hold(
            lambda record, holder, said: answers.freed(record, holder, fence=said["fence"])
        ),
        "hold.superseded.v1": _about_hold(
            lambda record, holder, said: answers.superseded(
                record, holder, fence=said["fence"], last_fence=said["last_fence"]
            )
        ),
    },
    refusal=Refusal,
    ticks=(Command("signing-reconciler", "signing's reconciler", _reconcile),),
)
