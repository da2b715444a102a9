"""Quarantine: a restored database serves nobody until all its rows have been moved past what is still in flight.

`check --restored` sets the flag before anything else starts and lifts it at the end; every request and every batch of
records reads it in its own transaction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from reviewbus.tables import service_flag

if TYPE_CHECKING:
    from reviewbus.db import Tx

FLAG = "quarantine"
_ACTIVE = sa.select(service_flag.c.since).where(service_flag.c.name == FLAG)


class Quarantined(Exception):
    """The database was restored and is being repaired; ask again later."""


def begin(tx: Tx) -> None:
    """Set the flag; repeating it changes nothing."""
    tx.execute(insert(service_flag).values(name=FLAG).on_conflict_do_nothing())


def lift(tx: Tx) -> None:
    """Remove the flag."""
    tx.execute(sa.delete(service_flag).where(service_flag.c.name == FLAG))


def active(tx: Tx) -> bool:
    """Say whether the flag is set."""
    return tx.execute(_ACTIVE).first() is not None


def refuse(tx: Tx) -> None:
    """Raise `Quarantined` while the flag is set."""
    if active(tx):
        raise Quarantined
