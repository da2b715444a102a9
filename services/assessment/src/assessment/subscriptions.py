"""What this service reads: commands on the registers of its reviews, and, as advice, whether these are calibrated."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from assessment.commands import holds
from assessment.store import calibrations
from reviewbus.consumer import Batched

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reviewbus.consumer import Subscriptions
    from reviewbus.db import Tx
    from reviewbus.envelope import Received


def _calibrations(tx: Tx, received: Sequence[Received], *, calibrated: bool) -> None:
    calibrations.learn(tx, [(each.data["review_id"], each.data["version"], calibrated) for each in received])


def _says(*, calibrated: bool) -> Batched:
    return Batched(many=partial(_calibrations, calibrated=calibrated))


SUBSCRIPTIONS: Subscriptions = {
    "hold.requested.v1": Batched(many=holds.apply_many),
    "calibration.started.v1": _says(calibrated=False),
    "calibration.completed.v1": _says(calibrated=True),
    "calibration.cancelled.v1": _says(calibrated=False),
    "calibration.marked-stale.v1": _says(calibrated=False),
    "calibration.confirmed.v1": _says(calibrated=True),
}
