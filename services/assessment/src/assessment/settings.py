"""The settings of the assessment service, read once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reviewbus import settings

if TYPE_CHECKING:
    from reviewbus.settings import BusSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the service needs to know. `import_bytes_max` bounds one import of people; chunks are rows a transaction.

    Operations over many reviews are kept for `operation_keep_days` after their end; one person has no more than
    `operation_plans_max` plans that were not applied.
    """

    bus: BusSettings
    import_bytes_max: int = 16 * 1024 * 1024
    chunk_rows: int = 500
    retention_every_s: float = 3_600.0
    idempotency_days: int = 7
    operation_keep_days: int = 30
    operation_plans_max: int = 10


def read_settings() -> Settings:
    """Read the settings from the environment; raises `environs.EnvError` naming what is missing or malformed."""
    return settings.read(Settings, "assessment", bus=settings.read_bus("assessment"))
