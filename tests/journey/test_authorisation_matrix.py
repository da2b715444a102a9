"""Every operation, everybody, and every standing to a review, here and in another cycle: who may, what others get.

The operations come from the OpenAPI documents, what they answer from `harness/matrix_rows.py`. Allowed requests are
carried out in transactions that are undone at their end; refused ones are sent for good, and change nothing.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from harness.journey import new_stage, prints
from harness.matrix import NOBODY, REFUSED, differences, gaps, lines
from harness.matrix_scenes import SERVICE_SCOPES, elsewhere, scene
from harness.openapi import ROOT
from harness.operations import of_document
from harness.people import SERVICES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness.matrix import Line
    from harness.matrix_scenes import Target
    from harness.operations import Operation
    from harness.world import World

    Scenes = Callable[[str], tuple[Target, ...]]

ELSEWHERE = "elsewhere"
# Refusals for who somebody is, whatever state the review is in.
FIRM = REFUSED.keys() - {"done"}
ABOUT_REVIEWS = ("/v1/calibrations", "/v1/reviews", "/v1/packets", "/v1/signatures", "/v1/tasks", "/v1/deliveries")


def documents() -> dict[str, dict[str, Any]]:
    return {one: json.loads((ROOT / "services" / one / "openapi.json").read_text(encoding="utf-8")) for one in SERVICES}


OPERATIONS = [one for service, document in documents().items() for one in of_document(service, document)]
ROWS = lines()


def cases() -> Iterator[Any]:
    """Yield each operation in each state of its row with the cells to look at; a cell known to be unlike, by itself."""
    for operation in OPERATIONS:
        for line in (one for one in ROWS if one.operation == operation.name):
            name, group = f"{line.state}-{operation.service}-{operation.name}", pytest.mark.xdist_group(line.state)
            good = {column: cell for column, cell in line.cells.items() if column not in line.unlike}
            yield pytest.param(operation, line, {**good, NOBODY: "401"}, id=name, marks=group)
            for column in sorted(line.unlike):
                known = pytest.mark.xfail(strict=True, reason="the services answer otherwise today")
                cell = {column: line.cells[column]}
                yield pytest.param(operation, line, cell, id=f"{name}-{column}", marks=(group, known))


@pytest.fixture(scope="module")
def scenes(shared_world: World) -> Scenes:
    """Give the targets of a state, told anew when a request has changed what it should not."""
    told: dict[str, tuple[Target, ...]] = {}

    def find(state: str) -> tuple[Target, ...]:
        if state not in told or any(one.spoilt for one in told[state]):
            stage = new_stage(shared_world)
            told[state] = elsewhere(stage) if state == ELSEWHERE else (scene(stage, state),)
        return told[state]

    return find


@pytest.mark.parametrize(("operation", "line", "cells"), list(cases()))
def test_an_operation_answers_everybody_as_its_row_says(
    operation: Operation, line: Line, cells: dict[str, str], scenes: Scenes
) -> None:
    (target,) = scenes(line.state)
    before = prints(target.stage.world)
    found = differences(target, operation, cells)
    assert found == []
    assert prints(target.stage.world) == before


def is_about_reviews(operation: Operation) -> bool:
    return bool({"{review_id}", "{session_id}"} & set(operation.path.split("/"))) or operation.path in ABOUT_REVIEWS


@pytest.mark.xdist_group(ELSEWHERE)
@pytest.mark.parametrize("operation", [one for one in OPERATIONS if is_about_reviews(one)], ids=lambda one: one.name)
def test_in_another_cycle_people_are_who_they_are_there(operation: Operation, scenes: Scenes) -> None:
    cells = cells_elsewhere(operation)
    *reviews, session = scenes(ELSEWHERE)
    targets = [session] if "{session_id}" in operation.path else reviews
    found = [f"{target.title}: {one}" for target in targets for one in differences(target, operation, cells)]
    assert found == []


def cells_elsewhere(operation: Operation) -> dict[str, str]:
    """Return the cells that hold for a released review; where no line tells of one, what is refused in all of them."""
    row = [one for one in ROWS if one.operation == operation.name]
    released = [one for one in row if one.state == "released"]
    cells = {
        column: cell
        for column, cell in (released or row)[0].cells.items()
        if column not in SERVICE_SCOPES
        and (released or cell in FIRM)
        and all(one.cells[column] == cell and column not in one.unlike for one in released or row)
    }
    if "{session_id}" in operation.path:
        # HR knows of every session, and has no right in one over the own review.
        return {**cells, "N": "role"}
    if "E" in cells:
        # On the own review HR is the employee and nothing else; the mails of all others stay theirs to see.
        cells["N"] = "out" if operation.path == "/v1/deliveries" else cells["E"]
    return cells


def test_every_operation_has_a_row_and_every_row_an_operation() -> None:
    assert not (found := gaps(OPERATIONS, ROWS)), "\n\n".join(found)


def test_an_operation_without_a_row_is_found() -> None:
    document = documents()["packets"]
    document["paths"]["/v1/packets/{review_id}/shred"] = {"post": {"summary": "Destroy a packet."}}
    (found,) = gaps([*OPERATIONS, *of_document("packets", document)], ROWS)
    assert found.startswith("POST /v1/packets/{review_id}/shred (packets) has no row in the authorisation matrix.")
    assert "Add to tests/harness/matrix_rows.py" in found


def test_a_row_that_admits_nobody_or_is_of_no_operation_is_found() -> None:
    row = "{}\n    released " + "404 " * 13
    found = gaps([one for one in OPERATIONS if one.name == "GET /v1/tasks"], lines(row.format("GET /v1/tasks")))
    assert [one.partition(":")[0] for one in found] == ["GET /v1/tasks admits nobody in any line of its row"]
    found = gaps([], lines(row.format("GET /v1/nothing").replace("404", "ok")))
    assert found == ["GET /v1/nothing has a row in tests/harness/matrix_rows.py and is no operation"]


@pytest.mark.xdist_group("draft")
def test_an_answer_that_is_not_as_the_row_says_is_found(scenes: Scenes) -> None:
    (target,) = scenes("draft")
    operation = next(one for one in OPERATIONS if one.name == "GET /v1/reviews/{review_id}")
    (line,) = (one for one in ROWS if (one.operation, one.state) == (operation.name, "draft"))
    turned = {column: "ok" if cell == "404" else "404" for column, cell in line.cells.items()}
    assert [one.split()[0] for one in differences(target, operation, turned)] == list(line.cells)


@pytest.mark.xdist_group("draft")
def test_a_refused_request_that_changes_something_is_found(scenes: Scenes) -> None:
    (target,) = scenes("draft")
    name = "POST /v1/reviews/{review_id}/self-assessment/share"
    operation = next(one for one in OPERATIONS if one.name == name)
    (found,) = differences(target, operation, {"E": "404", "M": "role"})
    assert found.startswith("E p-anna: expected 404: ")
    assert found.endswith(" and it changed ['audit', 'outbox', 'review']")
    assert scenes("draft") != (target,)


@pytest.mark.parametrize("cells", ["404 " * 12, "404 " * 14, "404 " * 12 + "maybe"])
def test_a_line_without_a_known_word_for_everybody_is_found(cells: str) -> None:
    with pytest.raises(ValueError, match="not a known word for every one"):
        lines(f"GET /v1/tasks\n    released {cells}")
