"""Who asks, and what they may see. Names and addresses are not kept: they are asked for when sending."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from notifications.domain.refusals import ForbiddenRole

if TYPE_CHECKING:
    from notifications.domain.ids import PersonId
    from notifications.domain.refusals import Refusal

HR_ONLY = "This is for HR Admins and HR assistants only: ask them for it."
HR_ADMIN = "hr_admin"
HR_ASSISTANT = "hr_assistant"


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who asks: the token's subject and roles."""

    person_id: PersonId
    roles: frozenset[str] = frozenset()


def unmet_list_deliveries(actor: Actor) -> list[Refusal]:
    """Why the actor may not see what became of mails."""
    return [] if actor.roles & {HR_ADMIN, HR_ASSISTANT} else [ForbiddenRole(HR_ONLY)]


def unseen_subject(actor: Actor) -> PersonId:
    """Return whose review a token role shows nothing of: on the own one it gives no right."""
    return actor.person_id
