"""The service's tables, and every statement that writes them."""

from __future__ import annotations

from notifications.store.boards import (
    deadline,
    load,
    load_many,
    load_or_create,
    number_events,
    put_tasks,
    save,
)
from notifications.store.deliveries import (
    add_deliveries,
    called_for,
    deliveries,
    effects_from,
    move_watermark,
    save_delivery,
    stranded,
)
from notifications.store.tables import board, delivery, metadata, task, watermark

__all__ = [
    "add_deliveries",
    "board",
    "called_for",
    "deadline",
    "deliveries",
    "delivery",
    "effects_from",
    "load",
    "load_many",
    "load_or_create",
    "metadata",
    "move_watermark",
    "number_events",
    "put_tasks",
    "save",
    "save_delivery",
    "stranded",
    "task",
    "watermark",
]
