"""Idempotency keys: a command that comes again gets the first answer and changes nothing."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from component.reviewbus import toy, toy_api
from reviewbus import idempotency
from reviewbus import tables as chassis

if TYPE_CHECKING:
    from pathlib import Path

    from werkzeug.test import TestResponse

    from component.reviewbus.toy_api import Toy
    from reviewbus.db import Database
    from reviewbus.settings import BusSettings

ORDER = "/v1/things/k/order"


@pytest.fixture
def api(db: Database, bus: BusSettings, tmp_path: Path) -> Toy:
    return toy_api.build(db, bus, tmp_path)


def code(response: TestResponse) -> tuple[int, str]:
    return response.status_code, json.loads(response.data)["code"]


def effects(api: Toy) -> tuple[int, int, int]:
    return toy.rows(api.db, "applied"), toy.rows(api.db, "outbox"), toy.rows(api.db, "audit")


def test_a_repeat_gets_the_first_answer_and_changes_nothing(api: Toy) -> None:
    first, second = (api.post(ORDER, {"n": 3}, key="one") for _ in range(2))
    for answer in (first, second):
        assert (answer.status_code, answer.get_json()) == (202, {"id": "k", "n": 3})
        assert (answer.headers["Location"], answer.headers["ETag"]) == ("/v1/things/k", '"7"')
    assert effects(api) == (1, 1, 1)


def test_a_new_key_is_a_new_intention(api: Toy) -> None:
    for key in ("one", "two"):
        assert api.post(ORDER, {"n": 3}, key=key).status_code == 202
    assert effects(api) == (2, 2, 2)


@pytest.mark.parametrize(
    ("path", "body", "headers"),
    [
        (ORDER, {"n": 4}, {}),
        (ORDER, {"n": 3, "text": ""}, {}),
        (ORDER, {"n": 3}, {"If_Match": '"7"'}),
        (f"{ORDER}?more=1", {"n": 3}, {}),
    ],
)
def test_the_same_key_with_another_request_is_refused(
    api: Toy, path: str, body: object, headers: dict[str, str]
) -> None:
    api.post(ORDER, {"n": 3}, key="one")
    assert code(api.post(path, body, key="one", **headers)) == (422, "idempotency-key-reused")
    assert effects(api) == (1, 1, 1)


def test_a_key_belongs_to_one_caller_and_one_address(api: Toy) -> None:
    assert api.post(ORDER, {"n": 3}, key="one").status_code == 202
    assert api.post("/v1/things/other/order", {"n": 3}, key="one").status_code == 202
    assert api.post(ORDER, {"n": 3}, key="one", **api.token("p-ben")).status_code == 202
    assert effects(api) == (3, 3, 3)


@pytest.mark.parametrize("key", ["", " ", "two words", "ü", "x" * 129])
def test_a_key_that_is_missing_or_malformed_is_refused(api: Toy, key: str) -> None:
    headers = {**api.token(), "Idempotency-Key": key}
    assert code(api.client.post(ORDER, json={"n": 3}, headers=headers)) == (400, "idempotency-key-malformed")
    assert code(api.post(ORDER, {"n": 3}, key=None)) == (400, "idempotency-key-missing")
    assert effects(api) == (0, 0, 0)


def test_a_repeat_while_the_first_is_still_running_is_told_to_wait(api: Toy) -> None:
    api.gate = toy.Gate()
    answers: list[TestResponse] = []
    first = threading.Thread(target=lambda: answers.append(api.post(ORDER, {"n": 3}, key="one")))
    first.start()
    assert api.gate.reached.wait(20)
    repeat = api.post(ORDER, {"n": 3}, key="one")
    assert code(repeat) == (409, "request-in-progress")
    assert repeat.headers["Retry-After"] == "1"
    api.gate.open.set()
    first.join(20)
    assert answers[0].status_code == 202
    assert api.post(ORDER, {"n": 3}, key="one").status_code == 202
    assert effects(api) == (1, 1, 1)


def test_many_repeats_at_once_have_one_effect(api: Toy) -> None:
    answers: list[int] = []
    threads = [
        threading.Thread(target=lambda: answers.append(api.post(ORDER, {"n": 3}, key="one").status_code))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert set(answers) <= {202, 409}
    assert 202 in answers
    assert effects(api) == (1, 1, 1)


def test_a_refused_command_stores_no_answer_and_leaves_its_key_free(api: Toy) -> None:
    assert api.post("/v1/refusals/5", {"n": 1}, key="one").status_code == 409
    assert api.post("/v1/refusals/5", {"n": 1}, key="one").status_code == 409
    assert toy.rows(api.db, "idempotency") == 0
    assert effects(api) == (0, 0, 0)


def test_a_command_whose_transaction_breaks_leaves_its_key_unused(api: Toy, bus: BusSettings) -> None:
    api.gate = toy.Gate()
    answers: list[TestResponse] = []
    first = threading.Thread(target=lambda: answers.append(api.post(ORDER, {"n": 3}, key="one")))
    first.start()
    assert api.gate.reached.wait(20)
    toy.end_connections(bus)
    api.gate.open.set()
    first.join(20)
    assert code(answers[0]) == (503, "temporarily-unavailable")
    api.db.engine.dispose()
    assert effects(api) == (0, 0, 0)
    api.gate = None
    assert api.post(ORDER, {"n": 3}, key="one").status_code == 202
    assert effects(api) == (1, 1, 1)


def test_stored_answers_hold_no_content(api: Toy) -> None:
    api.post(ORDER, {"n": 3, "text": toy.SECRET, "why": toy.SECRET}, key="one")
    with api.db.begin() as tx:
        row = tx.execute(sa.select(chassis.idempotency)).one()
    assert toy.SECRET not in str(row)


def test_old_answers_are_forgotten(api: Toy) -> None:
    api.post(ORDER, {"n": 3}, key="one")
    with api.db.begin() as tx:
        tx.now = tx.execute(sa.select(sa.func.clock_timestamp())).scalar_one()
        assert idempotency.forget(tx, timedelta(days=7)) == 0
        tx.now += timedelta(days=8)
        assert idempotency.forget(tx, timedelta(days=7)) == 1


def test_a_command_without_a_body_takes_none_and_an_empty_one(api: Toy) -> None:
    for number, body in enumerate((None, b"{}")):
        headers = {**api.token(), "Idempotency-Key": f"k{number}"}
        content_type = "application/json" if body else None
        answer = api.client.post("/v1/things/k/bless", headers=headers, data=body, content_type=content_type)
        assert (answer.status_code, answer.get_json()) == (200, {"id": "k"})
    assert api.post("/v1/things/k/bless", {"more": 1}).status_code == 422
