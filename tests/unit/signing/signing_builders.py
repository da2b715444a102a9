"""Records, people and answers for the tests of signing: each says only what matters to a test."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from signing.domain import answers, knowledge, people, record, signature
from signing.domain.ids import CommentHash, CycleId, PersonId, ReviewId, SnapshotHash
from signing.domain.record import Holder, HoldState, Register, SelfState, SigningRecord

if TYPE_CHECKING:
    from signing.domain.facts import Fact, Step

EMPLOYEE = PersonId("p-employee")
MANAGER = PersonId("p-manager")
HR = PersonId("p-hr")
H1 = SnapshotHash("sha256:" + "1" * 64)
H2 = SnapshotHash("sha256:" + "2" * 64)
COMMENT = CommentHash("c1")
LINE = {EMPLOYEE: MANAGER, MANAGER: None, HR: None}

AS_EMPLOYEE = people.Relation(actor_id=EMPLOYEE, signer=record.Role.EMPLOYEE)
AS_MANAGER = people.Relation(actor_id=MANAGER, signer=record.Role.MANAGER)
AS_HR = people.Relation(actor_id=HR, hr=people.HrRight.FULL)
SIGNERS = {Holder.SIGNATURE_EMPLOYEE: AS_EMPLOYEE, Holder.SIGNATURE_MANAGER: AS_MANAGER}


def blank() -> SigningRecord:
    """A review of which nothing is known but its people."""
    return knowledge.new_record(
        review_id=ReviewId("r-1"), cycle_id=CycleId("c-1"), subject_id=EMPLOYEE, manager_id=MANAGER
    )


def opened(**changes: Any) -> SigningRecord:
    """The packet is released in epoch 1 and the self-assessment shared in version 5."""
    base = replace(
        blank(),
        released=True,
        packet_epoch=1,
        snapshot_hash=H1,
        manager_version=3,
        review_version=7,
        self_state=SelfState.SHARED,
        self_version=5,
    )
    return replace(base, **changes)


def register(holder: Holder, state: HoldState, fence: int, **changes: Any) -> Register:
    """A register in that state, over epoch 1."""
    if state is HoldState.NONE:
        return Register(fence=fence, **changes)
    person = {Holder.SIGNATURE_EMPLOYEE: EMPLOYEE, Holder.SIGNATURE_MANAGER: MANAGER, Holder.COMPLETION: None}[holder]
    base = Register(
        state=state,
        fence=fence,
        epoch=1,
        snapshot_hash=H1,
        manager_version=3,
        self_version=5,
        person_id=person,
        statement_version=None if holder is Holder.COMPLETION else 1,
        comment_hash=None if holder is Holder.COMPLETION else COMMENT,
    )
    return replace(base, **changes)


def having(holder: Holder, state: HoldState, fence: int, **changes: Any) -> SigningRecord:
    """An open review with one register in that state; `changes` are of the record."""
    return opened(**changes).having(holder, register(holder, state, fence))


def agreement(**changes: Any) -> signature.Agreement:
    """What a signer sends who has seen the current statement and packet."""
    base = signature.Agreement(statement_version=1, snapshot_hash=H1, comment_hash=COMMENT)
    return replace(base, **changes)


def sign(state: SigningRecord, holder: Holder) -> Step:
    """The signer of that register signs what is current."""
    assert state.snapshot_hash is not None
    return signature.sign(state, SIGNERS[holder], agreement(snapshot_hash=state.snapshot_hash))


def signed_by(*holders: Holder, **changes: Any) -> SigningRecord:
    """An open review that these have signed."""
    state = opened(**changes)
    for holder in holders:
        state, _ = sign(state, holder)
        state, _ = answers.granted(state, holder, fence=state.register(holder).fence)
    return state


def names(facts: tuple[Fact, ...]) -> list[str]:
    """The facts' names, in order."""
    return [type(fact).__name__ for fact in facts]
