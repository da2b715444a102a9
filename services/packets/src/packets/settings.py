"""What the packets service is told by its environment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reviewbus.settings import read, read_bus

if TYPE_CHECKING:
    from reviewbus.settings import BusSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The chassis' settings and our own, read from `REVIEW_PACKETS_…`.

    `company_name` stands on top of every PDF. `render_ahead`: PDFs are drawn as soon as a packet is sent or released,
    instead of at the first download. `pdf_keep_days`: how long a drawn PDF is kept after it was drawn.
    Operations over many packets take `operation_chunk_rows` of them in one transaction, have no more than
    `operation_in_flight_max` under way at once, and are kept for `operation_keep_days` after their end; one person has
    no more than `operation_plans_max` plans that were not applied.
    """

    bus: BusSettings
    company_name: str = ""
    render_ahead: bool = True
    pdf_keep_days: int = 90
    operation_chunk_rows: int = 250
    operation_in_flight_max: int = 1_000
    operation_keep_days: int = 30
    operation_plans_max: int = 10


def read_settings() -> Settings:
    """Read the settings from the environment; raises `environs.EnvError` naming what is missing."""
    return read(Settings, "packets", bus=read_bus("packets"))
