"""After a restore from backup: edits wait until the services that show and sign reviews have compared their rows.

One row of `service_flag` for each of them; its detail is the id of the restore. They read that id before they ask for
the first page of states, and name it once the last transaction of the sweep has committed: what began earlier names
none, or another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from assessment.domain.directory import RESTORED_VERSIONS as JUMP
from assessment.store.people import IMPORT_LOCK
from assessment.store.tables import content, cycle, person, review
from reviewbus.quarantine import Quarantined
from reviewbus.tables import service_flag

if TYPE_CHECKING:
    from reviewbus.db import Tx

SWEEPERS = ("packets", "signing")
_FLAGS = {name: f"awaiting-sweep:{name}" for name in SWEEPERS}
_AWAITING = sa.select(service_flag.c.detail).where(service_flag.c.name.in_(tuple(_FLAGS.values()))).limit(1)


def refuse_edits(tx: Tx) -> None:
    """Raise `Quarantined` while a sweep is awaited."""
    if tx.execute(_AWAITING).first() is not None:
        raise Quarantined


def await_sweeps(tx: Tx) -> None:
    """Refuse edits from now on, until both have swept; sweeps that have begun by now do not count."""
    restore = str(tx.new_id())
    for name in _FLAGS.values():
        tx.execute(
            insert(service_flag)
            .values(name=name, detail=restore)
            .on_conflict_do_update(index_elements=[service_flag.c.name], set_={"detail": restore, "since": tx.now})
        )


def awaited(tx: Tx) -> str | None:
    """Return the id of the restore after which sweeps are awaited, or None."""
    restore: str | None = tx.execute(_AWAITING).scalar()
    return restore


def note_swept(tx: Tx, sweeper: str, restore: str) -> bool:
    """Note that a sweep of `sweeper` has ended that began after this restore; say whether it was awaited.

    Raises KeyError for a sweeper that is none of `SWEEPERS`.
    """
    flag = (service_flag.c.name == _FLAGS[sweeper]) & (service_flag.c.detail == restore)
    return tx.execute(sa.delete(service_flag).where(flag)).rowcount > 0


def jump_told(tx: Tx) -> None:
    """Move people and cycles past what was told of them before the restore: others take in only what is newer."""
    tx.execute(sa.select(sa.func.pg_advisory_xact_lock(IMPORT_LOCK)))
    tx.execute(sa.update(person).values(version=person.c.version + JUMP))
    tx.execute(
        sa.update(cycle).values(row_version=cycle.c.row_version + JUMP, event_sequence=cycle.c.event_sequence + JUMP)
    )


def jump(tx: Tx, after: str | None, rows: int) -> tuple[int, str | None]:
    """Move the next reviews past what was told of them before the restore; return how many and the last one's id.

    Facts count by the row's version, events by the sequence: both must go on above what is in flight. Versions of
    contents too, unless a register is held over them: else a number could come twice with two texts.
    """
    query = sa.select(review.c.review_id).order_by(review.c.review_id).limit(rows).with_for_update(key_share=True)
    ids = list(tx.execute(query if after is None else query.where(review.c.review_id > after)).scalars())
    if not ids:
        return 0, after
    held = sa.or_(*(review.c[name] for name in review.c.keys() if name.endswith("_held")))  # noqa: SIM118 -- a column collection iterates over columns
    free = [*tx.execute(sa.select(review.c.review_id).where(review.c.review_id.in_(ids), ~held)).scalars()]
    for side in ("self", "manager"):
        _jump_contents(tx, free, side)
    tx.execute(
        sa.update(review)
        .where(review.c.review_id.in_(ids))
        .values(row_version=review.c.row_version + JUMP, event_sequence=review.c.event_sequence + JUMP)
    )
    return len(ids), ids[-1]


def _jump_contents(tx: Tx, ids: list[str], side: str) -> None:
    number = review.c[f"{side}_version"]
    written = (review.c.review_id.in_(ids), number > 0)
    copied = [column for column in content.c if column.name != "version"]
    copies = (
        sa.select(*copied, (content.c.version + JUMP).label("version"))
        .join(review, (review.c.review_id == content.c.review_id) & (number == content.c.version))
        .where(*written, content.c.side == side)
    )
    tx.execute(sa.insert(content).from_select([*(column.name for column in copied), "version"], copies))
    done = "self_shared_version" if side == "self" else "manager_submitted_version"
    moved = {number.name: number + JUMP, done: sa.case((review.c[done] == number, number + JUMP), else_=review.c[done])}
    if side == "self":
        seen = review.c.self_read_version
        moved["self_read_version"] = sa.case((seen == number, number + JUMP), else_=seen)
    tx.execute(sa.update(review).where(*written).values(moved))
