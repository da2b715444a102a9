"""Every error is a problem document, says where, tells no secret and changes nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from openapi_spec_validator import validate

from component.reviewbus import toy, toy_api
from reviewbus import quarantine
from reviewbus import tables as chassis
from reviewbus.schema import encode_cursor

if TYPE_CHECKING:
    from pathlib import Path

    from werkzeug.test import TestResponse

    from component.reviewbus.toy_api import Toy
    from reviewbus.db import Database
    from reviewbus.settings import BusSettings

ORDER = "/v1/things/k/order"
JSON = "application/json"


@pytest.fixture
def api(db: Database, bus: BusSettings, tmp_path: Path) -> Toy:
    return toy_api.build(db, bus, tmp_path)


def problem(response: TestResponse, status: int, code: str) -> dict[str, Any]:
    """Check that a response is this problem in the one form that all have; return its body."""
    body: dict[str, Any] = json.loads(response.data)
    assert (response.status_code, body.get("code")) == (status, code), body
    assert response.mimetype == "application/problem+json"
    assert body["type"] == f"/problems/{code}"
    assert body["status"] == status
    assert body["title"]
    assert body["detail"]
    assert len(body["trace_id"]) == 32
    assert toy.SECRET not in response.text
    assert "Traceback" not in response.text
    assert_headers(response)
    return body


def assert_headers(response: TestResponse) -> None:
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["X-Content-Type-Options"] == "nosniff"


def nothing_changed(db: Database) -> None:
    assert {name: toy.rows(db, name) for name in ("applied", "outbox", "audit", "idempotency")} == {
        "applied": 0,
        "outbox": 0,
        "audit": 0,
        "idempotency": 0,
    }


def pointers(body: dict[str, Any]) -> list[str]:
    return sorted(error["pointer"] for error in body["errors"])


@pytest.mark.parametrize(
    ("rank", "status"), [(1, 404), (2, 403), (3, 409), (4, 423), (5, 409), (6, 428), (7, 412), (8, 422)]
)
def test_a_refusal_answers_with_the_status_of_its_rank_and_all_reasons(api: Toy, rank: int, status: int) -> None:
    body = problem(api.post(f"/v1/refusals/{rank}", {"n": 1}), status, f"reason-{rank}")
    assert [one["code"] for one in body["unmet"]] == [f"reason-{rank}", "another"]
    assert body["holders"] == ["release"]
    assert body["allowed_actions"] == []
    nothing_changed(api.db)


def test_a_refusal_that_keeps_something_commits_that_and_stores_no_answer(api: Toy) -> None:
    problem(api.post("/v1/refusals/8", {"n": 1, "text": "keep"}, key="one"), 422, "reason-8")
    assert toy.rows(api.db, "applied") == 1
    assert toy.rows(api.db, "idempotency") == 0
    assert api.post("/v1/things/k/bless", key="one").status_code == 200


@pytest.mark.parametrize("kind", ["bug", "sql", "value", "contract"])
def test_a_fault_of_ours_is_a_500_without_its_text(
    api: Toy, kind: str, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    problem(api.post(f"/v1/faults/{kind}"), 500, "internal-error")
    nothing_changed(api.db)
    assert caplog.text == ""
    del capsys


def test_a_wait_that_took_too_long_is_a_503_to_be_tried_again(api: Toy) -> None:
    response = api.post("/v1/faults/lock")
    problem(response, 503, "temporarily-unavailable")
    assert response.headers["Retry-After"] == "1"
    nothing_changed(api.db)


def test_an_unknown_address_and_an_unknown_method_are_problems(api: Toy) -> None:
    problem(api.get("/v1/nothing"), 404, "not-found")
    response = api.post("/v1/things/k/order/")
    problem(response, 404, "not-found")
    response = api.get(ORDER)
    problem(response, 405, "method-not-allowed")
    assert "POST" in response.headers["Allow"]
    problem(api.get("/v1/things/%00"), 404, "not-found")


@pytest.mark.parametrize(
    ("raw", "code", "status"),
    [
        (b"{", "malformed-request", 400),
        (b"\xff\xfe", "malformed-request", 400),
        (b'{"n": 1} and more', "malformed-request", 400),
        (b"[" * 200_000, "malformed-request", 400),
        (b'{"a":' * 50_000 + b"1" + b"}" * 50_000, "malformed-request", 400),
        (b'{"n": ' + b"9" * 5_000 + b"}", "malformed-request", 400),
        (b'{"n": NaN}', "invalid-request", 422),
        (b'{"n": 1e400}', "invalid-request", 422),
        (b'{"n": -Infinity}', "invalid-request", 422),
        (b"[]", "invalid-request", 422),
        (b'"text"', "invalid-request", 422),
        (b"null", "invalid-request", 422),
        (b"12", "invalid-request", 422),
        (b"{}", "invalid-request", 422),
    ],
    ids=lambda value: str(value)[:20] if not isinstance(value, int) else "",
)
def test_a_body_that_is_no_order_is_a_4xx(api: Toy, raw: bytes, code: str, status: int) -> None:
    headers = {**api.token(), "Idempotency-Key": "k"}
    problem(api.client.post(ORDER, data=raw, content_type=JSON, headers=headers), status, code)
    nothing_changed(api.db)


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"n": "a", "more": 1, "tags": ["ok", "x" * 11, 3]}, ["/more", "/n", "/tags/1", "/tags/2"]),
        ({"n": 2**31}, ["/n"]),
        ({"n": 1, "text": "x" * 101}, ["/text"]),
        ({"n": 1, "text": "half\ud800"}, ["/text"]),
        ({"n": 1, "text": "a\x00b"}, ["/text"]),
        ({"n": 1, "tags": ["a", "\x00"]}, ["/tags/1"]),
        ({"n": 1, "why": " \n "}, ["/why"]),
        ({"n": 1, "a/b~c": 1}, ["/a~1b~0c"]),
        ({"n": None}, ["/n"]),
        ({"n": 1, "\ud800": 1}, [""]),
    ],
)
def test_what_is_wrong_in_a_body_is_pointed_at(api: Toy, body: object, where: list[str]) -> None:
    assert pointers(problem(api.post(ORDER, body), 422, "invalid-request")) == where
    nothing_changed(api.db)


@pytest.mark.parametrize(
    ("query", "where"),
    [
        ("more=1", "/query/more"),
        ("limit=0", "/query/limit"),
        ("limit=201", "/query/limit"),
        ("limit=a", "/query/limit"),
        ("cursor=" + "x" * 513, "/query/cursor"),
        ("cursor=forged", "/query/cursor"),
        ("cursor=" + encode_cursor(1, 1), "/query/cursor"),
        ("cursor=" + encode_cursor("a", 2**63), "/query/cursor"),
        ("cursor=" + encode_cursor("\x00", 1), "/query/cursor"),
        ("cursor=%00", "/query/cursor"),
        ("owner=%00", "/query/owner"),
        ("owner=" + "p" * 65, "/query/owner"),
    ],
)
def test_what_is_wrong_in_a_query_is_pointed_at(api: Toy, query: str, where: str) -> None:
    assert pointers(problem(api.get(f"/v1/things?{query}"), 422, "invalid-request")) == [where]


def test_a_cursor_leads_to_the_next_page(api: Toy) -> None:
    first = api.get("/v1/things?limit=7").get_json()
    second = api.get(f"/v1/things?limit=7&cursor={first['next_cursor']}").get_json()
    assert second["items"] == [{"id": "t7", "n": 7}]


def test_a_body_of_another_kind_or_size_is_refused(api: Toy) -> None:
    headers = {**api.token(), "Idempotency-Key": "k"}
    for content_type in ("text/plain", "application/xml", "application/x-www-form-urlencoded", "multipart/form-data"):
        response = api.client.post(ORDER, data=b'{"n": 1}', content_type=content_type, headers=headers)
        problem(response, 415, "unsupported-media-type")
    large = b'{"n": 1, "text": "' + b"x" * 1024 * 1024 + b'"}'
    problem(api.client.post(ORDER, data=large, content_type=JSON, headers=headers), 413, "body-too-large")
    nothing_changed(api.db)


@pytest.mark.parametrize(
    "tag", ['W/"0"', "*", '"0", "1"', "0", '""', '"a b"', '"' + "x" * 201 + '"', '"0', '"x"', '"²"']
)
def test_an_if_match_that_is_not_one_strong_version_is_refused(api: Toy, tag: str) -> None:
    headers = {**api.token(), "If-Match": tag}
    response = api.client.put("/v1/things/k", json={"n": 1}, headers=headers)
    problem(response, 400, "if-match-malformed")
    nothing_changed(api.db)


def test_a_save_names_its_version_and_gets_the_next_one(api: Toy) -> None:
    read = api.get("/v1/things/k")
    assert (read.status_code, read.headers["ETag"]) == (200, '"0"')
    assert_headers(read)
    headers = {**api.token(), "If-Match": read.headers["ETag"]}
    saved = api.client.put("/v1/things/k", json={"n": 5}, headers=headers)
    assert (saved.status_code, saved.headers["ETag"], saved.get_json()) == (200, '"1"', {"id": "k", "n": 5})
    problem(api.client.put("/v1/things/k", json={"n": 5}, headers=api.token()), 428, "version-missing")
    stale = api.client.put("/v1/things/k", json={"n": 5}, headers={**api.token(), "If-Match": '"3"'})
    assert problem(stale, 412, "stale-version")["current"] == 0


def test_internal_addresses_are_for_services(api: Toy) -> None:
    headers = api.token("packets", "service", scope="internal")
    assert api.client.post("/internal/things", json={"n": 1}, headers=headers).get_json() == {"id": "packets", "n": 1}
    others = (
        api.token("p-anna", "hr_admin"),
        api.token("p-anna", "hr_admin", scope="internal"),
        api.token("hris", "service", scope="directory:write"),
    )
    for headers in others:
        response = api.client.post("/internal/things", json={"n": 1}, headers=headers)
        problem(response, 403, "forbidden-role")


def test_quarantine_answers_503_to_reads_and_commands(api: Toy) -> None:
    with api.db.begin() as tx:
        quarantine.begin(tx)
    for response in (api.get("/v1/things/k"), api.post(ORDER, {"n": 1})):
        problem(response, 503, "quarantined")
        assert response.headers["Retry-After"] == "30"
    nothing_changed(api.db)


def test_the_trace_goes_on_from_the_request_into_answer_and_event(api: Toy) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    response = api.post("/v1/refusals/1", {"n": 1}, traceparent=f"00-{trace}-b7ad6b7169203331-01")
    assert json.loads(response.data)["trace_id"] == trace
    assert api.post(ORDER, {"n": 1}, traceparent=f"00-{trace}-b7ad6b7169203331-01").status_code == 202
    with api.db.begin() as tx:
        headers = tx.execute(chassis.outbox.select()).one().headers
        request_id = tx.execute(chassis.audit.select()).one().request_id
    assert headers["traceparent"].split("-")[1] == headers["ce_correlationid"] == request_id == trace
    broken = json.loads(api.post("/v1/refusals/1", {"n": 1}, traceparent="00-zz-1-01").data)["trace_id"]
    assert broken != trace


def test_without_its_database_the_api_says_so_and_stays_alive(bus: BusSettings, tmp_path: Path) -> None:
    away = toy_api.build(toy.open_database(toy.with_unreachable_database(bus)), bus, tmp_path)
    problem(away.get("/v1/things/k"), 503, "temporarily-unavailable")
    problem(away.post(ORDER, {"n": 1}), 503, "temporarily-unavailable")
    assert away.client.get("/readyz").status_code == 503
    assert away.client.get("/healthz").status_code == 200


def test_a_connection_lost_between_requests_costs_a_503_at_most_and_heals(api: Toy, bus: BusSettings) -> None:
    assert api.get("/v1/things/k").status_code == 200
    toy.end_connections(bus)
    problem(api.get("/v1/things/k"), 503, "temporarily-unavailable")
    assert api.get("/v1/things/k").status_code == 200


def test_health_metrics_and_description_need_no_token(api: Toy) -> None:
    api.get("/v1/things/k")
    for path in ("/healthz", "/readyz", "/metrics", "/openapi.json", "/docs"):
        response = api.client.get(path)
        assert response.status_code == 200
        assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert 'route="/v1/things/<thing_id>",status="200"' in api.client.get("/metrics").text
    assert "Order one thing." in api.client.get("/docs").text


def test_the_description_is_valid_openapi_and_names_what_operations_need(api: Toy) -> None:
    spec = api.client.get("/openapi.json").get_json()
    validate(spec)
    order = spec["paths"]["/v1/things/{thing_id}/order"]["post"]
    assert order["summary"] == "Order one thing."
    assert {(p["name"], p["required"]) for p in order["parameters"] if p["in"] == "header"} == {
        ("Idempotency-Key", True),
        ("If-Match", True),
    }
    assert list(order["responses"]["default"]["content"]) == ["application/problem+json"]
