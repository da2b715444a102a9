"""Alembic's entry for the notifications database."""

from __future__ import annotations

from notifications import store
from reviewbus.migrate import run

run(store.metadata)
