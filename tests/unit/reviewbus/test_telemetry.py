"""Logs hold ids and figures: content is withheld, exceptions are told without their text."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from reviewbus import telemetry
from reviewbus.crash import arm, crash_point

if TYPE_CHECKING:
    from pathlib import Path

SAY = """
import logging
from reviewbus import telemetry
telemetry.configure_logging("shop")
log = telemetry.logger("till")
with telemetry.tracing(telemetry.begin_trace("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")):
    secret = "Zitronenfalter"
    log.info("order_placed", order_id="o-1", text=secret, name=secret, rating=5, error=secret)
    try:
        {}["Zitronenfalter"]
    except KeyError as error:
        log.warning("failed", error=error)
        log.exception("failed")
        logging.getLogger("library").exception("it failed")
        logging.getLogger("kafka.client").error("Zitronenfalter is away")
log.debug("not_told")
"""


@pytest.fixture(scope="module")
def lines() -> list[dict[str, object]]:
    said = subprocess.run([sys.executable, "-c", SAY], capture_output=True, text=True, check=True, timeout=50).stderr
    assert "Zitronenfalter" not in said
    assert "Traceback" not in said
    return [json.loads(line) for line in said.splitlines()]


def test_content_is_withheld_and_ids_are_told(lines: list[dict[str, object]]) -> None:
    first = lines[0]
    assert (first["event"], first["service"], first["component"], first["order_id"]) == (
        "order_placed",
        "shop",
        "till",
        "o-1",
    )
    assert {first[key] for key in ("text", "name", "rating", "error")} == {"[withheld]"}
    assert first["trace_id"] == "0af7651916cd43dd8448eb211c80319c"


def test_exceptions_are_told_by_class_and_place(lines: list[dict[str, object]]) -> None:
    assert len(lines) == 4
    for line in lines[1:]:
        assert line["error_class"] == "builtins.KeyError"
        assert line["error_at"] == "<string>:10"
        assert line["error_way"] == ["<string>:10"]


@pytest.mark.parametrize(
    "traceparent",
    [
        None,
        "",
        "00-0-0-01",
        "00-" + "0" * 32 + "-b7ad6b7169203331-01",
        "01-" + "a" * 32 + "-" + "b" * 16 + "-01",
        "x" * 500,
    ],
)
def test_a_trace_begins_anew_where_none_is_told(traceparent: str | None) -> None:
    trace = telemetry.begin_trace(traceparent)
    assert len(trace.trace_id) == 32
    assert trace.correlation_id == trace.trace_id
    assert trace.traceparent.startswith(f"00-{trace.trace_id}-{trace.span_id}-")


def test_a_trace_goes_on_with_a_span_of_its_own_and_ends_with_its_block() -> None:
    begun = telemetry.begin_trace("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00", correlation_id="c")
    assert (begun.trace_id, begun.correlation_id) == ("0af7651916cd43dd8448eb211c80319c", "c")
    assert begun.span_id != "b7ad6b7169203331"
    with telemetry.tracing(begun):
        assert telemetry.current_trace() is begun
    assert telemetry.current_trace().trace_id != begun.trace_id


METRICS = """
from reviewbus import telemetry
telemetry.REQUESTS.labels("GET", "/v1/things", "200").observe(0.1)
telemetry.OUTBOX_SENT.inc()
telemetry.JOBS.labels("mail", "done").inc()
print(telemetry.render_metrics(loops=LOOPS)[0].decode())
"""


@pytest.mark.parametrize("processes", ["one process", "several processes"])
@pytest.mark.parametrize("loops", [True, False], ids=["of loops", "of web"])
def test_what_loops_count_is_on_their_page_alone(tmp_path: Path, processes: str, *, loops: bool) -> None:
    shared = {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)} if processes == "several processes" else {}
    program = METRICS.replace("LOOPS", str(loops))
    env = os.environ | shared
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=env).stdout
    assert 'http_request_seconds_count{method="GET",route="/v1/things",status="200"} 1.0' in said
    figures = [line for line in said.splitlines() if line.startswith(("outbox_", "jobs_", "consumed_", "dead_"))]
    assert (bool(figures), "outbox_sent_total 1.0" in figures) == (loops, loops)


def test_an_unarmed_crash_point_is_passed() -> None:
    crash_point("relay-after-ack")
    arm("another")
    crash_point("relay-after-ack")
    arm("")
    crash_point("another")


def test_an_armed_crash_point_kills_once(tmp_path: pytest.TempPathFactory) -> None:
    marker = f"{tmp_path}/died"
    program = f"from reviewbus import crash; crash.arm('here', {marker!r}); crash.crash_point('here'); print('alive')"
    ends = [
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=50, check=False)
        for _ in range(2)
    ]
    assert [(one.returncode, one.stdout) for one in ends] == [(-9, ""), (0, "alive\n")]
