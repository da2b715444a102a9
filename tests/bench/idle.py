"""An idle release: from RELEASING committed to RELEASED, on the real system, beside the raw pipeline.

The raw pipeline makes the same four hops — command row, relay, consumer that writes the answer, relay, consumer that
writes the end — with psycopg and kafka-python alone, each loop in a process of its own.
"""

from __future__ import annotations

import multiprocessing
import time
from typing import TYPE_CHECKING, Any

import psycopg

from bench import raw
from bench.figures import Figure, median, percentile
from bench.ground import Ground, add_items, keys, prepare, relay_for_ever
from harness.eventually import Polling
from harness.story import Story, expect
from harness.system import APART, Pace, System
from reviewbus.clock import new_id
from reviewbus.outbox import CHANNEL

if TYPE_CHECKING:
    from pathlib import Path

    from harness.stack import Stack

RELEASES = 200
WARM = 20
# Topics of its own: what the baseline writes is nothing that the services could read.
COMMANDS, ANSWERS = "bench.idle.commands", "bench.idle.answers"
_EMIT = (
    "insert into outbox (event_id, topic, key, shard, type, headers, body) "
    "values (%s, %s, %s, 0, 'bench', %s::jsonb, %s)"
)


def release(stack: Stack, folder: Path) -> list[Figure]:
    """Release and unrelease one packet again and again, one at a time, each from a system at rest."""
    raw_ms = _raw(stack, folder)
    with System.on(stack, var_dir=folder / "system", verbs=APART, pace=Pace(sweep_every_s=3600.0)) as system:
        ours_ms = _ours(system)
    name = "Idle release, RELEASING committed → RELEASED"
    return [
        Figure(name=f"{name}, p50", value=median(ours_ms), unit="ms", raw=median(raw_ms), bar=40),
        Figure(name=f"{name}, p99", value=percentile(ours_ms, 99), unit="ms", raw=percentile(raw_ms, 99), bar=150),
    ]


def _ours(system: System) -> list[float]:
    story = Story(system.gateway(), Polling())
    story.begin()
    story.select_questions()
    story.written()
    story.calibrate()
    url = system.database("packets").url.replace("+psycopg", "", 1)
    took: list[float] = []
    with psycopg.connect(url, autocommit=True) as connection:
        for number in range(RELEASES + WARM):
            story.send_to_manager()
            # What the last round left to do elsewhere — tasks, mails, signatures — is not part of an idle release.
            system.settle()
            expect(story.press_release(), 202)
            began = time.perf_counter()
            _until(connection, "released")
            if number >= WARM:
                took.append((time.perf_counter() - began) * 1000)
            expect(story.press_unrelease(), 202)
            _until(connection, "ready")
    return took


def _until(connection: psycopg.Connection[Any], state: str) -> None:
    deadline = time.monotonic() + 30
    while connection.execute("select state from packets limit 1", prepare=True).fetchone() != (state,):
        if time.monotonic() > deadline:
            raise TimeoutError(state)
        time.sleep(0.001)


def _raw(stack: Stack, folder: Path) -> list[float]:
    stack.kafka.create_topics({COMMANDS: 12, ANSWERS: 12})
    asking, answering = prepare(stack, folder, "idle_a"), prepare(stack, folder, "idle_b")
    ids = keys(RELEASES + WARM)
    add_items(asking, ids)
    spawning = multiprocessing.get_context("spawn")
    ready = spawning.Semaphore(0)
    loops = [
        spawning.Process(target=relay_for_ever, args=(asking.settings, ready), daemon=True),
        spawning.Process(target=relay_for_ever, args=(answering.settings, ready), daemon=True),
        spawning.Process(target=_answer_for_ever, args=(answering.settings, ready), daemon=True),
        spawning.Process(target=_end_for_ever, args=(asking.settings, ready), daemon=True),
    ]
    for loop in loops:
        loop.start()
    for _ in loops:
        ready.acquire(timeout=60)
    took: list[float] = []
    with psycopg.connect(asking.url) as writing, psycopg.connect(asking.url, autocommit=True) as reading:
        for key in ids:
            writing.execute("update item set n = 1 where id = %s", (key,))
            _emit(writing, COMMANDS, str(key))
            writing.commit()
            began = time.perf_counter()
            reading.execute(f"notify {CHANNEL}")
            while reading.execute("select n from item where id = %s", (key,), prepare=True).fetchone() != (2,):
                time.sleep(0.001)
            took.append((time.perf_counter() - began) * 1000)
    for loop in loops:
        loop.kill()
        loop.join()
    return took[WARM:]


def _emit(connection: psycopg.Connection[Any], topic: str, key: str) -> None:
    event_id = str(new_id())
    connection.execute(
        _EMIT, (event_id, topic, key, f'{{"ce_id": "{event_id}"}}', f'{{"review_id": "{key}"}}'.encode())
    )


def _answer_for_ever(settings: Any, ready: Any) -> None:
    def apply(connection: psycopg.Connection[Any], key: str) -> None:
        _emit(connection, ANSWERS, key)

    _consume(settings, COMMANDS, apply, ready)


def _end_for_ever(settings: Any, ready: Any) -> None:
    def apply(connection: psycopg.Connection[Any], key: str) -> None:
        connection.execute("update item set n = 2 where id = %s", (key,))

    _consume(settings, ANSWERS, apply, ready)


def _consume(settings: Any, topic: str, apply: Any, ready: Any) -> None:
    ground = Ground(None, settings, None)  # type: ignore[arg-type]
    client = raw.consumer(settings.kafka_bootstrap, f"raw-{topic}-{settings.database_url[-8:]}-{new_id()}", [topic])
    while not client.assignment():
        client.poll(timeout_ms=100)
    ready.release()
    with psycopg.connect(ground.url) as connection, psycopg.connect(ground.url, autocommit=True) as saying:
        while True:
            batch = raw.records(client, 500)
            for record in batch:
                key = record.key.decode()
                connection.execute(
                    "insert into inbox (event_id) values (%s) on conflict do nothing", (raw.event_id(record),)
                )
                apply(connection, key)
            if batch:
                connection.commit()
                saying.execute(f"notify {CHANNEL}")
                raw.commit(client, batch)
