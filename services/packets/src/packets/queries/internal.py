"""Our rows for other services."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from packets import store
from packets.domain import visibility
from packets.domain.packet import PacketState
from packets.store.tables import packets as table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reviewbus.db import Tx

Words = dict[str, Any]
RELEASE = "release"
_KINDS = frozenset({"packet", RELEASE})
_ABSENT = "packet {} has a snapshot of what is not here"


def states(tx: Tx, *, after: str | None, limit: int) -> list[Words]:
    """Our rows for other services' sweeps, in the order of the review ids."""
    statement = sa.select(
        table.c.review_id,
        table.c.cycle_id,
        table.c.subject_id,
        table.c.manager_id,
        table.c.state,
        table.c.epoch,
        table.c.row_version,
        table.c.changed_at,
        table.c.snapshot_hash,
        table.c.manager_version,
        table.c.selection_version,
        sa.func.coalesce(table.c.revoked_epoch, 0).label("revoked_epoch"),
        *(
            sa.case((table.c.state == PacketState.RELEASED.value, table.c[column])).label(name)
            for name, column in (("released_by", "requested_by"), ("released_as", "requested_as"))
        ),
    )
    if after is not None:
        statement = statement.where(table.c.review_id > after)
    return [dict(row) for row in tx.execute(statement.order_by(table.c.review_id).limit(limit)).mappings()]


def allowed(tx: Tx, items: Sequence[Mapping[str, Any]]) -> list[bool]:
    """For each (person, packet, epoch) whether the person can open that packet now, at that epoch.

    Of the kind `release`: whether that release can also be read by the employee.
    """
    wanted = {item["review_id"] for item in items if item["kind"] in _KINDS}
    packets = store.read_many(tx, wanted)
    return [
        item["kind"] in _KINDS
        and item["review_id"] in packets
        and visibility.allowed_for_mail(packets[item["review_id"]], item["person_id"], at=item["at"])
        and (item["kind"] != RELEASE or visibility.employee_sees(packets[item["review_id"]]))
        for item in items
    ]
