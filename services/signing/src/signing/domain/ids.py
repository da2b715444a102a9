"""The opaque names that signing handles: nothing can be read out of them."""

from __future__ import annotations

from typing import NewType

ReviewId = NewType("ReviewId", str)
CycleId = NewType("CycleId", str)
PersonId = NewType("PersonId", str)
SnapshotHash = NewType("SnapshotHash", str)
ContentHash = NewType("ContentHash", str)
CommentHash = NewType("CommentHash", str)
