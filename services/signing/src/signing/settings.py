"""What the signing service is told by its environment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reviewbus.settings import read, read_bus

if TYPE_CHECKING:
    from reviewbus.settings import BusSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The chassis' settings and our own, read from `REVIEW_SIGNING_…`.

    `sweep_rows` is a page of the comparison with the other services, at most 200. Answers of commands are kept for
    `idempotency_days`.
    """

    bus: BusSettings
    sweep_rows: int = 200
    retention_every_s: float = 3_600.0
    idempotency_days: int = 7


def read_settings() -> Settings:
    """Read the settings from the environment; raises `environs.EnvError` naming what is missing or malformed."""
    return read(Settings, "signing", bus=read_bus("signing"))
