"""The HTTP operations of the packets service."""

from __future__ import annotations

from packets.api import calibrations, internal, packets
from packets.api.routes import routes

__all__ = ["calibrations", "internal", "packets", "routes"]
