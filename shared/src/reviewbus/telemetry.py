"""Logs, metrics and trace context: ids and figures only, never content.

A trace is carried by the W3C `traceparent` header through HTTP and Kafka. Loggers bind nothing but ids; a key that
could hold content is refused while developing, because a log line with a text in it cannot be taken back.
"""

from __future__ import annotations

import logging
import os
import re
import secrets
import sys
import traceback
from contextlib import contextmanager
from contextvars import ContextVar, Token
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

if TYPE_CHECKING:
    from collections.abc import Iterator, MutableMapping

    from prometheus_client import Metric

ERROR_FRAMES_MAX = 12
_TRACEPARENT = re.compile(r"^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$")
_CONTENT_KEYS = frozenset({"text", "name", "email", "answer", "answers", "comment", "rating", "token", "body", "title"})


@dataclass(frozen=True, slots=True)
class Trace:
    """Where the present work belongs: the trace, its span, what it all began with, and what caused it directly."""

    trace_id: str
    span_id: str
    correlation_id: str
    causation_id: str | None = None

    @property
    def traceparent(self) -> str:
        """Return the W3C header that continues this trace."""
        return f"00-{self.trace_id}-{self.span_id}-01"


_current: ContextVar[Trace | None] = ContextVar("trace", default=None)


def begin_trace(
    traceparent: str | None, *, correlation_id: str | None = None, causation_id: str | None = None
) -> Trace:
    """Continue the trace named by `traceparent`, or begin one where it is absent or malformed."""
    match = _TRACEPARENT.match(traceparent or "")
    trace_id = match.group(1) if match and set(match.group(1)) != {"0"} else secrets.token_hex(16)
    return Trace(trace_id, secrets.token_hex(8), correlation_id or trace_id, causation_id)


@contextmanager
def tracing(trace: Trace) -> Iterator[Trace]:
    """Make `trace` the current one for the block."""
    token = _current.set(trace)
    try:
        yield trace
    finally:
        _current.reset(token)


def attach(trace: Trace) -> Token[Trace | None]:
    """Make `trace` the current one until `detach`, for a request whose begin and end are separate calls."""
    return _current.set(trace)


def detach(token: Token[Trace | None] | None) -> None:
    """Undo `attach`."""
    if token is not None:
        _current.reset(token)


def current_trace() -> Trace:
    """Return the current trace, or a new one where none was begun."""
    return _current.get() or begin_trace(None)


def configure_logging(service: str, level: str = "INFO") -> None:
    """Send structured logs as JSON lines to standard error; other libraries' logs go the same way."""
    shared = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _with_trace(service),
    ]
    structlog.configure(
        processors=[
            *shared,
            _refuse_content,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _refuse_content,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    # The client's own accounts of a broker that is away repeat many times a second; the loops say it once.
    logging.getLogger("kafka").setLevel(logging.CRITICAL)


def logger(name: str) -> Any:
    """Return a structured logger: `log.info("order_placed", order_id=…)`."""
    return structlog.get_logger(component=name)


def _with_trace(service: str) -> Any:
    def add(_: Any, __: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        line["service"] = service
        trace = _current.get()
        if trace is not None:
            line["trace_id"] = trace.trace_id
            line["correlation_id"] = trace.correlation_id
        return line

    return add


def _refuse_content(_: Any, __: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key in _CONTENT_KEYS & line.keys():
        line[key] = "[withheld]"
    # An exception's text may quote a row; its class and its way are enough to find it.
    error = line.pop("error", None)
    raised = line.pop("exc_info", None)
    if error is None and raised:
        error = raised if isinstance(raised, BaseException) else (raised if raised is not True else sys.exc_info())[1]
    if isinstance(error, BaseException):
        line["error_class"] = f"{type(error).__module__}.{type(error).__qualname__}"
        way = _way(error)
        line["error_at"] = way[-1] if way else ""
        line["error_way"] = way[-ERROR_FRAMES_MAX:]
    elif error is not None:
        line["error"] = "[withheld]"
    return line


def _way(error: BaseException) -> list[str]:
    """Return the places that the exception passed, the innermost last."""
    frames = traceback.extract_tb(error.__traceback__)
    return [f"{frame.filename}:{frame.lineno}" for frame in frames]


REQUESTS = Histogram("http_request_seconds", "Duration of HTTP requests", ["method", "route", "status"])
OUTBOX_ROWS = Gauge("outbox_rows", "Rows that wait in the outbox", multiprocess_mode="mostrecent")
OUTBOX_AGE = Gauge("outbox_oldest_seconds", "Age of the oldest row in the outbox", multiprocess_mode="mostrecent")
OUTBOX_SENT = Counter("outbox_sent_total", "Records that the broker acknowledged")
OUTBOX_FAILED = Counter("outbox_failed_total", "Records that the broker did not acknowledge", ["permanent"])
PUBLISH_SECONDS = Histogram("outbox_publish_seconds", "Time from reading a round to its last acknowledgement")
CONSUMED = Counter("consumed_total", "Records applied", ["type"])
SKIPPED = Counter("consumed_unknown_total", "Records of types nobody here subscribes to", ["type"])
DUPLICATES = Counter("consumed_duplicate_total", "Records that the inbox had seen")
CONSUMER_LAG = Gauge("consumer_lag_records", "Records that wait for the group", multiprocess_mode="mostrecent")
CONSUMER_REPLACED = Counter("consumer_replaced_total", "Clients that failed or stood still, and were replaced", ["why"])
DEAD_LETTERS = Counter("dead_letters_total", "Records put aside with their key parked", ["reason"])
JOBS = Counter("jobs_total", "Jobs by kind and outcome", ["kind", "outcome"])
INVARIANT_VIOLATIONS = Counter(
    "invariant_violations_total", "What the audit sweep found against the invariants", ["kind"]
)
RECONCILED = Counter("reconciled_total", "Commands that were sent again", ["kind"])
_LOOPS: tuple[Counter | Gauge | Histogram, ...] = (OUTBOX_ROWS, OUTBOX_AGE, OUTBOX_SENT, OUTBOX_FAILED, PUBLISH_SECONDS)
_LOOPS += (CONSUMED, SKIPPED, DUPLICATES, CONSUMER_LAG, CONSUMER_REPLACED, DEAD_LETTERS, JOBS, RECONCILED)
_LOOPS_NAMES = frozenset(each.name for one in _LOOPS for each in one.describe())


class _WithoutLoops(CollectorRegistry):
    """Another registry without what relay, consume and work alone count: elsewhere it would stay at 0 for ever."""

    def __init__(self, registry: CollectorRegistry) -> None:
        super().__init__()
        self._whole = registry

    def collect(self) -> Iterator[Metric]:
        return (one for one in self._whole.collect() if one.name not in _LOOPS_NAMES)


def render_metrics(*, loops: bool) -> tuple[bytes, str]:
    """Return the metrics page and its content type, over all worker processes where they share a folder.

    `loops`: whether this is the page of a process that runs them.
    """
    registry = REGISTRY
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry if loops else _WithoutLoops(registry)), CONTENT_TYPE_LATEST
