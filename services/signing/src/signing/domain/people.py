"""Who somebody is to a review: employee, manager of record, HR, somebody without a part in it, or an outsider."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from signing.domain.record import HOLDER_OF, Role
from signing.domain.refusals import ForbiddenRole, NotASigner, NotFound, Refusal, SelfDealing, UnknownPerson

if TYPE_CHECKING:
    from collections.abc import Mapping

    from signing.domain.ids import PersonId
    from signing.domain.record import SigningRecord

OWN_REVIEW = "This is your own review, on which you are the employee, whatever your roles are: ask somebody else of HR."
EMPLOYEES, MANAGERS, HR_ADMINS = "the employee", "the manager", "HR Admins"
HR_ADMIN = "hr_admin"
HR_ASSISTANT = "hr_assistant"


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who sends the command: the token's subject and roles."""

    person_id: PersonId
    roles: frozenset[str] = frozenset()


class HrRight(StrEnum):
    """What the token role HR Admin is worth on one review."""

    NONE = "none"
    FULL = "full"
    SELF_DEALING = "self-dealing"
    UNKNOWN_PERSON = "unknown-person"


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """What an actor is to one review. The employee is nothing else, whatever the token's roles say.

    `signer`: employee or manager of record. `bystander`: a token role that opens nothing in signing.
    """

    actor_id: PersonId
    signer: Role | None = None
    hr: HrRight = HrRight.NONE
    bystander: bool = False

    @property
    def outsider(self) -> bool:
        """True for whom the review does not exist."""
        return self.signer is None and self.hr is HrRight.NONE and not self.bystander

    @property
    def is_hr(self) -> bool:
        """True for an HR Admin, whether or not allowed to act on this review."""
        return self.hr is not HrRight.NONE


def relation(record: SigningRecord, actor: Actor, line: Mapping[PersonId, PersonId | None]) -> Relation:
    """What `actor` is to this review.

    `line`: to each known person the manager; actor, reviewee and everybody above the actor suffice. It is looked at for
    HR Admins only.
    """
    if actor.person_id == record.subject_id:
        return Relation(actor_id=actor.person_id, signer=Role.EMPLOYEE)
    return Relation(
        actor_id=actor.person_id,
        signer=Role.MANAGER if actor.person_id == record.manager_id else None,
        hr=_hr_right(record, actor, line),
        bystander=HR_ASSISTANT in actor.roles,
    )


def reports_to(line: Mapping[PersonId, PersonId | None], person_id: PersonId, superior_id: PersonId) -> bool:
    """Whether somebody reports to somebody, directly or not; the line ends where it is unknown or goes round."""
    seen: set[PersonId] = set()
    above = line.get(person_id)
    while above is not None and above not in seen:
        if above == superior_id:
            return True
        seen.add(above)
        above = line.get(above)
    return False


def unmet_signer(rel: Relation) -> list[Refusal]:
    """Why the actor is not a signer of this review: nothing when one is."""
    if rel.outsider:
        return [NotFound()]
    if rel.signer is not None:
        return []
    return [NotASigner()] if rel.is_hr else [only(EMPLOYEES, MANAGERS)]


def unmet_hr(rel: Relation, *, for_signers: type[Refusal] | None = None) -> list[Refusal]:
    """Why a command of HR Admins is not open to the actor: nothing when it is. Signers get `for_signers`, if given."""
    if rel.outsider:
        return [NotFound()]
    match rel.hr:
        case HrRight.FULL:
            return []
        case HrRight.SELF_DEALING:
            return [SelfDealing()]
        case HrRight.UNKNOWN_PERSON:
            return [UnknownPerson()]
        case HrRight.NONE:
            if rel.signer is not None and for_signers is not None:
                return [for_signers()]
            return [ForbiddenRole(OWN_REVIEW) if rel.signer is Role.EMPLOYEE else only(HR_ADMINS)]


def only(*whom: str) -> ForbiddenRole:
    """The refusal of everybody but these, which names them."""
    return ForbiddenRole(f"This is for {' and '.join(whom)} only: ask them for it.")


def role_of_person(record: SigningRecord, person_id: PersonId) -> Role | None:
    """In which role this person signs, or has signed, this review."""
    if person_id == record.subject_id:
        return Role.EMPLOYEE
    if person_id in {record.manager_id, record.register(HOLDER_OF[Role.MANAGER]).person_id}:
        return Role.MANAGER
    return None


def _hr_right(record: SigningRecord, actor: Actor, line: Mapping[PersonId, PersonId | None]) -> HrRight:
    if HR_ADMIN not in actor.roles:
        return HrRight.NONE
    if actor.person_id not in line or record.subject_id not in line:
        return HrRight.UNKNOWN_PERSON
    return HrRight.SELF_DEALING if reports_to(line, actor.person_id, record.subject_id) else HrRight.FULL
