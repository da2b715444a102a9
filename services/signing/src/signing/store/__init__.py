"""The service's tables, and every statement that writes them."""

from __future__ import annotations

from signing.store.records import (
    Change,
    Due,
    Saved,
    create_missing,
    due,
    line,
    load,
    load_many,
    load_or_create,
    read,
    read_many,
    resent,
    row_versions,
    save_many,
)
from signing.store.signatures import comments, keep_comment, signed_at
from signing.store.tables import metadata, record

__all__ = [
    "Change",
    "Due",
    "Saved",
    "comments",
    "create_missing",
    "due",
    "keep_comment",
    "line",
    "load",
    "load_many",
    "load_or_create",
    "metadata",
    "read",
    "read_many",
    "record",
    "resent",
    "row_versions",
    "save_many",
    "signed_at",
]
