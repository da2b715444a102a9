"""Cycle rows. What concerns a whole cycle locks the cycle first, then its reviews in the order of their ids."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from assessment.domain.cycle import Cycle, CycleState
from assessment.domain.ids import CycleId
from assessment.store.reviews import LostUpdateError, settings, settings_values
from assessment.store.tables import cycle, review

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reviewbus.db import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCycle:
    """A cycle with what its row holds beside."""

    cycle: Cycle
    name: str
    instructions: str | None
    row_version: int
    event_sequence: int


def read(tx: Tx, cycle_id: str) -> StoredCycle | None:
    """Return a cycle as it stands, without locking it."""
    return _one(tx, sa.select(cycle).where(cycle.c.cycle_id == cycle_id))


def load(tx: Tx, cycle_id: str) -> StoredCycle | None:
    """Return a cycle and lock its row until the transaction ends."""
    return _one(tx, sa.select(cycle).where(cycle.c.cycle_id == cycle_id).with_for_update(key_share=True))


def add(tx: Tx, new: Cycle, *, name: str, instructions: str | None, facts: int) -> StoredCycle:
    """Insert a cycle."""
    tx.execute(
        sa.insert(cycle).values(
            cycle_id=new.cycle_id,
            name=name,
            instructions=instructions,
            row_version=1,
            event_sequence=facts,
            created_at=tx.now,
            **_values(new),
        )
    )
    return StoredCycle(cycle=new, name=name, instructions=instructions, row_version=1, event_sequence=facts)


def save(tx: Tx, old: StoredCycle, new: Cycle, *, facts: int) -> StoredCycle:
    """Store a cycle that was loaded, with the texts that `old` has by now."""
    saved = replace(old, cycle=new, row_version=old.row_version + 1, event_sequence=old.event_sequence + facts)
    done = tx.execute(
        sa.update(cycle)
        .where(cycle.c.cycle_id == new.cycle_id, cycle.c.row_version == old.row_version)
        .values(
            name=saved.name,
            instructions=saved.instructions,
            row_version=saved.row_version,
            event_sequence=saved.event_sequence,
            **_values(new),
        )
        .returning(cycle.c.cycle_id)
    ).first()
    if done is None:
        raise LostUpdateError(new.cycle_id)
    return saved


def hand_down(tx: Tx, new: Cycle) -> None:
    """Give the reviews of a cycle that is not started, which must be locked, its settings and its year."""
    assert new.manager_until is not None  # every cycle is made with both
    mine = sa.select(review.c.review_id).where(review.c.cycle_id == new.cycle_id, ~review.c.started)
    tx.execute(mine.order_by(review.c.review_id).with_for_update(key_share=True)).all()
    tx.execute(
        sa.update(review)
        .where(review.c.cycle_id == new.cycle_id, ~review.c.started)
        .values(
            year=new.manager_until.year,
            row_version=review.c.row_version + 1,
            changed_at=tx.now,
            **settings_values(new.settings),
        )
    )


def stored(row: Mapping[Any, Any]) -> StoredCycle:
    """Translate a row of the table."""
    return StoredCycle(
        cycle=Cycle(
            cycle_id=CycleId(row["cycle_id"]),
            zone=row["zone"],
            self_until=row["self_until"],
            manager_until=row["manager_until"],
            settings=settings(row),
            state=CycleState(row["state"]),
        ),
        name=row["name"],
        instructions=row["instructions"],
        row_version=row["row_version"],
        event_sequence=row["event_sequence"],
    )


def _one(tx: Tx, query: sa.Select[Any]) -> StoredCycle | None:
    row = tx.execute(query).mappings().one_or_none()
    return None if row is None else stored(row)


def _values(one: Cycle) -> dict[str, Any]:
    return {
        "zone": one.zone,
        "self_until": one.self_until,
        "manager_until": one.manager_until,
        "state": one.state.value,
        **settings_values(one.settings),
    }
