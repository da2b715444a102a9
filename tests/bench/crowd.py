"""Many reviews like one: every row that the four services hold of it, again for other people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg

from harness.eventually import Polling
from harness.story import Story

if TYPE_CHECKING:
    from harness.system import System

# The tables of each service that hold one or few rows of a review, or of its reviewee.
OF_REVIEW = {
    "assessment": ("review", "content", "calibration", "content_read"),
    "packets": ("packets", "contents", "snapshots", "history"),
    "signing": ("record",),
    "notifications": ("board",),
}
OF_PERSON = dict.fromkeys(OF_REVIEW, ("directory",)) | {"assessment": ("person",)}
# As a UUID of ours has it: the ids are in the order of their numbers, and no other review has them.
_REVIEW = "('0198c0de-2000-7b20-8c3f-' || lpad(to_hex(n), 12, '0'))"
_SUBJECT = "('p-crowd-' || n)"


def sent_to_manager(system: System, wait_s: float) -> Story:
    """Tell of one review until its packet is with the manager and everything rests; the others can be like it."""
    story = Story(system.gateway(), Polling(wait_s))
    story.begin()
    story.select_questions()
    story.written()
    story.calibrate()
    story.send_to_manager()
    system.settle()
    return story


def multiply(system: System, review_id: str, subject_id: str, count: int) -> list[str]:
    """Copy a review at rest `count` times, each for a person of its own; return the ids in their order."""
    for name, tables in OF_REVIEW.items():
        url = system.database(name).migrations_url.replace("+psycopg", "", 1)
        with psycopg.connect(url) as connection:
            for table in tables:
                _copy(connection, table, "review_id", review_id, count)
            for table in OF_PERSON[name]:
                _copy(connection, table, "person_id", subject_id, count)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("vacuum analyze")
    return [f"0198c0de-2000-7b20-8c3f-{number:012x}" for number in range(1, count + 1)]


def _copy(connection: psycopg.Connection[Any], table: str, column: str, value: str, count: int) -> None:
    found = connection.execute(
        "select column_name from information_schema.columns where table_name = %s", (table,)
    ).fetchall()
    columns = {row[0] for row in found}
    changes = ", ".join(
        f"'{name}', {words}"
        for name, words in (("review_id", _REVIEW), ("subject_id", _SUBJECT), ("person_id", _SUBJECT))
        if name in columns
    )
    connection.execute(
        f"insert into {table} select (jsonb_populate_record(t, jsonb_build_object({changes}))).*"  # noqa: S608 -- our own
        f" from {table} t cross join generate_series(1, %s) n where t.{column} = %s",
        (count, value),
    )
