"""How far the reviews of a cycle are, counted in the database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from assessment.domain import progress as domain
from assessment.domain.refusals import refuse
from assessment.domain.review import ManagerState, SelfState
from assessment.store import cycles
from assessment.store.tables import review

if TYPE_CHECKING:
    from collections.abc import Mapping

    from assessment.domain.people import Actor
    from reviewbus.db import Tx

_GROUPED = (
    review.c.started,
    review.c.cancelled,
    review.c.completion_held.label("completed"),
    review.c.release_held.label("locked"),
    review.c.self_state,
    review.c.manager_state,
)


def progress(tx: Tx, actor: Actor, cycle_id: str) -> dict[str, Any]:
    """Return the counts of all reviews of a cycle that the actor follows; raises `NotFound`."""
    # On the own review nobody is more than its employee.
    others = (review.c.cycle_id == cycle_id) & (review.c.subject_id != actor.person_id)
    team = others & (review.c.manager_id == actor.person_id)
    has_team = bool(tx.execute(sa.select(sa.exists().where(team))).scalar())
    everything = domain.follows_all(actor)
    exists = everything and cycles.read(tx, cycle_id) is not None
    refuse(domain.unmet_follow(actor, exists=exists, has_team=has_team))
    query = sa.select(*_GROUPED, sa.func.count().label("reviews")).where(others if everything else team)
    groups = [_alike(row) for row in tx.execute(query.group_by(*_GROUPED)).mappings()]
    counted = domain.progress(groups, with_drafts=everything)
    return {
        "cycle_id": cycle_id,
        "reviews": counted.reviews,
        "not_started": counted.not_started,
        "states": counted.states,
        "self_states": counted.self_states,
        "manager_states": counted.manager_states,
    }


def _alike(row: Mapping[Any, Any]) -> domain.Alike:
    return domain.Alike(
        **{**row, "self_state": SelfState(row["self_state"]), "manager_state": ManagerState(row["manager_state"])}
    )
