"""The raw ceiling of a bulk release: as many rows and records by psycopg and kafka-python alone, no decisions.

The same processes hand the same topics on: one commands in chunks, a second database answers, the first one ends it,
two more follow. Each takes a batch in by few statements, one for each table that ours write, and relays send on.
"""

from __future__ import annotations

import json
import multiprocessing
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg

from bench import raw
from bench.ground import Ground, add_items, keys, prepare, relay_for_ever
from reviewbus.clock import new_id
from reviewbus.outbox import CHANNEL

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from harness.stack import Stack

COMMANDS, ANSWERS, ENDS, OPENED = (f"bench.bulk.{each}" for each in ("commands", "answers", "ends", "opened"))
CHUNK, BATCH, IN_FLIGHT = 250, 500, 2_000
DONE = 2
TIMEOUT_S = 300.0
_BESIDE = "create table beside (id bigint generated always as identity primary key, review_id uuid, body jsonb)"
_INDEX = "create index on item (n)"
_INBOX = "insert into inbox (event_id) select unnest(%s::uuid[]) on conflict do nothing"
_ITEMS = "update item set n = %s where id = any(%s)"
_KEEP = "insert into beside (review_id, body) select k, %s::jsonb from unnest(%s::uuid[]) k"
_EMIT = (
    "insert into outbox (event_id, topic, key, shard, type, headers, body) select e.id, %s, e.key, 0, 'bench',"
    " jsonb_build_object('ce_id', e.id), convert_to(jsonb_build_object('review_id', e.key, 'said', %s::text)::text,"
    " 'UTF8') from unnest(%s::uuid[], %s::text[]) as e (id, key)"
)
# What a record and a row of ours are long, roughly.
_WORDS = "x" * 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """What one consumer does with a record: how many rows beside the review's own, and what it tells."""

    settings: Any
    reads: str
    beside: int
    writes: str | None = None
    ends_with: int = 1


def seconds(stack: Stack, folder: Path, count: int) -> float:
    """Return how long a bulk release of so many takes at least."""
    stack.kafka.create_topics(dict.fromkeys((COMMANDS, ANSWERS, ENDS, OPENED), 12))
    packets, assessment, signing, notifications = (
        prepare(stack, folder, f"ceiling_{name}", _BESIDE, _INDEX)
        for name in ("packets", "assessment", "signing", "notifications")
    )
    ids = keys(count)
    for each in (packets, assessment, signing, notifications):
        add_items(each, ids)
    hops = (
        Hop(settings=assessment.settings, reads=COMMANDS, beside=0, writes=ANSWERS),
        # History, the item of the command, the PDF's job.
        Hop(settings=packets.settings, reads=ANSWERS, beside=3, writes=ENDS, ends_with=DONE),
        Hop(settings=signing.settings, reads=ENDS, beside=0, writes=OPENED),
        # A task that goes and two that come, three mails and their jobs.
        Hop(settings=notifications.settings, reads=ENDS, beside=3),
        Hop(settings=notifications.settings, reads=OPENED, beside=6),
    )
    spawning = multiprocessing.get_context("spawn")
    ready = spawning.Semaphore(0)
    loops = [spawning.Process(target=_hop, args=(each, ready), daemon=True) for each in hops]
    loops += [
        spawning.Process(target=relay_for_ever, args=(each.settings, ready), daemon=True)
        for each in (packets, assessment, signing)
    ]
    for loop in loops:
        loop.start()
    for _ in loops:
        ready.acquire(timeout=60)
    try:
        return _command(packets, ids)
    finally:
        for loop in loops:
            loop.kill()
            loop.join()


def _command(ground: Ground, ids: Sequence[Any]) -> float:
    began = time.perf_counter()
    with psycopg.connect(ground.url) as connection, psycopg.connect(ground.url, autocommit=True) as saying:
        left = list(ids)
        while left:
            if time.perf_counter() - began > TIMEOUT_S:
                raise TimeoutError(COMMANDS)
            if _in_flight(saying) + CHUNK > IN_FLIGHT:
                time.sleep(0.01)
                continue
            chunk, left = left[:CHUNK], left[CHUNK:]
            # History, audit, the item of the command.
            _apply(connection, chunk, 3, 1, COMMANDS)
            connection.commit()
            saying.execute(f"notify {CHANNEL}")
        ended = "select count(*) from item where n <> %s"
        while saying.execute(ended, (DONE,)).fetchone() != (0,):
            if time.perf_counter() - began > TIMEOUT_S:
                raise TimeoutError(ended)
            time.sleep(0.1)
    return time.perf_counter() - began


def _in_flight(connection: psycopg.Connection[Any]) -> int:
    row = connection.execute("select count(*) from item where n = 1").fetchone()
    return row[0] if row else 0


def _apply(connection: psycopg.Connection[Any], ids: Sequence[Any], beside: int, state: int, topic: str | None) -> None:
    connection.execute(_ITEMS, (state, ids), prepare=True)
    for _ in range(beside):
        connection.execute(_KEEP, (json.dumps({"said": _WORDS[:100]}), ids), prepare=True)
    if topic is not None:
        words = (topic, _WORDS, [new_id() for _ in ids], [str(each) for each in ids])
        connection.execute(_EMIT, words, prepare=True)


def _hop(hop: Hop, ready: Any) -> None:
    ground = Ground(None, hop.settings, None)  # type: ignore[arg-type]
    client = raw.consumer(hop.settings.kafka_bootstrap, f"ceiling-{new_id()}", [hop.reads])
    while not client.assignment():
        client.poll(timeout_ms=100)
    ready.release()
    with psycopg.connect(ground.url) as connection, psycopg.connect(ground.url, autocommit=True) as saying:
        while True:
            batch = raw.records(client, BATCH)
            if not batch:
                continue
            connection.execute(_INBOX, ([raw.event_id(each) for each in batch],), prepare=True)
            ids = [raw.content(each)["review_id"] for each in batch]
            _apply(connection, ids, hop.beside, hop.ends_with, hop.writes)
            connection.commit()
            saying.execute(f"notify {CHANNEL}")
            raw.commit(client, batch)
