"""Where Alembic begins for the toy service of these tests."""

from __future__ import annotations

from component.reviewbus import toy
from reviewbus.migrate import run

run(toy.metadata)
