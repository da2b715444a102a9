"""Who somebody is to a review: employee, manager of record, HR, assistant or an outsider."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from assessment.domain.refusals import ForbiddenRole, NotFound, Refusal, SelfDealing, UnknownPerson

if TYPE_CHECKING:
    from collections.abc import Mapping

    from assessment.domain.ids import PersonId

OWN_REVIEW = "This is your own review, on which you are the employee, whatever your roles are: ask somebody else of HR."
HR_ADMIN = "hr_admin"
HR_ASSISTANT = "hr_assistant"
SERVICE = "service"
BY_MANAGER = "manager"  # in facts, as whom somebody acted; no token role
DIRECTORY_WRITE = "directory:write"
EMPLOYEES, MANAGERS, HR_ADMINS = "the employee", "the manager", "HR Admins"
_HOLDERS = {HR_ADMIN: HR_ADMINS, HR_ASSISTANT: "HR assistants"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who sends the command: the token's subject, roles and (for services) scopes."""

    person_id: PersonId
    roles: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One person of the directory. `version` counts up only when something else here changes."""

    person_id: PersonId
    external_id: str
    display_name: str
    email: str
    manager_id: PersonId | None
    active: bool
    version: int


class HrRight(StrEnum):
    """What the token role HR Admin is worth on one review."""

    NONE = "none"
    FULL = "full"
    SELF_DEALING = "self-dealing"
    UNKNOWN_PERSON = "unknown-person"


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """What an actor is to one review. The employee is nothing else, whatever the token's roles say."""

    actor_id: PersonId
    employee: bool = False
    manager: bool = False
    hr: HrRight = HrRight.NONE
    assistant: bool = False

    @property
    def outsider(self) -> bool:
        """True for whom the review does not exist."""
        return not (self.employee or self.manager or self.assistant or self.hr is not HrRight.NONE)

    @property
    def hr_acts(self) -> bool:
        """True when the commands and views of HR are open to the actor."""
        return self.hr is HrRight.FULL


def relation(
    actor: Actor, *, subject_id: PersonId, manager_id: PersonId | None, directory: Mapping[PersonId, Person]
) -> Relation:
    """What `actor` is to the review of `subject_id`.

    Of the directory the two people and everybody above the actor suffice.
    """
    if actor.person_id == subject_id:
        return Relation(actor_id=actor.person_id, employee=True)
    return Relation(
        actor_id=actor.person_id,
        manager=actor.person_id == manager_id,
        hr=_hr_right(actor, subject_id, directory),
        assistant=HR_ASSISTANT in actor.roles,
    )


def _hr_right(actor: Actor, subject_id: PersonId, directory: Mapping[PersonId, Person]) -> HrRight:
    if HR_ADMIN not in actor.roles:
        return HrRight.NONE
    if actor.person_id not in directory or subject_id not in directory:
        return HrRight.UNKNOWN_PERSON
    return HrRight.SELF_DEALING if reports_to(directory, actor.person_id, subject_id) else HrRight.FULL


def superiors(directory: Mapping[PersonId, Person], person_id: PersonId) -> tuple[PersonId, ...]:
    """Everybody above a person, nearest first; ends where the directory ends, and before going round in a loop."""
    walked = {person_id: None}
    person = directory.get(person_id)
    while person is not None and person.manager_id is not None and person.manager_id not in walked:
        walked[person.manager_id] = None
        person = directory.get(person.manager_id)
    return tuple(walked)[1:]


def reports_to(directory: Mapping[PersonId, Person], person_id: PersonId, superior_id: PersonId) -> bool:
    """Whether somebody reports to somebody, directly or not."""
    return superior_id in superiors(directory, person_id)


def unmet_hr(rel: Relation) -> list[Refusal]:
    """Why a command of HR Admins is not open to the actor: nothing when it is."""
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
            return [ForbiddenRole(OWN_REVIEW)] if rel.employee else [only(HR_ADMINS)]


def unmet_role(actor: Actor, *admitted: str) -> list[Refusal]:
    """Why a command outside any review is not open to the actor, who needs one of the token roles `admitted`."""
    return [] if actor.roles & set(admitted) else [only(*(_HOLDERS[role] for role in admitted))]


def only(*whom: str) -> ForbiddenRole:
    """The refusal of everybody but these, which names them."""
    return ForbiddenRole(f"This is for {' and '.join(whom)} only: ask them for it.")
