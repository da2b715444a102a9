"""What this service reads: commands on the registers of its reviews."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assessment.commands import holds
from reviewbus.consumer import Batched

if TYPE_CHECKING:
    from reviewbus.consumer import Subscriptions

SUBSCRIPTIONS: Subscriptions = {"hold.requested.v1": Batched(single=holds.apply, many=holds.apply_many)}
