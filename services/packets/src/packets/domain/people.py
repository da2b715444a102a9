"""Who somebody is to one review: employee, manager of record, HR, assistant, calibrator or an outsider."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from packets.domain.packet import Part
from packets.domain.refusals import ForbiddenRole, NotFound, Refusal, SelfDealing, UnknownPerson

if TYPE_CHECKING:
    from collections.abc import Mapping

    from packets.domain.ids import PersonId
    from packets.domain.packet import Packet

    # Each person's line manager. For a decision the reviewees and everybody from the actor upwards suffice.
    Directory = Mapping[PersonId, PersonId | None]

OWN_REVIEW = "This is your own review, on which you are the employee, whatever your roles are: ask somebody else of HR."
_WHO = {
    Part.EMPLOYEE: "the employee",
    Part.MANAGER: "the manager",
    Part.HR_ADMIN: "HR Admins",
    Part.HR_ASSISTANT: "HR assistants",
    Part.CALIBRATOR: "members of the calibration session",
}
HR_ADMIN = "hr_admin"
HR_ASSISTANT = "hr_assistant"
SERVICE = "service"


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who sends the command: the token's subject and roles."""

    person_id: PersonId
    roles: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What an actor is to one review. The employee is nothing else, whatever the token's roles say.

    `barred` are the parts that the actor would have, were it not for `barrier`, the code of a refusal.
    """

    person_id: PersonId
    parts: frozenset[Part] = frozenset()
    barred: frozenset[Part] = frozenset()
    barrier: str | None = None


def standing(packet: Packet, actor: Actor, directory: Directory, *, calibrator: bool = False) -> Standing:
    """What `actor` is to the review; `calibrator`: a member of the session that the review is or was in."""
    if actor.person_id == packet.subject_id:
        return Standing(person_id=actor.person_id, parts=frozenset({Part.EMPLOYEE}))
    claims = {Part.HR_ADMIN: HR_ADMIN in actor.roles, Part.CALIBRATOR: calibrator}
    claimed = frozenset(part for part, holds in claims.items() if holds)
    others = {Part.MANAGER: actor.person_id == packet.manager_id, Part.HR_ASSISTANT: HR_ASSISTANT in actor.roles}
    parts = frozenset(part for part, holds in others.items() if holds)
    barrier = barrier_between(actor.person_id, packet.subject_id, directory) if claimed else None
    if barrier is None:
        return Standing(person_id=actor.person_id, parts=parts | claimed)
    return Standing(person_id=actor.person_id, parts=parts, barred=claimed, barrier=barrier)


def unknown(actor: Actor) -> Standing:
    """What somebody is who has no standing any more, whatever they had: refused as unknown to the directory."""
    everything = frozenset({Part.HR_ADMIN, Part.MANAGER})
    return Standing(person_id=actor.person_id, barred=everything, barrier=UnknownPerson.code)


def barrier_between(person_id: PersonId, subject_id: PersonId, directory: Directory) -> str | None:
    """The code of the refusal that keeps somebody from acting for the company on a review; None if none does."""
    if person_id not in directory or subject_id not in directory:
        return UnknownPerson.code
    return SelfDealing.code if subject_id in superiors(directory, person_id) else None


def superiors(directory: Directory, person_id: PersonId) -> tuple[PersonId, ...]:
    """Everybody above a person, nearest first; ends where the directory ends, and before going round in a loop."""
    above: list[PersonId] = []
    superior = directory.get(person_id)
    while superior is not None and superior not in (person_id, *above):
        above.append(superior)
        superior = directory.get(superior)
    return tuple(above)


def is_outsider(standing: Standing) -> bool:
    """Whether the review does not exist for this person."""
    return not standing.parts and not standing.barred


def unmet_part(standing: Standing, *admitted: Part) -> list[Refusal]:
    """Why a command that admits these parts is not open to the person: nothing when it is, else one refusal."""
    if is_outsider(standing):
        return [NotFound()]
    if standing.parts & set(admitted):
        return []
    if standing.barred & set(admitted):
        return [SelfDealing() if standing.barrier == SelfDealing.code else UnknownPerson()]
    own = Part.EMPLOYEE in standing.parts and Part.HR_ADMIN in admitted
    return [ForbiddenRole(OWN_REVIEW) if own else only(*admitted)]


def only(*admitted: Part) -> ForbiddenRole:
    """The refusal of everybody but these, which names them."""
    return ForbiddenRole(f"This is for {' and '.join(_WHO[part] for part in admitted)} only: ask them for it.")
