"""The opaque names that packets handles: nothing can be read out of them."""

from __future__ import annotations

from typing import NewType

ReviewId = NewType("ReviewId", str)
CycleId = NewType("CycleId", str)
PersonId = NewType("PersonId", str)
QuestionId = NewType("QuestionId", str)
SessionId = NewType("SessionId", str)
OperationId = NewType("OperationId", str)
ContentHash = NewType("ContentHash", str)
SnapshotHash = NewType("SnapshotHash", str)
Rating = NewType("Rating", str)
