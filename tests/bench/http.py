"""One write through HTTP: a command on the chassis beside bare Flask and SQLAlchemy Core with the same statements.

Both are served by gunicorn with two processes of eight threads. The command reads a row under its lock, writes it,
emits an event, keeps an audit line and the answer under its idempotency key; the bare app does the same five
statements and nothing else: no token, no checks, no shapes.
"""

from __future__ import annotations

import http.client
import json
import multiprocessing
import os
import sys
import threading
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from bench.figures import Figure
from bench.ground import add_items, keys, prepare
from harness.eventually import eventually
from harness.stack.children import spawn
from harness.stack.ports import answers, free_port
from reviewbus.broker.client import KafkaBroker
from reviewbus.relay import COALESCE_S, Relay

if TYPE_CHECKING:
    from pathlib import Path

    from bench.ground import Ground
    from harness.stack import Stack

SECONDS = 8.0
CLIENT_THREADS = 16
ITEMS = 2_000


def write(stack: Stack, folder: Path) -> list[Figure]:
    """Measure writes a second: bare, ours without a relay, ours beside one."""
    bare = _rate(prepare(stack, folder, "http_bare"), folder, "bench.bare", relay=False)
    alone = _rate(prepare(stack, folder, "http"), folder, "bench.command", relay=False)
    beside = _rate(prepare(stack, folder, "http_relay"), folder, "bench.command", relay=True)
    return [
        Figure(
            name="One write through HTTP, relay off", value=alone, unit="/s", raw=bare, bar=0.6 * bare, at_least=True
        ),
        Figure(name="One write through HTTP, relay on", value=beside, unit="/s", raw=bare),
        Figure(name="Share of bare Flask + Core, relay off", value=alone / bare, unit="of it", bar=0.6, at_least=True),
    ]


def _rate(ground: Ground, folder: Path, module: str, *, relay: bool) -> float:
    ids = [str(one) for one in keys(ITEMS)]
    add_items(ground, ids)  # type: ignore[arg-type]
    port = free_port()
    settings = ground.settings
    environment = {
        **os.environ,
        "REVIEW_ENVIRONMENT": "development",
        "REVIEW_DATABASE_URL": settings.database_url,
        "REVIEW_KAFKA_BOOTSTRAP": settings.kafka_bootstrap,
        "REVIEW_JWT_ISSUER": settings.jwt_issuer,
        "REVIEW_JWT_AUDIENCE": settings.jwt_audience,
        "REVIEW_JWKS": settings.jwks,
        "REVIEW_PORT": str(port),
        "REVIEW_LOG_LEVEL": "ERROR",
    }
    command = [sys.executable, "-m", module, "web"]
    server = spawn(module, command, log=folder / f"{module}.log", env=environment)
    stop = threading.Event()
    relaying = threading.Thread(target=_relay, args=(ground, stop))
    try:
        eventually(lambda: server.check() and answers(port), 30, what=f"{module}", why=server.log_tail)
        token = ground.issuer.token("p-helen", ["hr_admin"])
        if relay:
            relaying.start()
        _load(port, token, ids, 2.0)
        return _load(port, token, ids, SECONDS)
    finally:
        stop.set()
        if relay:
            relaying.join()
        server.stop()


def _load(port: int, token: str, ids: list[str], seconds: float) -> float:
    """Send writes from a process of its own and return how many a second were answered with success."""
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    url = f"http://127.0.0.1:{port}"
    sender = multiprocessing.get_context("spawn").Process(target=_send, args=(url, token, ids, seconds, theirs))
    sender.start()
    done, refused, took = ours.recv()
    sender.join()
    if refused:
        raise RuntimeError(f"{refused} of {done + refused} writes were refused")
    return float(done / took)


def _send(url: str, token: str, ids: list[str], seconds: float, answer: Any) -> None:
    address = urlsplit(url)
    done, refused = [0] * CLIENT_THREADS, [0] * CLIENT_THREADS
    began = time.monotonic()

    def work(mine: int) -> None:
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=30)
        turn = mine
        while time.monotonic() < began + seconds:
            turn += CLIENT_THREADS
            headers = {
                "Authorization": f"Bearer {token}",
                "Content-Type": "application/json",
                "Idempotency-Key": f"{began}-{turn}",
            }
            body = json.dumps({"amount": 1})
            connection.request("POST", f"/v1/items/{ids[turn % len(ids)]}/raise", body, headers)
            response = connection.getresponse()
            response.read()
            (done if response.status == http.client.OK else refused)[mine] += 1

    threads = [threading.Thread(target=work, args=(number,)) for number in range(CLIENT_THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    answer.send((sum(done), sum(refused), time.monotonic() - began))


def _relay(ground: Ground, stop: threading.Event) -> None:
    producer = KafkaBroker(ground.settings).producer()
    relay = Relay(ground.settings, producer)
    while not stop.is_set():
        if relay.run_once():
            stop.wait(COALESCE_S)
        else:
            relay.wait(0.2)
    relay.close()
    producer.close()
