"""Many participants at once, each judged alone: what fits is taken, and of each of the others it is said why not."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from assessment.domain.cycle import (
    Cycle,
    Participant,
    unmet_change,
    unmet_choice,
    unmet_own_line,
    unmet_participants,
    with_manager,
)
from assessment.domain.cycle_refusals import NotParticipating, ParticipantTwice, TextsKept
from assessment.domain.refusals import Refusal, in_rank_order, refuse

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from assessment.domain.ids import PersonId
    from assessment.domain.people import Actor, Person


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedRow:
    """Why the row at `index` (from 0) is left out: every reason, the first to be answered first."""

    index: int
    subject_id: PersonId
    reasons: tuple[Refusal, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """The participants to be added or given another manager, how many are there already, and who is left out."""

    wanted: tuple[Participant, ...]
    unchanged: int
    refused: tuple[RefusedRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """Who is to be removed, and who stays all the same."""

    subject_ids: tuple[PersonId, ...]
    refused: tuple[RefusedRow, ...]


def take(
    cycle: Cycle,
    rows: tuple[Participant, ...],
    *,
    actor: Actor,
    present: Mapping[PersonId, PersonId | None],
    directory: Mapping[PersonId, Person],
) -> Taken:
    """What becomes of each row, as `cycle.add_participants` judges it; the same rows again change nothing.

    `present` and `directory` as there.

    Raises:
        Refusal: no row is taken, because of who asks or of the cycle's state.
    """
    refuse(unmet_change(cycle, actor=actor))
    times = Counter(row.subject_id for row in rows)
    wanted: list[Participant] = []
    refused: list[RefusedRow] = []
    for index, row in enumerate(rows):
        named = with_manager(row, directory)
        is_new = named.subject_id not in present
        moved = set() if is_new or present[named.subject_id] == named.manager_id else {named.subject_id}
        reasons = unmet_choice((named,), moved, actor, directory) + unmet_participants((named,), directory)
        if times[row.subject_id] > 1:
            reasons.append(ParticipantTwice())
        if reasons:
            refused.append(RefusedRow(index=index, subject_id=row.subject_id, reasons=in_rank_order(reasons)))
        elif is_new or moved:
            wanted.append(named)
    unchanged = len(rows) - len(wanted) - len(refused)
    return Taken(wanted=tuple(wanted), unchanged=unchanged, refused=tuple(refused))


def leave(
    cycle: Cycle,
    subject_ids: tuple[PersonId, ...],
    *,
    actor: Actor,
    present: Mapping[PersonId, PersonId | None],
    written: Collection[PersonId],
    directory: Mapping[PersonId, Person],
) -> Leaving:
    """Who of these is removed from a cycle that is not started. `written`: in whose reviews texts are kept.

    `present`: each participant's manager. Who has none may be removed by whoever may do that at all, also above in the
    own line: no cycle starts with somebody without a manager, and for the head of all nobody else could act. Of the
    directory the actor and everybody above suffice.

    Raises:
        Refusal: nobody is removed, because of who asks or of the cycle's state.
    """
    refuse(unmet_change(cycle, actor=actor))
    leaving: dict[PersonId, None] = {}
    refused: list[RefusedRow] = []
    for index, subject_id in enumerate(subject_ids):
        managed = subject_id not in present or present[subject_id] is not None
        reasons = unmet_own_line({subject_id}, actor, directory) if managed or subject_id == actor.person_id else []
        if subject_id not in present:
            reasons.append(NotParticipating())
        if subject_id in written:
            reasons.append(TextsKept())
        if reasons:
            refused.append(RefusedRow(index=index, subject_id=subject_id, reasons=in_rank_order(reasons)))
        else:
            leaving[subject_id] = None
    return Leaving(subject_ids=tuple(leaving), refused=tuple(refused))
