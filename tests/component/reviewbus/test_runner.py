"""The verbs of a service's console script, run as processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import httpx
import pytest
import sqlalchemy as sa

from component.reviewbus import toy, toy_main
from harness.stack.ports import free_port
from reviewbus import dead_letters, migrate, quarantine, runner, verbs
from reviewbus.auth import DEVELOPMENT_ISSUER, DevelopmentIssuer
from reviewbus.tables import dead_letter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.stack import ServiceDatabase
    from reviewbus.db import Database

MAIN = Path(__file__).with_name("toy_main.py")
TESTS = MAIN.parents[2]
PATIENCE_S = 50


def environment(database: ServiceDatabase, **more: str) -> dict[str, str]:
    settings = {
        "REVIEW_TOY_DATABASE_URL": database.url,
        "REVIEW_TOY_MIGRATION_URL": database.migrations_url,
        "REVIEW_ENVIRONMENT": "development",
        "REVIEW_JWT_ISSUER": DEVELOPMENT_ISSUER,
        "REVIEW_JWT_AUDIENCE": "review-system",
        "REVIEW_JWKS": "none.json",
        "PYTHONPATH": str(TESTS),
    }
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("REVIEW_", "COV_"))}
    return {**inherited, **settings, **more}


def test_without_its_settings_a_verb_says_which_is_missing() -> None:
    bare = {name: value for name, value in os.environ.items() if not name.startswith("REVIEW_")}
    ended = subprocess.run(
        [sys.executable, str(MAIN), "check"],
        env={**bare, "PYTHONPATH": str(TESTS)},
        timeout=PATIENCE_S,
        check=False,
        capture_output=True,
        text=True,
    )
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert "REVIEW_" in ended.stderr


def run(database: ServiceDatabase, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(MAIN), *arguments],
        env=environment(database, **more),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


def act(database: ServiceDatabase, monkeypatch: pytest.MonkeyPatch, *arguments: str, **more: str) -> int:
    """Run a verb that ends by itself in this process, which saves the start of one."""
    for name, value in environment(database, **more).items():
        if name.startswith(("REVIEW_", "TOY_")):
            monkeypatch.setenv(name, value)
    service = toy_main.build()
    try:
        return verbs.run(runner.parser("toy").parse_args(arguments), service)
    finally:
        service.db.close()


@pytest.fixture
def started() -> Iterator[list[subprocess.Popen[str]]]:
    """Take processes that must not outlive the test."""
    processes: list[subprocess.Popen[str]] = []
    yield processes
    for process in processes:
        process.kill()
        process.communicate(timeout=PATIENCE_S)


def start(database: ServiceDatabase, verb: str, **more: str) -> subprocess.Popen[str]:
    command = [sys.executable, str(MAIN), verb]
    return subprocess.Popen(command, env=environment(database, **more), stderr=subprocess.PIPE, text=True)


def read_until(stream: IO[str] | None, event: str) -> dict[str, Any]:
    """Return the first log line of this event."""
    assert stream is not None
    for line in stream:
        if line.startswith("{") and (found := json.loads(line))["event"] == event:
            return dict(found)
    raise AssertionError(f"{event} was not logged")


def test_migrate_brings_the_schema_up_and_may_be_repeated(
    own_database: ServiceDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = sa.create_engine(own_database.migrations_url, poolclass=sa.NullPool)
    migrate.downgrade(toy.MIGRATIONS, own_database.migrations_url, "base")
    done = run(own_database, "migrate")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert act(own_database, monkeypatch, "migrate") == 0
    assert {"outbox", "inbox_default", "applied"} <= set(sa.inspect(engine).get_table_names())
    engine.dispose()


def test_check_says_what_it_found_by_its_exit_status(
    database: ServiceDatabase, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert act(database, monkeypatch, "check") == 0
    assert act(database, monkeypatch, "check", TOY_FAULT="finding") == 1
    assert '{"kind": "orphan", "id": "k"}\n' in capsys.readouterr().out


def test_check_after_a_restore_lifts_the_quarantine_when_all_is_moved(
    database: ServiceDatabase, db: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with db.begin() as tx:
        quarantine.begin(tx)
    assert act(database, monkeypatch, "check", "--restored") == 0
    assert capsys.readouterr().out == '{"moved": 3}\n'
    with db.begin() as tx:
        assert not quarantine.active(tx)


def test_dead_letters_are_listed_shown_replayed_and_discarded(
    database: ServiceDatabase, db: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def dlq(*arguments: str) -> list[dict[str, Any]]:
        capsys.readouterr()
        assert act(database, monkeypatch, "dlq", *arguments) == 0
        return [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith('{"')]

    with db.begin() as tx:
        for n, key in enumerate(("a", "b")):
            dead_letters.put_aside(tx, toy.record(key, n, offset=n, partition=0), status="dead", reason="KeyError")
        first, second = tx.execute(sa.select(dead_letter.c.id).order_by(dead_letter.c.id)).scalars()
    assert [letter["key"] for letter in dlq("list")] == ["a", "b"]
    assert dlq("show", str(first))[0]["body"] == '{"thing_id": "a", "n": 0}'
    assert dlq("replay", str(first), "--actor", "olga") == [{"done": "replay", "applied": 1}]
    assert dlq("discard", str(second)) == [{"done": "discard", "applied": 0}]
    assert toy.noted(db) == [("a", 0)]
    assert act(database, monkeypatch, "dlq", "show", "4711") == 1
    assert "dlq list" in capsys.readouterr().err


def test_crash_points_are_refused_in_production(database: ServiceDatabase) -> None:
    refused = run(database, "work", REVIEW_CRASH_POINT="relay-after-ack", REVIEW_ENVIRONMENT="production")
    assert refused.returncode == 2
    assert "REVIEW_CRASH_POINT" in refused.stderr


def test_a_missing_setting_is_named(database: ServiceDatabase) -> None:
    refused = run(database, "check", REVIEW_TOY_WEB_WORKERS="many")
    assert refused.returncode != 0
    assert "REVIEW_TOY_WEB_WORKERS" in refused.stderr


def test_a_loop_ends_cleanly_when_it_is_told_to(
    database: ServiceDatabase, started: list[subprocess.Popen[str]]
) -> None:
    port = free_port()
    process = start(database, "work", REVIEW_TOY_HEALTH_PORT=str(port))
    started.append(process)
    read_until(process.stderr, "loops_started")
    assert httpx.get(f"http://127.0.0.1:{port}/healthz").status_code == 200
    assert httpx.get(f"http://127.0.0.1:{port}/readyz").status_code == 200
    assert "outbox_sent_total " in httpx.get(f"http://127.0.0.1:{port}/metrics").text
    process.send_signal(signal.SIGTERM)
    assert read_until(process.stderr, "loops_stopped")["failed"] is False
    assert process.wait(PATIENCE_S) == 0


def test_a_loop_whose_database_is_away_waits_and_still_ends_cleanly(
    database: ServiceDatabase, started: list[subprocess.Popen[str]]
) -> None:
    away = sa.make_url(database.url).set(port=1).render_as_string(hide_password=False)
    process = start(database, "work", REVIEW_TOY_DATABASE_URL=away)
    started.append(process)
    assert read_until(process.stderr, "loop_waits")["loop"] == "work"
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE_S) == 0


def test_a_fault_that_will_not_pass_ends_the_process_without_telling_its_text(
    database: ServiceDatabase, started: list[subprocess.Popen[str]]
) -> None:
    process = start(database, "work", TOY_FAULT="bug")
    started.append(process)
    _, said = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1
    assert toy.SECRET not in said
    failed = next(line for line in map(json.loads, said.splitlines()) if line["event"] == "loop_failed")
    assert failed["error_class"] == "builtins.KeyError"
    assert "toy_main.py" in failed["error_at"]


def test_web_serves_until_it_is_told_to_stop(
    database: ServiceDatabase, db: Database, tmp_path: Path, started: list[subprocess.Popen[str]]
) -> None:
    port, issuer = free_port(), DevelopmentIssuer(tmp_path)
    home = {"HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path)}
    process = start(database, "web", REVIEW_TOY_PORT=str(port), REVIEW_JWKS=str(issuer.jwks), **home)
    started.append(process)
    transport = httpx.HTTPTransport(retries=8)  # waits 0, 0.5, 1, 2, 4 … seconds for the port
    headers = {"Authorization": f"Bearer {issuer.token('p')}", "Idempotency-Key": "one"}
    with httpx.Client(transport=transport, base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
        assert client.get("/readyz").status_code == 200
        answer = client.post("/v1/things/k/order", json={"n": 1}, headers=headers)
        assert (answer.status_code, answer.headers["Location"]) == (202, "/v1/things/k")
        figures = client.get("/metrics").text
        assert 'http_request_seconds_count{method="POST"' in figures
        assert "outbox" not in figures
        assert client.get("/nowhere", headers=headers).json()["code"] == "not-found"
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, said
    assert not list(tmp_path.rglob("*.ctl"))
    assert toy.numbers(db, "k") == [1]
