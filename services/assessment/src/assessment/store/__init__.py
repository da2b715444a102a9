"""The service's tables, and every statement that writes them."""

from __future__ import annotations

from assessment.store.tables import metadata

__all__ = ["metadata"]
