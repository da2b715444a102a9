"""The HTTP operations of the packets service."""

from __future__ import annotations

from packets.api import calibrations, history, internal, operations, packets, tracking
from packets.api.routes import routes

__all__ = ["calibrations", "history", "internal", "operations", "packets", "routes", "tracking"]
