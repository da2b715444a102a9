"""Alembic runs this; the chassis knows how."""

from __future__ import annotations

from packets import store
from reviewbus.migrate import run

run(store.metadata)
