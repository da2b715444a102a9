"""The opaque names that notifications handles: nothing can be read out of them."""

from __future__ import annotations

from typing import NewType

ReviewId = NewType("ReviewId", str)
CycleId = NewType("CycleId", str)
PersonId = NewType("PersonId", str)
DeliveryId = NewType("DeliveryId", str)
