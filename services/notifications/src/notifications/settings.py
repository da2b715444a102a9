"""What the notifications service is told by its environment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reviewbus.settings import read, read_bus

if TYPE_CHECKING:
    from reviewbus.settings import BusSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The chassis' settings and our own, read from `REVIEW_NOTIFICATIONS_…`.

    `public_url` is where the links of tasks and mails lead. `smtp_tls` is `none`, `starttls` or `tls`; with a user it
    may not be `none`. `effects_from`, an instant with its offset, stands in place of the one that the first migration
    kept: nobody is mailed about what happened before it.
    """

    bus: BusSettings
    public_url: str = "http://localhost:8080"
    smtp_host: str = "localhost"
    smtp_port: int = 25
    smtp_tls: str = "none"
    smtp_user: str = ""
    smtp_password: str = ""
    smtp_timeout_s: float = 20.0
    sender_address: str = "reviews@localhost"
    sender_name: str = "Performance reviews"
    effects_from: str = ""


def read_settings() -> Settings:
    """Read the settings from the environment; raises `environs.EnvError` naming what is missing or malformed."""
    return read(Settings, "notifications", bus=read_bus("notifications"))
