"""What an actor may do now: the same decisions that the commands take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from signing.domain.completion import unmet_complete, would_complete
from signing.domain.people import EMPLOYEES, HR_ADMINS, MANAGERS, only
from signing.domain.refusals import NotFound, Refusal, refuse
from signing.domain.revocation import unmet_revoke, would_revoke
from signing.domain.signature import unmet_sign, would_sign

if TYPE_CHECKING:
    from signing.domain.people import Relation
    from signing.domain.record import SigningRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One command. `allowed` ⇔ it would be accepted ⇔ `unmet` is empty; `changes`: and would do something."""

    name: str
    allowed: bool
    changes: bool
    unmet: tuple[Refusal, ...]


def unmet_ask_actions(rel: Relation) -> list[Refusal]:
    """Why the actor is not told: participants and HR are, in every state."""
    if rel.outsider:
        return [NotFound()]
    return [] if rel.signer is not None or rel.is_hr else [only(EMPLOYEES, MANAGERS, HR_ADMINS)]


def actions(record: SigningRecord, rel: Relation) -> tuple[Action, ...]:
    """Every command of signing for this actor, given with a reason and over what is current.

    Raises:
        Refusal: one of `unmet_ask_actions`.
    """
    refuse(unmet_ask_actions(rel))
    return (
        _action("sign", unmet_sign(record, rel), changes=rel.signer is not None and would_sign(record, rel.signer)),
        _action("revoke", unmet_revoke(record, rel), changes=would_revoke(record)),
        _action("complete", unmet_complete(record, rel), changes=would_complete(record)),
    )


def _action(name: str, unmet: list[Refusal], *, changes: bool) -> Action:
    ordered = tuple(sorted(unmet, key=lambda reason: reason.rank))
    return Action(name=name, allowed=not ordered, changes=changes and not ordered, unmet=ordered)
