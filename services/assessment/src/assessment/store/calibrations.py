"""What packets told of calibration: advice, not a lock. What it says late or not at all lets an edit through."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from assessment.store.tables import calibration
from reviewbus.db import insert_rows

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reviewbus.db import Tx


def learn(tx: Tx, told: Iterable[tuple[str, int, bool]]) -> None:
    """Keep of distinct reviews, unless something newer is known: the version of packets' row, whether calibrated."""
    rows = [
        {"review_id": review_id, "version": version, "calibrated": calibrated}
        for review_id, version, calibrated in sorted(told)
    ]
    statement = insert_rows(calibration, rows)
    tx.execute(
        statement.on_conflict_do_update(
            index_elements=[calibration.c.review_id],
            set_={name: statement.excluded[name] for name in ("version", "calibrated")},
            where=calibration.c.version < statement.excluded.version,
        )
    )


def is_calibrated(tx: Tx, review_id: str) -> bool:
    """Say whether the newest that packets told of a review is that it is calibrated."""
    query = sa.select(calibration.c.calibrated).where(calibration.c.review_id == review_id)
    return bool(tx.execute(query).scalar())
