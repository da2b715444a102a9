"""Alembic's entry for the signing database."""

from __future__ import annotations

from reviewbus.migrate import run
from signing import store

run(store.metadata)
