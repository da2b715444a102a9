"""Who is still there to be mailed. Names and addresses are not kept: they are asked for when sending."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from notifications.domain.ids import PersonId


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownPerson:
    """One person as the newest fact tells. `version` never goes down."""

    person_id: PersonId
    active: bool
    version: int


def learn_person(known: KnownPerson | None, told: KnownPerson) -> KnownPerson:
    """What is known after this fact: the one given, if it is not older."""
    return told if known is None or told.version > known.version else known


def is_active(known: KnownPerson | None) -> bool:
    """False only for those who are known to have left; about the others the directory is asked when sending anyway."""
    return known is None or known.active
