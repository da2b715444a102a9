"""How far the reviews of a cycle came, counted in the database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from assessment.domain.closing import Standings
from assessment.domain.review import ManagerState
from assessment.store.tables import review

if TYPE_CHECKING:
    from assessment.domain.ids import PersonId
    from reviewbus.db import Tx


def count(tx: Tx, cycle_id: str, *, besides: PersonId) -> Standings:
    """Count the reviews of a cycle that are not cancelled, without that of `besides`."""
    completed, released = review.c.completion_held, review.c.release_held
    signed = released & (review.c.signature_employee_held | review.c.signature_manager_held)
    submitted = review.c.manager_state == ManagerState.SUBMITTED
    reached = sa.case(
        (completed, "completed"),
        (signed, "signed"),
        (released, "released"),
        (submitted, "submitted"),
        else_="not_submitted",
    ).label("reached")
    counted = sa.and_(review.c.cycle_id == cycle_id, ~review.c.cancelled, review.c.subject_id != besides)
    query = sa.select(reached, sa.func.count().label("reviews")).where(counted).group_by(reached)
    found: dict[str, int] = {row["reached"]: row["reviews"] for row in tx.execute(query).mappings()}
    names = ("not_submitted", "submitted", "released", "signed", "completed")
    return Standings(**{name: found.get(name, 0) for name in names})
