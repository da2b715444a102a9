"""Tables as CSV: a program that opens one calculates nothing, and finds the cells and lines that were written."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from typing import Any

import pytest

from reviewbus.sheets import CSV_TYPE, cell, sheet

HOSTILE = (
    '=HYPERLINK("http://elsewhere.example","Anna")',
    "+1",
    "-1",
    "@x",
    "\t=1",
    "\r=1",
    "\n=1",
    "  =1",
    "\u00a0=1",
    "\uff1d1",
    "\uff0b1",
    "\uff0d1",
    "\uff201",
)
QUOTED = ("a,b", "two\nlines", "two\r\nlines", 'with "quotes"', ";", "'", "", "Zo\u00eb")


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_what_would_be_calculated_begins_with_an_apostrophe(text: str) -> None:
    assert cell(text) == f"'{text}"


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("p-anna", "p-anna"),
        ("a=1", "a=1"),
        (-1, "-1"),
        (2.5, "2.5"),
        (None, ""),
        (True, "yes"),
        (False, "no"),
        (datetime(2026, 3, 1, 12, tzinfo=UTC), "2026-03-01T12:00:00.000000Z"),
    ],
    ids=ascii,
)
def test_other_values_stand_as_they_are(value: Any, written: str) -> None:
    assert cell(value) == written


def test_no_cell_becomes_two_whatever_it_holds() -> None:
    rows = [{"left": text, "right": "end", "more": "not asked for"} for text in (*QUOTED, *HOSTILE)]
    answer = sheet("a-table", ["right", "left"], [rows[:3], [], rows[3:]])
    assert (answer.mimetype, answer.is_streamed) == (CSV_TYPE, True)
    assert answer.headers["Content-Disposition"] == 'attachment; filename="a-table.csv"'
    read = list(csv.reader(io.StringIO(answer.get_data(as_text=True), newline="")))
    assert read == [["right", "left"], *(["end", cell(text)] for text in (*QUOTED, *HOSTILE))]


def test_a_table_without_rows_has_its_head() -> None:
    assert sheet("nobody", ["left", "right"], []).get_data() == b"left,right\r\n"
