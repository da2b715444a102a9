"""Alembic's entry for the assessment database."""

from __future__ import annotations

from assessment import store
from reviewbus.migrate import run

run(store.metadata)
