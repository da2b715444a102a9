"""Operations over many packets, turn by turn: each turn is one transaction, and whoever dies loses only that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from packets.commands import operations
from reviewbus import quarantine, telemetry
from reviewbus.db import is_transient

if TYPE_CHECKING:
    from collections.abc import Collection

    from packets.settings import Settings
    from reviewbus.db import Database

# Then the loop looks whether it is to stop, and comes back at once while there are turns to give.
TURNS = 8
_log = telemetry.logger("packets")


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """Carries operations out."""

    db: Database
    settings: Settings

    def run_once(self) -> int:
        """Give each operation its turns; return how many packets moved, 0 when nothing can go on now."""
        moved, resting = 0, set[str]()
        for _ in range(TURNS):
            turned = self._turn(resting)
            if turned is None:
                break
            operation_id, step = turned
            moved += step
            if not step:
                resting.add(operation_id)
        return moved

    def _turn(self, resting: Collection[str]) -> tuple[str, int] | None:
        for rows in (self.settings.operation_chunk_rows, 1):
            try:
                with self.db.begin() as tx:
                    quarantine.refuse(tx)
                    limit = self.settings.operation_in_flight_max
                    return operations.turn(tx, rows=rows, in_flight_max=limit, besides=resting)
            except Exception as error:
                if is_transient(error) or isinstance(error, quarantine.Quarantined):
                    raise
                # One of many may be at fault: it is found by taking the next alone.
                _log.warning("operation_turn_failed", rows=rows, error=error)
        with self.db.begin() as tx:
            return operations.give_up_next(tx, besides=resting)
