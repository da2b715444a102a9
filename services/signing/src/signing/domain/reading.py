"""Who may read what of a review's signatures, and whether a mail about one may still go out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from signing.domain.people import EMPLOYEES, HR_ADMINS, MANAGERS, HrRight, only, role_of_person
from signing.domain.record import HOLDER_OF, Holder, HoldState, Role, signer_of, signing_open, word_of
from signing.domain.refusals import NotFound, Refusal, refuse

if TYPE_CHECKING:
    from signing.domain.ids import PersonId, ReviewId, SnapshotHash
    from signing.domain.people import Relation
    from signing.domain.record import SigningRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class SignerView:
    """One signer as a reader may see it. What is covered is there only while the signature stands, else None.

    `rejection`: why the newest attempt was rejected, to the signer and HR only. `comment_visible`: whether the reader
    may be shown the final comment of this signature, if there is one.
    """

    role: Role
    person_id: PersonId
    state: str
    fence: int
    epoch: int | None
    snapshot_hash: SnapshotHash | None
    manager_version: int | None
    self_version: int | None
    statement_version: int | None
    stale: bool
    rejection: str | None
    comment_visible: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningView:
    """The signatures of one review as a reader may see them. `completed_by`: the HR Admin, None if by itself or not."""

    review_id: ReviewId
    open: bool
    signers: tuple[SignerView, ...]
    completion: str
    completed_by: PersonId | None
    completion_rejection: str | None


def unmet_read(record: SigningRecord, rel: Relation) -> list[Refusal]:
    """Why the actor cannot read the signatures. To the employee they do not exist unless the packet is released."""
    if rel.outsider or (rel.signer is Role.EMPLOYEE and not record.released):
        return [NotFound()]
    return [] if rel.signer is not None or rel.is_hr else [only(EMPLOYEES, MANAGERS, HR_ADMINS)]


def view(record: SigningRecord, rel: Relation) -> SigningView:
    """The signatures as this reader may see them.

    Raises:
        Refusal: one of `unmet_read`.
    """
    refuse(unmet_read(record, rel))
    completion = record.completion
    made = completion.state is HoldState.SIGNED
    return SigningView(
        review_id=record.review_id,
        open=signing_open(record),
        signers=tuple(_signer(record, rel, role) for role in Role),
        completion=word_of(record, Holder.COMPLETION),
        completed_by=completion.person_id if made and rel.is_hr else None,
        completion_rejection=completion.rejection if rel.is_hr else None,
    )


def comment_visible(record: SigningRecord, rel: Relation, role: Role) -> bool:
    """Whether the reader may read the final comment of this role's signature.

    The author may from the moment of signing; the other signer and HR once the signature stands, the other signer only
    while the packet is released, and HR only where HR may act on the review.
    """
    register = record.register(HOLDER_OF[role])
    if unmet_read(record, rel) or register.state not in {HoldState.PENDING, HoldState.SIGNED}:
        return False
    if register.person_id == rel.actor_id:
        return True
    if register.state is not HoldState.SIGNED:
        return False
    return rel.hr is HrRight.FULL or (rel.signer is not None and record.released)


def visible(record: SigningRecord, person_id: PersonId, *, at: int) -> bool:
    """Whether a mail to this person about the own signature, as of fence `at`, may go out now.

    It may if the person can open it and nothing newer has happened: the signature stands under that fence, or that was
    the newest one used (0: none) and it is still to be made.
    """
    role = role_of_person(record, person_id)
    if role is None or (role is Role.EMPLOYEE and not record.released):
        return False
    register = record.register(HOLDER_OF[role])
    if register.fence != at:
        return False
    if register.state is HoldState.SIGNED:
        return register.person_id == person_id
    return register.state is HoldState.NONE and signing_open(record) and signer_of(record, role) == person_id


def _signer(record: SigningRecord, rel: Relation, role: Role) -> SignerView:
    register = record.register(HOLDER_OF[role])
    made = register.state is HoldState.SIGNED
    return SignerView(
        role=role,
        person_id=register.person_id or signer_of(record, role),
        state=word_of(record, HOLDER_OF[role]),
        fence=register.fence,
        epoch=register.epoch if made else None,
        snapshot_hash=register.snapshot_hash if made else None,
        manager_version=register.manager_version if made else None,
        self_version=register.self_version if made else None,
        statement_version=register.statement_version if made else None,
        stale=register.stale,
        rejection=register.rejection if rel.is_hr or rel.signer is role else None,
        comment_visible=comment_visible(record, rel, role),
    )
